/* Each layer of syncnorm, by itself, is the double-precision reference's: norms with dropout and pooling, convolutions, the
   head; forward, and backward for random incoming gradients; in blocks of every shape, on every instruction set. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "norm_layer.h"
#include "reference.h"
#include "syncnorm/nn/head.h"
#include "syncnorm/nn/shapes.h"

static void assert_error(const char *isa, const char *layer, const char *what, size_t count, const double *a,
                         const double *b, double tolerance)
{
    const double error = ref_relative_error(count, a, b);
    if (!(error <= tolerance))
        fail_msg("%s, %s, %s: relative error %.3g, more than %.3g", layer, isa, what, error, tolerance);
}

/* ---- norms ---- */

static void assert_norm(const char *isa, const char *name, const norm_layer *layer)
{
    const double tolerance = 2e-6;
    norm_layer_result expected = norm_layer_reference(layer);
    norm_layer_result actual = norm_layer_run(layer, sn_kernels_select(isa), NULL, 0, layer->n);
    const size_t parameters = norm_layer_parameters(layer);
    assert_error(isa, name, "output", norm_layer_outputs(layer), actual.y, expected.y, tolerance);
    assert_error(isa, name, "input gradient", norm_layer_elements(layer), actual.dz, expected.dz, tolerance);
    assert_error(isa, name, "weight gradient", parameters, actual.dweight, expected.dweight, tolerance);
    assert_error(isa, name, "bias gradient", parameters, actual.dbias, expected.dbias, tolerance);
    assert_error(isa, name, "mean", (size_t)layer->channels, actual.mean, expected.mean, 1e-7);
    assert_error(isa, name, "variance", (size_t)layer->channels, actual.var, expected.var, 1e-6);
    norm_layer_result_free(&expected);
    norm_layer_result_free(&actual);
}

static void norms_are_the_references(void **state)
{
    (void)state;
    static const struct {
        sn_norm_kind kind;
        int groups;
        const char *name;
    } norms[] = {
        {SN_NORM_GROUP, 2, "gn"},  {SN_NORM_GROUP, 3, "gn of 3 groups"},
        {SN_NORM_LAYER, 1, "ln"},  {SN_NORM_RMS, 1, "rms"},
        {SN_NORM_BATCH, 1, "bn"},  {SN_NORM_INSTANCE, 1, "in"},
        {SN_NORM_NONE, 1, "none"}, {SN_NORM_GROUP, 1, "gn of 1 group"},
    };
    static const int sizes[] = {1, 16, 22},
                     widths[] = {4, 14, 28}; /* samples: blocks of 1; of 16; of 16, 4 and 1 */
    for (const char *const *isa = sn_kernels_available(); *isa; isa++)
        for (size_t i = 0; i < sizeof norms / sizeof *norms; i++)
            for (size_t s = 0; s < 3; s++)
                for (int pool = 0; pool < 2; pool++) {
                    norm_layer layer = norm_layer_random(norms[i].kind, sizes[s], 6, widths[s], pool,
                                                         i + 10 * s + 1);
                    layer.groups = norms[i].groups;
                    assert_norm(*isa, norms[i].name, &layer);
                    norm_layer_free(&layer);
                }
}

static void pooling_ties_go_to_the_first_pixel(void **state)
{
    (void)state;
    for (const char *const *isa = sn_kernels_available(); *isa; isa++)
        for (int kind = 0; kind < SN_NORM_KINDS; kind++) {
            norm_layer layer = norm_layer_random((sn_norm_kind)kind, 5, 6, 8, true, 3);
            for (size_t j = 0; j < norm_layer_elements(&layer); j++)
                layer.z[j] = floor(layer.z[j]); /* 0 to 4: ties everywhere */
            assert_norm(*isa, "ties", &layer);
            norm_layer_free(&layer);
        }
}

/* ---- convolutions ---- */

/* Where value p of a channel's plane of `pixels` lies, of a sample. */
static size_t place(int samples, int channel, int sample, size_t pixels, size_t p)
{
    const size_t lane = (size_t)sn_lane(samples, channel, sample);
    return (lane / SN_LANES * pixels + p) * SN_LANES + lane % SN_LANES;
}

/* [samples][channels][size][size] to a view with a halo around. */
static float *to_planes(int samples, int channels, int size, int halo, const double *x, sn_planes *planes)
{
    float *data;
    const size_t row = (size_t)(size + 2 * halo);
    if (SN_ALLOCATE(data, (size_t)sn_slots(samples, channels) * row * row * SN_LANES, "a test") != SN_OK)
        abort();
    for (int sample = 0; sample < samples && x; sample++)
        for (int c = 0; c < channels; c++)
            for (int p = 0; p < size * size; p++)
                data[place(samples, c, sample, row * row,
                           (size_t)(p / size + halo) * row + (size_t)(p % size + halo))] = (float)
                    x[((size_t)sample * channels + c) * size * size + p];
    *planes = (sn_planes){data, row * row, row};
    return data;
}

static void from_planes(int samples, int channels, int size, sn_planes planes, double *x)
{
    for (int sample = 0; sample < samples; sample++)
        for (int c = 0; c < channels; c++)
            for (int p = 0; p < size * size; p++)
                x[((size_t)sample * channels + c) * size * size + p] = (double)planes.data[place(
                    samples, c, sample, planes.plane, (size_t)(p / size) * planes.row + (size_t)(p % size))];
}

static double *random_floats(size_t count, uint64_t *random)
{
    double *x = ref_doubles(count);
    for (size_t j = 0; j < count; j++)
        x[j] = (double)(float)ref_random(random);
    return x;
}

static float *to_floats(size_t count, const double *x)
{
    float *f;
    if (SN_ALLOCATE(f, count, "a test") != SN_OK) abort();
    for (size_t j = 0; j < count; j++)
        f[j] = (float)x[j];
    return f;
}

static float *packed_floats(int samples, int channels, size_t count, const float *values)
{
    float *packed;
    if (SN_ALLOCATE(packed, sn_packed(samples, channels, count), "a test") != SN_OK) abort();
    sn_pack(samples, channels, count, values, packed);
    return packed;
}

static void assert_convolution(const char *isa, const sn_convolution *convolution, int samples,
                               const ref_conv *conv)
{
    uint64_t random = 6;
    const int out_size = ref_conv_output_size(conv), halo = conv->kernel - 1 - conv->padding;
    const size_t terms = (size_t)conv->in * conv->kernel * conv->kernel, weights = (size_t)conv->out * terms;
    const size_t inputs = (size_t)samples * conv->in * conv->size * conv->size;
    const size_t outputs = (size_t)samples * conv->out * out_size * out_size;
    double *x = random_floats(inputs, &random), *dy = random_floats(outputs, &random);
    double *weight = random_floats(weights, &random), *bias = random_floats((size_t)conv->out, &random);
    double *y = ref_doubles(outputs), *dx = ref_doubles(inputs), *dweight = ref_doubles(weights);
    double *dbias = ref_doubles((size_t)conv->out), *actual = ref_doubles(inputs + outputs + weights);
    ref_conv_forward(conv, samples, weight, bias, x, y);
    ref_conv_backward(conv, samples, weight, x, dy, dx, dweight, dbias);

    const int packed = convolution->packed ? samples : SN_LANES;
    const sn_conv_shape forward = {samples, conv->in, conv->out, conv->kernel, out_size};
    const sn_conv_shape backward = {samples, conv->out, conv->in, conv->kernel, conv->size};
    sn_conv_shape flips = forward;
    flips.samples = packed;
    size_t scratch_floats = convolution->scratch_floats(&forward, out_size);
    if (convolution->scratch_floats(&backward, conv->size) > scratch_floats)
        scratch_floats = convolution->scratch_floats(&backward, conv->size);
    float *scratch, *lanes, *flipped, *w = to_floats(weights, weight),
                                      *b = to_floats((size_t)conv->out, bias);
    float *packed_w = packed_floats(packed, conv->out, terms, w),
          *packed_b = packed_floats(packed, conv->out, 1, b);
    if (SN_ALLOCATE(scratch, scratch_floats + 1, "a test") != SN_OK ||
        SN_ALLOCATE(lanes, (size_t)sn_slots(samples, conv->out) * terms * SN_LANES, "a test") != SN_OK ||
        SN_ALLOCATE(flipped, sn_packed(packed, conv->in, (size_t)(conv->out * conv->kernel * conv->kernel)),
                    "a test") != SN_OK)
        abort();
    sn_planes in, out, gradient, in_gradient;
    float *memory[] = {to_planes(samples, conv->in, conv->size, conv->padding, x, &in),
                       to_planes(samples, conv->out, out_size, 0, NULL, &out),
                       to_planes(samples, conv->out, out_size, halo, dy, &gradient),
                       to_planes(samples, conv->in, conv->size, 0, NULL, &in_gradient)};

    convolution->convolve(&forward, packed_w, packed_b, in, out, out_size, false, NULL, scratch);
    from_planes(samples, conv->out, out_size, out, actual);
    assert_error(isa, convolution->name, "output", outputs, actual, y, 1e-6);

    sn_flip_weights(&flips, w, flipped);
    convolution->convolve(&backward, flipped, NULL, gradient, in_gradient, conv->size, false, NULL, scratch);
    from_planes(samples, conv->in, conv->size, in_gradient, actual);
    assert_error(isa, convolution->name, "input gradient", inputs, actual, dx, 1e-6);

    convolution->weight_gradient(&forward, in, sn_planes_at(gradient, (size_t)halo, (size_t)halo), out_size,
                                 lanes, scratch);
    for (size_t j = 0; j < weights; j++) {
        actual[j] = 0;
        for (int sample = 0; sample < samples; sample++)
            actual[j] += (double)lanes[place(samples, (int)(j / terms), sample, terms, j % terms)];
    }
    assert_error(isa, convolution->name, "weight gradient", weights, actual, dweight, 2e-6);

    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
        sn_free(memory[i]);
    float *const rest[] = {scratch, lanes, flipped, w, b, packed_w, packed_b};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        sn_free(rest[i]);
    free(x), free(dy), free(weight), free(bias), free(y), free(dx), free(dweight), free(dbias), free(actual);
}

static void convolutions_are_the_references(void **state)
{
    (void)state;
    static const ref_conv layers[] = {
        {1, 10, 28, 3, 1}, {10, 16, 28, 3, 1}, {16, 8, 14, 1, 0}, {8, 16, 14, 3, 1},
        {16, 8, 7, 1, 0},  {8, 10, 7, 3, 0},   {10, 16, 5, 3, 0}, {16, 10, 3, 1, 0},
    };
    for (int shape = 0; shape < SN_SHAPES; shape++)
        for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
            const int samples = sn_shape_samples[shape];
            for (const char *const *isa = sn_kernels_available(); *isa; isa++)
                assert_convolution(*isa, sn_kernels_select(*isa)->direct, samples, &layers[i]);
            assert_convolution("OpenBLAS", sn_convolution_gemm(), samples, &layers[i]);
        }
}

/* ---- the head ---- */

static void assert_head(int samples)
{
    enum { CLASSES = 10, PIXELS = 9 };
    uint64_t random = 8;
    const int all = samples * CLASSES;
    double *z = random_floats((size_t)all * PIXELS, &random);
    for (int j = 0; j < all * PIXELS; j++)
        z[j] = (double)(float)(z[j] *
                               (j < CLASSES * PIXELS ? 300 : 4)); /* one sample is far from all others */
    sn_planes planes;
    float *lanes = to_planes(samples, CLASSES, 3, 0, z, &planes),
          *dz = to_planes(samples, CLASSES, 3, 0, NULL, &planes);
    float logits[CLASSES * SN_LANES], gradient[CLASSES * SN_LANES] = {0}, bias_sum[CLASSES * SN_LANES] = {0};
    uint8_t labels[SN_LANES];
    for (int sample = 0; sample < samples; sample++)
        labels[sample] = (uint8_t)(sample * 7 % CLASSES);
    sn_head_result result;
    sn_head_logits(samples, lanes, PIXELS, logits);
    sn_head_loss(samples, logits, labels, gradient, &result);
    sn_head_backward(samples, gradient, PIXELS, dz, bias_sum);

    double *expected = ref_doubles((size_t)all), *losses = ref_doubles((size_t)samples);
    double *dlogits = ref_doubles((size_t)all), *dx = ref_doubles((size_t)all * PIXELS);
    double *actual = ref_doubles((size_t)all * PIXELS), bias[CLASSES] = {0}, actual_bias[CLASSES] = {0};
    ref_average_forward(all, PIXELS, z, expected);
    ref_cross_entropy(samples, CLASSES, expected, labels, losses, dlogits);
    ref_average_backward(all, PIXELS, dlogits, dx);
    for (int j = 0; j < all; j++)
        actual[j] = (double)logits[sn_lane(samples, j % CLASSES, j / CLASSES)];
    assert_error("", "head", "logits", (size_t)all, actual, expected, 1e-6);
    assert_error("", "head", "loss", (size_t)samples, result.loss, losses, 1e-6);
    from_planes(samples, CLASSES, 3, (sn_planes){dz, PIXELS, 3}, actual);
    assert_error("", "head", "gradient", (size_t)all * PIXELS, actual, dx, 1e-5);
    for (int j = 0; j < all; j++) {
        bias[j % CLASSES] += dlogits[j];
        actual_bias[j % CLASSES] += (double)bias_sum[sn_lane(samples, j % CLASSES, j / CLASSES)];
    }
    assert_error("", "head", "bias gradient", CLASSES, actual_bias, bias, 1e-5);
    for (int sample = 0; sample < samples; sample++) {
        int best = 0;
        for (int k = 1; k < CLASSES; k++)
            if (expected[sample * CLASSES + k] > expected[sample * CLASSES + best]) best = k;
        assert_int_equal(result.prediction[sample], best);
    }
    free(z), free(expected), free(losses), free(dlogits), free(dx), free(actual);
    sn_free(lanes);
    sn_free(dz);
}

static void the_head_is_the_references(void **state)
{
    (void)state;
    for (int shape = 0; shape < SN_SHAPES; shape++)
        assert_head(sn_shape_samples[shape]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(norms_are_the_references),
        cmocka_unit_test(pooling_ties_go_to_the_first_pixel),
        cmocka_unit_test(convolutions_are_the_references),
        cmocka_unit_test(the_head_is_the_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
