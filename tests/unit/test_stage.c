/**
 * The passes over a stage (norm's affine map, dropout, max-pooling and their gradients): on every instruction set the bits of
 * the formulas in kernels.h, written out here value by value with the C library's fmaf.
 */

#include "block.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CHANNELS = 7, LIMIT = 64 }; /* remainders of every group of channels */

typedef struct fixture {
    sn_extent extent;
    int z_rows, z_width;
    sn_affine affine;
    sn_norm_gradient gradient;
    float *
        constants; /* [channels][samples] each: center, scale, offset, keep, gradient's center, gain, slope, shift */
    float *elements, *packed; /* weight, bias; packed */
    size_t element_count;
    size_t n; /* floats of [slots][lanes] */
    sn_planes z, output, da, dz;
    float *sum_g, *sum_gz, *bias_sum;
    int64_t *weight_elements, *bias_elements;
    size_t bad;
} fixture;

static fixture fixture_new(int rows, int width, bool pool, bool per_element)
{
    fixture f = {.extent = {samples, CHANNELS, rows, width, pool},
                 .n = (size_t)sn_slots(samples, CHANNELS) * SN_LANES};
    const int factor = pool ? 2 : 1;
    f.z_rows = rows * factor;
    f.z_width = width * factor;
    const size_t n = f.n;
    f.constants = block_new(8 * n);
    fill_uniform(f.constants, 8 * n, 1);
    for (size_t i = 0; i < n; i++)
        f.constants[3 * n + i] = i % 5 ? 0x1.0d7944p0f : 0; /* 1 / 0.95, or dropped */
    f.affine = (sn_affine){
        f.constants, f.constants + n, f.constants + 2 * n, f.constants + 3 * n, 0, 0, 0, 0};
    f.gradient = (sn_norm_gradient){f.constants + 4 * n, f.constants + 5 * n, f.constants + 6 * n,
                                    f.constants + 7 * n};
    const int gap = (rows + width) / 2 % 2; /* between rows; without one they are one long row */
    f.affine.element_row = (size_t)(f.z_width + gap);
    f.affine.element_plane = f.affine.element_row * (size_t)f.z_rows + 3;
    f.element_count = f.affine.element_plane * CHANNELS;
    f.elements = block_new(2 * f.element_count);
    fill_uniform(f.elements, 2 * f.element_count, 2);
    const size_t packed = sn_packed(samples, CHANNELS, f.affine.element_plane);
    f.packed = block_new(2 * packed + SN_LANES);
    sn_pack(samples, CHANNELS, f.affine.element_plane, f.elements, f.packed);
    float *packed_bias = f.packed + (packed + SN_LANES - 1) / SN_LANES * SN_LANES;
    sn_pack(samples, CHANNELS, f.affine.element_plane, f.elements + f.element_count, packed_bias);
    if (per_element) {
        f.affine.weight = f.packed;
        f.affine.bias = packed_bias;
    }
    f.z = planes_new(CHANNELS, f.z_rows, f.z_width + 2 * gap);
    f.output = planes_new(CHANNELS, rows, width + gap);
    f.da = planes_new(CHANNELS, rows, width + 2 * gap);
    f.dz = planes_new(CHANNELS, f.z_rows, f.z_width + 3 * gap);
    uint32_t seed = 3;
    for (size_t i = 0; i < f.z.plane * n; i++) {
        /* as after ReLU: half zeros, and few distinct values, so that max-pooling meets ties */
        const float z = next_uniform(&seed);
        f.z.data[i] = z > 0 ? ceilf(z * 4) / 4 : 0;
    }
    fill_uniform(f.da.data, f.da.plane * n, 4);
    f.sum_g = block_new(n);
    f.sum_gz = block_new(n);
    f.bias_sum = block_new(n);
    fill_uniform(f.sum_g, n, 5);
    fill_uniform(f.sum_gz, n, 6);
    fill_uniform(f.bias_sum, n, 7);
    f.weight_elements = test_calloc(f.element_count, sizeof *f.weight_elements);
    f.bias_elements = test_calloc(f.element_count, sizeof *f.bias_elements);
    for (size_t i = 0; i < f.element_count; i++)
        f.weight_elements[i] = (int64_t)i, f.bias_elements[i] = -(int64_t)i;
    return f;
}

static void fixture_free(fixture *f)
{
    float *blocks[] = {f->constants, f->elements, f->packed, f->z.data, f->output.data,
                       f->da.data,   f->dz.data,  f->sum_g,  f->sum_gz, f->bias_sum};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        block_free(blocks[i]);
    test_free(f->weight_elements);
    test_free(f->bias_elements);
}

enum { ALL_SAMPLES = 0xffff, SOME_SAMPLES = 0x5a7e };

static void run(const sn_kernels *kernels, fixture *f, uint16_t mask)
{
    kernels->normalize(f->extent, &f->affine, f->z, f->output);
    kernels->norm_sums(f->extent, &f->affine, f->z, f->da, f->sum_g, f->sum_gz);
    kernels->norm_backward(f->extent, &f->affine, &f->gradient, f->z, f->da, f->dz, f->bias_sum);
    if (f->affine.weight)
        f->bad += kernels->element_gradient(f->extent, &f->affine, f->z, f->da, mask, LIMIT,
                                            f->weight_elements, f->bias_elements);
}

static size_t element(const fixture *f, int c, int h, int w)
{
    return (size_t)c * f->affine.element_plane + (size_t)h * f->affine.element_row + (size_t)w;
}

static float reference_image(const fixture *f, int c, int h, int w, int sample)
{
    const sn_affine *a = &f->affine;
    const int i = sn_lane(samples, c, sample);
    const float y = fmaf(*at(f->z, c, h, w, sample) - a->center[i], a->scale[i], a->offset[i]);
    if (!a->weight) return y;
    return a->keep[i] *
           fmaf(y, f->elements[element(f, c, h, w)], f->elements[f->element_count + element(f, c, h, w)]);
}

/* Which pixel of the window at (h, w) max-pooling takes: the first of the largest in row-major order; a NaN wins. */
static int reference_choice(const fixture *f, int c, int h, int w, int sample)
{
    int choice = 0;
    for (int k = 1; k < 4; k++) {
        const float y = reference_image(f, c, 2 * h + k / 2, 2 * w + k % 2, sample);
        const float best = reference_image(f, c, 2 * h + choice / 2, 2 * w + choice % 2, sample);
        if (y > best || isnan(y)) choice = k;
    }
    return choice;
}

static void reference_fixed(float value, int64_t *sum, size_t *bad)
{
    if (fabsf(value) <= LIMIT)
        *sum += llrint(ldexp((double)value, 36));
    else
        (*bad)++;
}

/* Everything about pixel (h, w) of z, given the gradient `da` that reaches it. */
static void reference_pixel(fixture *f, int c, int h, int w, int sample, float da, uint16_t mask)
{
    const int i = sn_lane(samples, c, sample);
    const size_t e = element(f, c, h, w);
    const float z = *at(f->z, c, h, w, sample), g = f->affine.weight ? da * f->elements[e] : da;
    const float dz = fmaf(g, f->gradient.gain[i],
                          -fmaf(z - f->gradient.center[i], f->gradient.slope[i], f->gradient.shift[i]));
    *at(f->dz, c, h, w, sample) = z > 0 ? dz : 0;
    if (f->affine.weight && mask >> sample & 1) {
        const float xhat = fmaf(z - f->affine.center[i], f->affine.scale[i], f->affine.offset[i]);
        const float dy = da * f->affine.keep[i];
        reference_fixed(dy * xhat, &f->weight_elements[e], &f->bad);
        reference_fixed(dy, &f->bias_elements[e], &f->bad);
    }
}

static void reference_sample(fixture *f, int c, int sample, uint16_t mask)
{
    const bool pool = f->extent.pool;
    const int i = sn_lane(samples, c, sample);
    for (int h = 0; h < f->extent.rows; h++) {
        for (int w = 0; w < f->extent.width; w++) {
            const int choice = pool ? reference_choice(f, c, h, w, sample) : 0;
            const int zh = pool ? 2 * h + choice / 2 : h, zw = pool ? 2 * w + choice % 2 : w;
            const float da = *at(f->da, c, h, w, sample);
            *at(f->output, c, h, w, sample) = reference_image(f, c, zh, zw, sample);
            const float g = f->affine.weight ? da * f->elements[element(f, c, zh, zw)] : da;
            f->sum_g[i] += g;
            f->sum_gz[i] = fmaf(g, *at(f->z, c, zh, zw, sample) - f->affine.center[i], f->sum_gz[i]);
            for (int k = 0; k < (pool ? 4 : 1); k++)
                reference_pixel(f, c, pool ? 2 * h + k / 2 : h, pool ? 2 * w + k % 2 : w, sample,
                                k == choice ? da : 0, mask);
        }
    }
    for (int h = 0; h < f->z_rows; h++) {
        for (int w = 0; w < f->z_width; w++)
            f->bias_sum[i] += *at(f->dz, c, h, w, sample);
    }
}

static void reference(fixture *f, uint16_t mask)
{
    for (int c = 0; c < CHANNELS; c++) {
        for (int sample = 0; sample < samples; sample++)
            reference_sample(f, c, sample, mask);
    }
}

/* Lanes without a channel hold anything. */
static void clear_results(fixture *f)
{
    clear_unused(f->output.data, CHANNELS, f->output.plane);
    clear_unused(f->dz.data, CHANNELS, f->dz.plane);
    float *const sums[] = {f->sum_g, f->sum_gz, f->bias_sum};
    for (int i = 0; i < 3; i++)
        clear_unused(sums[i], CHANNELS, 1);
}

static void assert_same(const char *isa, const fixture *a, const fixture *b)
{
    const size_t n = a->n;
    char what[112];
    snprintf(what, sizeof what, "%s, samples %d, rows %d, width %d%s%s", isa, samples, a->extent.rows,
             a->extent.width, a->extent.pool ? ", pooled" : "", a->affine.weight ? ", per element" : "");
    assert_same_bits(what, a->output.data, b->output.data, a->output.plane * n);
    assert_same_bits(what, a->sum_g, b->sum_g, n);
    assert_same_bits(what, a->sum_gz, b->sum_gz, n);
    assert_same_bits(what, a->dz.data, b->dz.data, a->dz.plane * n);
    assert_same_bits(what, a->bias_sum, b->bias_sum, n);
    assert_memory_equal(a->weight_elements, b->weight_elements, a->element_count * sizeof(int64_t));
    assert_memory_equal(a->bias_elements, b->bias_elements, a->element_count * sizeof(int64_t));
    assert_int_equal(a->bad, b->bad);
}

/* Values that a run meets only when it diverges, in one sample of every channel. */
static void poison(fixture *f)
{
    static const float values[] = {NAN, INFINITY, -INFINITY, -0.0f, 0x1p-149f, 1e30f, -1e30f};
    for (int c = 0; c < CHANNELS; c++) {
        *at(f->z, c, f->z_rows / 2, f->z_width / 2, 2 * c % samples) = values[c];
        *at(f->da, c, f->extent.rows / 2, 0, (2 * c + 1) % samples) = values[c];
        f->constants[f->n + (size_t)sn_lane(samples, c, 0)] = values[c]; /* a scale */
    }
}

static void check(int rows, int width, bool poisoned, uint16_t mask)
{
    for (int variant = 0; variant < 4; variant++) {
        const bool pool = variant & 1, per_element = variant & 2;
        fixture expected = fixture_new(rows, width, pool, per_element);
        if (poisoned) poison(&expected);
        reference(&expected, mask);
        clear_results(&expected);
        for (const char *const *isa = sn_kernels_available(); *isa; isa++) {
            fixture f = fixture_new(rows, width, pool, per_element);
            if (poisoned) poison(&f);
            run(sn_kernels_select(*isa), &f, mask);
            clear_results(&f);
            assert_same(*isa, &f, &expected);
            fixture_free(&f);
        }
        fixture_free(&expected);
    }
}

static void test_stage_is_its_definition(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1}, {3, 3}, {5, 5}, {7, 7}, {14, 14}, {2, 9}, {4, 28}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check(sizes[i][0], sizes[i][1], false, i % 2 ? SOME_SAMPLES : ALL_SAMPLES);
}

static void test_stage_is_its_definition_on_nan_and_infinity(void **state)
{
    (void)state;
    check(3, 5, true, ALL_SAMPLES);
    check(4, 7, true, SOME_SAMPLES);
}

static void test_strips_give_the_bits_of_the_whole_plane(void **state)
{
    (void)state;
    for (const char *const *isa = sn_kernels_available(); *isa; isa++) {
        const sn_kernels *kernels = sn_kernels_select(*isa);
        for (int variant = 0; variant < 4; variant++) {
            const bool pool = variant & 1, per_element = variant & 2;
            const size_t factor = pool ? 2 : 1;
            fixture whole = fixture_new(7, 5, pool, per_element), cut = fixture_new(7, 5, pool, per_element);
            run(kernels, &whole, ALL_SAMPLES);
            for (int h = 0, rows = 1; h < 7; h += rows, rows = rows % 3 + 1) {
                fixture strip = cut;
                strip.extent.rows = rows < 7 - h ? rows : 7 - h;
                const size_t top = (size_t)h, z_top = factor * top;
                strip.z = sn_planes_at(cut.z, z_top, 0);
                strip.output = sn_planes_at(cut.output, top, 0);
                strip.da = sn_planes_at(cut.da, top, 0);
                strip.dz = sn_planes_at(cut.dz, z_top, 0);
                const size_t elements = z_top * cut.affine.element_row;
                if (per_element) {
                    strip.affine.weight += elements * (size_t)(SN_LANES / samples);
                    strip.affine.bias += elements * (size_t)(SN_LANES / samples);
                    strip.weight_elements += elements;
                    strip.bias_elements += elements;
                }
                run(kernels, &strip, ALL_SAMPLES);
                cut.bad = strip.bad;
            }
            clear_results(&cut);
            clear_results(&whole);
            assert_same(*isa, &cut, &whole);
            fixture_free(&whole);
            fixture_free(&cut);
        }
    }
}

static void test_a_sample_does_not_depend_on_its_lane(void **state)
{
    (void)state;
    for (const char *const *isa = sn_kernels_available(); *isa; isa++) {
        for (int variant = 0; variant < 4; variant++) {
            fixture f = fixture_new(3, 5, variant & 1, variant & 2),
                    moved = fixture_new(3, 5, variant & 1, variant & 2);
            const size_t vectors = f.n / SN_LANES;
            permute_samples(moved.constants, f.constants, 8 * vectors);
            permute_samples(moved.z.data, f.z.data, f.z.plane * vectors);
            permute_samples(moved.da.data, f.da.data, f.da.plane * vectors);
            permute_samples(moved.sum_g, f.sum_g, vectors);
            permute_samples(moved.sum_gz, f.sum_gz, vectors);
            permute_samples(moved.bias_sum, f.bias_sum, vectors);
            run(sn_kernels_select(*isa), &f, ALL_SAMPLES);
            run(sn_kernels_select(*isa), &moved, ALL_SAMPLES);
            assert_permuted(*isa, moved.output.data, f.output.data, f.output.plane * vectors);
            assert_permuted(*isa, moved.sum_g, f.sum_g, vectors);
            assert_permuted(*isa, moved.sum_gz, f.sum_gz, vectors);
            assert_permuted(*isa, moved.dz.data, f.dz.data, f.dz.plane * vectors);
            assert_permuted(*isa, moved.bias_sum, f.bias_sum, vectors);
            /* sums over the samples: the same whatever their order */
            assert_memory_equal(moved.weight_elements, f.weight_elements, f.element_count * sizeof(int64_t));
            assert_memory_equal(moved.bias_elements, f.bias_elements, f.element_count * sizeof(int64_t));
            fixture_free(&f);
            fixture_free(&moved);
        }
    }
}

static void test_pooling_takes_the_first_of_equal_pixels(void **state)
{
    (void)state;
    /* windows and the pixel that must be chosen */
    static const struct {
        float z[4];
        int chosen;
    } windows[] = {
        {{0, 0, 0, 0}, 0},          {{1, 1, 1, 1}, 0},
        {{0, 1, 1, 0}, 1},          {{0, 1, 0, 1}, 1},
        {{0, 0, 2, 2}, 2},          {{0, 0, 0, 1}, 3},
        {{1, 0, 2, 1}, 2},          {{2, 3, 3, 2}, 1},
        {{-0.0f, 0, 0, 0}, 0},      {{0, -0.0f, 0, 0}, 0},
        {{1, NAN, 2, 0}, 1},        {{NAN, 1, 2, 3}, 0},
        {{1, 2, 3, NAN}, 3},        {{NAN, 1, NAN, 1}, 2},
        {{INFINITY, NAN, 1, 1}, 1}, {{1, INFINITY, INFINITY, 1}, 1},
    };
    const sn_extent extent = {16, 1, 1, 1, true};
    sn_planes z = planes_new(1, 2, 2), output = planes_new(1, 1, 1), da = planes_new(1, 1, 1),
              dz = planes_new(1, 2, 2);
    float *zero = block_new(SN_LANES), *one = block_new(SN_LANES);
    for (int sample = 0; sample < SN_LANES; sample++) {
        one[sample] = *at(da, 0, 0, 0, sample) = 1;
        for (int k = 0; k < 4; k++)
            *at(z, 0, k / 2, k % 2, sample) = windows[sample].z[k];
    }
    const sn_affine affine = {.center = zero, .scale = one, .offset = zero, .keep = one};
    for (const char *const *isa = sn_kernels_available(); *isa; isa++) {
        sn_kernels_select(*isa)->normalize(extent, &affine, z, output);
        const sn_norm_gradient gradient = {.center = zero, .gain = one, .slope = zero, .shift = zero};
        sn_kernels_select(*isa)->norm_backward(extent, &affine, &gradient, z, da, dz, NULL);
        for (int sample = 0; sample < SN_LANES; sample++) {
            const int chosen = windows[sample].chosen;
            const float value = windows[sample].z[chosen] + 0; /* the affine map adds +0 */
            assert_same_bits(*isa, at(output, 0, 0, 0, sample), &value, 1);
            for (int k = 0; k < 4; k++) {
                const float expected = k == chosen && windows[sample].z[k] > 0;
                if (!isinf(windows[sample].z[k])) /* 0 * infinity */
                    assert_same_bits(*isa, at(dz, 0, k / 2, k % 2, sample), &expected, 1);
            }
        }
    }
    block_free(z.data);
    block_free(output.data);
    block_free(da.data);
    block_free(dz.data);
    block_free(zero);
    block_free(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stage_is_its_definition),
        cmocka_unit_test(test_stage_is_its_definition_on_nan_and_infinity),
        cmocka_unit_test(test_strips_give_the_bits_of_the_whole_plane),
        cmocka_unit_test(test_a_sample_does_not_depend_on_its_lane),
    };
    const struct CMUnitTest once[] = {
        cmocka_unit_test(test_pooling_takes_the_first_of_equal_pixels),
    };
    return run_in_every_shape(tests, sizeof tests / sizeof *tests) + cmocka_run_group_tests(once, NULL, NULL);
}
