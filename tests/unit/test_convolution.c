/**
 * Convolutions. The direct kernels must give the bits of the chains that kernels.h defines, written out here with the C
 * library's fmaf, on every instruction set; gemm must agree with the same sums in double.
 */

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
    sn_planes input, output, gradient;
    float *weight, *bias, *plane_sum, *lanes, *scratch;
    size_t weights, outputs, sums;
} fixture;

/* `slack` pixels between rows: 0 packs the planes of 1 x 1 convolutions, which the kernels treat as one row. */
static fixture fixture_new(const test_case *c, const sn_convolution *convolution, int slack)
{
    fixture f = {.shape = c->shape, .rows = c->rows};
    const int in = f.shape.in_channels, out = f.shape.out_channels, k = f.shape.kernel, w = f.shape.width;
    f.weights = (size_t)(in * out * k * k);
    f.sums = (size_t)out * SN_LANES;
    f.input = planes_new(in, c->rows + k - 1, w + k - 1 + slack);
    f.output = planes_new(out, c->rows, w + 2 * slack);
    f.gradient = planes_new(out, c->rows, w + slack);
    f.outputs = f.output.plane * (size_t)out * SN_LANES;
    f.weight = block_new(f.weights);
    f.bias = block_new((size_t)out);
    f.plane_sum = block_new(f.sums);
    f.lanes = block_new(f.weights * SN_LANES);
    f.scratch = block_new(convolution->scratch_floats(&f.shape, c->rows));
    fill_uniform(f.input.data, f.input.plane * (size_t)in * SN_LANES, 1);
    fill_uniform(f.gradient.data, f.gradient.plane * (size_t)out * SN_LANES, 2);
    fill_uniform(f.weight, f.weights, 3);
    fill_uniform(f.bias, (size_t)out, 4);
    fill_uniform(f.plane_sum, f.sums, 5);
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

static void run_convolve(const sn_convolution *convolution, fixture *f, bool relu)
{
    convolution->convolve(&f->shape, f->weight, f->bias, f->input, f->output, f->rows, relu, f->plane_sum,
                          f->scratch);
}

static void run_weight_gradient(const sn_convolution *convolution, fixture *f)
{
    convolution->weight_gradient(&f->shape, f->input, f->gradient, f->rows, f->lanes, f->scratch);
}

/* One output before the activation: the chain of kernels.h, and the same sum in double. */
static float output_chain(const fixture *f, int o, int h, int w, int lane, double *in_double)
{
    const int k = f->shape.kernel;
    float chain = f->bias[o];
    *in_double = (double)chain;
    for (int i = 0; i < f->shape.in_channels; i++) {
        for (int kh = 0; kh < k; kh++) {
            for (int kw = 0; kw < k; kw++) {
                const float weight = f->weight[((o * f->shape.in_channels + i) * k + kh) * k + kw];
                const float x = *at(f->input, i, h + kh, w + kw, lane);
                chain = fmaf(weight, x, chain);
                *in_double += (double)weight * (double)x;
            }
        }
    }
    return chain;
}

static void reference_convolve(fixture *f, bool relu, double *output, double *plane_sum)
{
    for (int o = 0; o < f->shape.out_channels; o++) {
        for (int lane = 0; lane < SN_LANES; lane++) {
            const int s = o * SN_LANES + lane;
            plane_sum[s] = (double)f->plane_sum[s];
            for (int h = 0; h < f->rows; h++) {
                for (int w = 0; w < f->shape.width; w++) {
                    float *to = at(f->output, o, h, w, lane);
                    double exact;
                    const float y = output_chain(f, o, h, w, lane, &exact);
                    *to = relu && y <= 0 ? 0 : y;
                    f->plane_sum[s] += *to;
                    output[to - f->output.data] = relu && exact <= 0 ? 0 : exact;
                    plane_sum[s] += output[to - f->output.data];
                }
            }
        }
    }
}

static void reference_weight_gradient(fixture *f, double *lanes)
{
    const int in = f->shape.in_channels, k = f->shape.kernel;
    for (int e = 0; e < (int)f->weights; e++) {
        const int o = e / (k * k * in), i = e / (k * k) % in, kh = e / k % k, kw = e % k;
        for (int lane = 0; lane < SN_LANES; lane++) {
            float *chain = f->lanes + e * SN_LANES + lane;
            double exact = (double)*chain;
            for (int h = 0; h < f->rows; h++) {
                for (int w = 0; w < f->shape.width; w++) {
                    const float g = *at(f->gradient, o, h, w, lane),
                                x = *at(f->input, i, h + kh, w + kw, lane);
                    *chain = fmaf(g, x, *chain);
                    exact += (double)g * (double)x;
                }
            }
            lanes[e * SN_LANES + lane] = exact;
        }
    }
}

static const char *describe(const char *who, const char *what, const sn_conv_shape *shape)
{
    static char text[128];
    snprintf(text, sizeof text, "%s, %s, %d->%d kernel %d width %d", who, what, shape->in_channels,
             shape->out_channels, shape->kernel, shape->width);
    return text;
}

static void test_convolution_is_the_chain_of_its_definition(void **state)
{
    (void)state;
    const sn_convolution *gemm = sn_convolution_gemm();
    for (int c = 0; c < CASES; c++) {
        const bool relu = c % 2;
        const int slack = c % 3;
        const sn_conv_shape *shape = &cases[c].shape;
        fixture expected = fixture_new(&cases[c], gemm, slack);
        double *output = test_calloc(expected.outputs, sizeof *output);
        double *plane_sum = test_calloc(expected.sums, sizeof *plane_sum);
        reference_convolve(&expected, relu, output, plane_sum);
        for (const char *const *isa = sn_kernels_available(); *isa; isa++) {
            fixture f = fixture_new(&cases[c], sn_kernels_select(*isa)->direct, slack);
            run_convolve(sn_kernels_select(*isa)->direct, &f, relu);
            assert_same_bits(describe(*isa, "output", shape), f.output.data, expected.output.data, f.outputs);
            assert_same_bits(describe(*isa, "sum", shape), f.plane_sum, expected.plane_sum, f.sums);
            fixture_free(&f);
        }
        fixture f = fixture_new(&cases[c], gemm, slack);
        run_convolve(gemm, &f, relu);
        assert_close(describe("gemm", "output", shape), f.output.data, output, f.outputs, 1e-6);
        assert_close(describe("gemm", "sum", shape), f.plane_sum, plane_sum, f.sums, 1e-6);
        fixture_free(&f);
        fixture_free(&expected);
        test_free(output);
        test_free(plane_sum);
    }
}

static void test_weight_gradient_is_the_chain_of_its_definition(void **state)
{
    (void)state;
    const sn_convolution *gemm = sn_convolution_gemm();
    for (int c = 0; c < CASES; c++) {
        const sn_conv_shape *shape = &cases[c].shape;
        fixture expected = fixture_new(&cases[c], gemm, c % 3);
        double *lanes = test_calloc(expected.weights * SN_LANES, sizeof *lanes);
        reference_weight_gradient(&expected, lanes);
        for (const char *const *isa = sn_kernels_available(); *isa; isa++) {
            fixture f = fixture_new(&cases[c], sn_kernels_select(*isa)->direct, c % 3);
            run_weight_gradient(sn_kernels_select(*isa)->direct, &f);
            assert_same_bits(describe(*isa, "weight gradient", shape), f.lanes, expected.lanes,
                             f.weights * SN_LANES);
            fixture_free(&f);
        }
        fixture f = fixture_new(&cases[c], gemm, c % 3);
        run_weight_gradient(gemm, &f);
        assert_close(describe("gemm", "weight gradient", shape), f.lanes, lanes, f.weights * SN_LANES, 2e-6);
        fixture_free(&f);
        fixture_free(&expected);
        test_free(lanes);
    }
}

static void test_direct_and_gemm_agree_to_rounding(void **state)
{
    (void)state;
    const sn_convolution *gemm = sn_convolution_gemm();
    for (int c = 0; c < CASES; c++) {
        for (const char *const *isa = sn_kernels_available(); *isa; isa++) {
            const sn_convolution *direct = sn_kernels_select(*isa)->direct;
            fixture a = fixture_new(&cases[c], direct, 1), b = fixture_new(&cases[c], gemm, 1);
            run_convolve(direct, &a, true);
            run_convolve(gemm, &b, true);
            run_weight_gradient(direct, &a);
            run_weight_gradient(gemm, &b);
            assert_near(describe(*isa, "output", &a.shape), a.output.data, b.output.data, a.outputs, 1e-5);
            assert_near(describe(*isa, "gradient", &a.shape), a.lanes, b.lanes, a.weights * SN_LANES, 1e-5);
            fixture_free(&a);
            fixture_free(&b);
        }
    }
}

static void test_strips_give_the_bits_of_the_whole_plane(void **state)
{
    (void)state;
    for (const char *const *isa = sn_kernels_available(); *isa; isa++) {
        const sn_convolution *direct = sn_kernels_select(*isa)->direct;
        for (int c = 0; c < CASES; c++) {
            fixture whole = fixture_new(&cases[c], direct, c % 2),
                    cut = fixture_new(&cases[c], direct, c % 2);
            run_convolve(direct, &whole, true);
            run_weight_gradient(direct, &whole);
            for (int h = 0, rows = 1; h < cut.rows; h += rows, rows = rows % 3 + 1) {
                if (rows > cut.rows - h) rows = cut.rows - h;
                direct->convolve(&cut.shape, cut.weight, cut.bias, sn_planes_at(cut.input, (size_t)h, 0),
                                 sn_planes_at(cut.output, (size_t)h, 0), rows, true, cut.plane_sum,
                                 cut.scratch);
                direct->weight_gradient(&cut.shape, sn_planes_at(cut.input, (size_t)h, 0),
                                        sn_planes_at(cut.gradient, (size_t)h, 0), rows, cut.lanes,
                                        cut.scratch);
            }
            assert_same_bits(describe(*isa, "output", &cut.shape), cut.output.data, whole.output.data,
                             cut.outputs);
            assert_same_bits(describe(*isa, "sum", &cut.shape), cut.plane_sum, whole.plane_sum, cut.sums);
            assert_same_bits(describe(*isa, "gradient", &cut.shape), cut.lanes, whole.lanes,
                             cut.weights * SN_LANES);
            fixture_free(&whole);
            fixture_free(&cut);
        }
    }
}

static void test_a_sample_does_not_depend_on_its_lane(void **state)
{
    (void)state;
    const test_case c = {{5, 6, 3, 9}, 4};
    const sn_convolution *all[4] = {sn_convolution_gemm()};
    int n = 1;
    for (const char *const *isa = sn_kernels_available(); *isa; isa++)
        all[n++] = sn_kernels_select(*isa)->direct;
    for (int a = 0; a < n; a++) {
        fixture f = fixture_new(&c, all[a], 1), moved = fixture_new(&c, all[a], 1);
        permute_lanes(moved.input.data, f.input.data, f.input.plane * 5);
        permute_lanes(moved.gradient.data, f.gradient.data, f.gradient.plane * 6);
        permute_lanes(moved.plane_sum, f.plane_sum, 6);
        permute_lanes(moved.lanes, f.lanes, f.weights);
        run_convolve(all[a], &f, true);
        run_convolve(all[a], &moved, true);
        run_weight_gradient(all[a], &f);
        run_weight_gradient(all[a], &moved);
        assert_permuted("output", moved.output.data, f.output.data, f.output.plane * 6);
        assert_permuted("sum", moved.plane_sum, f.plane_sum, 6);
        assert_permuted("gradient", moved.lanes, f.lanes, f.weights);
        fixture_free(&f);
        fixture_free(&moved);
    }
}

/* A short batch leaves lanes unused; whatever they hold, the others come out the same. */
static void test_what_an_unused_lane_holds_does_not_matter(void **state)
{
    (void)state;
    enum { UNUSED = 5 };
    const test_case c = {{5, 6, 3, 9}, 4};
    const sn_convolution *all[4] = {sn_convolution_gemm()};
    int n = 1;
    for (const char *const *isa = sn_kernels_available(); *isa; isa++)
        all[n++] = sn_kernels_select(*isa)->direct;
    for (int a = 0; a < n; a++) {
        fixture f = fixture_new(&c, all[a], 1), spoilt = fixture_new(&c, all[a], 1);
        uint32_t seed = 9;
        for (size_t p = 0; p < f.input.plane * 5; p++)
            spoilt.input.data[p * SN_LANES + UNUSED] = next_pattern(&seed);
        for (size_t p = 0; p < f.gradient.plane * 6; p++)
            spoilt.gradient.data[p * SN_LANES + UNUSED] = next_pattern(&seed);
        run_convolve(all[a], &f, true);
        run_convolve(all[a], &spoilt, true);
        run_weight_gradient(all[a], &f);
        run_weight_gradient(all[a], &spoilt);
        for (size_t p = 0; p < f.output.plane * 6; p++)
            spoilt.output.data[p * SN_LANES + UNUSED] = f.output.data[p * SN_LANES + UNUSED];
        for (size_t k = 0; k < f.weights; k++)
            spoilt.lanes[k * SN_LANES + UNUSED] = f.lanes[k * SN_LANES + UNUSED];
        assert_same_bits(all[a]->name, spoilt.output.data, f.output.data, f.outputs);
        assert_same_bits(all[a]->name, spoilt.lanes, f.lanes, f.weights * SN_LANES);
        fixture_free(&f);
        fixture_free(&spoilt);
    }
}

static void test_bias_and_sum_may_be_absent(void **state)
{
    (void)state;
    const test_case c = {{3, 5, 3, 8}, 2};
    for (const char *const *isa = sn_kernels_available(); *isa; isa++) {
        const sn_convolution *direct = sn_kernels_select(*isa)->direct;
        fixture f = fixture_new(&c, direct, 0), zero = fixture_new(&c, direct, 0);
        memset(zero.bias, 0, 5 * sizeof *zero.bias);
        run_convolve(direct, &zero, false);
        direct->convolve(&f.shape, f.weight, NULL, f.input, f.output, f.rows, false, NULL, f.scratch);
        assert_same_bits(*isa, f.output.data, zero.output.data, f.outputs);
        fixture_free(&f);
        fixture_free(&zero);
    }
}

/* <convolve(x), g> = <x, convolve(g) with flipped weights and a halo>: what makes it the input gradient. */
static void test_flipped_weights_give_the_adjoint(void **state)
{
    (void)state;
    const sn_kernels *kernels = sn_kernels_select("portable");
    for (int kernel = 1; kernel <= 3; kernel += 2) {
        const test_case forward = {{3, 5, kernel, 6}, 4};
        const int halo = kernel - 1;
        const sn_conv_shape back = {5, 3, kernel, 6 + halo};
        fixture f = fixture_new(&forward, kernels->direct, 0);
        float *flipped = block_new(f.weights);
        sn_flip_weights(&f.shape, f.weight, flipped);
        kernels->direct->convolve(&f.shape, f.weight, NULL, f.input, f.output, 4, false, NULL, NULL);
        sn_planes padded = planes_new(5, 4 + 2 * halo, 6 + 2 * halo), dx = planes_new(3, 4 + halo, 6 + halo);
        double left = 0, right = 0;
        for (int c = 0; c < 5; c++) {
            for (int h = 0; h < 4; h++) {
                for (int w = 0; w < 6; w++) {
                    *at(padded, c, h + halo, w + halo, 0) = *at(f.gradient, c, h, w, 0);
                    left += (double)*at(f.output, c, h, w, 0) * (double)*at(f.gradient, c, h, w, 0);
                }
            }
        }
        kernels->direct->convolve(&back, flipped, NULL, padded, dx, 4 + halo, false, NULL, NULL);
        for (int c = 0; c < 3; c++) {
            for (int h = 0; h < 4 + halo; h++) {
                for (int w = 0; w < 6 + halo; w++)
                    right += (double)*at(f.input, c, h, w, 0) * (double)*at(dx, c, h, w, 0);
            }
        }
        assert_true(fabs(left - right) < 1e-5 * fabs(left));
        block_free(flipped);
        block_free(padded.data);
        block_free(dx.data);
        fixture_free(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convolution_is_the_chain_of_its_definition),
        cmocka_unit_test(test_weight_gradient_is_the_chain_of_its_definition),
        cmocka_unit_test(test_direct_and_gemm_agree_to_rounding),
        cmocka_unit_test(test_strips_give_the_bits_of_the_whole_plane),
        cmocka_unit_test(test_a_sample_does_not_depend_on_its_lane),
        cmocka_unit_test(test_what_an_unused_lane_holds_does_not_matter),
        cmocka_unit_test(test_bias_and_sum_may_be_absent),
        cmocka_unit_test(test_flipped_weights_give_the_adjoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
