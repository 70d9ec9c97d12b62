#include "selection.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "syncnorm/base/ascending.h"
#include "syncnorm/base/memory.h"
#include "syncnorm/base/missing.h"
#include "syncnorm/train/compare.h"

static double score_of(const sn_report_run *run, const void *context)
{
    (void)context;
    const size_t rows = run->run.epochs.rows;
    double sum = rows < run->last ? SN_MISSING : 0;
    for (size_t k = 1; k <= run->last && !isnan(sum); k++)
        sum += sn_report_epoch_value(run, "validation_accuracy", rows - k);
    return sum / (double)run->last;
}

/* ---- what was tuned ---- */

/* What is no setting to choose: what is compared, how long, by which images, by which chance. */
static bool can_be_tuned(const sn_experiment_option *option)
{
    static const char *const others[] = {"norm", "epochs", "steps",     "validation", "split-seed",
                                         "test", "seed",   "init-seed", "order-seed", "dropout-seed"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(option->name, others[i]) == 0) return false;
    return option->attribute != NULL;
}

static sn_status add_option(sn_selection *s, const char *name, size_t length)
{
    const int shown = (int)(length < 60 ? length : 60);
    size_t count;
    const sn_experiment_option *options = sn_experiment_options(&count);
    for (size_t i = 0; i < s->attribute_count; i++)
        if (strlen(s->options[i]) == length && strncmp(s->options[i], name, length) == 0)
            return sn_fail(SN_ERROR_USAGE, "--select: '%.*s' is there twice", shown, name);
    for (size_t i = 0; i < count; i++) {
        if (!can_be_tuned(&options[i]) || strlen(options[i].name) != length ||
            strncmp(options[i].name, name, length) != 0)
            continue;
        if (s->attribute_count == SN_TUNED_MAX)
            return sn_fail(SN_ERROR_USAGE, "--select: more than %d options", SN_TUNED_MAX);
        s->options[s->attribute_count] = options[i].name;
        s->attributes[s->attribute_count++] = options[i].attribute;
        return SN_OK;
    }
    return sn_fail(SN_ERROR_USAGE, "--select '%.*s': must be options that are settings, as lr or lr,l1",
                   shown, name);
}

static sn_status read_options(const char *options, sn_selection *s)
{
    for (const char *item = options;; item++) {
        const size_t length = strcspn(item, ",");
        SN_TRY(add_option(s, item, length));
        item += length;
        if (!*item) return SN_OK;
    }
}

/* ---- trials ---- */

/* Whether two groups have the same of all that was tuned. */
static bool same_setting(const sn_selection *s, const sn_report_group *a, const sn_report_group *b)
{
    for (size_t i = 0; i < s->attribute_count; i++)
        if (!sn_experiments_share(sn_report_experiment(a), sn_report_experiment(b), s->attributes[i]))
            return false;
    return true;
}

static sn_status check_held_out(const sn_report_runs *runs)
{
    for (size_t i = 0; i < runs->count; i++)
        if (runs->runs[i].complete && isnan(score_of(&runs->runs[i], NULL)))
            return sn_fail(SN_ERROR_USAGE,
                           "--select: %s was not evaluated on images held out (--validation N), and the test "
                           "set chooses nothing",
                           runs->runs[i].path);
    return SN_OK;
}

/* Which trials the group is one of; s->count: of none yet. */
static size_t find_trials(const sn_selection *s, const sn_report_runs *runs, const sn_report_group *group)
{
    size_t t = 0;
    while (t < s->count &&
           !sn_experiments_same_but(sn_report_experiment(&runs->groups[s->trials[t].groups[0]]),
                                    sn_report_experiment(group), s->attributes, s->attribute_count))
        t++;
    return t;
}

static sn_status begin_trials(sn_selection *s, const sn_report_runs *runs, const sn_report_group *group)
{
    sn_trials *t = &s->trials[s->count++];
    SN_TRY(SN_ALLOCATE(t->groups, runs->group_count, "the trials"));
    SN_TRY(SN_ALLOCATE(t->scores, runs->group_count, "the trials"));
    SN_TRY(SN_ALLOCATE(t->sorted, runs->group_count, "the trials"));
    SN_TRY(sn_experiment_name_without(sn_report_experiment(group), s->attributes, s->attribute_count,
                                      t->label, sizeof t->label));
    return sn_report_brief_name(runs, group, s->attributes, s->attribute_count, t->brief, sizeof t->brief);
}

/* The place of a value among those tried: number of different ones below and above it. */
static void find_edges(const sn_selection *s, const sn_report_runs *runs, sn_trials *t)
{
    for (size_t i = 0; i < s->attribute_count; i++) {
        const double mine = sn_attributes_number(sn_report_experiment(&runs->groups[t->groups[t->best]]),
                                                 s->attributes[i]);
        bool below = false, above = false;
        for (size_t k = 0; k < t->count; k++) {
            const double other = sn_attributes_number(sn_report_experiment(&runs->groups[t->groups[k]]),
                                                      s->attributes[i]);
            below = below || other < mine;
            above = above || other > mine;
        }
        t->tuned[i] = below || above;
        t->edge[i] = t->tuned[i] && !(below && above);
    }
}

/* Means of equal counts in another order differ by rounding. */
static const double ROUNDING = 1e-9; /* percent */

static void choose_best(const sn_selection *s, const sn_report_runs *runs, sn_trials *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->scores[i] > t->scores[t->best] + ROUNDING) t->best = i;
    memcpy(t->sorted, t->scores, t->count * sizeof *t->sorted);
    qsort(t->sorted, t->count, sizeof *t->sorted, sn_ascending);
    find_edges(s, runs, t);
}

/* Who names the wrong option would go on with all settings, the worst among them. */
static sn_status check_choice(const sn_report_runs *runs, const sn_selection *s)
{
    for (size_t t = 0; t < s->count; t++)
        if (s->trials[t].count > 1) return SN_OK;
    return sn_fail(SN_ERROR_USAGE, "--select: no two of these %zu experiments differ in %s%s alone",
                   runs->group_count, s->options[0], s->attribute_count > 1 ? " and the others" : "");
}

static sn_status collect(const sn_report_runs *runs, sn_selection *s)
{
    SN_TRY(SN_ALLOCATE(s->trials, runs->group_count, "the trials"));
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_report_group *group = &runs->groups[g];
        if (!group->complete) continue;
        const size_t at = find_trials(s, runs, group);
        if (at == s->count) SN_TRY(begin_trials(s, runs, group));
        sn_trials *t = &s->trials[at];
        t->groups[t->count] = g;
        t->scores[t->count++] = sn_report_mean(group, score_of, NULL);
    }
    if (s->count == 0) return sn_fail(SN_ERROR_FILE, "--select: no run is complete");
    SN_TRY(check_choice(runs, s));
    SN_TRY(SN_ALLOCATE(s->best, s->count, "the selection"));
    for (size_t t = 0; t < s->count; t++) {
        choose_best(s, runs, &s->trials[t]);
        s->best[t] = s->trials[t].groups[s->trials[t].best];
    }
    return SN_OK;
}

/* ---- the shared setting ---- */

/* The group of those trials with this one's setting; count where there is none. */
static size_t with_setting(const sn_selection *s, const sn_report_runs *runs, const sn_trials *t,
                           const sn_report_group *group)
{
    size_t i = 0;
    while (i < t->count && !same_setting(s, &runs->groups[t->groups[i]], group))
        i++;
    return i;
}

static sn_status choose_shared(const sn_report_runs *runs, sn_selection *s)
{
    double most = -HUGE_VAL;
    size_t *shared;
    SN_TRY(SN_ALLOCATE(shared, s->count, "the selection"));
    for (size_t i = 0; i < s->trials[0].count; i++) {
        const sn_report_group *group = &runs->groups[s->trials[0].groups[i]];
        double sum = 0;
        size_t have = 0;
        for (size_t t = 0; t < s->count; t++) {
            const size_t at = with_setting(s, runs, &s->trials[t], group);
            if (at == s->trials[t].count) break;
            sum += s->trials[t].scores[at];
            have++;
        }
        if (have < s->count || sum <= most + ROUNDING) continue;
        most = sum;
        for (size_t t = 0; t < s->count; t++)
            shared[t] = s->trials[t].groups[with_setting(s, runs, &s->trials[t], group)];
    }
    if (most > -HUGE_VAL)
        s->shared = shared;
    else
        sn_free(shared);
    return SN_OK;
}

sn_status sn_report_select(const sn_report_runs *runs, const char *options, sn_selection *selection)
{
    *selection = (sn_selection){0};
    SN_TRY(read_options(options, selection));
    SN_TRY(check_held_out(runs));
    SN_TRY(collect(runs, selection));
    return choose_shared(runs, selection);
}

void sn_selection_clear(sn_selection *s)
{
    for (size_t t = 0; t < s->count; t++) {
        sn_free(s->trials[t].groups);
        sn_free(s->trials[t].scores);
        sn_free(s->trials[t].sorted);
    }
    sn_free(s->trials);
    sn_free(s->best);
    sn_free(s->shared);
    *s = (sn_selection){0};
}

void sn_selection_setting(const sn_selection *s, const sn_report_group *group, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < s->attribute_count && used < size; i++) {
        char value[64] = "–";
        const sn_attribute *attribute = sn_attributes_find(sn_report_experiment(group), s->attributes[i]);
        if (attribute) sn_attribute_print(attribute, value, sizeof value);
        used += (size_t)snprintf(text + used, size - used, "%s%s %s", i ? ", " : "", s->options[i], value);
    }
}

/* The i-th smallest is the greatest of n with probability C(i - 1, n - 1) / C(N, n): from i = N downwards, each a factor from the one before. */
double sn_expected_best(const double *sorted, size_t count, size_t n)
{
    double share = (double)n / (double)count, sum = 0;
    for (size_t i = count; i >= n; i--) {
        sum += share * sorted[i - 1];
        if (i > 1) share *= (double)(i - n) / (double)(i - 1);
    }
    return sum;
}

sn_status sn_report_choose(const sn_report_runs *runs, const size_t *groups, size_t count, double margin,
                           sn_chosen *chosen)
{
    *chosen = (sn_chosen){.runs = *runs};
    SN_TRY(SN_ALLOCATE(chosen->groups, count, "the selection"));
    chosen->runs.groups = chosen->groups;
    chosen->runs.group_count = count;
    chosen->runs.baseline = 0;
    for (size_t i = 0; i < count; i++)
        chosen->groups[i] = runs->groups[groups[i]];
    return sn_report_pairs(&chosen->runs, margin, &chosen->pairs);
}

void sn_chosen_clear(sn_chosen *chosen)
{
    sn_report_pairs_clear(&chosen->pairs);
    sn_free(chosen->groups);
}
