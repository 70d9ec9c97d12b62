#ifndef SYNCNORM_NN_PASS_H
#define SYNCNORM_NN_PASS_H

/* Passes over one block, stage by stage, forward and backward. They know weights, shapes and the workspace, and nothing of steps,
   ranks and messages. */

#include "block.h"
#include "syncnorm/nn/batch.h"
#include "syncnorm/nn/model.h"
#include "syncnorm/nn/phases.h"

enum { L = SN_LANES, LAST_STAGE = SN_STAGES - 1 };

typedef struct sn_pass {
    const sn_network *network;
    const sn_model *model;
    const sn_kernels *kernels;
    const sn_convolution *convolution;
    const sn_workspace *work;
    sn_phase_clock *clock; /* or NULL */
} sn_pass;

/* Bytes of an array [C][S] of floats, whole slots. */
static inline size_t sn_channel_bytes(const sn_norm *norm)
{
    return (size_t)(sn_slots(norm->samples, norm->channels) * L) * sizeof(float);
}

/* Where backward adds what is summed over samples, and the largest values in range. */
typedef struct sn_sums {
    int64_t *gradient;   /* [parameters.total], units of 2^-36 */
    int64_t *violations; /* values out of range, by parameter and so on (message.h) */
    int64_t *loss;       /* units of 2^-32 */
    int64_t *correct;
    float gradient_limit;
    double loss_limit;
} sn_sums;

/* ---- forward.c ---- */

/* Loads `count` samples of the batch, from the rank's sample `start` on, into a block. */
void sn_block_load(const sn_pass *pass, sn_block *block, const sn_batch *batch, uint32_t start, int count);

/* Dropout off; dropout drawn at a step for the positions from `position` on. */
void sn_block_keep_all(const sn_pass *pass, sn_block *block);
void sn_block_draw_dropout(const sn_pass *pass, sn_block *block, uint64_t seed, double p, uint32_t step,
                           uint32_t position);

/* How a stage's z becomes what it hands on. */
sn_affine sn_affine_of(const sn_pass *pass, const sn_block *block, int stage);

/* The padded input of a stage: the image, or what the stage before hands on, computed anew from its z. */
sn_planes sn_produce_input(const sn_pass *pass, const sn_block *block, int stage);

/* Convolution and ReLU of a stage, and with `measure` the moments of its norm. */
void sn_forward_stage(const sn_pass *pass, sn_block *block, int stage, bool measure);

/* Folds pooled statistics, affine parameters and dropout into what the kernels apply. */
void sn_fold(const sn_pass *pass, sn_block *block, int stage);

/* ---- backward.c ---- */

/* Loss of one block, backward through the last convolution, and the backward sums of the norm before. */
void sn_backward_head(const sn_pass *pass, sn_block *block, const sn_sums *sums);

/* Adds a block's gradient of the norm's own parameters. */
void sn_backward_norm_parameters(const sn_pass *pass, const sn_block *block, int stage, const sn_sums *sums);

/* Norm, ReLU and convolution of a stage, and the backward sums of the norm before; this one's pooled sums have been settled. `input_is_there`: the scratch planes still hold this
   block's input of the stage. */
void sn_backward_stage(const sn_pass *pass, sn_block *block, int stage, bool input_is_there,
                       const sn_sums *sums);

#endif
