#ifndef SYNCNORM_CLI_BENCH_H
#define SYNCNORM_CLI_BENCH_H

/** Parts of syncnorm bench. Each prints its table from the root, and adds its figures to those of --json. All are collective over the world. */

#include <jansson.h>

#include "syncnorm/comm/team.h"
#include "syncnorm/kernels/kernels.h"
#include "syncnorm/nn/optimizer.h"
#include "syncnorm/nn/replica.h"

typedef struct sn_bench {
    sn_team *world;
    const sn_kernels *kernels;
    int repetitions;
    int batch;       /* global, of the whole steps */
    json_t *figures; /* an object on the root when a file is wanted; else NULL */
} sn_bench;

enum { SN_BENCH_REPETITIONS_MAX = 1000 };

/** Seconds of one call. */
typedef struct sn_timing {
    double best, median;
} sn_timing;

/**
 * Times `work`: calls are grouped into samples of about 2 ms, which a clock can measure; two samples of warm-up, then
 * `repetitions` of them. With `collective` all ranks make the same number of calls and start each sample together.
 */
sn_timing sn_bench_measure(const sn_bench *bench, bool collective, void (*work)(void *context),
                           void *context);

/** An exact sum over the world. */
sn_timing sn_bench_sum(const sn_bench *bench, int64_t *values, size_t count);

/** {"best": ..., "median": ...}: seconds times `factor`, or with `rate` `factor` by seconds. */
json_t *sn_bench_timing(sn_timing timing, double factor, bool rate);

/** A new array, or object, under `name` of the figures; NULL, to which json_*_new() add nothing, when no file is wanted. */
json_t *sn_bench_array(const sn_bench *bench, const char *name);
json_t *sn_bench_object(const sn_bench *bench, const char *name);

/** Training on noise with labels: speed does not depend on what is in the images. */
typedef struct sn_training {
    const sn_kernels *kernels;
    struct sn_noise *noise;
    sn_network network;
    sn_model *model;
    sn_replica *replica;
    sn_batch batch;
    sn_sgd sgd;
    sn_phase_clock *clock;
    sn_status status; /* of the last step: the same on every rank */
} sn_training;

/** Creates, for steps of `batch` samples that the team shares. `clock` may be NULL. Collective over the team. */
sn_status sn_training_create(const sn_kernels *kernels, sn_team *team, sn_norm_kind norm,
                             const sn_convolution *convolution, uint32_t batch, sn_phase_clock *clock,
                             sn_training *training);
void sn_training_destroy(sn_training *training);

/** One step, as training makes it: which samples, forward and backward, sums across ranks, update. `training` is a sn_training. */
void sn_training_step(void *training);

sn_status sn_bench_convolutions(const sn_bench *bench);
sn_status sn_bench_steps(const sn_bench *bench);
sn_status sn_bench_shares(const sn_bench *bench);
sn_status sn_bench_parts(const sn_bench *bench);
sn_status sn_bench_collectives(const sn_bench *bench);
sn_status sn_bench_machine(const sn_bench *bench);

#endif
