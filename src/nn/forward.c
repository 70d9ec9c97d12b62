/* Forward: samples into blocks, a stage's input from the stage before, convolution and moments. */

#include <string.h>

#include "pass.h"
#include "syncnorm/nn/dropout.h"

enum { IMAGE_HALO = 1 };

int sn_lanes_from(uint32_t count, uint32_t start)
{
    return count - start < L ? (int)(count - start) : L;
}

void sn_block_load(const sn_pass *pass, sn_block *block, const sn_batch *batch, uint32_t start, int count)
{
    const uint8_t *pixels[L] = {NULL};
    block->count = count;
    block->mask = (uint16_t)((1u << count) - 1);
    memset(block->labels, 0, sizeof block->labels);
    for (int lane = 0; lane < count; lane++) {
        const uint32_t i = start + (uint32_t)lane;
        const size_t sample = batch->index ? batch->index[i] : batch->offset + batch->first + i;
        pixels[lane] = batch->samples.pixels + sample * SN_IMAGE_PIXELS;
        block->labels[lane] = batch->samples.labels[sample];
    }
    pass->kernels->load_pixels(pixels, pass->work->pixel_value,
                               sn_planes_at(block->image, IMAGE_HALO, IMAGE_HALO), SN_IMAGE_SIZE,
                               SN_IMAGE_SIZE);
}

void sn_block_keep_all(const sn_pass *pass, sn_block *block)
{
    for (int stage = 0; stage < SN_NORMS; stage++)
        for (int i = 0; i < pass->network->stages[stage].out_channels * L; i++)
            block->norms[stage].keep[i] = 1;
}

void sn_block_draw_dropout(const sn_pass *pass, sn_block *block, uint64_t seed, double p, uint32_t step,
                           uint32_t position)
{
    sn_block_keep_all(pass, block);
    if (p == 0) return;
    for (int stage = 0; stage < SN_NORMS; stage++)
        for (int lane = 0; lane < block->count; lane++)
            sn_dropout_keep(seed, p, step, position + (uint32_t)lane, stage,
                            pass->network->stages[stage].out_channels, L, block->norms[stage].keep + lane);
}

sn_affine sn_affine_of(const sn_pass *pass, const sn_block *block, int stage)
{
    const sn_stage *s = &pass->network->stages[stage];
    return sn_norm_affine(&pass->work->plans[stage].norm, &block->norms[stage],
                          sn_values_of(pass->model, s->norm_weight), sn_values_of(pass->model, s->norm_bias),
                          s->out_size);
}

sn_planes sn_produce_input(const sn_pass *pass, const sn_block *block, int stage)
{
    if (stage == 0) return block->image;
    const sn_stage_plan *before = &pass->work->plans[stage - 1];
    const sn_planes input = pass->work->plans[stage].input;
    const size_t halo = (size_t)pass->network->stages[stage].padding;
    const sn_affine affine = sn_affine_of(pass, block, stage - 1);
    pass->kernels->normalize(before->extent, &affine, sn_block_z(pass->work, block, stage - 1),
                             sn_planes_at(input, halo, halo));
    return input;
}

void sn_forward_stage(const sn_pass *pass, sn_block *block, int stage, bool measure)
{
    const sn_stage *s = &pass->network->stages[stage];
    const sn_stage_plan *plan = &pass->work->plans[stage];
    const sn_planes input = sn_produce_input(pass, block, stage);
    float *plane_sum = measure ? pass->work->plane_sum : NULL;
    if (measure) memset(plane_sum, 0, (size_t)s->out_channels * L * sizeof(float));
    pass->convolution->convolve(
        &plan->forward, sn_values_of(pass->model, s->weight), sn_values_of(pass->model, s->bias), input,
        sn_block_z(pass->work, block, stage), plan->rows, s->relu, plane_sum, pass->work->conv_scratch);
    if (measure)
        sn_norm_measure(&plan->norm, pass->kernels, block->z[stage], plane_sum, &block->norms[stage]);
}

void sn_fold(const sn_pass *pass, sn_block *block, int stage)
{
    const sn_stage *s = &pass->network->stages[stage];
    sn_norm_fold(&pass->work->plans[stage].norm, sn_values_of(pass->model, s->norm_weight),
                 sn_values_of(pass->model, s->norm_bias), &block->norms[stage]);
}
