#ifndef SYNCNORM_DATASET_SAMPLER_H
#define SYNCNORM_DATASET_SAMPLER_H

/**
 * The sampler: which training sample stands at which *position of the global batch*. A pure function of the experiment
 * and the step; ranks only choose which positions they compute (sn_share_of). Nothing is padded or dropped. Not collective.
 *
 * Each of W virtual workers owns a shard (dataset/shards.h) and goes through it once an epoch, in an order of its own. The g-th
 * sample of an epoch, g = 0 ... N - 1, is worker g mod W's next one; batch t takes g = tB ... (t+1)B - 1 and sorts them by worker.
 * So every sample is used once per epoch, each worker gives B/W samples to every batch (rounded up or down where W does not divide
 * B, the extra ones going round), and a worker's samples stand side by side. The last batch of an epoch is short and counts truly.
 */

#include <stdbool.h>
#include <stdint.h>

#include "syncnorm/base/error.h"
#include "syncnorm/base/samples.h"
#include "syncnorm/dataset/shards.h"

typedef struct sn_sampler sn_sampler;

typedef struct sn_sampler_options {
    sn_samples samples; /* the training set */
    uint32_t batch;     /* global batch size */
    uint64_t seed;
    bool shuffle;
    uint32_t workers; /* 0 counts as 1 */
    sn_shard_options shards;
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

/** How many samples of each class the workers' shards have: counts[worker][class]. */
void sn_sampler_classes(const sn_sampler *sampler, int64_t (*counts)[SN_CLASSES]);

/** Where the workers' samples begin in the batch at `step`: worker w has positions start[w] ... start[w + 1] - 1, perhaps none;
 *  start has workers + 1 entries. */
void sn_sampler_workers(const sn_sampler *sampler, uint32_t step, uint32_t *start);

#endif
