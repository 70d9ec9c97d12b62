/**
 * Direct convolution. A register tile holds SN_TILE_CHANNELS output channels x SN_TILE_COLUMNS columns of accumulators;
 * each weight is broadcast once per tile and each input pixel is read where it lies, so nothing is copied or unfolded.
 */

#include "simd.h"

typedef struct conv_tile {
    const float *weight; /* of the tile's first output channel */
    const float *bias;   /* likewise, or NULL */
    const float *input;  /* top left of the tile's window */
    float *output;
    float *plane_sum;                            /* or NULL */
    size_t input_plane, input_row, output_plane; /* in floats */
    int in_channels;
    bool relu;
} conv_tile;

typedef void tile_function(const conv_tile *);

SN_INLINE void run_tile(const int kernel, const int channels, const int columns, const conv_tile *t)
{
    vec sum[SN_TILE_CHANNELS][SN_TILE_COLUMNS];
    SN_UNROLL
    for (int c = 0; c < channels; c++) {
        const vec start = t->bias ? vec_broadcast(t->bias[c]) : vec_zero();
        SN_UNROLL
        for (int j = 0; j < columns; j++)
            sum[c][j] = start;
    }

    const size_t weights = (size_t)t->in_channels * (size_t)(kernel * kernel);
    const float *weight = t->weight;
    for (int i = 0; i < t->in_channels; i++) {
        const float *x = t->input + (size_t)i * t->input_plane;
        for (int kh = 0; kh < kernel; kh++, x += t->input_row, weight += kernel) {
            SN_UNROLL
            for (int kw = 0; kw < kernel; kw++) {
                vec w[SN_TILE_CHANNELS];
                SN_UNROLL
                for (int c = 0; c < channels; c++)
                    w[c] = vec_broadcast(weight[(size_t)c * weights + (size_t)kw]);
                SN_UNROLL
                for (int j = 0; j < columns; j++) {
                    const vec pixel = vec_load(x + (j + kw) * SN_LANES);
                    SN_UNROLL
                    for (int c = 0; c < channels; c++)
                        sum[c][j] = vec_fma(w[c], pixel, sum[c][j]);
                }
            }
        }
    }

    if (t->relu) {
        SN_UNROLL
        for (int c = 0; c < channels; c++) {
            SN_UNROLL
            for (int j = 0; j < columns; j++)
                sum[c][j] = vec_relu(sum[c][j]);
        }
    }
    SN_UNROLL
    for (int c = 0; c < channels; c++) {
        SN_UNROLL
        for (int j = 0; j < columns; j++)
            vec_store(t->output + (size_t)c * t->output_plane + j * SN_LANES, sum[c][j]);
    }
    if (!t->plane_sum) return;
    SN_UNROLL
    for (int c = 0; c < channels; c++) {
        vec total = vec_load(t->plane_sum + c * SN_LANES);
        SN_UNROLL
        for (int j = 0; j < columns; j++)
            total = vec_add(total, sum[c][j]);
        vec_store(t->plane_sum + c * SN_LANES, total);
    }
}

/* Every tile up to the largest, so that no shape needs a slow remainder. */
#define TILE(kernel, channels, columns)                                                                      \
    static void tile_##kernel##_##channels##_##columns(const conv_tile *t)                                   \
    {                                                                                                        \
        run_tile(kernel, channels, columns, t);                                                              \
    }
#define NAME(kernel, channels, columns) tile_##kernel##_##channels##_##columns,
#define COLUMNS_1(X, kernel, channels) X(kernel, channels, 1)
#define COLUMNS_2(X, kernel, channels) COLUMNS_1(X, kernel, channels) X(kernel, channels, 2)
#define COLUMNS_3(X, kernel, channels) COLUMNS_2(X, kernel, channels) X(kernel, channels, 3)
#define COLUMNS_4(X, kernel, channels) COLUMNS_3(X, kernel, channels) X(kernel, channels, 4)
#define COLUMNS_5(X, kernel, channels) COLUMNS_4(X, kernel, channels) X(kernel, channels, 5)
#define COLUMNS_6(X, kernel, channels) COLUMNS_5(X, kernel, channels) X(kernel, channels, 6)
#define COLUMNS_7(X, kernel, channels) COLUMNS_6(X, kernel, channels) X(kernel, channels, 7)
#define CHANNELS_1(Y, kernel) Y(kernel, 1)
#define CHANNELS_2(Y, kernel) CHANNELS_1(Y, kernel) Y(kernel, 2)
#define CHANNELS_3(Y, kernel) CHANNELS_2(Y, kernel) Y(kernel, 3)
#define CHANNELS_4(Y, kernel) CHANNELS_3(Y, kernel) Y(kernel, 4)
#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define COLUMNS PASTE(COLUMNS_, SN_TILE_COLUMNS)
#define CHANNELS PASTE(CHANNELS_, SN_TILE_CHANNELS)
#define TILES(kernel, channels) COLUMNS(TILE, kernel, channels)
#define NAMES(kernel, channels) {COLUMNS(NAME, kernel, channels)},

CHANNELS(TILES, 1)
CHANNELS(TILES, 3)

static tile_function *const tiles[2][SN_TILE_CHANNELS][SN_TILE_COLUMNS] = {{CHANNELS(NAMES, 1)},
                                                                           {CHANNELS(NAMES, 3)}};

void sn_direct_convolve(const sn_conv_shape *shape, const float *weight, const float *bias, sn_planes input,
                        sn_planes output, int rows, bool relu, float *plane_sum, float *scratch)
{
    (void)scratch;
    const int kernel = shape->kernel;
    const size_t weights = (size_t)shape->in_channels * (size_t)(kernel * kernel);
    int width = shape->width;
    if (kernel == 1 && input.row == (size_t)width && output.row == (size_t)width) {
        width *= rows; /* rows without a gap are one long row */
        rows = 1;
    }
    conv_tile tile = {.input_plane = input.plane * SN_LANES,
                      .input_row = input.row * SN_LANES,
                      .output_plane = output.plane * SN_LANES,
                      .in_channels = shape->in_channels,
                      .relu = relu};
    for (int h = 0; h < rows; h++) {
        for (int w = 0, columns; w < width; w += columns) {
            columns = next_piece(width - w, SN_TILE_COLUMNS);
            for (int o = 0, channels; o < shape->out_channels; o += channels) {
                channels = next_piece(shape->out_channels - o, SN_TILE_CHANNELS);
                tile_function *run = tiles[kernel == 3][channels - 1][columns - 1];
                const size_t to = (size_t)o * output.plane + (size_t)h * output.row + (size_t)w;
                tile.weight = weight + (size_t)o * weights;
                tile.bias = bias ? bias + o : NULL;
                for (int part = 0; part < SN_PARTS; part++) {
                    tile.input = input.data + ((size_t)h * input.row + (size_t)w) * SN_LANES +
                                 part * SN_VECTOR;
                    tile.output = output.data + to * SN_LANES + part * SN_VECTOR;
                    tile.plane_sum = plane_sum ? plane_sum + o * SN_LANES + part * SN_VECTOR : NULL;
                    run(&tile);
                }
            }
        }
    }
}
