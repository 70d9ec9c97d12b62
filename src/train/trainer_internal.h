#ifndef SYNCNORM_TRAIN_TRAINER_INTERNAL_H
#define SYNCNORM_TRAIN_TRAINER_INTERNAL_H

/* The trainer's insides: preparation.c makes it ready, trainer.c runs it, replicas.c checks it, saving.c keeps its file. */

#include "record.h"
#include "syncnorm/dataset/sampler.h"
#include "syncnorm/io/lock.h"
#include "syncnorm/nn/optimizer.h"
#include "syncnorm/nn/replica.h"

typedef struct trainer {
    sn_team *team;
    bool root;
    const sn_dataset *dataset;
    sn_experiment experiment;
    const sn_execution *execution;
    const sn_observer *observer;
    const sn_kernels *kernels;

    sn_network network;
    sn_model *model;
    sn_replica *replica;
    sn_sampler *sampler;
    uint32_t *index;                      /* samples at this rank's positions */
    uint32_t *worker_start, *group_start; /* partitions of the batch at work */
    sn_replica_costs costs;               /* as far as they are in progress.costs */
    float *logits;            /* of the test set: whole on the root, this rank's share elsewhere */
    bool evaluated;           /* logits and evaluation are those of the model as it is */
    sn_evaluation evaluation; /* of the last epoch */
    sn_sgd sgd;

    sn_progress progress;
    bool finished;         /* before this call: there is nothing to do */
    double started, saved; /* clock at the start, at the last checkpoint; read on the root alone */

    sn_lock *lock;       /* on the run file; on the root alone, like the run */
    sn_run run;          /* filled on the root alone */
    bool complete;       /* what the last save says of the run */
    bool told_again;     /* that something is tried again */
    sn_status recording; /* of the root's record of the steps; agreed on at the end of the epoch */
    sn_result result;
} trainer;

/* True when the run is as long as it was asked to be. */
bool sn_trainer_at_length(const trainer *t);

/* A longer run than this one was asked for before: there is no way back to its middle. */
bool sn_trainer_past_length(const trainer *t);

/* A trainer was asked to stop: by a signal on this rank, or by the time, which the root alone reads. */
bool sn_trainer_stop_is_asked(const void *trainer);

/* Brings progress.costs up to date. Collective. */
sn_status sn_trainer_add_costs(trainer *t);

/* ---- preparation.c ---- */

/* Parts, initial weights, the run file: afresh or going on. Collective. */
sn_status sn_trainer_prepare(trainer *t);

/* ---- partitions.c ---- */

/* Most statistics groups that a batch of the experiment can have. */
uint32_t sn_trainer_most_groups(const sn_experiment *experiment, uint32_t batch);

/* Fills in how the batch at `step` of the epoch is divided into workers and statistics groups. */
void sn_trainer_divide(trainer *t, uint32_t step, sn_batch *batch);

/* ---- conclusion.c ---- */

/* The final evaluation: every prediction recorded, and with --precise-bn in four ways. Collective. */
sn_status sn_trainer_conclude(trainer *t);

/* ---- replicas.c ---- */

/* Replicas that no longer agree mean a broken machine or a bug: no result can be trusted then. Weights that are not finite mean
   divergence. Neither may be saved. Collective. */
sn_status sn_trainer_check_replicas(trainer *t);

/* ---- saving.c ---- */

/* Waits for a lock on the run file, a while. Collective; the lock is the root's. */
sn_status sn_trainer_lock(trainer *t);

/* In the middle of a run a failure to save is no reason to stop: the file before is untouched, the next one may succeed. Only
   replicas that differ end it. Collective. */
sn_status sn_trainer_checkpoint(trainer *t);

/* True when --checkpoint-every asks for one: by time, which the root alone reads and says; by steps, after this one. */
bool sn_trainer_time_is_due(const trainer *t);
bool sn_trainer_step_is_due(const trainer *t);

/* The last save of this call, tried again for a minute. Collective. */
sn_status sn_trainer_save_at_last(trainer *t, bool complete);

/* The same on request: SN_STOPPED. Collective. */
sn_status sn_trainer_stop(trainer *t);

#endif
