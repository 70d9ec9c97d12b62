/**
 * Direct convolution. A register tile holds some slots x some columns of accumulators; each weight is read once per tile and each
 * input pixel where it lies, so nothing is copied or unfolded. The shapes of a block differ in how a vector is read (simd.h) and in
 * which tiles fill the registers.
 */

#include "simd.h"

typedef struct conv_tile {
    const float *weight; /* of the tile's first slot */
    const float *bias;   /* likewise, or NULL */
    const float *input;  /* top left of the tile's window */
    float *output;
    float *plane_sum;                            /* or NULL */
    size_t input_plane, input_row, output_plane; /* in floats */
    int in_channels;
    bool relu;
} conv_tile;

typedef void tile_function(const conv_tile *);

SN_INLINE void run_tile(const int samples, const int kernel, const int slots, const int columns,
                        const conv_tile *t)
{
    const int channels = SN_LANES / samples; /* of a slot */
    vec sum[SN_TILE_SLOTS][SN_TILE_LONG];
    SN_UNROLL
    for (int c = 0; c < slots; c++) {
        const vec start = t->bias ? vec_repeat(samples, t->bias + c * channels) : vec_zero();
        SN_UNROLL
        for (int j = 0; j < columns; j++)
            sum[c][j] = start;
    }

    const size_t weights = (size_t)t->in_channels * (size_t)(kernel * kernel * channels);
    const float *weight = t->weight;
    for (int i = 0; i < t->in_channels; i++) {
        const float *x = t->input + (size_t)(i / channels) * t->input_plane + i % channels * samples;
        for (int kh = 0; kh < kernel; kh++, x += t->input_row, weight += kernel * channels) {
            SN_UNROLL
            for (int kw = 0; kw < kernel; kw++) {
                vec w[SN_TILE_SLOTS];
                SN_UNROLL
                for (int c = 0; c < slots; c++)
                    w[c] = vec_repeat(samples, weight + (size_t)c * weights + kw * channels);
                SN_UNROLL
                for (int j = 0; j < columns; j++) {
                    const vec pixel = vec_spread(samples, x + (j + kw) * SN_LANES);
                    SN_UNROLL
                    for (int c = 0; c < slots; c++)
                        sum[c][j] = vec_fma(w[c], pixel, sum[c][j]);
                }
            }
        }
    }

    if (t->relu) {
        SN_UNROLL
        for (int c = 0; c < slots; c++) {
            SN_UNROLL
            for (int j = 0; j < columns; j++)
                sum[c][j] = vec_relu(sum[c][j]);
        }
    }
    SN_UNROLL
    for (int c = 0; c < slots; c++) {
        SN_UNROLL
        for (int j = 0; j < columns; j++)
            vec_store(t->output + (size_t)c * t->output_plane + j * SN_LANES, sum[c][j]);
    }
    if (!t->plane_sum) return;
    SN_UNROLL
    for (int c = 0; c < slots; c++) {
        vec total = vec_load(t->plane_sum + c * SN_LANES);
        SN_UNROLL
        for (int j = 0; j < columns; j++)
            total = vec_add(total, sum[c][j]);
        vec_store(t->plane_sum + c * SN_LANES, total);
    }
}

/* Every tile up to the largest, so that no layer needs a slow remainder. */
#define TILE(samples, kernel, slots, columns)                                                                \
    static void tile_##samples##_##kernel##_##slots##_##columns(const conv_tile *t)                          \
    {                                                                                                        \
        run_tile(samples, kernel, slots, columns, t);                                                        \
    }
#define NAME(samples, kernel, slots, columns) tile_##samples##_##kernel##_##slots##_##columns,
#define COLUMNS_4(X, ...) X(__VA_ARGS__, 1) X(__VA_ARGS__, 2) X(__VA_ARGS__, 3) X(__VA_ARGS__, 4)
#define COLUMNS_5(X, ...) COLUMNS_4(X, __VA_ARGS__) X(__VA_ARGS__, 5)
#define COLUMNS_8(X, ...) COLUMNS_5(X, __VA_ARGS__) X(__VA_ARGS__, 6) X(__VA_ARGS__, 7) X(__VA_ARGS__, 8)
#define COLUMNS_10(X, ...) COLUMNS_8(X, __VA_ARGS__) X(__VA_ARGS__, 9) X(__VA_ARGS__, 10)
#define COLUMNS_14(X, ...)                                                                                   \
    COLUMNS_10(X, __VA_ARGS__)                                                                               \
    X(__VA_ARGS__, 11) X(__VA_ARGS__, 12) X(__VA_ARGS__, 13) X(__VA_ARGS__, 14)
#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define COLUMNS PASTE(COLUMNS_, SN_TILE_COLUMNS)
#define LONG PASTE(COLUMNS_, SN_TILE_LONG)
#define SLOTS_2(X, ...) COLUMNS(X, __VA_ARGS__, 1) COLUMNS(X, __VA_ARGS__, 2)
#define SLOTS_4(X, ...) SLOTS_2(X, __VA_ARGS__) COLUMNS(X, __VA_ARGS__, 3) COLUMNS(X, __VA_ARGS__, 4)
#define SLOTS PASTE(SLOTS_, SN_TILE_SLOTS)

SLOTS(TILE, 16, 1)
SLOTS(TILE, 16, 3)
SLOTS(TILE, 4, 1)
SLOTS(TILE, 4, 3)
LONG(TILE, 1, 1, 1)
LONG(TILE, 1, 3, 1)

/* The tiles of a shape, [slots][columns] for either kernel. One sample has one slot. */
typedef struct tile_grid {
    int slots, columns;
    tile_function *const *tiles[2];
} tile_grid;

static tile_function *const tiles_16_1[] = {SLOTS(NAME, 16, 1)}, *const tiles_16_3[] = {SLOTS(NAME, 16, 3)};
static tile_function *const tiles_4_1[] = {SLOTS(NAME, 4, 1)}, *const tiles_4_3[] = {SLOTS(NAME, 4, 3)};
static tile_function *const tiles_1_1[] = {LONG(NAME, 1, 1, 1)}, *const tiles_1_3[] = {LONG(NAME, 1, 3, 1)};

static const tile_grid grid_16 = {SN_TILE_SLOTS, SN_TILE_COLUMNS, {tiles_16_1, tiles_16_3}};
static const tile_grid grid_4 = {SN_TILE_SLOTS, SN_TILE_COLUMNS, {tiles_4_1, tiles_4_3}};
static const tile_grid grid_1 = {1, SN_TILE_LONG, {tiles_1_1, tiles_1_3}};

void sn_direct_convolve(const sn_conv_shape *shape, const float *weight, const float *bias, sn_planes input,
                        sn_planes output, int rows, bool relu, float *plane_sum, float *scratch)
{
    (void)scratch;
    const int samples = shape->samples, kernel = shape->kernel;
    const int all_slots = sn_slots(samples, shape->out_channels);
    const size_t channels = (size_t)(SN_LANES / samples);
    const size_t weights = (size_t)shape->in_channels * (size_t)(kernel * kernel) * channels; /* of a slot */
    const tile_grid *grid = samples == 16 ? &grid_16 : samples == 4 ? &grid_4 : &grid_1;
    tile_function *const *tiles = grid->tiles[kernel == 3];
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
            columns = next_piece(width - w, grid->columns);
            for (int o = 0, slots; o < all_slots; o += slots) {
                slots = next_piece(all_slots - o, grid->slots);
                tile_function *run = tiles[(slots - 1) * grid->columns + columns - 1];
                const size_t to = (size_t)o * output.plane + (size_t)h * output.row + (size_t)w;
                for (int part = 0; part < SN_PARTS; part++) {
                    const size_t repeat = repeat_from(samples, part);
                    tile.weight = weight + (size_t)o * weights + repeat;
                    tile.bias = bias ? bias + (size_t)o * channels + repeat : NULL;
                    tile.input = input.data + ((size_t)h * input.row + (size_t)w) * SN_LANES +
                                 spread_from(samples, part);
                    tile.output = output.data + to * SN_LANES + part * SN_VECTOR;
                    tile.plane_sum = plane_sum ? plane_sum + o * SN_LANES + part * SN_VECTOR : NULL;
                    run(&tile);
                }
            }
        }
    }
}
