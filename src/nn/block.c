#include "block.h"

#include <assert.h>
#include <string.h>

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static int samples_of(sn_shape shape)
{
    return sn_shape_samples[shape];
}

/* Square planes of `size` pixels with a zero halo; .data is the corner of the halo. */
static sn_planes take_planes(sn_arena *arena, sn_shape shape, int channels, int size, int halo)
{
    const size_t row = (size_t)(size + 2 * halo), slots = (size_t)sn_slots(samples_of(shape), channels);
    return (sn_planes){sn_arena_take(arena, slots * row * row, SN_LANES * sizeof(float)), row * row, row};
}

static sn_planes layout(int size)
{
    return (sn_planes){NULL, (size_t)size * (size_t)size, (size_t)size};
}

/* 1 x 1 convolutions see a plane as one long row. */
static void set_shape(sn_conv_shape *shape, int *rows, int samples, int in, int out, int kernel, int size)
{
    *shape = (sn_conv_shape){.samples = samples,
                             .in_channels = in,
                             .out_channels = out,
                             .kernel = kernel,
                             .width = kernel == 1 ? size * size : size};
    *rows = kernel == 1 ? 1 : size;
}

/* Room for a stage's parameters where they are not read as they are. */
static void take_room(const sn_network *network, const sn_convolution *convolution, int index, sn_shape shape,
                      sn_arena *arena, sn_stage_plan *plan)
{
    const sn_stage *s = &network->stages[index];
    const int samples = samples_of(shape);
    const size_t area = (size_t)(s->kernel * s->kernel), pixels = (size_t)plan->norm.pixels;
    const size_t elements = sn_packed(samples, s->out_channels, pixels);
    const bool packs = samples < SN_LANES;
    if (packs && convolution->packed) {
        plan->room.weight = sn_arena_take(
            arena, sn_packed(samples, s->out_channels, (size_t)s->in_channels * area), sizeof(float));
        plan->room.bias = sn_arena_take(arena, sn_packed(samples, s->out_channels, 1), sizeof(float));
    }
    plan->room.flipped = sn_arena_take(
        arena, sn_packed(samples, s->in_channels, (size_t)s->out_channels * area), sizeof(float));
    if (!s->norm || !sn_norm_is_per_element(&plan->norm)) return;
    if (packs) plan->room.norm_weight = sn_arena_take(arena, elements, sizeof(float));
    if (packs && s->norm_bias >= 0) plan->room.norm_bias = sn_arena_take(arena, elements, sizeof(float));
}

static void plan_stage(const sn_network *network, const sn_convolution *convolution, int index,
                       const float *no_bias, sn_shape shape, sn_arena *arena, sn_stage_plan *plan)
{
    const sn_stage *s = &network->stages[index];
    const int samples = samples_of(shape);
    set_shape(&plan->forward, &plan->rows, samples, s->in_channels, s->out_channels, s->kernel, s->out_size);
    set_shape(&plan->backward, &plan->backward_rows, samples, s->out_channels, s->in_channels, s->kernel,
              s->in_size);
    plan->norm = (sn_norm){.kind = network->options.norm,
                           .groups = network->options.groups,
                           .channels = s->out_channels,
                           .pixels = s->out_size * s->out_size,
                           .samples = samples,
                           .epsilon = SN_NORM_EPSILON,
                           .no_bias = no_bias};
    const int handed = sn_stage_handed_size(s);
    plan->extent = (sn_extent){
        .samples = samples, .channels = s->out_channels, .rows = handed, .width = handed, .pool = s->pool};
    if (index > 0) plan->input = take_planes(arena, shape, s->in_channels, s->in_size, s->padding);
    const int gradient_halo = index > 0 ? s->kernel - 1 - s->padding
                                        : 0; /* stage 0 needs no input gradient */
    plan->dz = take_planes(arena, shape, s->out_channels, s->out_size, gradient_halo);
    plan->z_layout = layout(s->out_size);
    plan->da_layout = layout(handed);
    take_room(network, convolution, index, shape, arena, plan);
}

static void carve_block(const sn_network *network, sn_shape shape, sn_arena *arena, sn_block *block)
{
    const int samples = samples_of(shape);
    block->shape = shape;
    block->image = take_planes(arena, shape, 1, network->stages[0].in_size, network->stages[0].padding);
    size_t largest = 0;
    for (int i = 0; i < SN_STAGES; i++) {
        const sn_stage *s = &network->stages[i];
        const size_t slots = (size_t)sn_slots(samples, s->out_channels),
                     side = (size_t)sn_stage_handed_size(s);
        block->z[i] = sn_arena_take(arena, slots * (size_t)(s->out_size * s->out_size) * SN_LANES,
                                    sizeof(float));
        if (s->norm) sn_norm_state_carve(&block->norms[i], samples, s->out_channels, arena);
        largest = larger(largest, slots * side * side);
    }
    block->da = sn_arena_take(arena, largest * SN_LANES, sizeof(float));
}

static void carve_shape(const sn_network *network, const sn_convolution *convolution, sn_shape shape,
                        const float *no_bias, sn_shape_work *work, sn_arena *arena)
{
    sn_block measured;
    for (int i = 0; i < SN_STAGES; i++)
        plan_stage(network, convolution, i, no_bias, shape, arena, &work->plans[i]);
    work->blocks = sn_arena_take(arena, work->count, sizeof(sn_block));
    for (uint32_t b = 0; b < work->count; b++)
        carve_block(network, shape, arena, arena->memory ? &work->blocks[b] : &measured);
}

/* Lays the workspace out in the arena; called twice, to measure and to fill. */
static void carve(const sn_network *network, const sn_convolution *convolution, sn_workspace *w,
                  sn_arena *arena)
{
    const size_t channel_lanes = (size_t)SN_MAX_CHANNELS * SN_LANES;
    size_t scratch = 0, weights = 0, elements = 0, blocks = 0;
    for (int i = 0; i < SN_NORMS; i++) {
        const sn_stage *s = &network->stages[i];
        elements = larger(elements, sn_packed(1, s->out_channels, (size_t)(s->out_size * s->out_size)));
    }
    const float *no_bias = sn_arena_take(arena, elements, sizeof(float));
    for (sn_shape shape = 0; shape < SN_SHAPES; shape++) {
        carve_shape(network, convolution, shape, no_bias, &w->shapes[shape], arena);
        blocks += w->shapes[shape].count;
    }
    for (int i = 0; i < SN_STAGES; i++) {
        const sn_stage_plan *plan = &w->shapes[SN_SHAPE_16].plans[i];
        const size_t count = network->parameters.items[network->stages[i].weight].count;
        scratch = larger(scratch, convolution->scratch_floats(&plan->forward, plan->rows));
        scratch = larger(scratch, convolution->scratch_floats(&plan->backward, plan->backward_rows));
        weights = larger(weights, count);
        if (network->options.weight_standardization)
            w->standardized[i] = sn_arena_take(arena, count, sizeof(float));
    }
    w->plane_sum = sn_arena_take(arena, channel_lanes, sizeof(float));
    w->bias_sum = sn_arena_take(arena, channel_lanes, sizeof(float));
    w->logits = sn_arena_take(arena, channel_lanes, sizeof(float));
    w->dlogits = sn_arena_take(arena, channel_lanes, sizeof(float));
    w->weight_lanes = sn_arena_take(arena, weights * SN_LANES, sizeof(float));
    w->conv_scratch = sn_arena_take(arena, scratch, sizeof(float));
    w->blocks = sn_arena_take(arena, blocks, sizeof(void *));
}

static void count_blocks(uint32_t samples, bool single, sn_workspace *w)
{
    for (sn_shape shape = 0; shape < SN_SHAPES; shape++) {
        const uint32_t most = sn_most_pieces(shape, samples);
        w->shapes[shape].count = single || most == 0 ? 1 : most; /* evaluation may need any */
    }
}

size_t sn_workspace_bytes(const sn_network *network, const sn_convolution *convolution, uint32_t samples,
                          bool single)
{
    sn_workspace measured = {.busy = false};
    sn_arena arena = {0};
    count_blocks(samples, single, &measured);
    carve(network, convolution, &measured, &arena);
    return arena.used;
}

sn_status sn_workspace_create(const sn_network *network, const sn_convolution *convolution, uint32_t samples,
                              bool single, sn_workspace *workspace)
{
    memset(workspace, 0, sizeof *workspace);
    count_blocks(samples, single, workspace);
    for (int i = 0; i < 256; i++)
        workspace->pixel_value[i] = (float)((i / 255.0 - 0.1307) / 0.3081);
    SN_TRY(sn_allocate(&workspace->memory, 1, sn_workspace_bytes(network, convolution, samples, single),
                       "the activations of this rank's share of the batch"));
    sn_arena arena = (sn_arena){.memory = workspace->memory};
    carve(network, convolution, workspace, &arena);
    return SN_OK;
}

void sn_workspace_destroy(sn_workspace *workspace)
{
    sn_free(workspace->memory);
    memset(workspace, 0, sizeof *workspace);
}

sn_block *sn_workspace_take(sn_workspace *workspace, sn_shape shape)
{
    sn_shape_work *work = &workspace->shapes[shape];
    assert(work->taken < work->count);
    return &work->blocks[work->taken++];
}

void sn_workspace_give_back(sn_workspace *workspace)
{
    for (sn_shape shape = 0; shape < SN_SHAPES; shape++)
        workspace->shapes[shape].taken = 0;
}

void sn_workspace_enter(sn_workspace *workspace)
{
    assert(!workspace->busy);
    workspace->busy = true;
}

void sn_workspace_leave(sn_workspace *workspace)
{
    workspace->busy = false;
}

static sn_planes placed(sn_planes planes, float *data)
{
    planes.data = data;
    return planes;
}

sn_planes sn_block_z(const sn_workspace *workspace, const sn_block *block, int stage)
{
    return placed(sn_plan_of(workspace, block, stage)->z_layout, block->z[stage]);
}

sn_planes sn_block_da(const sn_workspace *workspace, const sn_block *block, int stage)
{
    return placed(sn_plan_of(workspace, block, stage)->da_layout, block->da);
}
