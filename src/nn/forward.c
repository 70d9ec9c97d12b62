/* Forward: samples into blocks, a stage's input from the stage before, convolution and moments. */

#include <string.h>

#include "pass.h"
#include "syncnorm/nn/dropout.h"

enum { IMAGE_HALO = 1 };

void sn_block_load(const sn_pass *pass, sn_block *block, const sn_batch *batch, uint32_t start, int count)
{
    const uint8_t *pixels[L] = {NULL};
    sn_phase_begin(pass->clock, SN_PHASE_LOADING);
    block->count = count;
    block->mask = (uint16_t)((1u << count) - 1);
    memset(block->labels, 0, sizeof block->labels);
    for (int k = 0; k < count; k++) {
        const uint32_t i = start + (uint32_t)k;
        const uint32_t sample = batch->index ? batch->index[i] : batch->offset + batch->first + i;
        pixels[k] = sn_sample_pixels(batch->samples, sample);
        block->labels[k] = sn_sample_label(batch->samples, sample);
    }
    pass->kernels->load_pixels(sn_shape_samples[block->shape], pixels, pass->work->pixel_value,
                               sn_planes_at(block->image, IMAGE_HALO, IMAGE_HALO), SN_IMAGE_SIZE,
                               SN_IMAGE_SIZE);
}

void sn_block_keep_all(const sn_pass *pass, sn_block *block)
{
    const int samples = sn_shape_samples[block->shape];
    for (int stage = 0; stage < SN_NORMS; stage++)
        for (int i = 0; i < pass->network->stages[stage].out_channels * samples; i++)
            block->norms[stage].keep[i] = 1;
}

void sn_block_draw_dropout(const sn_pass *pass, sn_block *block, uint64_t seed, double p, uint32_t step,
                           uint32_t position)
{
    sn_phase_begin(pass->clock, SN_PHASE_SAMPLER);
    sn_block_keep_all(pass, block);
    if (p == 0) return;
    for (int stage = 0; stage < SN_NORMS; stage++)
        for (int k = 0; k < block->count; k++)
            sn_dropout_keep(seed, p, step, position + (uint32_t)k, stage,
                            pass->network->stages[stage].out_channels, sn_shape_samples[block->shape],
                            block->norms[stage].keep + k);
}

sn_affine sn_affine_of(const sn_pass *pass, const sn_block *block, int stage)
{
    const sn_stage_plan *plan = sn_plan_of(pass->work, block, stage);
    return sn_norm_affine(&plan->norm, &block->norms[stage], plan->norm_weight, plan->norm_bias,
                          pass->network->stages[stage].out_size);
}

sn_planes sn_produce_input(const sn_pass *pass, const sn_block *block, int stage)
{
    if (stage == 0) return block->image;
    const sn_stage_plan *before = sn_plan_of(pass->work, block, stage - 1);
    const sn_planes input = sn_plan_of(pass->work, block, stage)->input;
    const size_t halo = (size_t)pass->network->stages[stage].padding;
    const sn_affine affine = sn_affine_of(pass, block, stage - 1);
    sn_phase_begin(pass->clock, SN_PHASE_AFFINE);
    pass->kernels->normalize(before->extent, &affine, sn_block_z(pass->work, block, stage - 1),
                             sn_planes_at(input, halo, halo));
    return input;
}

void sn_forward_stage(const sn_pass *pass, sn_block *block, int stage, bool measure)
{
    const sn_stage *s = &pass->network->stages[stage];
    const sn_stage_plan *plan = sn_plan_of(pass->work, block, stage);
    const sn_planes input = sn_produce_input(pass, block, stage);
    float *plane_sum = measure ? pass->work->plane_sum : NULL;
    if (measure) memset(plane_sum, 0, sn_channel_bytes(&plan->norm));
    sn_phase_begin(pass->clock, SN_PHASE_FORWARD);
    pass->convolution->convolve(&plan->forward, plan->weight, plan->bias, input,
                                sn_block_z(pass->work, block, stage), plan->rows, s->relu, plane_sum,
                                pass->work->conv_scratch);
    sn_phase_begin(pass->clock, SN_PHASE_STATISTICS);
    if (measure)
        sn_norm_measure(&plan->norm, pass->kernels, block->z[stage], plane_sum, &block->norms[stage]);
}

void sn_fold(const sn_pass *pass, sn_block *block, int stage)
{
    const sn_stage *s = &pass->network->stages[stage];
    sn_norm_fold(&sn_plan_of(pass->work, block, stage)->norm, sn_values_of(pass->model, s->norm_weight),
                 sn_values_of(pass->model, s->norm_bias), &block->norms[stage]);
}
