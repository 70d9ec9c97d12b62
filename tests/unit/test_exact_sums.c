/** Exact sums over samples, in every shape: the integers that the C library's ldexp and llrint give, whatever the mask and the instruction set. */

#include "block.h"

#include <math.h>
#include <string.h>

static const float limit = 16384;

/* `slots` slots of `count` vectors, of which the last slot lacks channels; sums lie `stride` apart. */
static size_t reference(sn_sums_shape shape, const float *lanes, uint16_t mask, int64_t *sum)
{
    size_t bad = 0;
    for (int c = 0; c < shape.channels; c++)
        for (size_t k = 0; k < shape.count; k++)
            for (int sample = 0; sample < samples; sample++) {
                if (!(mask >> sample & 1)) continue;
                const size_t lane = (size_t)sn_lane(samples, c, sample);
                const float value = lanes[(lane / SN_LANES * shape.count + k) * SN_LANES + lane % SN_LANES];
                if (fabsf(value) <= limit)
                    sum[(size_t)c * shape.stride + k] += llrint(ldexp((double)value, 36));
                else
                    bad++;
            }
    return bad;
}

static void check_channels(int channels, size_t count, size_t gap, const float *lanes, uint16_t mask)
{
    const sn_sums_shape shape = {samples, channels, count, count + gap};
    const size_t all = (size_t)channels * shape.stride + 1;
    int64_t *expected = test_malloc(all * sizeof *expected), *sum = test_malloc(all * sizeof *sum);
    for (size_t i = 0; i < all; i++)
        expected[i] = INT64_C(-1000003) * (int64_t)i;
    for (const char *const *isa = sn_kernels_available(); *isa; isa++) {
        int64_t *fresh = test_malloc(all * sizeof *fresh);
        memcpy(sum, expected, all * sizeof *sum);
        memcpy(fresh, expected, all * sizeof *fresh);
        const size_t bad = reference(shape, lanes, mask, fresh);
        assert_int_equal(sn_kernels_select(*isa)->accumulate(shape, lanes, mask, limit, sum), bad);
        assert_memory_equal(sum, fresh, all * sizeof *sum);
        test_free(fresh);
    }
    test_free(expected);
    test_free(sum);
}

static void check(size_t vectors, const float *lanes, uint16_t mask)
{
    const int together = SN_LANES / samples;
    for (size_t gap = 0; gap < 6; gap += 5) {
        check_channels(together, vectors, gap, lanes, mask);
        if (vectors % 2 == 0) check_channels(2 * together, vectors / 2, gap, lanes, mask);
        if (vectors % 2 == 0 && together > 2) check_channels(2 * together - 3, vectors / 2, gap, lanes, mask);
    }
}

static const uint16_t masks[] = {0xffff, 0, 1, 0x8000, 0x00ff, 0xff00, 0x5a7e};
enum { MASKS = sizeof masks / sizeof *masks };

static void test_sums_are_exact_for_any_count_and_mask(void **state)
{
    (void)state;
    float *lanes = block_new(41 * SN_LANES);
    uint32_t seed = 1;
    for (int i = 0; i < 41 * SN_LANES; i++)
        lanes[i] = ldexpf(next_uniform(&seed), (int)(next_uniform(&seed) * 30) - 16); /* 2^-46 ... 2^14 */
    for (size_t count = 0; count <= 41; count += count < 20 ? 1 : 7) {
        for (int m = 0; m < MASKS; m++)
            check(count, lanes, masks[m]);
    }
    block_free(lanes);
}

static void test_sums_are_exact_on_all_bit_patterns(void **state)
{
    (void)state;
    enum { COUNT = 512 };
    float *lanes = block_new(COUNT * SN_LANES);
    uint32_t seed = 2;
    for (int i = 0; i < COUNT * SN_LANES; i++)
        lanes[i] = next_pattern(&seed);
    for (int m = 0; m < MASKS; m++)
        check(COUNT, lanes, masks[m]);
    block_free(lanes);
}

static void test_halves_round_to_even(void **state)
{
    (void)state;
    float *lanes = block_new(8 * SN_LANES);
    for (int i = 0; i < 8 * SN_LANES; i++)
        lanes[i] = ldexpf((float)(i - 64) / 4, -36); /* quarters, among them all ties */
    for (int lane = 0; lane < SN_LANES; lane++)
        check(8, lanes, (uint16_t)(1 << lane));
    block_free(lanes);
}

static void test_the_limit_is_inclusive_and_counts_what_exceeds_it(void **state)
{
    (void)state;
    float *lanes = block_new(9 * SN_LANES);
    const float values[] = {
        limit, -limit, nextafterf(limit, INFINITY), -nextafterf(limit, INFINITY), INFINITY, -INFINITY, NAN,
        -NAN,  1};
    for (int i = 0; i < 9; i++) {
        for (int lane = 0; lane < SN_LANES; lane++)
            lanes[i * SN_LANES + lane] = values[(i + lane) % 9];
    }
    for (int m = 0; m < MASKS; m++)
        check(9, lanes, masks[m]);
    const sn_sums_shape one = {samples, 1, 1, 1};
    for (const char *const *isa = sn_kernels_available(); *isa && samples >= 4; isa++) {
        int64_t sum[9] = {0};
        for (int lane = 0; lane < SN_LANES; lane++)
            lanes[lane] = lane < 2 ? NAN : 0.5f;
        /* the two NaN are unused lanes: neither counted nor added */
        assert_int_equal(sn_kernels_select(*isa)->accumulate(one, lanes, 0x000c, limit, sum), 0);
        assert_int_equal(sum[0], INT64_C(1) << 36);
        assert_int_equal(sn_kernels_select(*isa)->accumulate(one, lanes, 0x000f, limit, sum), 2);
        assert_int_equal(sum[0], INT64_C(2) << 36);
    }
    block_free(lanes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_are_exact_for_any_count_and_mask),
        cmocka_unit_test(test_sums_are_exact_on_all_bit_patterns),
        cmocka_unit_test(test_halves_round_to_even),
        cmocka_unit_test(test_the_limit_is_inclusive_and_counts_what_exceeds_it),
    };
    return run_in_every_shape(tests, sizeof tests / sizeof *tests);
}
