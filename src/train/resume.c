#include "resume.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "syncnorm/base/log.h"
#include "syncnorm/train/state.h"

enum { ORIGIN_SIZE = SN_PATH_SIZE + 8 };

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0 || errno != ENOENT;
}

/* What we may not read is not damaged, and nothing to go back behind. */
static sn_status check_readable(const char *path)
{
    if (access(path, R_OK) == 0 || errno == ENOENT) return SN_OK;
    return sn_fail(SN_ERROR_FILE, "%s: cannot read it: %s", path, strerror(errno));
}

/* A damaged newest generation must not become .prev in place of the good one when the next is saved. It is kept for whoever wants
   to know what happened to it. */
static sn_status put_aside(const char *path)
{
    char aside[SN_PATH_SIZE + 16];
    snprintf(aside, sizeof aside, "%s.damaged", path);
    if (rename(path, aside) == 0) return SN_OK;
    return sn_fail(SN_ERROR_FILE, "%s: damaged, and cannot be renamed to %s: %s", path, aside,
                   strerror(errno));
}

/* What was read from .prev becomes the newest generation, so that there is a good one under its name. Trouble with the disk does not
   keep a run from going on; a complete one has no other chance to be written. */
static sn_status restore(const char *path, const sn_run *run)
{
    if (is_there(path)) SN_TRY(put_aside(path));
    const sn_status status = sn_run_write(run, path);
    if (status != SN_ERROR_FILE || sn_resume_complete(run)) return status;
    sn_log_warning("%s; training goes on", sn_error_message());
    sn_error_clear();
    return SN_OK;
}

/* The newest generation that can be read, and its path in `origin`. */
static sn_status read_generation(const char *path, sn_run *run, bool *found, char origin[ORIGIN_SIZE])
{
    char reason[SN_MESSAGE_SIZE];
    const bool newest = is_there(path);
    snprintf(origin, ORIGIN_SIZE, "%s", path);
    *found = newest;
    if (newest) {
        const sn_status status = sn_run_read(path, run);
        if (status != SN_ERROR_FILE) return status;
        snprintf(reason, sizeof reason, "%s", sn_error_message());
    } else {
        snprintf(reason, sizeof reason, "%s is not there", path);
    }
    snprintf(origin, ORIGIN_SIZE, "%s.prev", path);
    if (!newest && !is_there(origin)) return SN_OK;
    *found = true;
    sn_error_clear();
    const sn_status status = sn_run_read(origin, run);
    if (status == SN_OK) {
        sn_log_warning("%s; going on from %s", reason, origin);
        return SN_OK;
    }
    if (status != SN_ERROR_FILE) return status;
    sn_error_clear();
    return sn_fail(SN_ERROR_FILE,
                   "%s, and there is no good %s to go on from; to start afresh: --resume never", reason,
                   origin);
}

static sn_status check_experiment(const sn_run *run, const char *origin, const sn_experiment *experiment)
{
    char differences[SN_MESSAGE_SIZE / 2];
    SN_TRY(sn_experiment_differences(&run->experiment, experiment, differences, sizeof differences));
    if (!differences[0]) return SN_OK;
    return sn_fail(SN_ERROR_FILE, "%s is the run of another experiment (%s): choose another --output", origin,
                   differences);
}

/* Starting afresh replaces both generations in time, but not another experiment's; what is no run that can be read is kept beside it. */
static sn_status check_replaced(const char *path, const sn_experiment *experiment)
{
    sn_run old;
    if (!is_there(path)) return SN_OK;
    sn_status status = sn_run_read(path, &old);
    if (status == SN_OK) {
        status = check_experiment(&old, path, experiment);
        sn_run_clear(&old);
    } else if (status == SN_ERROR_FILE) {
        sn_log_warning("%s; it is kept as %s.damaged", sn_error_message(), path);
        sn_error_clear();
        status = put_aside(path);
    }
    return status;
}

sn_status sn_resume_find(const char *path, sn_resume mode, const sn_experiment *experiment, sn_run *run,
                         bool *found)
{
    char origin[ORIGIN_SIZE];
    *found = false;
    if (mode == SN_RESUME_NEVER) {
        SN_TRY(check_replaced(path, experiment));
        snprintf(origin, sizeof origin, "%s.prev", path);
        return check_replaced(origin, experiment);
    }
    SN_TRY(check_readable(path));
    SN_TRY(read_generation(path, run, found, origin));
    if (*found) SN_TRY(check_experiment(run, origin, experiment));
    if (*found) return strcmp(origin, path) == 0 ? SN_OK : restore(path, run);
    if (mode == SN_RESUME_REQUIRE) return sn_fail(SN_ERROR_FILE, "%s: not there, nothing to resume", path);
    return SN_OK;
}

sn_status sn_resume_load(sn_run *run, const sn_experiment *experiment, const char *path, sn_model *model,
                         sn_progress *progress)
{
    SN_TRY(sn_state_load(model, &run->model, &run->optimizer, path));
    SN_TRY(sn_progress_load(run, path, progress));
    return sn_record_check(run, experiment, path);
}

bool sn_resume_complete(const sn_run *run)
{
    return sn_attributes_number(&run->root, "complete") > 0;
}

/* Of the last epoch; the columns are there (sn_record_check) */
static double cell(const sn_table *table, const char *name)
{
    return table->rows ? sn_table_get(table, name, table->rows - 1) : 0;
}

/* "test", "validation": as the last epoch has it, over as many images as there are labels. */
static sn_evaluation evaluation_of(const sn_run *run, const char *set, const char *its_labels)
{
    char loss[SN_TENSOR_NAME], accuracy[SN_TENSOR_NAME], correct[SN_TENSOR_NAME];
    const sn_tensor *labels = sn_tensors_find(&run->evaluation, its_labels);
    if (!labels) return (sn_evaluation){0};
    snprintf(loss, sizeof loss, "%s_loss", set);
    snprintf(accuracy, sizeof accuracy, "%s_accuracy", set);
    snprintf(correct, sizeof correct, "%s_correct", set);
    return (sn_evaluation){.loss = cell(&run->epochs, loss),
                           .accuracy = cell(&run->epochs, accuracy),
                           .correct = (int64_t)cell(&run->epochs, correct),
                           .count = (uint32_t)sn_tensor_count(labels)};
}

static const sn_tensor *miss_tensor(const sn_run *run, const char *prefix, const char *what)
{
    char name[SN_TENSOR_NAME];
    snprintf(name, sizeof name, "%smisclassified/%s", prefix, what);
    return sn_tensors_find(&run->evaluation, name);
}

static void read_misses(const sn_run *run, const char *prefix, sn_result *result)
{
    const sn_tensor *index = miss_tensor(run, prefix, "index");
    const sn_tensor *label = miss_tensor(run, prefix, "label");
    const sn_tensor *prediction = miss_tensor(run, prefix, "prediction");
    if (!index || !label || !prediction || index->type != SN_TYPE_I64 || label->type != SN_TYPE_U8 ||
        prediction->type != SN_TYPE_U8)
        return;
    size_t count = sn_tensor_count(index);
    if (sn_tensor_count(label) < count) count = sn_tensor_count(label);
    if (sn_tensor_count(prediction) < count) count = sn_tensor_count(prediction);
    result->miss_count = count < SN_MISSES ? (int)count : SN_MISSES;
    for (int i = 0; i < result->miss_count; i++)
        result->misses[i] = (sn_miss){(uint32_t)((const int64_t *)index->data)[i],
                                      ((const uint8_t *)label->data)[i],
                                      ((const uint8_t *)prediction->data)[i]};
}

void sn_resume_result(const sn_run *run, sn_result *result)
{
    const sn_table *t = &run->epochs;
    result->last = (sn_epoch_row){.epoch = (uint32_t)cell(t, "epoch"),
                                  .train_loss = cell(t, "train_loss"),
                                  .train_cross_entropy = cell(t, "train_cross_entropy"),
                                  .last_batch_loss = cell(t, "last_batch_loss"),
                                  .train_accuracy = cell(t, "train_accuracy"),
                                  .test = evaluation_of(run, "test", "labels"),
                                  .validation = evaluation_of(run, "validation", "validation_labels"),
                                  .seconds = cell(t, "seconds"),
                                  .images_per_second = cell(t, "images_per_second")};
    read_misses(run, result->last.test.count > 0 ? "" : "validation_", result);
}
