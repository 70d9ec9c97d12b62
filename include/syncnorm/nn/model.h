#ifndef SYNCNORM_NN_MODEL_H
#define SYNCNORM_NN_MODEL_H

/** The model: values of the parameters, momentum and running statistics, on every rank alike. Not collective. */

#include <stdint.h>

#include "syncnorm/base/digest.h"
#include "syncnorm/nn/network.h"

/** Whose running statistics a model learns where each worker's batch statistics are its own. */
typedef enum sn_running_stats {
    SN_RUNNING_MERGED, /* all workers' together, by their samples */
    SN_RUNNING_WORKER0, /* the first worker's: PyTorch's DistributedDataParallel keeps rank 0's (broadcast_buffers=True) */
    SN_RUNNING_ALL, /* merged, and beside them each worker's */
} sn_running_stats;

typedef struct sn_model {
    const sn_network *network;
    float *values;       /* [parameters.total] */
    float *momentum;     /* [parameters.total], PyTorch's momentum_buffer */
    float *running_mean; /* [norm_channels]; NULL unless batch norm */
    float *running_var;  /* [norm_channels], unbiased; NULL unless batch norm */
    int64_t batches_tracked;
    /* SN_RUNNING_ALL: [workers][norm_channels], no part of the state dict; else 0 and NULL */
    uint32_t workers;
    float *workers_mean, *workers_var;
} sn_model;

/** A zeroed model; `network` must outlive it. */
sn_status sn_model_create(const sn_network *network, sn_model **model);
/** A copy, of the same network, without the workers' running statistics. */
sn_status sn_model_copy(const sn_model *model, sn_model **copy);
void sn_model_destroy(sn_model *model);

/** From now on the model has running statistics of each worker, which begin as its own. */
sn_status sn_model_keep_workers(sn_model *model, uint32_t workers);
/** Puts those of a worker in place of its own. */
void sn_model_take_worker(sn_model *model, const sn_model *from, uint32_t worker);

/**
 * Initial values: convolution weights and biases from U(-1/sqrt(fan_in), 1/sqrt(fan_in)) (PyTorch's default), norm weights
 * 1, biases 0, running mean 0 and variance 1. A pure function of (seed, stage, element): the same convolution
 * weights whatever the norm.
 */
void sn_model_initialize(sn_model *model, uint64_t seed);

/** One entry of the state dict; a scalar has rank 0. Exactly one of `real` and `integer` is set. */
typedef struct sn_state_entry {
    char name[SN_PARAMETER_NAME];
    int rank;
    size_t shape[4];
    size_t count;
    float *real;
    int64_t *integer;
    float *momentum; /* of a parameter; NULL for running statistics */
} sn_state_entry;

enum { SN_STATE_MAX = SN_PARAMETERS_MAX + 3 * SN_NORMS };

/** The state dict in PyTorch's order (conv1.weight, conv1.bias, norm1.weight, norm1.bias, norm1.running_mean, ...), as
 *  pointers into the model. Returns the number of entries. */
int sn_model_state(sn_model *model, sn_state_entry entries[SN_STATE_MAX]);

/** XXH3-128 over the little-endian values of the state dict in its order. */
sn_digest sn_model_digest(const sn_model *model);

#endif
