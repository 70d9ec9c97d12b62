#ifndef SYNCNORM_TRAIN_RECORDER_H
#define SYNCNORM_TRAIN_RECORDER_H

/* The recorder keeps the run's file and tells the observer, on the team's root. On other ranks every function here does nothing
   and succeeds, so that nobody else has to ask who he is. Not collective: whoever calls agrees on the status. */

#include "record.h"
#include "syncnorm/dataset/sampler.h"
#include "syncnorm/io/lock.h"

typedef struct sn_recorder {
    bool active; /* on the root */
    const sn_execution *execution;
    const sn_observer *observer;
    char path[SN_PATH_SIZE];
    sn_run run;
    sn_lock *lock;
    sn_status steps; /* whether they could be recorded: told at the end of the epoch */
    double saved;    /* clock at the last save */
    bool told_again; /* that something is tried again */
} sn_recorder;

/* ---- the file ---- */

/* Chooses the path, and sees that it can be written. */
sn_status sn_recorder_choose(sn_recorder *recorder, const sn_experiment *experiment);

/* Locks it, without waiting: *again tells that the error may be gone a moment later. */
sn_status sn_recorder_lock(sn_recorder *recorder, bool *again);

/* Starts the record, or reads the one that is there, with where the run stood: *found tells. */
sn_status sn_recorder_open(sn_recorder *recorder, const sn_experiment *experiment, sn_model *model,
                           sn_progress *progress, bool *found);

/* A new record, or one provenance entry more. */
sn_status sn_recorder_begin(sn_recorder *recorder, const sn_experiment *experiment, const char *dataset,
                            const sn_provenance *provenance, const sn_progress *progress, bool found);

sn_status sn_recorder_save(sn_recorder *recorder, const sn_model *model, const sn_progress *progress,
                           bool complete);

/* --checkpoint-every asks for a save by time; --max-time, or somebody else, for the end. */
bool sn_recorder_save_is_due(const sn_recorder *recorder);
bool sn_recorder_stop_is_asked(const sn_recorder *recorder, double started);

/* A warning about the current error, which is then forgotten. */
void sn_recorder_forgive(const sn_recorder *recorder, const char *consequence);

void sn_recorder_close(sn_recorder *recorder);

/* ---- what is recorded and told ---- */

void sn_recorder_started(sn_recorder *recorder, const sn_experiment *experiment, const char *dataset,
                         int ranks);
void sn_recorder_epoch_started(sn_recorder *recorder, uint32_t epoch, uint32_t steps);
void sn_recorder_step(sn_recorder *recorder, const sn_progress *progress, double accuracy);
sn_status sn_recorder_epoch(sn_recorder *recorder, const sn_experiment *experiment, const sn_epoch_row *row);
sn_status sn_recorder_evaluation(sn_recorder *recorder, sn_samples samples, const char *prefix,
                                 const float *logits, const sn_evaluation *evaluation, sn_result *result);
sn_status sn_recorder_shards(sn_recorder *recorder, const sn_sampler *sampler, uint32_t workers);
sn_status sn_recorder_precise(sn_recorder *recorder, const sn_model *precise,
                              const sn_evaluation *evaluation);
sn_status sn_recorder_workers(sn_recorder *recorder, const sn_evaluation *evaluations, uint32_t workers);
sn_status sn_recorder_way(sn_recorder *recorder, const char *way, const sn_evaluation *evaluation);
void sn_recorder_ended(sn_recorder *recorder, const sn_result *result);

/* Fills what the record alone knows of the result; with `finished` all of it. */
void sn_recorder_result(const sn_recorder *recorder, bool finished, sn_result *result);

#endif
