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

/* Scratch for one sample. For 1 x 1 kernels the image is the unfolded input. */
typedef struct workspace {
    float *image;      /* [in][rows + kernel - 1][width + kernel - 1] */
    float *unfolded;   /* [in * kernel * kernel][pixels] */
    float *planes;     /* [out][pixels] */
    float *weights;    /* [out][in * kernel * kernel] */
    int terms, pixels; /* in * kernel * kernel, rows * width */
    size_t floats;     /* all of it */
} workspace;

static float *take(workspace *w, float *scratch, size_t floats)
{
    float *taken = scratch ? scratch + w->floats : NULL;
    w->floats += (floats + SN_LANES - 1) / SN_LANES * SN_LANES;
    return taken;
}

/* Divides the scratch, or only measures it when there is none. */
static workspace divide(const sn_conv_shape *shape, int rows, float *scratch)
{
    const int border = shape->kernel - 1;
    workspace w = {.terms = shape->in_channels * shape->kernel * shape->kernel,
                   .pixels = rows * shape->width};
    const size_t terms = (size_t)w.terms, pixels = (size_t)w.pixels, outputs = (size_t)shape->out_channels;
    w.image = take(&w, scratch, (size_t)(shape->in_channels * (rows + border) * (shape->width + border)));
    w.unfolded = border ? take(&w, scratch, terms * pixels) : w.image;
    w.planes = take(&w, scratch, outputs * pixels);
    w.weights = take(&w, scratch, outputs * terms);
    return w;
}

static size_t scratch_floats(const sn_conv_shape *shape, int rows)
{
    return divide(shape, rows, NULL).floats;
}

/* Where a channel of a sample begins. */
static float *plane_of(sn_planes planes, int samples, int channel, int sample)
{
    const int lane = sn_lane(samples, channel, sample);
    return planes.data + (size_t)(lane / SN_LANES) * planes.plane * SN_LANES + lane % SN_LANES;
}

/* One sample of a view: to[channel][row][column]. */
static void gather(sn_planes from, int samples, int channels, int rows, int width, int sample, float *to)
{
    for (int c = 0; c < channels; c++) {
        for (int h = 0; h < rows; h++) {
            const float *row = plane_of(from, samples, c, sample) + (size_t)h * from.row * SN_LANES;
            for (int w = 0; w < width; w++)
                *to++ = row[w * SN_LANES];
        }
    }
}

/* unfolded[(i, kh, kw)][(h, w)] = input[i][h + kh][w + kw] of one sample */
static void unfold(const sn_conv_shape *shape, sn_planes input, int rows, int sample, const workspace *w)
{
    const int kernel = shape->kernel, width = shape->width;
    const size_t image_row = (size_t)(width + kernel - 1), image_rows = (size_t)(rows + kernel - 1);
    gather(input, shape->samples, shape->in_channels, (int)image_rows, (int)image_row, sample, w->image);
    if (kernel == 1) return;
    float *to = w->unfolded;
    for (int k = 0; k < w->terms; k++) {
        const size_t i = (size_t)(k / (kernel * kernel)), kh = (size_t)(k / kernel % kernel);
        const float *from = w->image + (i * image_rows + kh) * image_row + k % kernel;
        for (int h = 0; h < rows; h++, from += image_row, to += width)
            memcpy(to, from, (size_t)width * sizeof *to);
    }
}

/* As the kernels' relu: NaN stays NaN, -0 becomes 0. */
static float rectified(float x)
{
    return x <= 0 ? 0 : x;
}

/* One sample of one output channel, from consecutive products to its plane; returns `sum` plus what was stored. */
static float scatter(const float *product, float bias, bool relu, int rows, int width, float *plane,
                     size_t plane_row, float sum)
{
    for (int h = 0; h < rows; h++) {
        float *row = plane + (size_t)h * plane_row * SN_LANES;
        for (int w = 0; w < width; w++) {
            float y = *product++ + bias;
            if (relu) y = rectified(y);
            row[w * SN_LANES] = y;
            sum += y;
        }
    }
    return sum;
}

__attribute__((nonnull(9))) static void convolve(const sn_conv_shape *shape, const float *weight,
                                                 const float *bias, sn_planes input, sn_planes output,
                                                 int rows, bool relu, float *plane_sum, float *scratch)
{
    const workspace w = divide(shape, rows, scratch);
    for (int sample = 0; sample < shape->samples; sample++) {
        unfold(shape, input, rows, sample, &w);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, shape->out_channels, w.pixels, w.terms, 1,
                    weight, w.terms, w.unfolded, w.pixels, 0, w.planes, w.pixels);
        const float *product = w.planes;
        for (int o = 0; o < shape->out_channels; o++, product += w.pixels) {
            const int lane = sn_lane(shape->samples, o, sample);
            const float sum = scatter(product, bias ? bias[o] : 0, relu, rows, shape->width,
                                      plane_of(output, shape->samples, o, sample), output.row,
                                      plane_sum ? plane_sum[lane] : 0);
            if (plane_sum) plane_sum[lane] = sum;
        }
    }
}

__attribute__((nonnull(6))) static void weight_gradient(const sn_conv_shape *shape, sn_planes input,
                                                        sn_planes gradient, int rows, float *lanes,
                                                        float *scratch)
{
    const workspace w = divide(shape, rows, scratch);
    for (int sample = 0; sample < shape->samples; sample++) {
        unfold(shape, input, rows, sample, &w);
        gather(gradient, shape->samples, shape->out_channels, rows, shape->width, sample, w.planes);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, shape->out_channels, w.terms, w.pixels, 1,
                    w.planes, w.pixels, w.unfolded, w.pixels, 0, w.weights, w.terms);
        for (int o = 0; o < shape->out_channels; o++) {
            const int lane = sn_lane(shape->samples, o, sample);
            float *to = lanes + (size_t)(lane / SN_LANES * w.terms) * SN_LANES + lane % SN_LANES;
            for (int k = 0; k < w.terms; k++)
                to[k * SN_LANES] += w.weights[o * w.terms + k];
        }
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
