#ifndef SYNCNORM_NN_BLOCK_H
#define SYNCNORM_NN_BLOCK_H

/* The workspace of a replica: what each block keeps between forward and backward, and, for each shape of blocks, the scratch planes
   that belong to the block at work and the parameters as its kernels read them. One arena, so that a step walks one piece of
   (huge-page) memory. */

#include <stdint.h>

#include "partition.h"
#include "syncnorm/nn/model.h"
#include "syncnorm/nn/network.h"
#include "syncnorm/nn/norm.h"
#include "syncnorm/nn/shapes.h"
#include "syncnorm/nn/weight_standardization.h"

typedef struct sn_block {
    sn_shape shape;
    uint16_t mask; /* samples that are there */
    int count;     /* of them; they come first */
    uint8_t labels[SN_LANES];
    sn_segments groups, workers; /* its samples by statistics group, by worker */
    sn_planes image;             /* 28 x 28 with a halo of 1 */
    float *z[SN_STAGES];         /* outputs of the convolutions, after ReLU: [slots][pixels][lanes] */
    float *da;                   /* gradient of the output of the stage that backward has reached */
    sn_norm_state norms[SN_NORMS];
} sn_block;

/* A stage's part of the scratch planes and the shapes its convolutions are called with. Planes with halos keep them zero
   from creation on: nobody writes there. */
typedef struct sn_stage_plan {
    sn_conv_shape forward, backward; /* backward: channels swapped, gives the input gradient */
    int rows, backward_rows;         /* output rows of each */
    sn_norm norm;
    sn_extent extent;   /* of what the stage hands on */
    sn_planes input;    /* the convolution's input with halo; stage 0 reads the block's image instead */
    sn_planes dz;       /* gradient of the convolution's output with halo */
    sn_planes z_layout; /* strides of z (data NULL) */
    sn_planes da_layout;
    /* parameters as the kernels read them (sn_workspace_prepare): the model's own, or packed in `room` */
    const float *weight, *bias, *flipped, *norm_weight, *norm_bias;
    struct {
        float *weight, *bias, *flipped, *norm_weight, *norm_bias;
    } room;
} sn_stage_plan;

/* All that blocks of one shape need. */
typedef struct sn_shape_work {
    sn_stage_plan plans[SN_STAGES];
    sn_block *blocks;
    uint32_t count, taken;
} sn_shape_work;

typedef struct sn_workspace {
    float pixel_value[256]; /* what the network sees of a byte */
    sn_shape_work shapes[SN_SHAPES];
    float *plane_sum;        /* [16][S] */
    float *bias_sum;         /* [16][S] */
    float *logits, *dlogits; /* [10][S] */
    float *weight_lanes;     /* lane-wise weight gradient of the largest convolution */
    float *conv_scratch;
    sn_weight_moments
        weight_moments[SN_STAGES];  /* of the model that was prepared last, with weight standardization */
    float *standardized[SN_STAGES]; /* weights of the convolutions, with weight standardization; else NULL */
    sn_block **blocks;              /* of the span at work */
    void *memory;
    bool busy; /* one pass at a time */
} sn_workspace;

/* For spans of shares of up to `samples`; with `single`, spans of one block alone. */
size_t sn_workspace_bytes(const sn_network *network, const sn_convolution *convolution, uint32_t samples,
                          bool single);
sn_status sn_workspace_create(const sn_network *network, const sn_convolution *convolution, uint32_t samples,
                              bool single, sn_workspace *workspace);
void sn_workspace_destroy(sn_workspace *workspace);

/* A block of a shape that is not in use; all are given back at once. */
sn_block *sn_workspace_take(sn_workspace *workspace, sn_shape shape);
void sn_workspace_give_back(sn_workspace *workspace);

/* Values of a parameter of the table; NULL for index -1. */
static inline const float *sn_values_of(const sn_model *model, int parameter)
{
    return parameter < 0 ? NULL : model->values + model->network->parameters.items[parameter].offset;
}

static inline const sn_stage_plan *sn_plan_of(const sn_workspace *workspace, const sn_block *block, int stage)
{
    return &workspace->shapes[block->shape].plans[stage];
}

/* A pass over blocks begins and ends; debug builds notice one inside another, whose blocks would be overwritten. */
void sn_workspace_enter(sn_workspace *workspace);
void sn_workspace_leave(sn_workspace *workspace);

/* The view of a block's z of stage i, and of da as the gradient of what stage i hands on. */
sn_planes sn_block_z(const sn_workspace *workspace, const sn_block *block, int stage);
sn_planes sn_block_da(const sn_workspace *workspace, const sn_block *block, int stage);

/* ---- prepare.c ---- */

/* Prepares the model's parameters for the blocks that a share of `samples` is cut into; with `backward`, for both directions. */
void sn_workspace_prepare(sn_workspace *workspace, const sn_model *model, const sn_convolution *convolution,
                          uint32_t samples, bool backward);

#endif
