#ifndef SYNCNORM_NN_REPLICA_H
#define SYNCNORM_NN_REPLICA_H

/**
 * The replica: this rank's copy of the network's computation. It runs forward and backward over the rank's share of a
 * global batch, in blocks (nn/shapes.h), and gives exact sums over all samples of the team.
 *
 * Norms that look at one sample at a time need nobody else: block after block goes forward and backward. Batch norm goes
 * layer by layer over all blocks, with one exact sum per norm and direction.
 */

#include <stdint.h>

#include "syncnorm/comm/team.h"
#include "syncnorm/kernels/kernels.h"
#include "syncnorm/nn/batch.h"
#include "syncnorm/nn/model.h"
#include "syncnorm/nn/phases.h"

typedef struct sn_replica sn_replica;

typedef struct sn_replica_options {
    sn_team *team;
    const sn_network *network;
    const sn_kernels *kernels;
    const sn_convolution *convolution;
    uint32_t batch;           /* largest global batch */
    uint64_t seed;            /* of the dropout masks */
    double dropout;           /* probability that a channel is dropped */
    uint32_t groups, workers; /* most parts of a batch's partitions; 0 counts as 1 */
    sn_running_stats running; /* of models trained; not merged: batches' groups are their workers */
    sn_phase_clock *clock;    /* told where the time of a step goes; NULL: nobody asks */
} sn_replica_options;

/** Bytes that a replica with these options takes on the rank with the largest share. */
size_t sn_replica_bytes(const sn_replica_options *options);

/** Allocates the workspace, for the largest share of `batch` in this team. Not collective: agree on the status. */
sn_status sn_replica_create(const sn_replica_options *options, sn_replica **replica);
void sn_replica_destroy(sn_replica *replica);

enum { SN_STEP_EXTRA = 4 };

/** Sums over the whole batch, equal on every rank. */
typedef struct sn_step_sums {
    const int64_t *gradient; /* [parameters.total], in units of 2^-36, not divided by the batch */
    int64_t loss;            /* sum of the cross-entropies in units of 2^-32 */
    int64_t correct;
    int64_t extra[SN_STEP_EXTRA]; /* the caller's own, summed over the ranks in the same message */
    /* Batch norm, when the batch was to be observed; else NULL and 0: statistics of every norm's input over the whole batch
       [norm_channels], and of each norm the share of the variance that lies between the workers' means (mean over the channels; 0 with
       one worker). */
    const double *mean, *var;
    double between_share[SN_NORMS];
    /* The same without what sampling alone puts between workers: analysis of variance of the samples' means, unbiased, so that it is around
       0 and may be negative where workers see alike; NaN where no worker has two samples. */
    double between_share_corrected[SN_NORMS];
} sn_step_sums;

/** Sums across ranks. Seconds are this machine's, with the waiting for other ranks, and 0 on one rank. Calls and bytes are the
 *  experiment's, the same on any number of ranks: those of one rank per worker, or, with one worker, of several ranks that share each
 *  batch. */
typedef struct sn_traffic {
    double seconds;
    int64_t calls, bytes, bytes_float32; /* ..._float32: what float32 messages would have had */
} sn_traffic;

/** What is summed, and for what. */
typedef enum sn_traffic_kind {
    SN_TRAFFIC_STATISTICS, /* batch norm's own: statistics, forward and backward */
    SN_TRAFFIC_GRADIENT, /* what any norm's training needs once a step: gradient, loss, correct count, requests, violations */
    SN_TRAFFIC_RUNNING, /* running statistics of several groups; they ride in the gradient's message: calls and seconds 0 */
    SN_TRAFFIC_INSTRUMENT, /* what only sn_batch.observe needs */
    SN_TRAFFIC_KINDS,
} sn_traffic_kind;

/** What training has cost since the replica was created. */
typedef struct sn_replica_costs {
    sn_traffic sums[SN_TRAFFIC_KINDS];
} sn_replica_costs;

/** Words of 64 bits in the messages of a step, running statistics merged; `statistics` are of one norm and direction and vary (SN_MOMENT_WORDS or 2 a channel). */
typedef struct sn_message_words {
    size_t gradient, running, instrument;
} sn_message_words;

sn_message_words sn_replica_message_words(const sn_network *network, uint32_t workers);

/**
 * Forward and backward in training mode, one allreduce for the gradient (and what is not NULL in sn_step_sums), one per
 * synchronized norm and direction (none where every statistics group lies on one rank), one for what is observed. With batch norm the model's running statistics are updated, on every rank alike.
 * `extra` (SN_STEP_EXTRA values, NULL for zeros) is this rank's part of sums->extra.
 * SN_ERROR_DIVERGED, with the tensor in the message, on every rank alike when a value was out of range or NaN; the model is then
 * unchanged. Collective.
 */
sn_status sn_replica_step(sn_replica *replica, sn_model *model, const sn_batch *batch, const int64_t *extra,
                          sn_step_sums *sums);

const sn_replica_costs *sn_replica_costs_of(const sn_replica *replica);

/** Sums over evaluated samples, this rank's part. */
typedef struct sn_evaluation_sums {
    int64_t loss; /* units of 2^-32; out-of-range losses count as the largest in range */
    int64_t correct;
} sn_evaluation_sums;

/**
 * Evaluation mode (running statistics, no dropout) on samples first ... first + count - 1. logits [count][10] and
 * predictions [count] (the lowest class on ties) may be NULL. Not collective.
 */
void sn_replica_evaluate(sn_replica *replica, const sn_model *model, sn_samples samples, uint32_t first,
                         uint32_t count, float *logits, uint8_t *predictions, sn_evaluation_sums *sums);

/**
 * Batch norm: evaluates samples first ... first + count - 1 (count no more than the replica's batch) as one batch, normalized by
 * its own statistics, without dropout; `sums` are this rank's part. Collective.
 */
void sn_replica_evaluate_batch(sn_replica *replica, const sn_model *model, sn_samples samples, uint32_t first,
                               uint32_t count, sn_evaluation_sums *sums);

enum { SN_POPULATION_MOST = 65536 };

/**
 * Precise batch norm: replaces the model's running statistics by those of the whole population `samples` (at most SN_POPULATION_MOST), mean
 * and biased variance of every norm's input in evaluation mode, exact over all samples: with them, every normalized channel has
 * mean 0 and variance 1 over the population. Independent of any batch. SN_ERROR_DIVERGED as in sn_replica_step; SN_STOPPED, without
 * a message, when `stop` (may be NULL) says so between pieces of work. Collective.
 * (The idea: Wu and Johnson, "Rethinking 'Batch' in BatchNorm", 2021; there by averaging over batches.)
 */
sn_status sn_replica_population(sn_replica *replica, sn_model *model, sn_samples samples,
                                const sn_stop *stop);

#endif
