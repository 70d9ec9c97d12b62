/* The setting at which a pair of a large study is compared, as options. */

#include <math.h>
#include <string.h>

#include "axes.h"
#include "groups.h"
#include "syncnorm/train/compare.h"

/* The batch of all groups that have another than `usual`, for each worker; 0 where those differ, or where there is none. */
static double grown_batch(const sn_report_runs *runs, double usual)
{
    double each = 0;
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_attributes *e = sn_report_experiment(&runs->groups[g]);
        const double batch = sn_attributes_number(e, "batch");
        const double mine = batch / sn_attributes_number(e, "workers");
        if (fabs(batch - usual) <= 0) continue;
        if (!(mine >= 1) || (each > 0 && fabs(mine - each) > 0)) return 0;
        each = mine;
    }
    return each;
}

typedef struct options {
    const sn_report_runs *runs;
    bool shards;
    double each; /* as of grown_batch() */
    FILE *out;
} options;

static void tell(void *context, const char *name, const char *value)
{
    const options *o = context;
    const char *attribute = sn_report_attribute_of(name);
    if (!attribute || !sn_attribute_identifies(attribute) || sn_attribute_is_of_norm(attribute) ||
        strcmp(attribute, "workers") == 0 || (strcmp(attribute, "shards") == 0 && !o->shards) ||
        sn_report_share(o->runs, attribute))
        return;
    if (ftell(o->out)) fputc(' ', o->out);
    if (strcmp(attribute, "batch") == 0 && o->each > 0)
        fprintf(o->out, "--batch-per-worker %g", o->each);
    else
        fprintf(o->out, "--%s%s%s", name, value ? " " : "", value ? value : "");
}

bool sn_begins_growth(const sn_report_group *group)
{
    return fabs(sn_attributes_number(sn_report_experiment(group), "batch") - SN_LR_BATCH) <= 0;
}

/* The group of the batch that rates are given for has nothing to scale by. Where its batch grows with the workers, and is spread over more
   nowhere, another of its line. */
static const sn_report_group *line_of(const sn_report_runs *runs, const sn_report_group *group)
{
    const sn_attributes *a = sn_report_experiment(group);
    const sn_report_group *grown = group;
    if (!sn_begins_growth(group)) return group;
    for (const sn_report_group *g = runs->groups; g < runs->groups + runs->group_count; g++) {
        const sn_attributes *b = sn_report_experiment(g);
        if (sn_experiments_share(a, b, "workers") || sn_experiments_respects(a, b) != 1) continue;
        if (sn_experiments_share(a, b, "batch")) return group;
        grown = g;
    }
    return grown;
}

bool sn_grows(const sn_report_runs *runs, const sn_report_group *group)
{
    const sn_report_group *line = line_of(runs, group);
    return !sn_begins_growth(line) && sn_attributes_number(sn_report_experiment(line), "workers") > 1 &&
           !sn_report_share(runs, "batch") && grown_batch(runs, SN_LR_BATCH) > 0;
}

void sn_setting_of(const sn_report_runs *runs, const sn_report_group *group, sn_respect respect,
                   char text[SN_SETTING])
{
    static sn_experiment experiment, usual;
    text[0] = '\0';
    if (sn_experiment_from_attributes(sn_report_experiment(line_of(runs, group)), &experiment) != SN_OK) {
        sn_error_clear();
        return;
    }
    sn_experiment_default(&usual);
    FILE *out = fmemopen(text, SN_SETTING, "w");
    if (!out) return;
    sn_experiment_tell_options(
        &experiment, tell,
        &(options){runs, respect != SN_RESPECT_SHARDS, grown_batch(runs, (double)usual.batch), out});
    fclose(out);
    text[SN_SETTING - 1] = '\0';
}
