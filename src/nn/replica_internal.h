#ifndef SYNCNORM_NN_REPLICA_INTERNAL_H
#define SYNCNORM_NN_REPLICA_INTERNAL_H

/* The replica's insides, shared by forward.c, backward.c, evaluation.c and the schedule in replica.c. */

#include <stdbool.h>

#include "block.h"
#include "partition.h"
#include "syncnorm/nn/replica.h"

enum { L = SN_LANES, LAST_STAGE = SN_STAGES - 1 };

struct sn_replica {
    sn_team *team;
    const sn_network *network;
    const sn_kernels *kernels;
    const sn_convolution *convolution;
    uint64_t seed;
    double dropout;
    float pixel_value[256];
    sn_workspace work;

    /* One message for all that a step sums; its parts are laid out in sn_replica_create(). */
    int64_t *message;
    size_t message_count; /* words used by the step at work */
    int64_t *loss, *correct, *extra, *violations;
    int64_t *batch_moments; /* batch norm: [norm_channels][SN_MOMENT_WORDS], over the whole batch */
    int64_t *running;       /* [norm_channels][SN_RUNNING_WORDS] */
    int64_t *worker_means;  /* [workers][norm_channels]; last, because its length is the step's */

    /* The step at work: how its positions are divided, whether a statistics group lies on several ranks, and whether it would with a
       rank for each worker (one worker: several ranks). */
    sn_partition groups, workers;
    uint32_t whole[2]; /* start of the partition that is the whole batch */
    uint32_t share_first;
    bool exchange, counts;

    /* Batch norm: messages of one norm for all groups, and the whole batch's statistics [norm_channels]. */
    int64_t *moments;   /* [groups][C][SN_MOMENT_WORDS] */
    int64_t *norm_sums; /* [groups][2][C] */
    double mean[SN_NORMS * SN_MAX_CHANNELS], var[SN_NORMS * SN_MAX_CHANNELS];

    sn_replica_costs costs;
};

enum { SN_RUNNING_WORDS = 3 };

/* Violations are counted per parameter tensor, then per norm's statistics, then for the loss. */
static inline size_t sn_violation_of_norm(const sn_network *network, int stage)
{
    return (size_t)network->parameters.count + (size_t)stage;
}

static inline size_t sn_violation_of_loss(const sn_network *network)
{
    return sn_violation_of_norm(network, SN_NORMS);
}

static inline bool sn_replica_pools_samples(const sn_replica *r)
{
    return sn_norm_pools_batch(r->network->norm);
}

/* Values of a parameter of the table; NULL for index -1. */
static inline const float *sn_values_of(const sn_model *model, int parameter)
{
    return parameter < 0 ? NULL : model->values + model->network->parameters.items[parameter].offset;
}

/* ---- forward.c ---- */

/* Loads `count` samples into the lanes of a block: index[lane], or first + lane when index is NULL. */
void sn_block_load(const sn_replica *r, sn_block *block, sn_samples samples, const uint32_t *index,
                   uint32_t first, int count);

/* Dropout off; dropout drawn for the positions from `position` on. */
void sn_block_keep_all(const sn_replica *r, sn_block *block);
void sn_block_draw_dropout(const sn_replica *r, sn_block *block, uint32_t step, uint32_t position);

/* Lanes of the block that starts at `start` of `count` samples. */
int sn_lanes_from(uint32_t count, uint32_t start);

/* How a stage's z becomes what it hands on. */
sn_affine sn_affine_of(const sn_replica *r, const sn_model *model, const sn_block *block, int stage);

/* The padded input of a stage: the image, or what the stage before hands on, computed anew from its z. */
sn_planes sn_produce_input(const sn_replica *r, const sn_model *model, const sn_block *block, int stage);

/* Convolution and ReLU of a stage, and with `measure` the moments of its norm. */
void sn_forward_stage(sn_replica *r, const sn_model *model, sn_block *block, int stage, bool measure);

/* Folds pooled statistics, affine parameters and dropout into what the kernels apply. */
void sn_fold(const sn_replica *r, const sn_model *model, sn_block *block, int stage);

/* ---- backward.c ---- */

/* Largest gradient in range for a batch of `total` samples. */
float sn_gradient_limit(uint32_t total);

/* Loss of one block, and backward through the last convolution. */
void sn_backward_head(sn_replica *r, const sn_model *model, sn_block *block, uint32_t total);

/* Backward sums of a stage's norm, from the gradient that has reached its output. */
void sn_backward_sums(sn_replica *r, const sn_model *model, sn_block *block, int stage);

/* Adds a block's gradient of the norm's own parameters to the message. */
void sn_backward_norm_parameters(sn_replica *r, const sn_model *model, const sn_block *block, int stage,
                                 uint32_t total);

/* Norm, ReLU and convolution of a stage; the pooled sums have been settled. `input_is_there`: the scratch planes still hold this
   block's input of the stage. */
void sn_backward_stage(sn_replica *r, const sn_model *model, sn_block *block, int stage, bool input_is_there,
                       uint32_t total);

/* ---- replica.c ---- */

/* Forward in training mode through all norms, layer by layer over the blocks. Collective when r->exchange. */
void sn_forward_span(sn_replica *r, const sn_model *model, sn_block *blocks, int count);

/* ---- batch_statistics.c; for batch norm only ---- */

/* The partitions of a batch, and the segments of a block whose samples begin at position `first`; these two for every norm. */
void sn_statistics_begin(sn_replica *r, const sn_batch *batch);
void sn_statistics_segments(const sn_replica *r, sn_block *block, uint32_t first);

/* Pools a stage's moments over its groups, and gives each lane its statistics. Collective when r->exchange. */
void sn_statistics_forward(sn_replica *r, sn_block *blocks, int count, int stage);

/* Pools the backward sums likewise; they are part of the message, too. Collective when r->exchange. */
void sn_statistics_backward(sn_replica *r, const sn_model *model, sn_block *blocks, int count, int stage,
                            float limit);

/* After the message was summed: running statistics, what sn_step_sums tells of the statistics. */
void sn_statistics_finish(sn_replica *r, sn_model *model, uint32_t total, sn_step_sums *sums);

#endif
