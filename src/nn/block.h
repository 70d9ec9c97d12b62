#ifndef SYNCNORM_NN_BLOCK_H
#define SYNCNORM_NN_BLOCK_H

/* The workspace of a replica: what each block of 16 samples keeps between forward and backward, and the scratch planes
   that belong to the block at work. One arena, so that a step walks one piece of (huge-page) memory. */

#include <stdint.h>

#include "partition.h"
#include "syncnorm/nn/network.h"
#include "syncnorm/nn/norm.h"

typedef struct sn_block {
    uint16_t mask; /* lanes with a sample */
    int count;     /* of them; they come first */
    uint8_t labels[SN_LANES];
    sn_segments groups, workers; /* its lanes by statistics group, by worker */
    sn_planes image;             /* 28 x 28 with a halo of 1 */
    float *z[SN_STAGES];         /* outputs of the convolutions, after ReLU: [C][pixels][L] */
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
} sn_stage_plan;

typedef struct sn_workspace {
    float pixel_value[256]; /* what the network sees of a byte */
    sn_stage_plan plans[SN_STAGES];
    float *plane_sum;        /* [16][L] */
    float *bias_sum;         /* [16][L] */
    float *logits, *dlogits; /* [10][L] */
    float *weight_lanes;     /* lane-wise weight gradient of the largest convolution */
    float *flipped[SN_STAGES];
    float *conv_scratch;
    sn_block *blocks;
    int block_count;
    void *memory;
    bool busy; /* one pass at a time */
} sn_workspace;

size_t sn_workspace_bytes(const sn_network *network, const sn_convolution *convolution, int blocks);
sn_status sn_workspace_create(const sn_network *network, const sn_convolution *convolution, int blocks,
                              sn_workspace *workspace);
void sn_workspace_destroy(sn_workspace *workspace);

/* A pass over blocks begins and ends; debug builds notice one inside another, whose blocks would be overwritten. */
void sn_workspace_enter(sn_workspace *workspace);
void sn_workspace_leave(sn_workspace *workspace);

/* The view of a block's z of stage i, and of da as the gradient of what stage i hands on. */
sn_planes sn_block_z(const sn_workspace *workspace, const sn_block *block, int stage);
sn_planes sn_block_da(const sn_workspace *workspace, const sn_block *block, int stage);

#endif
