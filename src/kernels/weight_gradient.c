/**
 * Gradient of a direct convolution's weights, lane-wise: the sum over samples is the caller's (accumulate). A tile holds
 * the accumulators of some output slots x the taps of one input channel (3 x 3 kernels) or x some input channels (1 x 1)
 * and walks over the rows of the strip.
 */

#include "simd.h"

#if SN_ISA_LEVEL == 4
enum { TAP_OUTPUTS = 3, POINT_OUTPUTS = 4, POINT_INPUTS = 4 };
#else
enum { TAP_OUTPUTS = 1, POINT_OUTPUTS = 3, POINT_INPUTS = 3 };
#endif

typedef struct gradient_tile {
    const float *input;    /* row 0, of the slot of each of the tile's input channels */
    const float *gradient; /* row 0, of the tile's first output slot */
    float *lanes;          /* [slots][in][taps][lanes], of the tile's first output slot and input channel */
    size_t input_plane, input_row, gradient_plane, gradient_row; /* in floats */
    int in_channels, first_input;
    int rows, width;
} gradient_tile;

typedef void tile_function(const gradient_tile *);

/* Where an input channel lies, at row 0. */
SN_INLINE const float *input_channel(const int samples, const gradient_tile *t, int i)
{
    const int channels = SN_LANES / samples;
    return t->input + (size_t)(i / channels) * t->input_plane + i % channels * samples;
}

SN_INLINE float *lanes_of(const gradient_tile *t, int output, int term, int taps)
{
    return t->lanes + ((size_t)output * (size_t)t->in_channels * (size_t)taps + (size_t)term) * SN_LANES;
}

/* outputs x (one input channel's nine taps) */
SN_INLINE void run_taps(const int samples, const int outputs, const gradient_tile *t)
{
    const float *input = input_channel(samples, t, t->first_input);
    vec sum[TAP_OUTPUTS][9];
    SN_UNROLL
    for (int o = 0; o < outputs; o++) {
        SN_UNROLL
        for (int k = 0; k < 9; k++)
            sum[o][k] = vec_load(lanes_of(t, o, k, 9));
    }
    for (int h = 0; h < t->rows; h++) {
        const float *x = input + (size_t)h * t->input_row;
        const float *g = t->gradient + (size_t)h * t->gradient_row;
        for (int w = 0; w < t->width; w++, x += SN_LANES, g += SN_LANES) {
            vec gradient[TAP_OUTPUTS];
            SN_UNROLL
            for (int o = 0; o < outputs; o++)
                gradient[o] = vec_load(g + (size_t)o * t->gradient_plane);
            SN_UNROLL
            for (int k = 0; k < 9; k++) {
                const vec pixel = vec_spread(samples, x + (size_t)(k / 3) * t->input_row + k % 3 * SN_LANES);
                SN_UNROLL
                for (int o = 0; o < outputs; o++)
                    sum[o][k] = vec_fma(gradient[o], pixel, sum[o][k]);
            }
        }
    }
    SN_UNROLL
    for (int o = 0; o < outputs; o++) {
        SN_UNROLL
        for (int k = 0; k < 9; k++)
            vec_store(lanes_of(t, o, k, 9), sum[o][k]);
    }
}

/* outputs x inputs of a 1 x 1 convolution */
SN_INLINE void run_points(const int samples, const int outputs, const int inputs, const gradient_tile *t)
{
    const float *input[POINT_INPUTS];
    vec sum[POINT_OUTPUTS][POINT_INPUTS];
    SN_UNROLL
    for (int i = 0; i < inputs; i++)
        input[i] = input_channel(samples, t, t->first_input + i);
    SN_UNROLL
    for (int o = 0; o < outputs; o++) {
        SN_UNROLL
        for (int i = 0; i < inputs; i++)
            sum[o][i] = vec_load(lanes_of(t, o, i, 1));
    }
    for (int h = 0; h < t->rows; h++) {
        const size_t x = (size_t)h * t->input_row;
        const float *g = t->gradient + (size_t)h * t->gradient_row;
        for (int w = 0; w < t->width; w++, g += SN_LANES) {
            vec pixel[POINT_INPUTS];
            SN_UNROLL
            for (int i = 0; i < inputs; i++)
                pixel[i] = vec_spread(samples, input[i] + x + w * SN_LANES);
            SN_UNROLL
            for (int o = 0; o < outputs; o++) {
                const vec gradient = vec_load(g + (size_t)o * t->gradient_plane);
                SN_UNROLL
                for (int i = 0; i < inputs; i++)
                    sum[o][i] = vec_fma(gradient, pixel[i], sum[o][i]);
            }
        }
    }
    SN_UNROLL
    for (int o = 0; o < outputs; o++) {
        SN_UNROLL
        for (int i = 0; i < inputs; i++)
            vec_store(lanes_of(t, o, i, 1), sum[o][i]);
    }
}

#define TAPS(samples, outputs)                                                                               \
    static void taps_##samples##_##outputs(const gradient_tile *t)                                           \
    {                                                                                                        \
        run_taps(samples, outputs, t);                                                                       \
    }
#define POINTS(samples, outputs, inputs)                                                                     \
    static void points_##samples##_##outputs##_##inputs(const gradient_tile *t)                              \
    {                                                                                                        \
        run_points(samples, outputs, inputs, t);                                                             \
    }
#define POINTS_NAME(samples, outputs, inputs) points_##samples##_##outputs##_##inputs,
#define TAPS_NAME(samples, outputs) taps_##samples##_##outputs,
#if SN_ISA_LEVEL == 4
#define OUTPUTS_TAPS(X, samples) X(samples, 1) X(samples, 2) X(samples, 3)
#define INPUTS(X, samples, outputs)                                                                          \
    X(samples, outputs, 1) X(samples, outputs, 2) X(samples, outputs, 3) X(samples, outputs, 4)
#define OUTPUTS_INPUTS(X, samples)                                                                           \
    INPUTS(X, samples, 1) INPUTS(X, samples, 2) INPUTS(X, samples, 3) INPUTS(X, samples, 4)
#else
#define OUTPUTS_TAPS(X, samples) X(samples, 1)
#define INPUTS(X, samples, outputs) X(samples, outputs, 1) X(samples, outputs, 2) X(samples, outputs, 3)
#define OUTPUTS_INPUTS(X, samples) INPUTS(X, samples, 1) INPUTS(X, samples, 2) INPUTS(X, samples, 3)
#endif
#define SHAPE(samples)                                                                                       \
    OUTPUTS_TAPS(TAPS, samples)                                                                              \
    OUTPUTS_INPUTS(POINTS, samples)                                                                          \
    static tile_function *const taps_##samples[TAP_OUTPUTS] = {OUTPUTS_TAPS(TAPS_NAME, samples)};            \
    static tile_function *const points_##samples[POINT_OUTPUTS * POINT_INPUTS] = {                           \
        OUTPUTS_INPUTS(POINTS_NAME, samples)};

SHAPE(16)
SHAPE(4)
SHAPE(1)

void sn_direct_weight_gradient(const sn_conv_shape *shape, sn_planes input, sn_planes gradient, int rows,
                               float *lanes, float *scratch)
{
    (void)scratch;
    const int samples = shape->samples, area = shape->kernel * shape->kernel;
    const int slots = sn_slots(samples, shape->out_channels);
    const int most_outputs = shape->kernel == 3 ? TAP_OUTPUTS : POINT_OUTPUTS;
    const int most_inputs = shape->kernel == 3 ? 1 : POINT_INPUTS;
    tile_function *const *taps = samples == 16 ? taps_16 : samples == 4 ? taps_4 : taps_1;
    tile_function *const *points = samples == 16 ? points_16 : samples == 4 ? points_4 : points_1;
    gradient_tile tile = {.input_plane = input.plane * SN_LANES,
                          .input_row = input.row * SN_LANES,
                          .gradient_plane = gradient.plane * SN_LANES,
                          .gradient_row = gradient.row * SN_LANES,
                          .in_channels = shape->in_channels,
                          .rows = rows,
                          .width = shape->width};
    for (int o = 0, outputs; o < slots; o += outputs) {
        outputs = next_piece(slots - o, most_outputs);
        for (int i = 0, inputs; i < shape->in_channels; i += inputs) {
            inputs = next_piece(shape->in_channels - i, most_inputs);
            tile_function *run = shape->kernel == 3 ? taps[outputs - 1]
                                                    : points[(outputs - 1) * POINT_INPUTS + inputs - 1];
            const size_t term = ((size_t)o * (size_t)shape->in_channels + (size_t)i) * (size_t)area;
            tile.first_input = i;
            for (int part = 0; part < SN_PARTS; part++) {
                const int lane = part * SN_VECTOR;
                tile.input = input.data + spread_from(samples, part);
                tile.gradient = gradient.data + (size_t)o * tile.gradient_plane + lane;
                tile.lanes = lanes + term * SN_LANES + lane;
                run(&tile);
            }
        }
    }
}
