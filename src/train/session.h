#ifndef SYNCNORM_TRAIN_SESSION_H
#define SYNCNORM_TRAIN_SESSION_H

/* A session: what the ranks of a team train a run with, together. */

#include "recorder.h"
#include "syncnorm/dataset/sampler.h"
#include "syncnorm/dataset/split.h"
#include "syncnorm/nn/replica.h"

/* Images that the run is evaluated on. */
typedef struct sn_examination {
    sn_samples samples;
    const char *prefix; /* of its datasets in /evaluation */
    float *logits;      /* whole on the root, this rank's share elsewhere */
    sn_evaluation evaluation;
} sn_examination;

enum { SN_EXAMINE_TEST, SN_EXAMINE_VALIDATION, SN_EXAMINATIONS };

typedef struct sn_session {
    sn_team *team;
    const sn_dataset *dataset;
    const sn_execution *execution;
    sn_experiment experiment;
    double started; /* clock */

    const sn_kernels *kernels;
    sn_network network;
    sn_model *model;
    sn_replica *replica;
    sn_split split; /* of the training set */
    sn_sampler *sampler;
    uint32_t *index;                      /* samples at this rank's positions */
    uint32_t *worker_start, *group_start; /* partitions of the batch at work */
    sn_examination examinations
        [SN_EXAMINATIONS]; /* the test set, those held out, or both: without samples, not evaluated */

    sn_progress progress;
    sn_replica_costs costs; /* as far as they are in progress.costs */
    bool evaluated;         /* their logits and evaluations are those of the model as it is */
    sn_recorder recorder;
    sn_result result;
} sn_session;

/* Parts and initial weights. Collective; sn_session_destroy() in any case. */
sn_status sn_session_create(sn_session *session);
void sn_session_destroy(sn_session *session);

/* SN_ERROR_MEMORY, naming the host, when the ranks of a node would take more memory than it has. Collective. (memory_check.c) */
sn_status sn_session_check_memory(sn_team *team, const sn_replica_options *replica);

/* Evaluates the model as it is on all that the run is evaluated on, with logits if they are wanted. False: given up for a stop. Collective. */
bool sn_session_evaluate(sn_session *session, bool logits);

/* The root's model to all. Collective. */
void sn_session_share_model(sn_session *session);

/* This rank's share of the batch at work: its samples, and how its positions are divided into workers and statistics groups. */
sn_batch sn_session_batch(sn_session *session);

/* True when the run is as long as it was asked to be; when it is longer, and there is no way back to its middle. */
bool sn_session_at_length(const sn_session *session);
bool sn_session_past_length(const sn_session *session);

/* Whether this rank was asked to stop: by a signal, or by the time, which the root alone reads. */
bool sn_session_stop_is_asked(const void *session);

/* Brings progress.costs up to date. Collective. */
sn_status sn_session_add_costs(sn_session *session);

/* Replicas that no longer agree mean a broken machine or a bug: no result can be trusted then. Weights that are not finite mean
   divergence. Neither may be saved. Collective. (replicas.c) */
sn_status sn_session_check_replicas(const sn_session *session);

#endif
