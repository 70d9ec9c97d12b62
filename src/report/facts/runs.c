#include "runs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "syncnorm/base/log.h"
#include "syncnorm/base/missing.h"

const char *sn_report_text(const sn_attributes *attributes, const char *name)
{
    const sn_attribute *attribute = sn_attributes_find(attributes, name);
    return attribute && attribute->type == SN_VALUE_TEXT && attribute->text ? attribute->text : "";
}

double sn_report_epoch_value(const sn_report_run *run, const char *column, size_t row)
{
    char held_out[SN_TENSOR_NAME];
    if (!run->held_out || strncmp(column, "test_", 5) != 0)
        return sn_table_get(&run->run.epochs, column, row);
    snprintf(held_out, sizeof held_out, "validation_%s", column + 5);
    return sn_table_get(&run->run.epochs, held_out, row);
}

const sn_tensor *sn_report_evaluation(const sn_report_run *run, const char *name)
{
    char full[SN_TENSOR_NAME];
    snprintf(full, sizeof full, "%s%s", run->held_out ? "validation_" : "", name);
    return sn_tensors_find(&run->run.evaluation, full);
}

const char *sn_report_judge(const sn_report_runs *runs)
{
    size_t held_out = 0;
    for (size_t i = 0; i < runs->count; i++)
        held_out += runs->runs[i].held_out;
    return held_out == 0 ? "test" : held_out == runs->count ? "validation" : "test or validation";
}

double sn_report_last(const sn_report_run *run, const char *column)
{
    const size_t rows = run->run.epochs.rows;
    return rows ? sn_report_epoch_value(run, column, rows - 1) : SN_MISSING;
}

size_t sn_report_test_count(const sn_report_run *run)
{
    const sn_tensor *labels = sn_report_evaluation(run, "labels");
    return labels ? sn_tensor_count(labels) : 0;
}

/* /progress/batch counts the steps of an epoch without a row yet; or, after --steps, those that the last row is about. */
double sn_report_steps(const sn_report_run *run)
{
    const double steps = sn_attributes_number(&run->run.progress, "step");
    const double begun = sn_attributes_number(&run->run.progress, "batch");
    const double epochs = sn_attributes_number(&run->run.progress, "epoch");
    const double covered = begun > 0 && !((double)run->run.epochs.rows > epochs) ? steps - begun : steps;
    return covered > 0 ? covered : SN_MISSING;
}

/* `all` of whole epochs and `begun` of the one at work. */
static double of_rows(const sn_report_run *run, double rows, const char *all, const char *begun)
{
    const double whole = sn_attributes_number(&run->run.progress, "epoch");
    const double sum = sn_attributes_number(&run->run.progress, all),
                 part = sn_attributes_number(&run->run.progress, begun);
    if (rows > whole) return sum;
    return whole > 0 ? rows * (sum - (part > 0 ? part : 0)) / whole : SN_MISSING;
}

double sn_report_steps_of_rows(const sn_report_run *run, double rows)
{
    return of_rows(run, rows, "step", "batch");
}

double sn_report_samples_of_rows(const sn_report_run *run, double rows)
{
    return of_rows(run, rows, "samples", "epoch_samples");
}

double sn_report_ranks(const sn_report_run *run)
{
    double ranks = SN_MISSING;
    for (size_t i = 0; i < run->run.provenance_count; i++) {
        const double mine = sn_attributes_number(&run->run.provenance[i], "ranks");
        if (isnan(mine) || (i > 0 && (mine < ranks || mine > ranks))) return SN_MISSING;
        ranks = mine;
    }
    return ranks;
}

/* The count itself: percentages of equal counts differ by rounding once they are subtracted. */
static double correct_of_row(const sn_report_run *run, size_t row)
{
    const double correct = sn_report_epoch_value(run, "test_correct", row);
    if (!isnan(correct)) return correct;
    const double percent = sn_report_epoch_value(run, "test_accuracy", row);
    const size_t count = sn_report_test_count(run);
    return count && !isnan(percent) ? round(percent / 100 * (double)count) : SN_MISSING;
}

double sn_report_correct(const sn_report_run *run)
{
    const size_t rows = run->run.epochs.rows;
    double sum = rows < run->last ? SN_MISSING : 0;
    for (size_t k = 1; k <= run->last && !isnan(sum); k++)
        sum += correct_of_row(run, rows - k);
    return sum;
}

sn_status sn_report_judge_by_last(sn_report_runs *runs, size_t epochs)
{
    runs->last = epochs;
    for (size_t i = 0; i < runs->count; i++) {
        sn_report_run *run = &runs->runs[i];
        run->last = epochs;
        if (run->complete && run->run.epochs.rows < epochs)
            return sn_fail(SN_ERROR_USAGE, "--last %zu: %s has %zu epoch%s", epochs, run->path,
                           run->run.epochs.rows, run->run.epochs.rows == 1 ? "" : "s");
    }
    if (epochs > 1)
        snprintf(runs->measure, sizeof runs->measure, "mean %s accuracy of the last %zu epochs",
                 sn_report_judge(runs), epochs);
    else
        snprintf(runs->measure, sizeof runs->measure, "final %s accuracy", sn_report_judge(runs));
    return SN_OK;
}

const char *sn_report_measure(const sn_report_runs *runs)
{
    return runs->measure;
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

/* Of the probabilities, which are then dropped: a run has 400 KB of them. */
static void measure_calibration(sn_report_run *run)
{
    const sn_tensor *probabilities = sn_report_evaluation(run, "probabilities");
    const sn_tensor *labels = sn_report_evaluation(run, "labels"),
                    *predictions = sn_report_evaluation(run, "predictions");
    const size_t count = labels ? sn_tensor_count(labels) : 0;
    run->calibration = (sn_calibration){.error = SN_MISSING, .excess = SN_MISSING};
    const bool whole = probabilities && labels && predictions && probabilities->type == SN_TYPE_F32 &&
                       labels->type == SN_TYPE_U8 && predictions->type == SN_TYPE_U8 &&
                       sn_tensor_count(predictions) == count && probabilities->rank == 2 &&
                       probabilities->shape[0] == count && probabilities->shape[1] == SN_REPORT_CLASSES;
    float *confidence = whole ? malloc((count + 1) * sizeof *confidence) : NULL;
    unsigned char *right = whole ? malloc(count + 1) : NULL;
    for (size_t i = 0; confidence && right && i < count; i++) {
        const uint8_t mine = ((const uint8_t *)predictions->data)[i];
        right[i] = mine == ((const uint8_t *)labels->data)[i];
        confidence[i] = mine < SN_REPORT_CLASSES
                            ? ((const float *)probabilities->data)[i * SN_REPORT_CLASSES + mine]
                            : 0;
    }
    if (confidence && right) run->calibration = sn_calibrate(confidence, right, count);
    free(confidence);
    free(right);
    sn_tensors_remove(&run->run.evaluation, "probabilities");
    sn_tensors_remove(&run->run.evaluation, "validation_probabilities");
}

static int by_name(const void *left, const void *right)
{
    return strcmp(((const sn_attribute *)left)->name, ((const sn_attribute *)right)->name);
}

static sn_status check(const sn_report_run *run)
{
    const sn_attributes *experiment = &run->run.experiment;
    static const char *const texts[] = {"name", "norm"}, *const numbers[] = {"batch", "seed", "epochs"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!*sn_report_text(experiment, texts[i]))
            return sn_fail(SN_ERROR_FILE, "%s: /experiment has no attribute %s", run->path, texts[i]);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (isnan(sn_attributes_number(experiment, numbers[i])))
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
    sn_attributes *experiment = &run->run.experiment;
    qsort(experiment->items, experiment->count, sizeof *experiment->items, by_name);
    run->name = sn_report_text(&run->run.experiment, "name");
    run->digest = sn_report_text(&run->run.model_attributes, "digest");
    run->seed = sn_attributes_find(&run->run.experiment, "seed")->integer;
    run->held_out = !sn_table_find(&run->run.epochs, "test_accuracy") &&
                    sn_table_find(&run->run.epochs, "validation_accuracy");
    run->complete = sn_attributes_number(&run->run.root, "complete") > 0 && run->run.epochs.rows > 0;
    measure_precise_gap(run);
    measure_calibration(run);
    /* What a report of hundreds of runs need not keep. */
    sn_tensors_clear(&run->run.model);
    sn_tensors_clear(&run->run.optimizer);
    sn_table_clear(&run->run.steps);
    return SN_OK;
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
