#ifndef SYNCNORM_DATASET_SAMPLER_H
#define SYNCNORM_DATASET_SAMPLER_H

/**
 * The sampler: which training sample stands at which *position of the global batch*. A pure function of the experiment
 * and the step; ranks only choose which positions they compute (sn_share_of). The last batch of an epoch is short and counts
 * truly; nothing is padded or dropped. Not collective.
 */

#include <stdbool.h>
#include <stdint.h>

#include "syncnorm/base/error.h"
#include "syncnorm/base/samples.h"

typedef struct sn_sampler sn_sampler;

typedef struct sn_sampler_options {
    uint32_t samples; /* of the training set */
    uint32_t batch;   /* global batch size */
    uint64_t seed;
    bool shuffle;
} sn_sampler_options;

sn_status sn_sampler_create(const sn_sampler_options *options, sn_sampler **sampler);
void sn_sampler_destroy(sn_sampler *sampler);

/** Steps of one epoch: ceil(samples / batch). */
uint32_t sn_sampler_steps(const sn_sampler *sampler);

/** Samples of the global batch at `step` (0-based) of an epoch. */
uint32_t sn_sampler_batch(const sn_sampler *sampler, uint32_t step);

/** Indices of the training samples at positions first ... first + count - 1 of the batch at (epoch, step), both 0-based.
 *  Keeps the order of one epoch at a time, so ask epoch by epoch. */
void sn_sampler_positions(sn_sampler *sampler, uint32_t epoch, uint32_t step, uint32_t first, uint32_t count,
                          uint32_t *samples);

#endif
