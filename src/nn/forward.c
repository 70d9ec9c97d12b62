/* Forward: samples into blocks, a stage's input from the stage before, convolution and moments. */

#include <string.h>

#include "replica_internal.h"
#include "syncnorm/nn/dropout.h"

enum { IMAGE_HALO = 1 };

void sn_block_load(const sn_replica *r, sn_block *block, sn_samples samples, const uint32_t *index,
                   uint32_t first, int count)
{
    const uint8_t *pixels[L] = {NULL};
    block->count = count;
    block->mask = (uint16_t)((1u << count) - 1);
    memset(block->labels, 0, sizeof block->labels);
    for (int lane = 0; lane < count; lane++) {
        const size_t sample = index ? index[lane] : first + (uint32_t)lane;
        pixels[lane] = samples.pixels + sample * SN_IMAGE_PIXELS;
        block->labels[lane] = samples.labels[sample];
    }
    r->kernels->load_pixels(pixels, r->pixel_value, sn_planes_at(block->image, IMAGE_HALO, IMAGE_HALO),
                            SN_IMAGE_SIZE, SN_IMAGE_SIZE);
}

void sn_block_keep_all(const sn_replica *r, sn_block *block)
{
    for (int stage = 0; stage < SN_NORMS; stage++)
        for (int i = 0; i < r->network->stages[stage].out_channels * L; i++)
            block->norms[stage].keep[i] = 1;
}

void sn_block_draw_dropout(const sn_replica *r, sn_block *block, uint32_t step, uint32_t position)
{
    sn_block_keep_all(r, block);
    if (r->dropout == 0) return;
    for (int stage = 0; stage < SN_NORMS; stage++)
        for (int lane = 0; lane < block->count; lane++)
            sn_dropout_keep(r->seed, r->dropout, step, position + (uint32_t)lane, stage,
                            r->network->stages[stage].out_channels, L, block->norms[stage].keep + lane);
}

int sn_lanes_from(uint32_t count, uint32_t start)
{
    return count - start < L ? (int)(count - start) : L;
}

sn_affine sn_affine_of(const sn_replica *r, const sn_model *model, const sn_block *block, int stage)
{
    const sn_stage *s = &r->network->stages[stage];
    return sn_norm_affine(&r->work.plans[stage].norm, &block->norms[stage],
                          sn_values_of(model, s->norm_weight), sn_values_of(model, s->norm_bias),
                          s->out_size);
}

sn_planes sn_produce_input(const sn_replica *r, const sn_model *model, const sn_block *block, int stage)
{
    if (stage == 0) return block->image;
    const sn_stage_plan *before = &r->work.plans[stage - 1];
    const sn_planes input = r->work.plans[stage].input;
    const size_t halo = (size_t)r->network->stages[stage].padding;
    const sn_affine affine = sn_affine_of(r, model, block, stage - 1);
    r->kernels->normalize(before->extent, &affine, sn_block_z(&r->work, block, stage - 1),
                          sn_planes_at(input, halo, halo));
    return input;
}

void sn_forward_stage(sn_replica *r, const sn_model *model, sn_block *block, int stage, bool measure)
{
    const sn_stage *s = &r->network->stages[stage];
    const sn_stage_plan *plan = &r->work.plans[stage];
    const sn_planes input = sn_produce_input(r, model, block, stage);
    float *plane_sum = measure ? r->work.plane_sum : NULL;
    if (measure) memset(plane_sum, 0, (size_t)s->out_channels * L * sizeof(float));
    r->convolution->convolve(&plan->forward, sn_values_of(model, s->weight), sn_values_of(model, s->bias),
                             input, sn_block_z(&r->work, block, stage), plan->rows, s->relu, plane_sum,
                             r->work.conv_scratch);
    if (measure) sn_norm_measure(&plan->norm, r->kernels, block->z[stage], plane_sum, &block->norms[stage]);
}

void sn_fold(const sn_replica *r, const sn_model *model, sn_block *block, int stage)
{
    const sn_stage *s = &r->network->stages[stage];
    sn_norm_fold(&r->work.plans[stage].norm, sn_values_of(model, s->norm_weight),
                 sn_values_of(model, s->norm_bias), &block->norms[stage]);
}
