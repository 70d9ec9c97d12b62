#ifndef SYNCNORM_DATASET_SHARDS_H
#define SYNCNORM_DATASET_SHARDS_H

/**
 * Shards: how the training set is divided among virtual workers. Sizes differ by at most one sample, every sample is in exactly
 * one shard, and all is a function of (labels, workers, kind, alpha, seed). Not collective.
 */

#include <stdint.h>

#include "syncnorm/base/error.h"
#include "syncnorm/base/samples.h"

typedef enum sn_shard_kind {
    SN_SHARDS_IID,       /* a random division */
    SN_SHARDS_SORTED,    /* sorted by label, then cut: neighbours in label go to one worker */
    SN_SHARDS_DIRICHLET, /* class proportions of each worker drawn from Dirichlet(alpha, ..., alpha) */
} sn_shard_kind;

typedef struct sn_shard_options {
    sn_shard_kind kind;
    double alpha; /* of the Dirichlet distribution, > 0: small is skewed, large is IID */
} sn_shard_options;

/**
 * Fills order[samples.count] with the shards one after the other: worker w has the entries of sn_share_of(samples.count, w, workers).
 *
 * Dirichlet: Hsu, Qi, Brown, "Measuring the effects of non-identical data distribution for federated visual classification" (2019): each
 * worker draws class proportions; workers then take a sample in turn, of a class drawn by their proportions among the classes
 * that are left. (In turn, rather than worker after worker, so that what is left over skews no worker more than another.)
 */
sn_status sn_shards_divide(sn_samples samples, uint32_t workers, const sn_shard_options *options,
                           uint64_t seed, uint32_t *order);

#endif
