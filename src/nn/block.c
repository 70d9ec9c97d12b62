#include "block.h"

#include <assert.h>
#include <string.h>

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Square planes of `size` pixels with a zero halo; .data is the corner of the halo. */
static sn_planes take_planes(sn_arena *arena, int channels, int size, int halo)
{
    const size_t row = (size_t)(size + 2 * halo);
    return (sn_planes){sn_arena_take(arena, (size_t)channels * row * row, SN_LANES * sizeof(float)),
                       row * row, row};
}

static sn_planes layout(int size)
{
    return (sn_planes){NULL, (size_t)size * (size_t)size, (size_t)size};
}

/* 1 x 1 convolutions see a plane as one long row. */
static void set_shape(sn_conv_shape *shape, int *rows, int in, int out, int kernel, int size)
{
    *shape = (sn_conv_shape){
        .in_channels = in, .out_channels = out, .kernel = kernel, .width = kernel == 1 ? size * size : size};
    *rows = kernel == 1 ? 1 : size;
}

static void plan_stage(const sn_network *network, int index, const float *no_bias, sn_arena *arena,
                       sn_stage_plan *plan)
{
    const sn_stage *s = &network->stages[index];
    set_shape(&plan->forward, &plan->rows, s->in_channels, s->out_channels, s->kernel, s->out_size);
    set_shape(&plan->backward, &plan->backward_rows, s->out_channels, s->in_channels, s->kernel, s->in_size);
    plan->norm = (sn_norm){.kind = network->norm,
                           .groups = network->groups,
                           .channels = s->out_channels,
                           .pixels = s->out_size * s->out_size,
                           .epsilon = SN_NORM_EPSILON,
                           .no_bias = no_bias};
    const int handed = sn_stage_handed_size(s);
    plan->extent = (sn_extent){.channels = s->out_channels, .rows = handed, .width = handed, .pool = s->pool};
    if (index > 0) plan->input = take_planes(arena, s->in_channels, s->in_size, s->padding);
    const int gradient_halo = index > 0 ? s->kernel - 1 - s->padding
                                        : 0; /* stage 0 needs no input gradient */
    plan->dz = take_planes(arena, s->out_channels, s->out_size, gradient_halo);
    plan->z_layout = layout(s->out_size);
    plan->da_layout = layout(handed);
}

static void carve_block(const sn_network *network, sn_arena *arena, sn_block *block)
{
    block->image = take_planes(arena, 1, network->stages[0].in_size, network->stages[0].padding);
    size_t largest = 0;
    for (int i = 0; i < SN_STAGES; i++) {
        const sn_stage *s = &network->stages[i];
        const size_t pixels = (size_t)s->out_channels * (size_t)(s->out_size * s->out_size);
        const size_t handed = (size_t)s->out_channels *
                              (size_t)(sn_stage_handed_size(s) * sn_stage_handed_size(s));
        block->z[i] = sn_arena_take(arena, pixels * SN_LANES, sizeof(float));
        if (s->norm) sn_norm_state_carve(&block->norms[i], s->out_channels, arena);
        largest = larger(largest, handed);
    }
    block->da = sn_arena_take(arena, largest * SN_LANES, sizeof(float));
}

/* Lays the workspace out in the arena; called twice, to measure and to fill. */
static void carve(const sn_network *network, const sn_convolution *convolution, sn_workspace *w,
                  sn_arena *arena)
{
    const size_t channel_lanes = (size_t)SN_MAX_CHANNELS * SN_LANES;
    size_t scratch = 0, weights = 0, elements = 0;
    for (int i = 0; i < SN_NORMS; i++)
        elements = larger(elements, (size_t)(network->stages[i].out_channels * network->stages[i].out_size *
                                             network->stages[i].out_size));
    const float *no_bias = sn_arena_take(arena, elements, sizeof(float));
    for (int i = 0; i < SN_STAGES; i++) {
        sn_stage_plan *plan = &w->plans[i];
        plan_stage(network, i, no_bias, arena, plan);
        const size_t count = network->parameters.items[network->stages[i].weight].count;
        scratch = larger(scratch, convolution->scratch_floats(&plan->forward, plan->rows));
        scratch = larger(scratch, convolution->scratch_floats(&plan->backward, plan->backward_rows));
        weights = larger(weights, count);
        w->flipped[i] = sn_arena_take(arena, count, sizeof(float));
    }
    w->plane_sum = sn_arena_take(arena, channel_lanes, sizeof(float));
    w->bias_sum = sn_arena_take(arena, channel_lanes, sizeof(float));
    w->logits = sn_arena_take(arena, channel_lanes, sizeof(float));
    w->dlogits = sn_arena_take(arena, channel_lanes, sizeof(float));
    w->weight_lanes = sn_arena_take(arena, weights * SN_LANES, sizeof(float));
    w->conv_scratch = sn_arena_take(arena, scratch, sizeof(float));
    w->blocks = sn_arena_take(arena, (size_t)w->block_count, sizeof(sn_block));
    sn_block measured;
    for (int b = 0; b < w->block_count; b++)
        carve_block(network, arena, arena->memory ? &w->blocks[b] : &measured);
}

size_t sn_workspace_bytes(const sn_network *network, const sn_convolution *convolution, int blocks)
{
    sn_workspace measured = {.block_count = blocks};
    sn_arena arena = {0};
    carve(network, convolution, &measured, &arena);
    return arena.used;
}

sn_status sn_workspace_create(const sn_network *network, const sn_convolution *convolution, int blocks,
                              sn_workspace *workspace)
{
    memset(workspace, 0, sizeof *workspace);
    workspace->block_count = blocks;
    for (int i = 0; i < 256; i++)
        workspace->pixel_value[i] = (float)((i / 255.0 - 0.1307) / 0.3081);
    SN_TRY(sn_allocate(&workspace->memory, 1, sn_workspace_bytes(network, convolution, blocks),
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
    return placed(workspace->plans[stage].z_layout, block->z[stage]);
}

sn_planes sn_block_da(const sn_workspace *workspace, const sn_block *block, int stage)
{
    return placed(workspace->plans[stage].da_layout, block->da);
}
