/* Runs in groups of one experiment: sorted, named, recognized, and the one that the others are compared with. */

#include "groups.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "syncnorm/base/log.h"
#include "syncnorm/base/missing.h"
#include "syncnorm/train/compare.h"

static int compare_runs(const void *left, const void *right)
{
    const sn_report_run *a = left, *b = right;
    const int experiments = sn_experiments_order(&a->run.experiment, &b->run.experiment);
    if (experiments) return experiments;
    if (a->seed != b->seed) return (uint64_t)a->seed < (uint64_t)b->seed ? -1 : 1;
    if (a->complete != b->complete) return a->complete ? -1 : 1;
    return strcmp(a->path, b->path);
}

/* The name of its runs without the seed. */
static void label_group(sn_report_group *group)
{
    char seed[32];
    const int length = snprintf(seed, sizeof seed, "-s%llu", (unsigned long long)group->runs->seed);
    snprintf(group->label, sizeof group->label, "%.*s", SN_RUN_NAME_SIZE, group->runs->name);
    const size_t label = strlen(group->label);
    if (label > (size_t)length && strcmp(group->label + label - (size_t)length, seed) == 0)
        group->label[label - (size_t)length] = '\0';
}

/* "gn (epochs 4)": what a name leaves out is said where groups would have the same. */
static void add_difference(const sn_report_runs *runs, size_t g, char *label)
{
    const sn_report_group *group = &runs->groups[g];
    const sn_attributes *mine = sn_report_experiment(group);
    size_t used = strlen(label);
    const char *between = " (";
    for (size_t i = 0; i < mine->count; i++) {
        if (!sn_attribute_identifies(mine->items[i].name)) continue;
        bool differs = false;
        for (size_t k = 0; k < runs->group_count; k++)
            if (k != g && strcmp(runs->groups[k].label, group->label) == 0)
                differs = differs || !sn_experiments_share(mine, sn_report_experiment(&runs->groups[k]),
                                                           mine->items[i].name);
        if (!differs || used + 1 >= SN_REPORT_LABEL) continue;
        char value[64];
        if (strcmp(mine->items[i].name, "steps") == 0 && mine->items[i].integer == 0)
            continue; /* no limit of steps: the epochs are the length */
        if (mine->items[i].type == SN_VALUE_REAL)
            snprintf(value, sizeof value, "%.6g", mine->items[i].real);
        else
            sn_attribute_print(&mine->items[i], value, sizeof value);
        const int shown = strstr(mine->items[i].name, "digest") ? 8 : 24; /* of a digest */
        used += (size_t)snprintf(label + used, SN_REPORT_LABEL - used, "%s%s %.*s", between,
                                 mine->items[i].name, shown, value);
        between = ", ";
    }
    if (*between == ',' && used + 1 < SN_REPORT_LABEL) strcpy(label + used, ")");
}

static sn_status tell_labels_apart(sn_report_runs *runs)
{
    char(*labels)[SN_REPORT_LABEL] = malloc((runs->group_count + 1) * sizeof *labels);
    if (!labels) return sn_fail(SN_ERROR_MEMORY, "out of memory: the groups of runs");
    for (size_t g = 0; g < runs->group_count; g++) {
        memcpy(labels[g], runs->groups[g].label, SN_REPORT_LABEL);
        add_difference(runs, g, labels[g]);
    }
    for (size_t g = 0; g < runs->group_count; g++)
        memcpy(runs->groups[g].label, labels[g], SN_REPORT_LABEL);
    free(labels);
    return SN_OK;
}

/* ---- what all share ---- */

typedef struct common {
    const sn_report_runs *runs;
    FILE *out;
} common;

const char *sn_report_attribute_of(const char *option)
{
    size_t count;
    const sn_experiment_option *table = sn_experiment_options(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].name, option) == 0) return table[i].attribute;
    return NULL;
}

/* Whose running statistics evaluate where statistics are each worker's, which nothing else has; NULL: those differ, or there are none. */
static const char *shared_running_statistics(const sn_report_runs *runs)
{
    const char *shared = NULL;
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_attributes *mine = sn_report_experiment(&runs->groups[g]);
        if (strcmp(sn_report_text(mine, "bn_scope"), "worker") != 0) continue;
        const char *whose = sn_report_text(mine, "running_stats");
        if (shared && strcmp(shared, whose) != 0) return NULL;
        shared = whose;
    }
    return shared;
}

static bool is_common(const sn_report_runs *runs, const char *attribute)
{
    if (attribute && strcmp(attribute, "running_stats") == 0 && shared_running_statistics(runs)) return true;
    return attribute && strcmp(attribute, "norm") != 0 && sn_attribute_identifies(attribute) &&
           sn_report_share(runs, attribute);
}

static void tell_common(void *context, const char *name, const char *value)
{
    const common *c = context;
    if (!is_common(c->runs, sn_report_attribute_of(name))) return;
    fprintf(c->out, "%s--%s%s%s", ftell(c->out) ? " " : "", name, value ? " " : "", value ? value : "");
}

static bool is_brief_twice(const sn_report_runs *runs, size_t g)
{
    for (size_t k = 0; k < runs->group_count; k++)
        if (k != g && strcmp(runs->groups[k].brief, runs->groups[g].brief) == 0) return true;
    return false;
}

sn_status sn_report_brief_name(const sn_report_runs *runs, const sn_report_group *group,
                               const char *const *attributes, size_t count, char *name, size_t size)
{
    const sn_attributes *mine = sn_report_experiment(group);
    const char *without[2 * SN_EXPERIMENT_OPTIONS_MAX];
    size_t all = 0;
    for (; all < count && all < SN_EXPERIMENT_OPTIONS_MAX; all++)
        without[all] = attributes[all];
    for (size_t i = 0; i < mine->count && all < 2 * SN_EXPERIMENT_OPTIONS_MAX; i++)
        if (is_common(runs, mine->items[i].name)) without[all++] = mine->items[i].name;
    return sn_experiment_name_without(mine, without, all, name, size);
}

/* Names without what all share, which is said once. */
static sn_status name_briefly(sn_report_runs *runs)
{
    const sn_attributes *first = sn_report_experiment(&runs->groups[0]);
    for (size_t g = 0; g < runs->group_count; g++)
        memcpy(runs->groups[g].brief, runs->groups[g].label, SN_REPORT_LABEL);
    if (runs->group_count < 2) return SN_OK;
    for (size_t g = 0; g < runs->group_count; g++) {
        sn_report_group *group = &runs->groups[g];
        char whole[SN_REPORT_LABEL];
        const bool known = sn_experiment_name_without(sn_report_experiment(group), NULL, 0, whole,
                                                      sizeof whole) == SN_OK &&
                           strcmp(whole, group->label) == 0;
        if (known && sn_report_brief_name(runs, group, NULL, 0, group->brief, sizeof group->brief) == SN_OK)
            continue;
        sn_error_clear(); /* of another version, or with more in its label: it keeps that */
        memcpy(group->brief, group->label, SN_REPORT_LABEL);
    }
    bool twice = false; /* what a name does not say tells them apart */
    for (size_t g = 0; g < runs->group_count; g++)
        twice = twice || is_brief_twice(runs, g);
    for (size_t g = 0; twice && g < runs->group_count; g++)
        memcpy(runs->groups[g].brief, runs->groups[g].label, SN_REPORT_LABEL);

    for (size_t g = 0; g < runs->group_count; g++) /* in running text they would be links */
        for (char *c = runs->groups[g].brief; *c; c++)
            if ((unsigned char)*c < ' ') *c = 0x7f;

    static sn_experiment experiment;
    if (sn_experiment_from_attributes(first, &experiment) != SN_OK) {
        sn_error_clear();
        return SN_OK;
    }
    FILE *out = fmemopen(runs->common, sizeof runs->common, "w");
    if (!out) return sn_fail(SN_ERROR_MEMORY, "out of memory: the groups of runs");
    sn_experiment_tell_options(&experiment, tell_common, &(common){runs, out});
    const char *whose = shared_running_statistics(runs);
    if (whose && *whose && !sn_report_share(runs, "running_stats"))
        fprintf(out, "%s--running-stats %s where there is a choice", ftell(out) ? ", and " : "", whose);
    fclose(out);
    runs->common[sizeof runs->common - 1] = '\0';
    return SN_OK;
}

/* Whether every run of the group ended with an epoch: --steps may end one within. */
static bool has_whole_epochs(const sn_report_group *group)
{
    for (size_t i = 0; i < group->count; i++)
        if (group->runs[i].complete && sn_attributes_number(&group->runs[i].run.progress, "batch") > 0)
            return false;
    return true;
}

/* The published experiments are the presets on MNIST. */
static void recognize(sn_report_group *group)
{
    const sn_attributes *mine = sn_report_experiment(group);
    group->preset = sn_experiment_preset(mine);
    group->published_recipe = group->preset && strcmp(sn_report_text(mine, "dataset"), "MNIST") == 0 &&
                              has_whole_epochs(group);
}

static const char *const own_seeds[] = {"init_seed", "order_seed", "dropout_seed"};
enum { OWN_SEEDS = sizeof own_seeds / sizeof *own_seeds };

static size_t own_seeds_of(const sn_report_group *group)
{
    size_t count = 0;
    for (int i = 0; i < OWN_SEEDS; i++)
        count += sn_attributes_find(sn_report_experiment(group), own_seeds[i]) != NULL;
    return count;
}

bool sn_report_has_own_seed(const sn_report_group *group)
{
    return own_seeds_of(group) > 0;
}

static void mark_shown(sn_report_runs *runs, sn_report_group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        sn_report_run *run = &group->runs[i], *before = run - 1;
        run->repeats = i > 0 && (before->seed == run->seed || own_seeds_of(group) == OWN_SEEDS);
        group->complete = group->complete || run->complete;
        runs->repeated += run->repeats;
        runs->incomplete += !run->complete;
        if (run->repeats && run->complete && before->complete && strcmp(run->digest, before->digest) != 0) {
            runs->digests_differ = true;
            sn_log_warning("%s and %s are one experiment with different digests", before->path, run->path);
        } else if (run->repeats) {
            sn_log_note("%s and %s are of one experiment and seed: they count once", before->path, run->path);
        }
    }
    for (size_t i = 0; i < group->count; i++) {
        group->runs[i].shown = !group->runs[i].repeats && (group->runs[i].complete || !group->complete);
        group->shown += group->runs[i].shown;
    }
}

static bool has_plain_one(const sn_report_runs *runs, const sn_report_group *group)
{
    for (size_t g = 0; g < runs->group_count; g++)
        if (!sn_report_has_own_seed(&runs->groups[g]) &&
            sn_experiments_same_but(sn_report_experiment(&runs->groups[g]), sn_report_experiment(group),
                                    own_seeds, OWN_SEEDS))
            return true;
    return false;
}

/* Repetitions of an experiment that is there, with seeds of their own, go behind the groups that are compared, in their order. */
static void set_aside(sn_report_runs *runs)
{
    const size_t all = runs->group_count;
    size_t kept = 0;
    for (size_t g = 0; g < all; g++) {
        const sn_report_group group = runs->groups[kept];
        if (sn_report_has_own_seed(&group) && has_plain_one(runs, &group)) {
            memmove(&runs->groups[kept], &runs->groups[kept + 1], (all - kept - 1) * sizeof group);
            runs->groups[all - 1] = group;
            runs->aside++;
        } else {
            kept++;
        }
    }
    runs->group_count = kept;
}

sn_status sn_report_runs_group(sn_report_runs *runs)
{
    qsort(runs->runs, runs->count, sizeof *runs->runs, compare_runs);
    runs->groups = calloc(runs->count + 1, sizeof *runs->groups);
    runs->group_count = 0;
    if (!runs->groups) return sn_fail(SN_ERROR_MEMORY, "out of memory: the groups of runs");
    for (size_t first = 0, next; first < runs->count; first = next) {
        const sn_attributes *experiment = &runs->runs[first].run.experiment;
        for (next = first + 1; next < runs->count; next++)
            if (!sn_experiments_same(experiment, &runs->runs[next].run.experiment, NULL)) break;
        sn_report_group *group = &runs->groups[runs->group_count++];
        *group = (sn_report_group){.runs = &runs->runs[first], .count = next - first};
        label_group(group);
        recognize(group);
        mark_shown(runs, group);
    }
    set_aside(runs);
    sn_report_choose_styles(runs);
    SN_TRY(tell_labels_apart(runs));
    return name_briefly(runs);
}

/* Batch norm without a penalty, its statistics over the whole batch. */
static bool is_plain_synchronized(const sn_report_group *group)
{
    const sn_attributes *experiment = sn_report_experiment(group);
    const double scope = sn_experiment_scope_samples(experiment);
    return scope >= sn_attributes_number(experiment, "batch") &&
           !(sn_attributes_number(experiment, "l1") > 0);
}

/* The one asked for; or plain synchronized batch norm, which is what the others are to be compared with; or the first. Groups are
   sorted, the plainest first. */
bool sn_report_runs_choose_baseline(sn_report_runs *runs, const char *label)
{
    for (size_t g = 0; g < runs->group_count; g++)
        if (label ? strcmp(runs->groups[g].label, label) == 0 || strcmp(runs->groups[g].brief, label) == 0
                  : runs->groups[g].complete && is_plain_synchronized(&runs->groups[g])) {
            runs->baseline = g;
            return true;
        }
    if (label) return false;
    while (runs->baseline + 1 < runs->group_count && !runs->groups[runs->baseline].complete)
        runs->baseline++;
    return true;
}

bool sn_report_share(const sn_report_runs *runs, const char *attribute)
{
    for (size_t g = 1; g < runs->group_count; g++)
        if (!sn_experiments_share(sn_report_experiment(&runs->groups[0]),
                                  sn_report_experiment(&runs->groups[g]), attribute))
            return false;
    return true;
}

double sn_value_last(const sn_report_run *run, const void *column)
{
    return sn_report_last(run, column);
}

double sn_value_error(const sn_report_run *run, const void *context)
{
    (void)context;
    return 100 - sn_report_last(run, "test_accuracy");
}

double sn_value_evaluation(const sn_report_run *run, const void *attribute)
{
    const char *name = attribute;
    if (run->held_out && strcmp(name, "loss") == 0) name = "validation_loss";
    if (run->held_out && strcmp(name, "accuracy") == 0) name = "validation_accuracy";
    return sn_attributes_number(&run->run.evaluation_attributes, name);
}

size_t sn_report_values(const sn_report_group *group, sn_report_value value, const void *context,
                        double *values)
{
    size_t count = 0;
    for (size_t i = 0; i < group->count; i++) {
        const double one = group->runs[i].shown ? value(&group->runs[i], context) : SN_MISSING;
        if (!isnan(one)) values[count++] = one;
    }
    return count;
}

double sn_report_mean(const sn_report_group *group, sn_report_value value, const void *context)
{
    return sn_report_estimate(group, value, context).mean;
}

sn_estimate sn_report_estimate(const sn_report_group *group, sn_report_value value, const void *context)
{
    double *values = calloc(group->count + 1, sizeof *values);
    const size_t count = values ? sn_report_values(group, value, context, values) : 0;
    const sn_estimate e = sn_estimate_mean(values, count);
    free(values);
    return e;
}

static const sn_report_run *with_seed(const sn_report_group *group, int64_t seed)
{
    for (size_t i = 0; i < group->count; i++)
        if (group->runs[i].shown && group->runs[i].seed == seed) return &group->runs[i];
    return NULL;
}

/* Judged by the same images: the test set, or the same ones held out. */
static bool same_images(const sn_report_group *first, const sn_report_group *second)
{
    const sn_attributes *a = sn_report_experiment(first), *b = sn_report_experiment(second);
    if (!sn_experiments_share(a, b, "dataset_digest")) return false;
    if (!first->runs[0].held_out && !second->runs[0].held_out) return true;
    return first->runs[0].held_out == second->runs[0].held_out && sn_experiments_share(a, b, "validation") &&
           sn_experiments_share(a, b, "split_seed");
}

size_t sn_report_partners(const sn_report_group *first, const sn_report_group *second,
                          sn_report_partners_of *partners, size_t *images)
{
    size_t pairs = 0;
    *images = 0;
    if (!first->complete || !second->complete) return 0;
    if (!same_images(first, second)) return 0;
    for (size_t i = 0; i < first->count; i++) {
        const sn_report_run *run = &first->runs[i];
        const sn_report_run *other = run->shown ? with_seed(second, run->seed) : NULL;
        const size_t count = other ? sn_report_test_count(run) : 0;
        if (!count || count != sn_report_test_count(other) || (*images && count != *images)) continue;
        if (isnan(sn_report_correct(run)) || isnan(sn_report_correct(other))) continue;
        *images = count;
        partners[pairs++] = (sn_report_partners_of){run, other};
    }
    return pairs;
}
