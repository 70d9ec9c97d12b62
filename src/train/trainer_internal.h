#ifndef SYNCNORM_TRAIN_TRAINER_INTERNAL_H
#define SYNCNORM_TRAIN_TRAINER_INTERNAL_H

/* The trainer's insides: preparation.c makes it ready, trainer.c runs it, saving.c keeps its file. */

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
    uint32_t *index; /* samples at this rank's positions */
    float *logits;   /* of the test set: whole on the root, this rank's share elsewhere */
    sn_sgd sgd;

    sn_progress progress;
    bool finished;         /* before this call: there is nothing to do */
    double started, saved; /* clock at the start, at the last checkpoint; read on the root alone */

    sn_lock *lock;       /* on the run file; on the root alone, like the run */
    sn_run run;          /* filled on the root alone */
    sn_status recording; /* of the root's record of the steps; agreed on at the end of the epoch */
    sn_result result;
} trainer;

/* True when the run is as long as it was asked to be. */
bool sn_trainer_at_length(const trainer *t);

/* ---- preparation.c ---- */

/* Parts, initial weights, the run file: afresh or going on. Collective. */
sn_status sn_trainer_prepare(trainer *t);

/* ---- saving.c: the root's business alone, until the end ---- */

/* In the middle of a run a failure to save is no reason to stop: the file before is untouched, the next one may succeed. */
void sn_trainer_checkpoint(trainer *t);

/* True when --checkpoint-every asks for one now. On the root. */
bool sn_trainer_checkpoint_is_due(const trainer *t);

/* The last save of this call, tried again for a minute. Collective. */
sn_status sn_trainer_save_at_last(trainer *t, bool complete);

#endif
