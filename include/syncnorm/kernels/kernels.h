#ifndef SYNCNORM_KERNELS_KERNELS_H
#define SYNCNORM_KERNELS_KERNELS_H

/**
 * Kernels: pure functions on blocks of samples. No allocation, no MPI, no state. Not collective, cannot fail.
 *
 * Layout. A vector has SN_LANES = 16 lanes. Its *shape* is S samples x C = 16 / S channels: 16 x 1, 4 x 4 or 1 x 16. C channels that share
 * a vector are a *slot*, and planes are x[slot][row][column][lane]: channel c of sample s lies in slot c / C, lane (c % C) * S + s.
 * (With 16 samples a slot is a channel and a lane a sample.) The lanes of a last slot that have no channel hold anything, and nothing
 * comes of them.
 *
 * Every operation is lane-wise and in one fixed order within the sample and channel, so that what is computed for a sample depends
 * neither on its neighbours nor on its lane, its block's shape, its rank, the instruction set or the compiler. The order is part of
 * each function's contract. Functions that neither mix channels nor sum over lanes know nothing of the shape.
 *
 * Parameters. Values per channel that kernels read are *packed* (sn_pack): [slot][...][C], the channels of a slot side by side; with 16
 * samples that is the plain array.
 *
 * Rows. Functions work on *strips*: views of some consecutive rows of every channel, so that layers can hand each other
 * rows that are still in cache. A chain that runs over the rows of a plane is continued from strip to strip through the
 * caller's accumulators: cutting a plane into strips changes no bit.
 *
 * All pointers are aligned to 64 bytes, unless they are per-channel or per-weight scalars.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "syncnorm/base/error.h"

enum { SN_LANES = 16 };

/** Slots of `channels` channels in blocks of `samples` samples. */
static inline int sn_slots(int samples, int channels)
{
    return (channels * samples + SN_LANES - 1) / SN_LANES;
}

/** Where (channel, sample) lies in an array [slots][lanes]; its samples are side by side. */
static inline int sn_lane(int samples, int channel, int sample)
{
    return channel * samples + sample; /* as (channel / C) * SN_LANES + (channel % C) * samples + sample */
}

/** A view of planes: element (slot, h, w, lane) is data[((slot * plane + h * row + w) * SN_LANES) + lane]. */
typedef struct sn_planes {
    float *data;
    size_t plane; /* pixels from a slot to the next */
    size_t row;   /* pixels from a row to the next */
} sn_planes;

/** The part of `planes` that starts at (slot 0, row h, column w). */
static inline sn_planes sn_planes_at(sn_planes planes, size_t h, size_t w)
{
    planes.data += (h * planes.row + w) * SN_LANES;
    return planes;
}

/** A convolution as the kernels see it: padding is the caller's, by a halo in the input view. */
typedef struct sn_conv_shape {
    int samples; /* of a vector: 16, 4 or 1 */
    int in_channels, out_channels;
    int kernel; /* 1 or 3, square */
    int width;  /* columns of the output; the input view has width + kernel - 1 */
} sn_conv_shape;

/**
 * The two operations of a convolution. `direct` is ours, one per instruction set; `gemm` is im2col and OpenBLAS, sample
 * by sample at fixed shapes (it takes whole planes: rows == the height of the output).
 */
typedef struct sn_convolution {
    const char *name; /* "direct", "gemm" */
    bool packed;      /* weights and biases are packed (sn_pack, sn_flip_weights); else plain */

    /**
     * output[o][h][w] = bias[o] + sum over (i, kh, kw), in this order, of weight[o][i][kh][kw] * input[i][h+kh][w+kw],
     * max(0, .) of it with `relu` (NaN stays NaN, -0 becomes 0). direct: one fma per term, starting from the bias (0
     * when bias is NULL); gemm: the sum in OpenBLAS's order, then the bias.
     *   weight [out][in][kernel][kernel], bias [out] or NULL; where packed, by output channels
     *   input  rows + kernel - 1 rows, output `rows` rows
     *   plane_sum [out slots][lanes] or NULL: the stored outputs are added to it one by one in row-major order
     *   scratch: scratch_floats() floats, 64-byte aligned
     * The input gradient is the same function: channels swapped, weights flipped (sn_flip_weights), the gradient with a
     * halo of kernel - 1 - padding.
     */
    void (*convolve)(const sn_conv_shape *shape, const float *weight, const float *bias, sn_planes input,
                     sn_planes output, int rows, bool relu, float *plane_sum, float *scratch);

    /**
     * lanes[out slot][i][kh][kw][lane] += sum over (h, w) of gradient[o][h][w] * input[i][h+kh][w+kw]. direct: row-major, one
     * fma per term, continuing the chain that `lanes` holds; gemm: the sum in OpenBLAS's order is added.
     */
    void (*weight_gradient)(const sn_conv_shape *shape, sn_planes input, sn_planes gradient, int rows,
                            float *lanes, float *scratch);

    /** Floats of scratch that the two need for this shape with `rows` output rows. */
    size_t (*scratch_floats)(const sn_conv_shape *shape, int rows);
} sn_convolution;

/** Floats of `channels` x `count` values when they are packed. */
static inline size_t sn_packed(int samples, int channels, size_t count)
{
    return (size_t)(sn_slots(samples, channels) * (SN_LANES / samples)) * count;
}

/** packed[slot][k][C] = values[channel][k] for the `count` values k of each channel. What a last slot lacks is left as it is. */
void sn_pack(int samples, int channels, size_t count, const float *values, float *packed);

/** flipped[i][o][k-1-kh][k-1-kw] = weight[o][i][kh][kw], packed by i. */
void sn_flip_weights(const sn_conv_shape *shape, const float *weight, float *flipped);

/**
 * How a stored activation z (a convolution's output after ReLU) becomes the next layer's input, per channel and lane:
 *     per channel (weight == NULL):  y = fma(z - center, scale, offset)
 *     per element (layer norm):      y = keep * fma(fma(z - center, scale, offset), weight[c][h][w], bias[c][h][w])
 * In the first form the affine parameters and dropout are folded into scale and offset; keep is not read by normalize.
 */
typedef struct sn_affine {
    const float *center, *scale, *offset; /* [slots][lanes] */
    const float *keep;                    /* [slots][lanes]: 0, or 1 / (1 - dropout) */
    const float *weight, *bias;           /* per element and packed, at the view's first row; or NULL */
    size_t element_plane, element_row;    /* elements from a channel, a row to the next */
} sn_affine;

/**
 * Gradient of a stage's output with respect to z, folded per channel and lane:
 *     dz = z > 0 ? fma(da * w, gain, -fma(z - center, slope, shift)) : 0       (w = weight[c][h][w], or no factor)
 * where da is the gradient of the stage's output (0 where max-pooling chose another pixel).
 */
typedef struct sn_norm_gradient {
    const float *center, *gain, *slope, *shift; /* [slots][lanes] */
} sn_norm_gradient;

/** Extent of a strip, in the coordinates of the stage's *output*: with `pool`, z has 2 * rows x 2 * width. */
typedef struct sn_extent {
    int samples; /* of a vector: 16, 4 or 1 */
    int channels, rows, width;
    bool pool; /* 2 x 2 max-pooling follows; ties go to the first in row-major order, a NaN wins */
} sn_extent;

/** What exact sums are over: lanes [slots][count][lanes] of `channels` channels; sums lie `stride` apart from channel to channel. */
typedef struct sn_sums_shape {
    int samples, channels;
    size_t count, stride;
} sn_sums_shape;

/** What a step of stochastic gradient descent multiplies with (nn/optimizer.h). */
typedef struct sn_descent {
    double unit,
        batch; /* the mean gradient is sum * unit / batch; with `exact`, a power of two, sum * unit */
    bool exact;
    double weight_decay, l1, momentum, learning_rate;
    float negligible; /* a momentum below is 0 */
} sn_descent;

/** Everything else that is computed much, one table per instruction set. All give the same bits. */
typedef struct sn_kernels {
    const char *isa; /* "portable", "x86-64-v3", "x86-64-v4" */
    const sn_convolution *direct;

    /** The first `samples` lanes of output[0][h][w] get table[pixels[sample][h * width + w]], 0 where pixels[sample] is NULL. */
    void (*load_pixels)(int samples, const uint8_t *const pixels[SN_LANES], const float table[256],
                        sn_planes output, int rows, int width);

    /** output = the affine image of z, max-pooled when extent.pool. */
    void (*normalize)(sn_extent extent, const sn_affine *affine, sn_planes z, sn_planes output);

    /**
     * Second pass of the moments over planes of `pixels` contiguous pixels (those of a slot at z + slot * pixels * SN_LANES):
     *   center = plane_sum / pixels (one division); shifted = sum of (z - center); squares = sum of (z - center)^2, by fma.
     * Sequential chains in row-major order, started from 0. All outputs [slots][lanes].
     */
    void (*moments)(int slots, int pixels, const float *z, const float *plane_sum, float *center,
                    float *shifted, float *squares);

    /**
     * Backward sums of a stage, [slots][lanes], continued from what they hold: with g = da * weight[c][h][w] (g = da
     * without element weights), sum_g += g, sum_gz = fma(g, z - center, sum_gz), row-major over the output; where pooled, z
     * is the value at the pixel that max-pooling chose. Dropout (keep) is not applied: the caller folds it in.
     */
    void (*norm_sums)(sn_extent extent, const sn_affine *affine, sn_planes z, sn_planes da, float *sum_g,
                      float *sum_gz);

    /** dz as sn_norm_gradient says (affine serves element weights and the choice of max-pooling); bias_sum
     *  [slots][lanes] or NULL: dz is added to it row-major over z. dz has z's extent. */
    void (*norm_backward)(sn_extent extent, const sn_affine *affine, const sn_norm_gradient *gradient,
                          sn_planes z, sn_planes da, sn_planes dz, float *bias_sum);

    /**
     * Exact sums (base/fixed_point.h) over the samples in `mask`, of `count` values a channel, lanes [slots][count][lanes]:
     * sum[c * stride + k] += sum of round(value * 2^36), for every value with |value| <= limit. Returns how many of them were out of
     * range or NaN (they add nothing).
     */
    size_t (*accumulate)(sn_sums_shape shape, const float *lanes, uint16_t mask, float limit, int64_t *sum);

    /**
     * Gradients of per-element affine parameters, converted at once: with dy = da * keep (0 where max-pooling chose another
     * pixel) and xhat = fma(z - center, scale, offset), weight_sum[c][h][w] += sum over the samples in `mask` of
     * fixed(dy * xhat), bias_sum[c][h][w] += ... fixed(dy) unless it is NULL, range-checked as in accumulate. Sums are plain, and indexed
     * with affine's element_plane and element_row. Returns how many were out of range.
     */
    size_t (*element_gradient)(sn_extent extent, const sn_affine *affine, sn_planes z, sn_planes da,
                               uint16_t mask, float limit, int64_t *weight_sum, int64_t *bias_sum);

    /**
     * One step of descent for `count` parameters; each line is computed in double and rounded once:
     *   g = sum * unit / batch + weight_decay * w + l1 * sign(w);  m = momentum * m + g, 0 if negligible;  w = w - learning_rate * m
     * (without decay and penalty: g = sum * unit / batch, also where w is not finite). squares[i % 4] += sum[i]^2, in four chains.
     */
    void (*descend)(const sn_descent *descent, size_t count, const int64_t *sums, float *restrict values,
                    float *restrict momentum, double squares[4]);
} sn_kernels;

/**
 * The kernels for this processor, or those named `isa` ("portable", "x86-64-v3", "x86-64-v4"). NULL when the name is
 * unknown or this processor lacks what they need. isa == NULL: what the environment variable SYNCNORM_ISA names, if it is
 * set and not empty, else the best this processor has.
 */
const sn_kernels *sn_kernels_select(const char *isa);

/** sn_kernels_select(NULL), whose failure is SN_ERROR_USAGE with a line that names what there is. */
sn_status sn_kernels_choose(const sn_kernels **kernels);

/** Names of the instruction sets this build and processor can run, best first, NULL at the end. */
const char *const *sn_kernels_available(void);

/** Convolution over OpenBLAS cblas_sgemm, one BLAS thread. */
const sn_convolution *sn_convolution_gemm(void);

/** Version of OpenBLAS and the core type it chose, e.g. "0.3.21 SkylakeX". */
const char *sn_blas_version(void);

#endif
