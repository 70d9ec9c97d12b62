/** Exact sums over lanes: the integers that the C library's ldexp and llrint give, whatever the mask and the instruction set. */

#include "block.h"

#include <math.h>
#include <string.h>

static const float limit = 16384;

static size_t reference(size_t count, const float *lanes, uint16_t mask, int64_t *sum)
{
    size_t bad = 0;
    for (size_t i = 0; i < count * SN_LANES; i++) {
        if (!(mask >> i % SN_LANES & 1)) continue;
        if (fabsf(lanes[i]) <= limit)
            sum[i / SN_LANES] += llrint(ldexp((double)lanes[i], 36));
        else
            bad++;
    }
    return bad;
}

static void check(size_t count, const float *lanes, uint16_t mask)
{
    int64_t *expected = test_calloc(count + 1, sizeof *expected), *sum = test_calloc(count + 1, sizeof *sum);
    for (size_t i = 0; i <= count; i++)
        expected[i] = INT64_C(-1000003) * (int64_t)i;
    for (const char *const *isa = sn_kernels_available(); *isa; isa++) {
        for (size_t i = 0; i <= count; i++)
            sum[i] = INT64_C(-1000003) * (int64_t)i;
        int64_t *fresh = test_malloc((count + 1) * sizeof *fresh);
        memcpy(fresh, expected, (count + 1) * sizeof *fresh);
        const size_t bad = reference(count, lanes, mask, fresh);
        assert_int_equal(sn_kernels_select(*isa)->accumulate(count, lanes, mask, limit, sum), bad);
        assert_memory_equal(sum, fresh, (count + 1) * sizeof *sum);
        test_free(fresh);
    }
    test_free(expected);
    test_free(sum);
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
    for (const char *const *isa = sn_kernels_available(); *isa; isa++) {
        int64_t sum[9] = {0};
        for (int lane = 0; lane < SN_LANES; lane++)
            lanes[lane] = lane < 2 ? NAN : 0.5f;
        /* the two NaN are unused lanes: neither counted nor added */
        assert_int_equal(sn_kernels_select(*isa)->accumulate(1, lanes, 0x000c, limit, sum), 0);
        assert_int_equal(sum[0], INT64_C(1) << 36);
        assert_int_equal(sn_kernels_select(*isa)->accumulate(1, lanes, 0x000f, limit, sum), 2);
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
    return cmocka_run_group_tests(tests, NULL, NULL);
}
