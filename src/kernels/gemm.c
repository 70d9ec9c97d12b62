/**
 * Convolution as im2col and matrix products of OpenBLAS: the reference that the direct kernels are checked against.
 *
 * One product per sample, at shapes that do not depend on how many samples there are: with several samples in one product
 * OpenBLAS gives a sample different bits in different columns on some processors.
 */

#include "syncnorm/kernels/kernels.h"

#include <cblas.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Scratch: the unfolded input [in * kernel * kernel][pixels], a lane's planes [out][pixels], its weights' gradient. */
typedef struct workspace {
    float *unfolded, *planes, *weights;
    int terms, pixels; /* in * kernel * kernel, rows * width */
} workspace;

static size_t whole_lines(size_t floats)
{
    return (floats + 15) / 16 * 16;
}

static size_t scratch_floats(const sn_conv_shape *shape, int rows)
{
    const size_t terms = (size_t)(shape->in_channels * shape->kernel * shape->kernel);
    const size_t pixels = (size_t)(rows * shape->width), outputs = (size_t)shape->out_channels;
    return whole_lines(terms * pixels) + whole_lines(outputs * pixels) + whole_lines(outputs * terms);
}

static workspace divide(const sn_conv_shape *shape, int rows, float *scratch)
{
    workspace w = {.terms = shape->in_channels * shape->kernel * shape->kernel,
                   .pixels = rows * shape->width};
    w.unfolded = scratch;
    w.planes = w.unfolded + whole_lines((size_t)w.terms * (size_t)w.pixels);
    w.weights = w.planes + whole_lines((size_t)shape->out_channels * (size_t)w.pixels);
    return w;
}

/* One lane of `rows` x `width` pixels, from the view to consecutive floats. */
static void gather(sn_planes from, int channel, int rows, int width, int lane, float *to)
{
    for (int h = 0; h < rows; h++) {
        const float *row = from.data + ((size_t)channel * from.plane + (size_t)h * from.row) * SN_LANES +
                           lane;
        for (int w = 0; w < width; w++)
            *to++ = row[w * SN_LANES];
    }
}

/* unfolded[(i, kh, kw)][(h, w)] = input[i][h + kh][w + kw] */
static void unfold(const sn_conv_shape *shape, sn_planes input, int rows, int lane, float *unfolded)
{
    for (int i = 0; i < shape->in_channels; i++) {
        for (int kh = 0; kh < shape->kernel; kh++) {
            for (int kw = 0; kw < shape->kernel; kw++, unfolded += rows * shape->width)
                gather(sn_planes_at(input, (size_t)kh, (size_t)kw), i, rows, shape->width, lane, unfolded);
        }
    }
}

/* As the kernels' relu: NaN stays NaN, -0 becomes 0. */
static float rectified(float x)
{
    return x <= 0 ? 0 : x;
}

static void convolve(const sn_conv_shape *shape, const float *weight, const float *bias, sn_planes input,
                     sn_planes output, int rows, bool relu, float *plane_sum, float *scratch)
{
    const workspace w = divide(shape, rows, scratch);
    for (int lane = 0; lane < SN_LANES; lane++) {
        unfold(shape, input, rows, lane, w.unfolded);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, shape->out_channels, w.pixels, w.terms, 1,
                    weight, w.terms, w.unfolded, w.pixels, 0, w.planes, w.pixels);
        const float *product = w.planes;
        for (int o = 0; o < shape->out_channels; o++) {
            float *plane = output.data + (size_t)o * output.plane * SN_LANES + lane;
            for (int h = 0; h < rows; h++) {
                for (int x = 0; x < shape->width; x++) {
                    float y = *product++ + (bias ? bias[o] : 0);
                    if (relu) y = rectified(y);
                    plane[((size_t)h * output.row + (size_t)x) * SN_LANES] = y;
                    if (plane_sum) plane_sum[o * SN_LANES + lane] += y;
                }
            }
        }
    }
}

static void weight_gradient(const sn_conv_shape *shape, sn_planes input, sn_planes gradient, int rows,
                            float *lanes, float *scratch)
{
    const workspace w = divide(shape, rows, scratch);
    const int weights = shape->out_channels * w.terms;
    for (int lane = 0; lane < SN_LANES; lane++) {
        unfold(shape, input, rows, lane, w.unfolded);
        for (int o = 0; o < shape->out_channels; o++)
            gather(gradient, o, rows, shape->width, lane, w.planes + o * w.pixels);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, shape->out_channels, w.terms, w.pixels, 1,
                    w.planes, w.pixels, w.unfolded, w.pixels, 0, w.weights, w.terms);
        for (int k = 0; k < weights; k++)
            lanes[k * SN_LANES + lane] += w.weights[k];
    }
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char version[64];

/* The ranks are the parallelism: one thread each. */
static void start_blas(void)
{
    openblas_set_num_threads(1);
    char number[32] = "unknown";
    (void)sscanf(openblas_get_config(), "OpenBLAS %31s", number);
    (void)snprintf(version, sizeof version, "%s %.31s", number, openblas_get_corename());
}

const sn_convolution *sn_convolution_gemm(void)
{
    static const sn_convolution gemm = {
        .name = "gemm",
        .convolve = convolve,
        .weight_gradient = weight_gradient,
        .scratch_floats = scratch_floats,
    };
    (void)pthread_once(&once, start_blas);
    return &gemm;
}

const char *sn_blas_version(void)
{
    (void)pthread_once(&once, start_blas);
    return version;
}
