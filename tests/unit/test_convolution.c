/**
 * Convolutions. The direct kernels must give the bits of the chains that kernels.h defines, written out here with the C
 * library's fmaf, on every instruction set; gemm must agree with the same sums in double.
 */

#include "block.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct test_case {
    int in, out, kernel, width, rows;
} test_case;

/* The network's convolutions, their input gradients, and shapes that leave remainders in every tile. */
static const test_case cases[] = {
    {1, 10, 3, 28, 28}, {10, 16, 3, 28, 28}, {16, 10, 3, 28, 28}, {16, 8, 1, 14, 14}, {8, 16, 1, 14, 14},
    {8, 16, 3, 14, 14}, {16, 8, 3, 14, 14},  {16, 16, 3, 14, 14}, {16, 8, 1, 7, 7},   {8, 16, 1, 7, 7},
    {8, 10, 3, 5, 5},   {10, 8, 3, 7, 7},    {10, 16, 3, 3, 3},   {16, 10, 3, 5, 5},  {16, 10, 1, 3, 3},
    {10, 16, 1, 3, 3},  {10, 1, 3, 28, 28},  {1, 1, 1, 1, 1},     {1, 1, 3, 1, 1},    {3, 7, 3, 11, 2},
    {5, 3, 1, 13, 3},   {2, 6, 3, 2, 5},     {7, 5, 1, 6, 2},     {4, 13, 3, 9, 4},
};
enum { CASES = sizeof cases / sizeof *cases };

typedef struct fixture {
    sn_conv_shape shape;
    int rows;
    sn_planes input, output, gradient;
    float *weight, *bias, *packed_weight, *packed_bias; /* packed as the convolution wants them */
    float *plane_sum, *lanes, *scratch;
    size_t weights, terms;                                   /* of all, of one output channel */
    size_t inputs, gradients, outputs, sums, gradient_lanes; /* floats of arrays */
} fixture;

/* `slack` pixels between rows: 0 packs the planes of 1 x 1 convolutions, which the kernels treat as one row. Lanes without a channel
   hold any bits. */
static fixture fixture_new(const test_case *c, const sn_convolution *convolution, int slack)
{
    fixture f = {.shape = {samples, c->in, c->out, c->kernel, c->width}, .rows = c->rows};
    const int in = c->in, out = c->out, k = c->kernel, w = c->width;
    const size_t out_slots = (size_t)sn_slots(samples, out), in_slots = (size_t)sn_slots(samples, in);
    f.terms = (size_t)(in * k * k);
    f.weights = f.terms * (size_t)out;
    f.sums = out_slots * SN_LANES;
    f.gradient_lanes = f.sums * f.terms;
    f.input = planes_new(in, c->rows + k - 1, w + k - 1 + slack);
    f.output = planes_new(out, c->rows, w + 2 * slack);
    f.gradient = planes_new(out, c->rows, w + slack);
    f.inputs = f.input.plane * in_slots * SN_LANES;
    f.outputs = f.output.plane * f.sums;
    f.gradients = f.gradient.plane * f.sums;
    f.weight = block_new(f.weights);
    f.bias = block_new((size_t)out);
    f.plane_sum = block_new(f.sums);
    f.lanes = block_new(f.gradient_lanes);
    f.scratch = block_new(convolution->scratch_floats(&f.shape, c->rows));
    fill_uniform(f.input.data, f.inputs, 1);
    fill_uniform(f.gradient.data, f.gradients, 2);
    fill_uniform(f.weight, f.weights, 3);
    fill_uniform(f.bias, (size_t)out, 4);
    fill_uniform(f.plane_sum, f.sums, 5);
    fill_uniform(f.lanes, f.gradient_lanes, 6);
    spoil_unused(f.input.data, in, f.input.plane, 7);
    spoil_unused(f.gradient.data, out, f.gradient.plane, 8);
    const int packed = convolution->packed ? samples : SN_LANES;
    f.packed_weight = block_new(sn_packed(packed, out, f.terms));
    f.packed_bias = block_new(sn_packed(packed, out, 1));
    sn_pack(packed, out, f.terms, f.weight, f.packed_weight);
    sn_pack(packed, out, 1, f.bias, f.packed_bias);
    return f;
}

static void fixture_free(fixture *f)
{
    float *blocks[] = {f->input.data,    f->output.data, f->gradient.data, f->weight, f->bias,
                       f->packed_weight, f->packed_bias, f->plane_sum,     f->lanes,  f->scratch};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        block_free(blocks[i]);
}

/* Lanes without a channel hold anything. */
static void clear_results(fixture *f)
{
    const int out = f->shape.out_channels;
    clear_unused(f->output.data, out, f->output.plane);
    clear_unused(f->plane_sum, out, 1);
    clear_unused(f->lanes, out, f->terms);
}

static void run_convolve(const sn_convolution *convolution, fixture *f, bool relu)
{
    convolution->convolve(&f->shape, f->packed_weight, f->packed_bias, f->input, f->output, f->rows, relu,
                          f->plane_sum, f->scratch);
    clear_results(f);
}

static void run_weight_gradient(const sn_convolution *convolution, fixture *f)
{
    convolution->weight_gradient(&f->shape, f->input, f->gradient, f->rows, f->lanes, f->scratch);
    clear_results(f);
}

/* One output before the activation: the chain of kernels.h, and the same sum in double. */
static float output_chain(const fixture *f, int o, int h, int w, int sample, double *in_double)
{
    const int k = f->shape.kernel;
    float chain = f->bias[o];
    *in_double = (double)chain;
    for (int i = 0; i < f->shape.in_channels; i++) {
        for (int kh = 0; kh < k; kh++) {
            for (int kw = 0; kw < k; kw++) {
                const float weight = f->weight[((o * f->shape.in_channels + i) * k + kh) * k + kw];
                const float x = *at(f->input, i, h + kh, w + kw, sample);
                chain = fmaf(weight, x, chain);
                *in_double += (double)weight * (double)x;
            }
        }
    }
    return chain;
}

static void reference_convolve(fixture *f, bool relu, double *output, double *plane_sum)
{
    clear_results(f);
    for (int o = 0; o < f->shape.out_channels; o++) {
        for (int sample = 0; sample < samples; sample++) {
            const int s = sn_lane(samples, o, sample);
            plane_sum[s] = (double)f->plane_sum[s];
            for (int h = 0; h < f->rows; h++) {
                for (int w = 0; w < f->shape.width; w++) {
                    float *to = at(f->output, o, h, w, sample);
                    double exact;
                    const float y = output_chain(f, o, h, w, sample, &exact);
                    *to = relu && y <= 0 ? 0 : y;
                    f->plane_sum[s] += *to;
                    output[to - f->output.data] = relu && exact <= 0 ? 0 : exact;
                    plane_sum[s] += output[to - f->output.data];
                }
            }
        }
    }
}

/* Lane-wise gradient of a weight: where sample `sample` has it. */
static size_t lane_of_weight(const fixture *f, int o, size_t term, int sample)
{
    const size_t lane = (size_t)sn_lane(samples, o, sample);
    return (lane / SN_LANES * f->terms + term) * SN_LANES + lane % SN_LANES;
}

static void reference_weight_gradient(fixture *f, double *lanes)
{
    const int in = f->shape.in_channels, k = f->shape.kernel;
    clear_results(f);
    for (int e = 0; e < (int)f->weights; e++) {
        const int o = e / (k * k * in), i = e / (k * k) % in, kh = e / k % k, kw = e % k;
        for (int sample = 0; sample < samples; sample++) {
            const size_t to = lane_of_weight(f, o, (size_t)e % f->terms, sample);
            float *chain = f->lanes + to;
            double exact = (double)*chain;
            for (int h = 0; h < f->rows; h++) {
                for (int w = 0; w < f->shape.width; w++) {
                    const float g = *at(f->gradient, o, h, w, sample),
                                x = *at(f->input, i, h + kh, w + kw, sample);
                    *chain = fmaf(g, x, *chain);
                    exact += (double)g * (double)x;
                }
            }
            lanes[to] = exact;
        }
    }
}

static const char *describe(const char *who, const char *what, const sn_conv_shape *shape)
{
    static char text[128];
    snprintf(text, sizeof text, "%s, %s, samples %d, %d->%d kernel %d width %d", who, what, shape->samples,
             shape->in_channels, shape->out_channels, shape->kernel, shape->width);
    return text;
}

static void test_convolution_is_the_chain_of_its_definition(void **state)
{
    (void)state;
    const sn_convolution *gemm = sn_convolution_gemm();
    for (int c = 0; c < CASES; c++) {
        const bool relu = c % 2;
        const int slack = c % 3;
        fixture expected = fixture_new(&cases[c], gemm, slack);
        const sn_conv_shape *shape = &expected.shape;
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
        fixture expected = fixture_new(&cases[c], gemm, c % 3);
        const sn_conv_shape *shape = &expected.shape;
        double *lanes = test_calloc(expected.gradient_lanes, sizeof *lanes);
        reference_weight_gradient(&expected, lanes);
        for (const char *const *isa = sn_kernels_available(); *isa; isa++) {
            fixture f = fixture_new(&cases[c], sn_kernels_select(*isa)->direct, c % 3);
            run_weight_gradient(sn_kernels_select(*isa)->direct, &f);
            assert_same_bits(describe(*isa, "weight gradient", shape), f.lanes, expected.lanes,
                             f.gradient_lanes);
            fixture_free(&f);
        }
        fixture f = fixture_new(&cases[c], gemm, c % 3);
        run_weight_gradient(gemm, &f);
        assert_close(describe("gemm", "weight gradient", shape), f.lanes, lanes, f.gradient_lanes, 2e-6);
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
            assert_near(describe(*isa, "gradient", &a.shape), a.lanes, b.lanes, a.gradient_lanes, 1e-5);
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
                direct->convolve(
                    &cut.shape, cut.packed_weight, cut.packed_bias, sn_planes_at(cut.input, (size_t)h, 0),
                    sn_planes_at(cut.output, (size_t)h, 0), rows, true, cut.plane_sum, cut.scratch);
                direct->weight_gradient(&cut.shape, sn_planes_at(cut.input, (size_t)h, 0),
                                        sn_planes_at(cut.gradient, (size_t)h, 0), rows, cut.lanes,
                                        cut.scratch);
            }
            clear_results(&cut);
            assert_same_bits(describe(*isa, "output", &cut.shape), cut.output.data, whole.output.data,
                             cut.outputs);
            assert_same_bits(describe(*isa, "sum", &cut.shape), cut.plane_sum, whole.plane_sum, cut.sums);
            assert_same_bits(describe(*isa, "gradient", &cut.shape), cut.lanes, whole.lanes,
                             cut.gradient_lanes);
            fixture_free(&whole);
            fixture_free(&cut);
        }
    }
}

static void test_a_sample_does_not_depend_on_its_lane(void **state)
{
    (void)state;
    const test_case c = {5, 6, 3, 9, 4};
    const sn_convolution *all[4] = {sn_convolution_gemm()};
    int n = 1;
    for (const char *const *isa = sn_kernels_available(); *isa; isa++)
        all[n++] = sn_kernels_select(*isa)->direct;
    for (int a = 0; a < n; a++) {
        fixture f = fixture_new(&c, all[a], 1), moved = fixture_new(&c, all[a], 1);
        clear_results(&f);
        permute_samples(moved.input.data, f.input.data, f.inputs / SN_LANES);
        permute_samples(moved.gradient.data, f.gradient.data, f.gradients / SN_LANES);
        permute_samples(moved.plane_sum, f.plane_sum, f.sums / SN_LANES);
        permute_samples(moved.lanes, f.lanes, f.gradient_lanes / SN_LANES);
        run_convolve(all[a], &f, true);
        run_convolve(all[a], &moved, true);
        run_weight_gradient(all[a], &f);
        run_weight_gradient(all[a], &moved);
        assert_permuted("output", moved.output.data, f.output.data, f.outputs / SN_LANES);
        assert_permuted("sum", moved.plane_sum, f.plane_sum, f.sums / SN_LANES);
        assert_permuted("gradient", moved.lanes, f.lanes, f.gradient_lanes / SN_LANES);
        fixture_free(&f);
        fixture_free(&moved);
    }
}

/* A short batch leaves places for samples unused; whatever they hold, the others come out the same. */
static void test_what_an_unused_place_holds_does_not_matter(void **state)
{
    (void)state;
    enum { UNUSED = 2 };
    if (samples <= UNUSED) return; /* a block of one sample has none */
    const test_case c = {5, 6, 3, 9, 4};
    const sn_convolution *all[4] = {sn_convolution_gemm()};
    int n = 1;
    for (const char *const *isa = sn_kernels_available(); *isa; isa++)
        all[n++] = sn_kernels_select(*isa)->direct;
    for (int a = 0; a < n; a++) {
        fixture f = fixture_new(&c, all[a], 1), spoilt = fixture_new(&c, all[a], 1);
        uint32_t seed = 9;
        for (size_t p = UNUSED; p < f.inputs; p += (size_t)samples)
            spoilt.input.data[p] = next_pattern(&seed);
        for (size_t p = UNUSED; p < f.gradients; p += (size_t)samples)
            spoilt.gradient.data[p] = next_pattern(&seed);
        run_convolve(all[a], &f, true);
        run_convolve(all[a], &spoilt, true);
        run_weight_gradient(all[a], &f);
        run_weight_gradient(all[a], &spoilt);
        for (size_t p = UNUSED; p < f.outputs; p += (size_t)samples)
            spoilt.output.data[p] = f.output.data[p];
        for (size_t p = UNUSED; p < f.gradient_lanes; p += (size_t)samples)
            spoilt.lanes[p] = f.lanes[p];
        assert_same_bits(all[a]->name, spoilt.output.data, f.output.data, f.outputs);
        assert_same_bits(all[a]->name, spoilt.lanes, f.lanes, f.gradient_lanes);
        fixture_free(&f);
        fixture_free(&spoilt);
    }
}

static void test_bias_and_sum_may_be_absent(void **state)
{
    (void)state;
    const test_case c = {3, 5, 3, 8, 2};
    for (const char *const *isa = sn_kernels_available(); *isa; isa++) {
        const sn_convolution *direct = sn_kernels_select(*isa)->direct;
        fixture f = fixture_new(&c, direct, 0), zero = fixture_new(&c, direct, 0);
        memset(zero.packed_bias, 0, sn_packed(samples, 5, 1) * sizeof *zero.packed_bias);
        run_convolve(direct, &zero, false);
        direct->convolve(&f.shape, f.packed_weight, NULL, f.input, f.output, f.rows, false, NULL, f.scratch);
        clear_results(&f);
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
        const test_case forward = {3, 5, kernel, 6, 4};
        const int halo = kernel - 1;
        const sn_conv_shape back = {samples, 5, 3, kernel, 6 + halo};
        fixture f = fixture_new(&forward, kernels->direct, 0);
        float *flipped = block_new(sn_packed(samples, 3, (size_t)(5 * kernel * kernel)));
        sn_flip_weights(&f.shape, f.weight, flipped);
        kernels->direct->convolve(&f.shape, f.packed_weight, NULL, f.input, f.output, 4, false, NULL, NULL);
        sn_planes padded = planes_new(5, 4 + 2 * halo, 6 + 2 * halo), dx = planes_new(3, 4 + halo, 6 + halo);
        double left = 0, right = 0;
        for (int c = 0; c < 5; c++) {
            for (int h = 0; h < 4; h++) {
                for (int w = 0; w < 6; w++) {
                    const float g = *at(f.gradient, c, h, w, 0);
                    *at(padded, c, h + halo, w + halo, 0) = g;
                    left += (double)*at(f.output, c, h, w, 0) * (double)g;
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

static void test_packed_channels_are_side_by_side(void **state)
{
    (void)state;
    enum { CHANNELS = 10, COUNT = 3 };
    const int together = SN_LANES / samples;
    float values[CHANNELS * COUNT];
    fill_uniform(values, CHANNELS * COUNT, 1);
    float *packed = block_new(sn_packed(samples, CHANNELS, COUNT));
    sn_pack(samples, CHANNELS, COUNT, values, packed);
    for (int c = 0; c < sn_slots(samples, CHANNELS) * together; c++)
        for (int k = 0; k < COUNT; k++) {
            const float expected = c < CHANNELS ? values[c * COUNT + k] : 0; /* as it was */
            assert_same_bits("packed", &packed[(c / together * COUNT + k) * together + c % together],
                             &expected, 1);
        }
    block_free(packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convolution_is_the_chain_of_its_definition),
        cmocka_unit_test(test_weight_gradient_is_the_chain_of_its_definition),
        cmocka_unit_test(test_direct_and_gemm_agree_to_rounding),
        cmocka_unit_test(test_strips_give_the_bits_of_the_whole_plane),
        cmocka_unit_test(test_a_sample_does_not_depend_on_its_lane),
        cmocka_unit_test(test_what_an_unused_place_holds_does_not_matter),
        cmocka_unit_test(test_bias_and_sum_may_be_absent),
        cmocka_unit_test(test_flipped_weights_give_the_adjoint),
        cmocka_unit_test(test_packed_channels_are_side_by_side),
    };
    return run_in_every_shape(tests, sizeof tests / sizeof *tests);
}
