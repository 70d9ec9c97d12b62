/** Convolutions: every instruction set and gemm against sums written out in double, and against each other. */

#include "block.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct test_case {
    sn_conv_shape shape;
    int rows;
} test_case;

/* The network's convolutions, their input gradients, and shapes that leave remainders in every tile. */
static const test_case cases[] = {
    {{1, 10, 3, 28}, 28}, {{10, 16, 3, 28}, 28}, {{16, 10, 3, 28}, 28}, {{16, 8, 1, 14}, 14},
    {{8, 16, 1, 14}, 14}, {{8, 16, 3, 14}, 14},  {{16, 8, 3, 14}, 14},  {{16, 16, 3, 14}, 14},
    {{16, 8, 1, 7}, 7},   {{8, 16, 1, 7}, 7},    {{8, 10, 3, 5}, 5},    {{10, 8, 3, 7}, 7},
    {{10, 16, 3, 3}, 3},  {{16, 10, 3, 5}, 5},   {{16, 10, 1, 3}, 3},   {{10, 16, 1, 3}, 3},
    {{10, 1, 3, 28}, 28}, {{1, 1, 1, 1}, 1},     {{1, 1, 3, 1}, 1},     {{3, 7, 3, 11}, 2},
    {{5, 3, 1, 13}, 3},   {{2, 6, 3, 2}, 5},     {{7, 5, 1, 6}, 2},     {{4, 13, 3, 9}, 4},
};
enum { CASES = sizeof cases / sizeof *cases };

typedef struct fixture {
    sn_conv_shape shape;
    int rows;
    sn_planes input, output,
        gradient; /* rows wider than the views, so that nothing relies on their being packed */
    float *weight, *bias, *plane_sum, *lanes, *scratch;
    size_t weights, outputs;
} fixture;

static fixture fixture_new(const test_case *c, const sn_convolution *convolution)
{
    fixture f = {.shape = c->shape, .rows = c->rows};
    const int in = f.shape.in_channels, out = f.shape.out_channels, k = f.shape.kernel, w = f.shape.width;
    f.weights = (size_t)(in * out * k * k);
    f.input = planes_new(in, c->rows + k - 1, w + k);
    f.output = planes_new(out, c->rows, w + 2);
    f.gradient = planes_new(out, c->rows, w + 1);
    f.outputs = f.output.plane * (size_t)out * SN_LANES;
    f.weight = block_new(f.weights);
    f.bias = block_new((size_t)out);
    f.plane_sum = block_new((size_t)out * SN_LANES);
    f.lanes = block_new(f.weights * SN_LANES);
    f.scratch = block_new(convolution->scratch_floats(&f.shape, c->rows));
    fill_uniform(f.input.data, f.input.plane * (size_t)in * SN_LANES, 1);
    fill_uniform(f.gradient.data, f.gradient.plane * (size_t)out * SN_LANES, 2);
    fill_uniform(f.weight, f.weights, 3);
    fill_uniform(f.bias, (size_t)out, 4);
    fill_uniform(f.plane_sum, (size_t)out * SN_LANES, 5);
    fill_uniform(f.lanes, f.weights * SN_LANES, 6);
    return f;
}

static void fixture_free(fixture *f)
{
    float *blocks[] = {f->input.data, f->output.data, f->gradient.data, f->weight,
                       f->bias,       f->plane_sum,   f->lanes,         f->scratch};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        block_free(blocks[i]);
}

/* The definition. Returns output[o][h][w] of one lane before the activation. */
static double output_in_double(const fixture *f, int o, int h, int w, int lane)
{
    const int k = f->shape.kernel;
    double sum = (double)f->bias[o];
    for (int i = 0; i < f->shape.in_channels; i++) {
        for (int kh = 0; kh < k; kh++) {
            for (int kw = 0; kw < k; kw++)
                sum += (double)f->weight[((o * f->shape.in_channels + i) * k + kh) * k + kw] *
                       (double)*at(f->input, i, h + kh, w + kw, lane);
        }
    }
    return sum;
}

static double weight_gradient_in_double(const fixture *f, int o, int i, int kh, int kw, int lane)
{
    double sum = 0;
    for (int h = 0; h < f->rows; h++) {
        for (int w = 0; w < f->shape.width; w++)
            sum += (double)*at(f->gradient, o, h, w, lane) * (double)*at(f->input, i, h + kh, w + kw, lane);
    }
    return sum;
}

static void check_against_double(const char *name, const sn_convolution *convolution, const test_case *c)
{
    char what[96];
    snprintf(what, sizeof what, "%s %s %d->%d k%d w%d", name, convolution->name, c->shape.in_channels,
             c->shape.out_channels, c->shape.kernel, c->shape.width);
    for (int relu = 0; relu < 2; relu++) {
        fixture f = fixture_new(c, convolution);
        double *expected = test_calloc(f.outputs, sizeof *expected);
        double *sums = test_calloc((size_t)c->shape.out_channels * SN_LANES, sizeof *sums);
        for (int o = 0; o < c->shape.out_channels; o++) {
            for (int lane = 0; lane < SN_LANES; lane++) {
                sums[o * SN_LANES + lane] = (double)f.plane_sum[o * SN_LANES + lane];
                for (int h = 0; h < c->rows; h++) {
                    for (int w = 0; w < c->shape.width; w++) {
                        double y = output_in_double(&f, o, h, w, lane);
                        if (relu && y < 0) y = 0;
                        expected[at(f.output, o, h, w, lane) - f.output.data] = y;
                        sums[o * SN_LANES + lane] += y;
                    }
                }
            }
        }
        convolution->convolve(&f.shape, f.weight, f.bias, f.input, f.output, c->rows, relu, f.plane_sum,
                              f.scratch);
        assert_close(what, f.output.data, expected, f.outputs, 1e-6);
        assert_close(what, f.plane_sum, sums, (size_t)c->shape.out_channels * SN_LANES, 1e-6);
        test_free(expected);
        test_free(sums);
        fixture_free(&f);
    }

    fixture f = fixture_new(c, convolution);
    double *expected = test_calloc(f.weights * SN_LANES, sizeof *expected);
    const int in = c->shape.in_channels, k = c->shape.kernel;
    for (int e = 0; e < (int)f.weights; e++) {
        for (int lane = 0; lane < SN_LANES; lane++)
            expected[e * SN_LANES + lane] = (double)f.lanes[e * SN_LANES + lane] +
                                            weight_gradient_in_double(&f, e / (k * k * in), e / (k * k) % in,
                                                                      e / k % k, e % k, lane);
    }
    convolution->weight_gradient(&f.shape, f.input, f.gradient, c->rows, f.lanes, f.scratch);
    assert_close(what, f.lanes, expected, f.weights * SN_LANES, 2e-6);
    test_free(expected);
    fixture_free(&f);
}

static void test_direct_convolution_is_the_definition(void **state)
{
    (void)state;
    for (const char *const *isa = sn_kernels_available(); *isa; isa++) {
        for (int c = 0; c < CASES; c++)
            check_against_double(*isa, sn_kernels_select(*isa)->direct, &cases[c]);
    }
}

static void test_gemm_convolution_is_the_definition(void **state)
{
    (void)state;
    for (int c = 0; c < CASES; c++)
        check_against_double("", sn_convolution_gemm(), &cases[c]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_direct_convolution_is_the_definition),
        cmocka_unit_test(test_gemm_convolution_is_the_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
