#include "recorder.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "resume.h"
#include "syncnorm/base/log.h"
#include "syncnorm/base/memory.h"

sn_status sn_recorder_choose(sn_recorder *r, const sn_experiment *experiment)
{
    if (!r->active) return SN_OK;
    char name[SN_RUN_NAME_SIZE], path[SN_PATH_SIZE];
    sn_experiment_name(experiment, name);
    if (r->execution->output[0])
        snprintf(path, sizeof path, "%s", r->execution->output);
    else
        snprintf(path, sizeof path, "runs/%s.h5", name);
    char *target = sn_run_target(path);
    if (!target) return sn_fail(SN_ERROR_MEMORY, "out of memory: names of files");
    const int length = snprintf(r->path, sizeof r->path, "%s", target);
    free(target);
    if ((size_t)length >= sizeof r->path)
        return sn_fail(SN_ERROR_FILE, "%s: the path that it is a link to is too long", path);
    return sn_run_writable(r->path);
}

sn_status sn_recorder_lock(sn_recorder *r, bool *again)
{
    *again = false;
    return r->active ? sn_lock_acquire(r->path, &r->lock, again) : SN_OK;
}

sn_status sn_recorder_open(sn_recorder *r, const sn_experiment *experiment, sn_model *model,
                           sn_progress *progress, bool *found)
{
    *found = false;
    if (!r->active) return SN_OK;
    if (r->lock) SN_TRY(sn_run_sweep(r->path));
    SN_TRY(sn_resume_find(r->path, r->execution->resume, experiment, &r->run, found));
    if (!*found) return SN_OK;
    return sn_resume_load(&r->run, experiment, r->path, model, progress);
}

sn_status sn_recorder_begin(sn_recorder *r, const sn_experiment *experiment, const char *dataset,
                            const sn_provenance *provenance, const sn_progress *progress, bool found)
{
    if (!r->active) return SN_OK;
    if (!found) return sn_record_start(&r->run, experiment, dataset, provenance);
    sn_log_note("%s: going on after epoch %" PRIu32 ", step %" PRIu64, r->path, progress->epoch,
                progress->step);
    return sn_record_resume(&r->run, experiment, provenance, progress);
}

/* The directory may have been removed, and the lock's file with it: another job can then have locked a new one. */
static sn_status keep_lock(sn_recorder *r)
{
    if (sn_lock_is_held(r->lock)) return SN_OK;
    bool busy;
    sn_lock *lock;
    SN_TRY(sn_run_writable(r->path));
    SN_TRY(sn_lock_acquire(r->path, &lock, &busy));
    sn_lock_release(r->lock);
    r->lock = lock;
    return SN_OK;
}

sn_status sn_recorder_save(sn_recorder *r, const sn_model *model, const sn_progress *progress, bool complete)
{
    if (!r->active) return SN_OK;
    r->saved = sn_clock();
    SN_TRY(keep_lock(r));
    return sn_record_save(&r->run, model, progress, complete, r->path);
}

bool sn_recorder_save_is_due(const sn_recorder *r)
{
    const double interval = r->execution->checkpoint_seconds;
    return r->active && interval > 0 && sn_clock() - r->saved >= interval;
}

bool sn_recorder_stop_is_asked(const sn_recorder *r, double started)
{
    const sn_execution *e = r->execution;
    if (!r->active) return false;
    if (e->stop && e->stop(e->stop_context)) return true;
    return e->max_seconds > 0 && sn_clock() - started >= e->max_seconds;
}

void sn_recorder_forgive(const sn_recorder *r, const char *consequence)
{
    if (r->active) sn_log_warning("%s; %s", sn_error_message(), consequence);
    sn_error_clear();
}

void sn_recorder_close(sn_recorder *r)
{
    sn_run_clear(&r->run);
    sn_lock_release(r->lock);
}

/* ---- what is recorded and told ---- */

void sn_recorder_started(sn_recorder *r, const sn_experiment *experiment, const char *dataset, int ranks)
{
    const sn_observer *o = r->observer;
    if (r->active && o->start) o->start(o->context, experiment, dataset, ranks);
}

void sn_recorder_epoch_started(sn_recorder *r, uint32_t epoch, uint32_t steps)
{
    const sn_observer *o = r->observer;
    if (r->active && o->epoch_start) o->epoch_start(o->context, epoch, steps);
}

void sn_recorder_step(sn_recorder *r, const sn_progress *p, double accuracy)
{
    const sn_observer *o = r->observer;
    if (!r->active) return;
    if (r->steps == SN_OK) r->steps = sn_record_step(&r->run, p->last_batch_loss, accuracy);
    if (o->step)
        o->step(o->context, p->batch - 1, p->last_batch_loss,
                100 * (double)p->epoch_correct / (double)p->epoch_samples, p->epoch_seconds);
}

sn_status sn_recorder_epoch(sn_recorder *r, const sn_experiment *experiment, const sn_epoch_row *row)
{
    const sn_observer *o = r->observer;
    if (!r->active) return SN_OK;
    const sn_status status = r->steps == SN_OK ? sn_epoch_table_add(experiment, row, &r->run.epochs)
                                               : r->steps;
    if (o->epoch_end) o->epoch_end(o->context, row);
    return status;
}

sn_status sn_recorder_evaluation(sn_recorder *r, sn_samples samples, const char *prefix, const float *logits,
                                 const sn_evaluation *evaluation, sn_result *result)
{
    return r->active ? sn_record_evaluation(&r->run, samples, prefix, logits, evaluation, result) : SN_OK;
}

sn_status sn_recorder_shards(sn_recorder *r, const sn_sampler *sampler, uint32_t workers)
{
    int64_t(*counts)[SN_CLASSES];
    if (!r->active || workers < 2) return SN_OK;
    SN_TRY(SN_ALLOCATE(counts, workers, "the shards"));
    sn_sampler_classes(sampler, counts);
    const sn_status status = sn_record_shards(&r->run, workers, (const int64_t(*)[SN_CLASSES])counts);
    sn_free(counts);
    return status;
}

sn_status sn_recorder_precise(sn_recorder *r, const sn_model *precise, const sn_evaluation *evaluation)
{
    return r->active ? sn_record_precise(&r->run, precise, evaluation) : SN_OK;
}

sn_status sn_recorder_way(sn_recorder *r, const char *way, const sn_evaluation *evaluation)
{
    return r->active ? sn_record_way(&r->run, way, evaluation) : SN_OK;
}

sn_status sn_recorder_workers(sn_recorder *r, const sn_evaluation *evaluations, uint32_t workers)
{
    return r->active ? sn_record_workers(&r->run, evaluations, workers) : SN_OK;
}

void sn_recorder_ended(sn_recorder *r, const sn_result *result)
{
    const sn_observer *o = r->observer;
    if (r->active && o->end) o->end(o->context, result);
}

/* Mean over all epochs on record, resumed ones included. */
static double mean_rate(const sn_run *run)
{
    double images = 0, time = 0;
    for (size_t i = 0; i < run->epochs.rows; i++) {
        const double seconds = sn_table_get(&run->epochs, "seconds", i);
        images += sn_table_get(&run->epochs, "images_per_second", i) * seconds;
        time += seconds;
    }
    return time > 0 ? images / time : 0;
}

void sn_recorder_result(const sn_recorder *r, bool finished, sn_result *result)
{
    if (!r->active) return;
    snprintf(result->output, sizeof result->output, "%s", r->path);
    if (finished) sn_resume_result(&r->run, result);
    result->images_per_second = mean_rate(&r->run);
    sn_ways_read(&r->run.evaluation_attributes, &result->ways);
}
