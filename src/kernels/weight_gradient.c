/**
 * Gradient of a direct convolution's weights, lane-wise: the sum over samples is the caller's (accumulate). A tile holds
 * the accumulators of some output channels x the taps of one input channel (3 x 3 kernels) or x some input channels (1 x 1)
 * and walks over the rows of the strip.
 */

#include "simd.h"

#if SN_ISA_LEVEL == 4
enum { TAP_OUTPUTS = 3, POINT_OUTPUTS = 4, POINT_INPUTS = 4 };
#else
enum { TAP_OUTPUTS = 1, POINT_OUTPUTS = 3, POINT_INPUTS = 3 };
#endif

typedef struct gradient_tile {
    const float *input, *gradient; /* of the tile's first channels, row 0 */
    float *lanes;                  /* [outputs][in][taps][lanes], of the tile's first channels */
    size_t input_plane, input_row, gradient_plane, gradient_row; /* in floats */
    size_t in_channels;
    int rows, width;
} gradient_tile;

typedef void tile_function(const gradient_tile *);

/* outputs x (one input channel's nine taps) */
SN_INLINE void run_taps(const int outputs, const gradient_tile *t)
{
    vec sum[TAP_OUTPUTS][9];
    SN_UNROLL
    for (int o = 0; o < outputs; o++) {
        SN_UNROLL
        for (int k = 0; k < 9; k++)
            sum[o][k] = vec_load(t->lanes + ((size_t)o * t->in_channels * 9 + (size_t)k) * SN_LANES);
    }
    for (int h = 0; h < t->rows; h++) {
        const float *x = t->input + (size_t)h * t->input_row;
        const float *g = t->gradient + (size_t)h * t->gradient_row;
        for (int w = 0; w < t->width; w++, x += SN_LANES, g += SN_LANES) {
            vec gradient[TAP_OUTPUTS];
            SN_UNROLL
            for (int o = 0; o < outputs; o++)
                gradient[o] = vec_load(g + (size_t)o * t->gradient_plane);
            SN_UNROLL
            for (int k = 0; k < 9; k++) {
                const vec pixel = vec_load(x + (size_t)(k / 3) * t->input_row + k % 3 * SN_LANES);
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
            vec_store(t->lanes + ((size_t)o * t->in_channels * 9 + (size_t)k) * SN_LANES, sum[o][k]);
    }
}

/* outputs x inputs of a 1 x 1 convolution */
SN_INLINE void run_points(const int outputs, const int inputs, const gradient_tile *t)
{
    vec sum[POINT_OUTPUTS][POINT_INPUTS];
    SN_UNROLL
    for (int o = 0; o < outputs; o++) {
        SN_UNROLL
        for (int i = 0; i < inputs; i++)
            sum[o][i] = vec_load(t->lanes + ((size_t)o * t->in_channels + (size_t)i) * SN_LANES);
    }
    for (int h = 0; h < t->rows; h++) {
        const float *x = t->input + (size_t)h * t->input_row;
        const float *g = t->gradient + (size_t)h * t->gradient_row;
        for (int w = 0; w < t->width; w++, x += SN_LANES, g += SN_LANES) {
            vec pixel[POINT_INPUTS];
            SN_UNROLL
            for (int i = 0; i < inputs; i++)
                pixel[i] = vec_load(x + (size_t)i * t->input_plane);
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
            vec_store(t->lanes + ((size_t)o * t->in_channels + (size_t)i) * SN_LANES, sum[o][i]);
    }
}

#define TAPS(outputs)                                                                                        \
    static void taps_##outputs(const gradient_tile *t)                                                       \
    {                                                                                                        \
        run_taps(outputs, t);                                                                                \
    }
#define POINTS(outputs, inputs)                                                                              \
    static void points_##outputs##_##inputs(const gradient_tile *t)                                          \
    {                                                                                                        \
        run_points(outputs, inputs, t);                                                                      \
    }
#define POINTS_ROW(outputs) POINTS(outputs, 1) POINTS(outputs, 2) POINTS(outputs, 3)
#define NAMES_ROW(outputs) points_##outputs##_1, points_##outputs##_2, points_##outputs##_3

TAPS(1)
POINTS_ROW(1)
POINTS_ROW(2)
POINTS_ROW(3)
#if SN_ISA_LEVEL == 4
TAPS(2)
TAPS(3)
POINTS_ROW(4)
POINTS(1, 4)
POINTS(2, 4)
POINTS(3, 4)
POINTS(4, 4)
static tile_function *const taps[TAP_OUTPUTS] = {taps_1, taps_2, taps_3};
static tile_function *const points[POINT_OUTPUTS][POINT_INPUTS] = {
    {NAMES_ROW(1), points_1_4},
    {NAMES_ROW(2), points_2_4},
    {NAMES_ROW(3), points_3_4},
    {NAMES_ROW(4), points_4_4},
};
#else
static tile_function *const taps[TAP_OUTPUTS] = {taps_1};
static tile_function *const points[POINT_OUTPUTS][POINT_INPUTS] = {
    {NAMES_ROW(1)}, {NAMES_ROW(2)}, {NAMES_ROW(3)}};
#endif

void sn_direct_weight_gradient(const sn_conv_shape *shape, sn_planes input, sn_planes gradient, int rows,
                               float *lanes, float *scratch)
{
    (void)scratch;
    const int most_outputs = shape->kernel == 3 ? TAP_OUTPUTS : POINT_OUTPUTS;
    const int most_inputs = shape->kernel == 3 ? 1 : POINT_INPUTS;
    const size_t in_channels = (size_t)shape->in_channels;
    const size_t area = (size_t)(shape->kernel * shape->kernel);
    gradient_tile tile = {.input_plane = input.plane * SN_LANES,
                          .input_row = input.row * SN_LANES,
                          .gradient_plane = gradient.plane * SN_LANES,
                          .gradient_row = gradient.row * SN_LANES,
                          .in_channels = in_channels,
                          .rows = rows,
                          .width = shape->width};
    for (int o = 0, outputs; o < shape->out_channels; o += outputs) {
        outputs = next_piece(shape->out_channels - o, most_outputs);
        for (int i = 0, inputs; i < shape->in_channels; i += inputs) {
            inputs = next_piece(shape->in_channels - i, most_inputs);
            for (int part = 0; part < SN_PARTS; part++) {
                const int lane = part * SN_VECTOR;
                tile.input = input.data + (size_t)i * tile.input_plane + lane;
                tile.gradient = gradient.data + (size_t)o * tile.gradient_plane + lane;
                tile.lanes = lanes + ((size_t)o * in_channels + (size_t)i) * area * SN_LANES + lane;
                (shape->kernel == 3 ? taps[outputs - 1] : points[outputs - 1][inputs - 1])(&tile);
            }
        }
    }
}
