/* The commands that train what was chosen, on fresh seeds and all training images. */

#include <inttypes.h>
#include <string.h>

#include "groups.h"
#include "sections.h"
#include "syncnorm/base/range.h"
#include "syncnorm/train/trainer.h"

static sn_status check_seeds(const sn_report_runs *runs, const char *seeds)
{
    for (const char *item = seeds;; item++) {
        uint64_t first, last;
        const size_t length = strcspn(item, ",");
        if (!sn_read_range(item, length, &first, &last) || first > last)
            return sn_fail(SN_ERROR_USAGE, "--emit-final '%.60s': must be seeds, like 11-20 or 7,9", seeds);
        for (size_t i = 0; i < runs->count; i++) {
            const uint64_t used = (uint64_t)runs->runs[i].seed;
            if (used >= first && used <= last)
                return sn_fail(SN_ERROR_USAGE,
                               "--emit-final '%.60s': seed %" PRIu64
                               " was tuned with: a final comparison wants fresh ones",
                               seeds, used);
        }
        item += length;
        if (!*item) return SN_OK;
    }
}

/* Another --seed would change nothing of what their own seeds are for. */
static sn_status check_own_seeds(const sn_report_runs *runs, const sn_selection *s)
{
    for (size_t t = 0; t < s->count; t++) {
        const sn_report_group *best = &runs->groups[s->best[t]];
        if (sn_report_has_own_seed(best))
            return sn_fail(SN_ERROR_USAGE,
                           "--emit-final: %s has seeds of its own (--init-seed, --order-seed or "
                           "--dropout-seed), which fresh seeds would not change: choose among runs without",
                           best->brief);
    }
    return SN_OK;
}

static void put_final(FILE *out, const sn_report_runs *runs, const sn_selection *s, size_t trials,
                      const char *seeds)
{
    char text[SN_CHOSEN_FROM_MOST], tuned[256] = "";
    const sn_report_run *run = runs->groups[s->best[trials]].runs;
    const sn_trials *t = &s->trials[trials];
    const size_t used_seeds = runs->groups[s->best[trials]].shown;
    size_t used = 0;
    for (size_t i = 0; i < s->attribute_count && used < sizeof tuned; i++)
        used += (size_t)snprintf(tuned + used, sizeof tuned - used, "%s%s", i ? "," : "", s->options[i]);
    snprintf(text, sizeof text, "%zu setting%s of %s, by %.2f %% of %.0f images held out, mean of %zu seed%s",
             t->count, t->count == 1 ? "" : "s", tuned, t->scores[t->best],
             sn_attributes_number(&run->run.experiment, "validation"), used_seeds,
             used_seeds == 1 ? "" : "s");
    sn_put_final(out, run, seeds, text);
    fputc('\n', out);
}

sn_status sn_final_commands(const sn_report_runs *runs, const sn_selection *selection, const char *seeds,
                            char **commands)
{
    size_t size;
    SN_TRY(check_seeds(runs, seeds));
    SN_TRY(check_own_seeds(runs, selection));
    FILE *out = open_memstream(commands, &size);
    for (size_t t = 0; out && t < selection->count; t++)
        put_final(out, runs, selection, t, seeds);
    if (out && fclose(out) == 0) return SN_OK;
    return sn_fail(SN_ERROR_MEMORY, "out of memory: the commands");
}
