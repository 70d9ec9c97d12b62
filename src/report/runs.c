#include "runs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "missing.h"
#include "syncnorm/base/log.h"
#include "syncnorm/train/experiment.h"

double sn_report_number(const sn_attributes *attributes, const char *name)
{
    const sn_attribute *attribute = sn_attributes_find(attributes, name);
    if (!attribute || attribute->type == SN_VALUE_TEXT) return SN_MISSING;
    return attribute->type == SN_VALUE_INTEGER ? (double)attribute->integer : attribute->real;
}

const char *sn_report_text(const sn_attributes *attributes, const char *name)
{
    const sn_attribute *attribute = sn_attributes_find(attributes, name);
    return attribute && attribute->type == SN_VALUE_TEXT && attribute->text ? attribute->text : "";
}

double sn_report_epoch_value(const sn_report_run *run, const char *column, size_t row)
{
    const sn_column *found = sn_table_find(&run->run.epochs, column);
    if (!found || row >= run->run.epochs.rows) return SN_MISSING;
    return found->type == SN_TYPE_I64 ? (double)found->integer[row] : found->real[row];
}

double sn_report_last(const sn_report_run *run, const char *column)
{
    const size_t rows = run->run.epochs.rows;
    return rows ? sn_report_epoch_value(run, column, rows - 1) : SN_MISSING;
}

double sn_report_scope(const sn_report_run *run)
{
    const sn_attributes *experiment = &run->run.experiment;
    if (strcmp(sn_report_text(experiment, "norm"), "bn") != 0) return SN_MISSING;
    const double batch = sn_report_number(experiment, "batch");
    const double workers = sn_report_number(experiment, "workers");
    const double samples = sn_report_number(experiment, "bn_scope");
    const char *scope = sn_report_text(experiment, "bn_scope");
    if (samples >= 1) return samples;
    if (strcmp(scope, "worker") == 0) return workers >= 1 ? batch / workers : batch;
    const double number = strtod(scope, NULL);
    return number >= 1 ? number : batch;
}

size_t sn_report_test_count(const sn_report_run *run)
{
    const sn_tensor *labels = sn_tensors_find(&run->run.evaluation, "labels");
    return labels ? sn_tensor_count(labels) : 0;
}

double sn_report_steps(const sn_report_run *run)
{
    const double steps = sn_report_number(&run->run.progress, "step");
    return steps > 0 ? steps : SN_MISSING;
}

size_t sn_report_lasts(const sn_report_group *group, const char *column, double *values)
{
    size_t count = 0;
    for (size_t i = 0; i < group->count; i++)
        if (group->runs[i].shown) values[count++] = sn_report_last(&group->runs[i], column);
    return count;
}

bool sn_report_is_identity(const char *attribute)
{
    static const char *const others[] = {"name", "seed", "digest", "init", "dataset"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(attribute, others[i]) == 0) return false;
    return true;
}

/* "norm3.running_mean", as many values as those before it. */
static const float *channels(const sn_tensors *tensors, const char *prefix, int layer, const char *suffix,
                             size_t *count)
{
    char name[SN_TENSOR_NAME];
    snprintf(name, sizeof name, "%s%d.%s", prefix, layer, suffix);
    const sn_tensor *tensor = sn_tensors_find(tensors, name);
    if (!tensor || tensor->type != SN_TYPE_F32 || (*count && sn_tensor_count(tensor) != *count)) return NULL;
    *count = sn_tensor_count(tensor);
    return tensor->data;
}

/* How far the running statistics are from the precise ones, root mean square over channels: means in standard deviations,
   variances relatively. The measure of the epochs' running_mean_gap and running_var_gap. */
static void measure_precise_gap(sn_report_run *run)
{
    const double epsilon = 1e-5; /* of the norms */
    for (int k = 0; k < SN_REPORT_NORMS; k++) {
        size_t count = 0;
        const float *running_mean = channels(&run->run.model, "norm", k + 1, "running_mean", &count);
        const float *running_var = channels(&run->run.model, "norm", k + 1, "running_var", &count);
        const float *mean = channels(&run->run.evaluation, "precise/norm", k + 1, "mean", &count);
        const float *var = channels(&run->run.evaluation, "precise/norm", k + 1, "var", &count);
        run->precise_mean_gap[k] = run->precise_var_gap[k] = SN_MISSING;
        if (!running_mean || !running_var || !mean || !var) continue;
        double mean_gap = 0, var_gap = 0;
        for (size_t c = 0; c < count; c++) {
            const double precise = (double)var[c] + epsilon;
            const double off = (double)running_mean[c] - (double)mean[c];
            const double ratio = ((double)running_var[c] + epsilon) / precise - 1;
            mean_gap += off * off / precise;
            var_gap += ratio * ratio;
        }
        run->precise_mean_gap[k] = sqrt(mean_gap / (double)count);
        run->precise_var_gap[k] = sqrt(var_gap / (double)count);
    }
}

static sn_status check(const sn_report_run *run)
{
    const sn_attributes *experiment = &run->run.experiment;
    static const char *const texts[] = {"name", "norm"}, *const numbers[] = {"batch", "seed", "epochs"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!*sn_report_text(experiment, texts[i]))
            return sn_fail(SN_ERROR_FILE, "%s: /experiment has no attribute %s", run->path, texts[i]);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (isnan(sn_report_number(experiment, numbers[i])))
            return sn_fail(SN_ERROR_FILE, "%s: /experiment has no attribute %s", run->path, numbers[i]);
    return SN_OK;
}

static sn_status load_run(const char *path, sn_report_run *run)
{
    memset(run, 0, sizeof *run);
    run->path = path;
    SN_TRY(sn_run_read(path, &run->run));
    const sn_status status = check(run);
    if (status != SN_OK) {
        sn_run_clear(&run->run);
        return status;
    }
    run->name = sn_report_text(&run->run.experiment, "name");
    run->digest = sn_report_text(&run->run.model_attributes, "digest");
    run->seed = sn_attributes_find(&run->run.experiment, "seed")->integer;
    run->complete = sn_report_number(&run->run.root, "complete") > 0 && run->run.epochs.rows > 0;
    measure_precise_gap(run);
    /* What a report of hundreds of runs need not keep. */
    sn_tensors_clear(&run->run.model);
    sn_tensors_clear(&run->run.optimizer);
    sn_table_clear(&run->run.steps);
    return SN_OK;
}

static int order(double a, double b)
{
    return isnan(a) ? (isnan(b) ? 0 : 1) : isnan(b) ? -1 : a < b ? -1 : a > b;
}

static int norm_order(const sn_report_run *run)
{
    static const char *const norms[] = {"gn", "ln", "bn"};
    const char *norm = sn_report_text(&run->run.experiment, "norm");
    for (int i = 0; i < 3; i++)
        if (strcmp(norm, norms[i]) == 0) return i;
    return 3;
}

static int compare_attributes(const sn_attribute *a, const sn_attribute *b)
{
    const int names = strcmp(a->name, b->name);
    if (names) return names;
    if (a->type != b->type) return a->type < b->type ? -1 : 1;
    switch (a->type) {
    case SN_VALUE_INTEGER:
        return a->integer < b->integer ? -1 : a->integer > b->integer;
    case SN_VALUE_REAL:
        return order(a->real, b->real);
    case SN_VALUE_TEXT:
        return strcmp(a->text, b->text);
    }
    return 0;
}

static const sn_attribute *next_identity(const sn_attributes *list, size_t *i)
{
    while (*i < list->count && !sn_report_is_identity(list->items[*i].name))
        (*i)++;
    return *i < list->count ? &list->items[(*i)++] : NULL;
}

/* 0 exactly when the two are of one group. First what a reader looks for: the norm, plain before penalized, wide scopes first. */
static int compare_groups(const sn_report_run *a, const sn_report_run *b)
{
    const sn_attributes *x = &a->run.experiment, *y = &b->run.experiment;
    const int norms = norm_order(a) - norm_order(b);
    if (norms) return norms;
    const int penalties = order(sn_report_number(x, "l1"), sn_report_number(y, "l1"));
    if (penalties) return penalties;
    const int workers = order(sn_report_number(x, "workers"), sn_report_number(y, "workers"));
    if (workers) return workers;
    const int scopes = order(sn_report_scope(b), sn_report_scope(a));
    if (scopes) return scopes;
    for (size_t i = 0, k = 0;;) {
        const sn_attribute *p = next_identity(x, &i), *q = next_identity(y, &k);
        if (!p || !q) return p ? 1 : q ? -1 : 0;
        const int values = compare_attributes(p, q);
        if (values) return values;
    }
}

static int compare_runs(const void *left, const void *right)
{
    const sn_report_run *a = left, *b = right;
    const int groups = compare_groups(a, b);
    if (groups) return groups;
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

static bool same_attribute(const sn_attribute *a, const sn_attributes *others)
{
    const sn_attribute *b = sn_attributes_find(others, a->name);
    return b && compare_attributes(a, b) == 0;
}

/* "gn (epochs 4)": what a name leaves out is said where groups would have the same. */
static void add_difference(const sn_report_runs *runs, size_t g, char *label)
{
    const sn_report_group *group = &runs->groups[g];
    const sn_attributes *mine = &group->runs->run.experiment;
    size_t used = strlen(label);
    const char *between = " (";
    for (size_t i = 0; i < mine->count; i++) {
        if (!sn_report_is_identity(mine->items[i].name)) continue;
        bool differs = false;
        for (size_t k = 0; k < runs->group_count; k++)
            if (k != g && strcmp(runs->groups[k].label, group->label) == 0)
                differs = differs || !same_attribute(&mine->items[i], &runs->groups[k].runs->run.experiment);
        if (!differs || used + 1 >= SN_REPORT_LABEL) continue;
        char value[64];
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

/* The published experiments are the presets on MNIST; the length is compared epoch by epoch, and a convolution of another kind
   is the same mathematics. */
static void recognize(sn_report_group *group)
{
    static const char *const presets[] = {"gn", "ln", "bn-l1"};
    const sn_attributes *mine = &group->runs->run.experiment;
    for (int p = 0; p < 3 && !group->preset; p++) {
        static sn_experiment experiment;
        sn_attributes preset = {0};
        sn_experiment_default(&experiment);
        bool same = sn_experiment_set(&experiment, "experiment", presets[p]) == SN_OK &&
                    sn_experiment_attributes(&experiment, &preset) == SN_OK;
        static const char *const free_to_differ[] = {"epochs", "steps", "conv", "dataset_digest",
                                                     "arithmetic"};
        for (size_t i = 0; same && i < preset.count; i++) {
            bool matters = sn_report_is_identity(preset.items[i].name);
            for (size_t k = 0; k < sizeof free_to_differ / sizeof *free_to_differ; k++)
                matters = matters && strcmp(preset.items[i].name, free_to_differ[k]) != 0;
            if (matters) same = same_attribute(&preset.items[i], mine);
        }
        if (same) group->preset = presets[p];
        sn_attributes_clear(&preset);
    }
    group->published_recipe = group->preset && strcmp(sn_report_text(mine, "dataset"), "MNIST") == 0;
}

static void mark_shown(sn_report_runs *runs, sn_report_group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        sn_report_run *run = &group->runs[i], *before = run - 1;
        run->repeats = i > 0 && before->seed == run->seed;
        group->complete = group->complete || run->complete;
        runs->repeated += run->repeats;
        runs->incomplete += !run->complete;
        if (run->repeats && run->complete && before->complete && strcmp(run->digest, before->digest) != 0) {
            runs->digests_differ = true;
            sn_log_warning("%s and %s are one experiment with different digests", before->path, run->path);
        }
    }
    for (size_t i = 0; i < group->count; i++) {
        group->runs[i].shown = !group->runs[i].repeats && (group->runs[i].complete || !group->complete);
        group->shown += group->runs[i].shown;
    }
}

static sn_status make_groups(sn_report_runs *runs)
{
    qsort(runs->runs, runs->count, sizeof *runs->runs, compare_runs);
    runs->groups = calloc(runs->count + 1, sizeof *runs->groups);
    if (!runs->groups) return sn_fail(SN_ERROR_MEMORY, "out of memory: the groups of runs");
    for (size_t i = 0; i < runs->count; i++) {
        if (i == 0 || compare_groups(&runs->runs[i - 1], &runs->runs[i]) != 0)
            runs->groups[runs->group_count++].runs = &runs->runs[i];
        runs->groups[runs->group_count - 1].count++;
    }
    for (size_t g = 0; g < runs->group_count; g++) {
        label_group(&runs->groups[g]);
        recognize(&runs->groups[g]);
        mark_shown(runs, &runs->groups[g]);
    }
    return tell_labels_apart(runs);
}

sn_status sn_report_runs_load(const char *const *paths, size_t count, sn_report_runs *runs)
{
    memset(runs, 0, sizeof *runs);
    runs->runs = calloc(count + 1, sizeof *runs->runs);
    if (!runs->runs) return sn_fail(SN_ERROR_MEMORY, "out of memory: %zu runs", count);
    for (size_t i = 0; i < count; i++) {
        const sn_status status = load_run(paths[i], &runs->runs[runs->count]);
        if (status == SN_ERROR_MEMORY) return status;
        if (status == SN_OK) {
            runs->count++;
            continue;
        }
        sn_log_error("%s", sn_error_message());
        sn_error_clear();
        runs->unreadable++;
    }
    if (runs->count == 0)
        return sn_fail(SN_ERROR_FILE, "no report: none of the %zu file%s is a run file that can be read",
                       count, count == 1 ? "" : "s");
    return make_groups(runs);
}

/* Batch norm without a penalty, its statistics over the whole batch. */
static bool is_plain_synchronized(const sn_report_group *group)
{
    const sn_attributes *experiment = &group->runs->run.experiment;
    const double scope = sn_report_scope(group->runs);
    return scope >= sn_report_number(experiment, "batch") && !(sn_report_number(experiment, "l1") > 0);
}

/* The one asked for; or plain synchronized batch norm, which is what the others are to be compared with; or the first. Groups are
   sorted, the plainest first. */
sn_status sn_report_runs_choose_baseline(sn_report_runs *runs, const char *label)
{
    for (size_t g = 0; label && g < runs->group_count; g++)
        if (strcmp(runs->groups[g].label, label) == 0) {
            runs->baseline = g;
            return SN_OK;
        }
    if (label)
        return sn_fail(SN_ERROR_USAGE, "--baseline '%.60s': no experiment of that name among the runs",
                       label);
    for (size_t g = 0; g < runs->group_count; g++)
        if (runs->groups[g].complete && is_plain_synchronized(&runs->groups[g])) {
            runs->baseline = g;
            return SN_OK;
        }
    while (runs->baseline + 1 < runs->group_count && !runs->groups[runs->baseline].complete)
        runs->baseline++;
    return SN_OK;
}

void sn_report_runs_clear(sn_report_runs *runs)
{
    for (size_t i = 0; i < runs->count; i++)
        sn_run_clear(&runs->runs[i].run);
    free(runs->runs);
    free(runs->groups);
    memset(runs, 0, sizeof *runs);
}
