#include "block.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GUARD = 16, HEADER = 16 };
static const uint32_t guard_word = 0x7fa5a5a5; /* a NaN, so that reading it shows as well */

float *block_new(size_t floats)
{
    const size_t padded = (floats + 15) / 16 * 16;
    float *memory = aligned_alloc(64, (HEADER + padded + GUARD) * sizeof(float));
    assert_non_null(memory);
    memset(memory, 0, (HEADER + padded) * sizeof(float));
    memcpy(memory, &padded, sizeof padded);
    for (size_t i = 0; i < GUARD; i++)
        memcpy(memory + HEADER + padded + i, &guard_word, sizeof guard_word);
    return memory + HEADER;
}

void block_free(float *block)
{
    size_t padded;
    memcpy(&padded, block - HEADER, sizeof padded);
    for (size_t i = 0; i < GUARD; i++)
        assert_memory_equal(block + padded + i, &guard_word, sizeof guard_word);
    free(block - HEADER);
}

int samples = SN_LANES;

int run_in_every_shape(const struct CMUnitTest *tests, size_t count)
{
    int failed = 0;
    for (int k = SN_LANES; k >= 1; k /= 4) {
        samples = k;
        failed += _cmocka_run_group_tests("shape", tests, count, NULL, NULL);
    }
    samples = SN_LANES;
    return failed;
}

sn_planes planes_new(int channels, int rows, int row)
{
    const size_t plane = (size_t)rows * (size_t)row;
    return (sn_planes){block_new((size_t)sn_slots(samples, channels) * plane * SN_LANES), plane, (size_t)row};
}

float *at(sn_planes planes, int channel, int row, int column, int sample)
{
    const size_t lane = (size_t)sn_lane(samples, channel, sample), slot = lane / SN_LANES;
    return planes.data + (slot * planes.plane + (size_t)row * planes.row + (size_t)column) * SN_LANES +
           lane % SN_LANES;
}

/* The first lane without a channel in the last slot, and that slot's vectors. */
static size_t first_unused(int channels)
{
    return (size_t)(channels * samples - 1) % SN_LANES + 1;
}

static float *last_slot(float *values, int channels, size_t count)
{
    return values + (size_t)(sn_slots(samples, channels) - 1) * count * SN_LANES;
}

void clear_unused(float *values, int channels, size_t count)
{
    float *last = last_slot(values, channels, count);
    for (size_t k = 0; k < count; k++)
        for (size_t lane = first_unused(channels); lane < SN_LANES; lane++)
            last[k * SN_LANES + lane] = 0;
}

void spoil_unused(float *values, int channels, size_t count, uint32_t seed)
{
    float *last = last_slot(values, channels, count);
    for (size_t k = 0; k < count; k++)
        for (size_t lane = first_unused(channels); lane < SN_LANES; lane++)
            last[k * SN_LANES + lane] = next_pattern(&seed);
}

float next_uniform(uint32_t *state)
{
    *state = *state * 1664525u +
             1013904223u; /* Numerical Recipes' generator: the quality does not matter here */
    return (float)(*state >> 8) * 0x1p-23f - 1;
}

float next_pattern(uint32_t *state)
{
    const float high = next_uniform(state), low = next_uniform(state);
    const uint32_t bits = (uint32_t)((high + 1) * 0x1p15f) << 16 | ((uint32_t)((low + 1) * 0x1p15f) & 0xffff);
    float pattern;
    memcpy(&pattern, &bits, sizeof pattern);
    return pattern;
}

void fill_uniform(float *values, size_t count, uint32_t seed)
{
    for (size_t i = 0; i < count; i++)
        values[i] = next_uniform(&seed);
}

void assert_same_bits(const char *what, const float *a, const float *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (memcmp(a + i, b + i, sizeof *a) == 0 || (isnan(a[i]) && isnan(b[i]))) continue;
        fail_msg("%s: element %zu is %a and %a", what, i, (double)a[i], (double)b[i]);
    }
}

void assert_close(const char *what, const float *a, const double *b, size_t count, double tolerance)
{
    double difference = 0, norm = 0;
    for (size_t i = 0; i < count; i++) {
        difference += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        norm += b[i] * b[i];
    }
    if (!(sqrt(difference) <= tolerance * sqrt(norm)))
        fail_msg("%s: relative error %.2e, allowed %.2e", what, sqrt(difference / norm), tolerance);
}

void assert_near(const char *what, const float *a, const float *b, size_t count, double tolerance)
{
    double *exact = test_malloc(count * sizeof *exact);
    for (size_t i = 0; i < count; i++)
        exact[i] = (double)b[i];
    assert_close(what, a, exact, count, tolerance);
    test_free(exact);
}

/* 7 has no common divisor with a shape's samples, so this is a permutation; it crosses every boundary of half and quarter vectors. */
static size_t new_lane(size_t places, size_t lane)
{
    return lane / places * places + (lane % places * 7 + 3) % places;
}

void permute_samples(float *to, const float *from, size_t vectors)
{
    for (size_t v = 0; v < vectors; v++) {
        for (size_t lane = 0; lane < SN_LANES; lane++)
            to[v * SN_LANES + new_lane((size_t)samples, lane)] = from[v * SN_LANES + lane];
    }
}

void assert_permuted(const char *what, const float *moved, const float *original, size_t vectors)
{
    float *expected = test_malloc(vectors * SN_LANES * sizeof *expected);
    permute_samples(expected, original, vectors);
    assert_same_bits(what, moved, expected, vectors * SN_LANES);
    test_free(expected);
}
