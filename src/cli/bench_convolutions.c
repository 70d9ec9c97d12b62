/* Every convolution of the network, in every direction, direct and gemm, beside OpenBLAS sgemm of 1024^3. */

#include <cblas.h>
#include <stdio.h>

#include "bench.h"
#include "syncnorm/base/memory.h"
#include "syncnorm/nn/network.h"

enum { SGEMM = 1024, CASES = 6 /* direct and gemm: forward, input gradient, weight gradient */ };

typedef enum layer_direction { FORWARD, INPUT_GRADIENT, WEIGHT_GRADIENT, DIRECTIONS } layer_direction;

/* One convolution in one direction on one block of 16 samples. */
typedef struct work {
    const sn_convolution *convolution;
    layer_direction direction;
    sn_conv_shape shape; /* of the call: channels swapped for the input gradient */
    int rows;
    sn_planes input, output; /* for the weight gradient, output is the gradient */
    float *weight, *bias, *plane_sum, *lanes, *scratch;
} work;

static void call(void *context)
{
    const work *w = context;
    if (w->direction == WEIGHT_GRADIENT)
        w->convolution->weight_gradient(&w->shape, w->input, w->output, w->rows, w->lanes, w->scratch);
    else
        w->convolution->convolve(&w->shape, w->weight, w->direction == FORWARD ? w->bias : NULL, w->input,
                                 w->output, w->rows, w->direction == FORWARD,
                                 w->direction == FORWARD ? w->plane_sum : NULL, w->scratch);
}

static size_t floats(size_t channels, size_t size)
{
    return channels * size * size * SN_LANES;
}

/* Small values of both signs, the same everywhere */
static void fill(float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = (float)((int)(i * 2654435761u >> 24 & 255) - 127) * 0x1p-10f;
}

static sn_timing measure(const sn_bench *bench, const sn_convolution *convolution, const sn_stage *stage,
                         layer_direction direction, sn_arena *arena)
{
    const bool backward = direction == INPUT_GRADIENT;
    const int from = backward ? stage->out_channels : stage->in_channels;
    const int to = backward ? stage->in_channels : stage->out_channels;
    const int size = backward ? stage->in_size : stage->out_size;
    const size_t halo = (size_t)(size + stage->kernel - 1), side = (size_t)size;
    work w = {.convolution = convolution,
              .direction = direction,
              .shape = {.samples = SN_LANES,
                        .in_channels = from,
                        .out_channels = to,
                        .kernel = stage->kernel,
                        .width = size},
              .rows = size};
    const size_t weights = (size_t)(from * to * stage->kernel * stage->kernel);
    const size_t channels = (size_t)to, scratch = convolution->scratch_floats(&w.shape, size);
    const sn_arena begun = *arena;
    w.input = (sn_planes){sn_arena_take(arena, floats((size_t)from, halo), sizeof(float)), halo * halo, halo};
    w.output = (sn_planes){sn_arena_take(arena, floats(channels, side), sizeof(float)), side * side, side};
    w.weight = sn_arena_take(arena, weights, sizeof(float));
    w.bias = sn_arena_take(arena, channels, sizeof(float));
    w.plane_sum = sn_arena_take(arena, channels * SN_LANES, sizeof(float));
    w.lanes = sn_arena_take(arena, weights * SN_LANES, sizeof(float));
    w.scratch = sn_arena_take(arena, scratch + 1, sizeof(float));
    if (!arena->memory) return (sn_timing){0}; /* only learning the size */
    fill(w.input.data, floats((size_t)from, halo));
    fill(w.output.data, floats(channels, side));
    fill(w.weight, weights);
    fill(w.bias, channels);
    const sn_timing timing = sn_bench_measure(bench, false, call, &w);
    arena->used = begun.used;
    return timing;
}

/* Multiplications and additions of one direction, on one block. */
static double operations(const sn_stage *s)
{
    return 2.0 * SN_LANES * s->in_channels * s->out_channels * s->kernel * s->kernel * s->out_size *
           s->out_size;
}

static void print_rate(double count, sn_timing timing)
{
    printf("  %5.1f %5.1f", 1e-9 * count / timing.best, 1e-9 * count / timing.median);
}

typedef struct sgemm_work {
    float *a, *b, *c;
} sgemm_work;

static void call_sgemm(void *context)
{
    const sgemm_work *w = context;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, SGEMM, SGEMM, SGEMM, 1, w->a, SGEMM, w->b, SGEMM,
                0, w->c, SGEMM);
}

static sn_status bench_sgemm(const sn_bench *bench)
{
    float *memory;
    SN_TRY(SN_ALLOCATE(memory, 3 * (size_t)SGEMM * SGEMM, "the matrices"));
    sgemm_work w = {memory, memory + (size_t)SGEMM * SGEMM, memory + 2 * (size_t)SGEMM * SGEMM};
    fill(memory, 2 * (size_t)SGEMM * SGEMM);
    const sn_timing timing = sn_bench_measure(bench, false, call_sgemm, &w);
    json_t *figures = sn_bench_object(bench, "sgemm_1024_flops");
    json_object_set_new(figures, "openblas", sn_bench_timing(timing, 2.0 * SGEMM * SGEMM * SGEMM, true));
    if (sn_team_is_root(bench->world)) {
        printf("\nOpenBLAS sgemm %d^3, GFLOP/s:", SGEMM);
        print_rate(2.0 * SGEMM * SGEMM * SGEMM, timing);
        printf("\n");
    }
    sn_free(memory);
    return SN_OK;
}

static void print_stage(const sn_bench *bench, const sn_stage *s, int number, sn_arena *arena,
                        json_t *figures)
{
    char shape[48];
    snprintf(shape, sizeof shape, "%dx%d %d->%d, %dx%d", s->kernel, s->kernel, s->in_channels,
             s->out_channels, s->out_size, s->out_size);
    const bool root = sn_team_is_root(bench->world);
    if (root) printf("conv%-3d %-19s", number, shape);
    static const char *const directions[DIRECTIONS] = {"forward", "input_gradient", "weight_gradient"};
    const sn_convolution *const both[] = {bench->kernels->direct, sn_convolution_gemm()};
    json_t *layer = json_pack("{si si si si si}", "layer", number, "kernel", s->kernel, "in_channels",
                              s->in_channels, "out_channels", s->out_channels, "out_size", s->out_size);
    for (int c = 0; c < 2; c++) {
        json_t *own = json_object();
        for (layer_direction d = FORWARD; d < DIRECTIONS; d++) {
            if (d == INPUT_GRADIENT && number == 1) { /* nobody asks for the gradient of the image */
                if (root) printf("  %11s", "-");
                continue;
            }
            const sn_timing timing = measure(bench, both[c], s, d, arena);
            json_object_set_new(own, directions[d], sn_bench_timing(timing, operations(s), true));
            if (root) print_rate(operations(s), timing);
        }
        json_object_set_new(layer, both[c]->name, own);
    }
    json_array_append_new(figures, layer);
    if (root) printf("\n");
}

static sn_status bench_layers(const sn_bench *bench)
{
    sn_network network;
    SN_TRY(sn_network_build((sn_network_options){SN_NORM_GROUP, 2, false}, &network));
    /* the largest case decides how much memory all of them share */
    const sn_convolution *const both[] = {bench->kernels->direct, sn_convolution_gemm()};
    size_t most = 0;
    for (int i = 0; i < SN_STAGES * CASES; i++) {
        sn_arena sizes = {0};
        measure(bench, both[i % 2], &network.stages[i / CASES], (layer_direction)(i / 2 % DIRECTIONS),
                &sizes);
        if (sizes.used > most) most = sizes.used;
    }
    sn_arena arena = {0};
    SN_TRY(SN_ALLOCATE(arena.memory, most, "the layers"));
    json_t *figures = sn_bench_array(bench, "convolutions_flops");
    for (int i = 0; i < SN_STAGES; i++)
        print_stage(bench, &network.stages[i], i + 1, &arena, figures);
    sn_free(arena.memory);
    return SN_OK;
}

sn_status sn_bench_convolutions(const sn_bench *bench)
{
    sn_convolution_gemm(); /* which sets OpenBLAS to one thread */
    SN_TRY(sn_team_agree(bench->world, bench_sgemm(bench)));
    if (sn_team_is_root(bench->world))
        printf("\nConvolutions on a block of %d samples, GFLOP/s (best, median)\n"
               "%-27s%-39s%s\n%-27s  %-11s  %-11s  %-11s  %-11s  %-11s  %s\n",
               SN_LANES, "", "  direct", "  gemm (with im2col)", "layer", "forward", "input grad",
               "weight grad", "forward", "input grad", "weight grad");
    return sn_team_agree(bench->world, bench_layers(bench));
}
