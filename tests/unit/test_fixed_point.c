/* Fixed point: conversion is exact rounding to nearest even, and sums within the limit cannot wrap. */

#include <math.h>
#include <string.h>

#include "cmocka_all.h"
#include "syncnorm/base/fixed_point.h"
#include "syncnorm/base/random.h"

__extension__ typedef __int128 wide;

/* round(value * scale), exactly: value is a 53-bit integer times a power of two, so is the product; the rest is integers. */
static wide exact_fixed(double value, int scale_exponent)
{
    int exponent;
    const wide mantissa = (wide)ldexp(frexp(value, &exponent), 53);
    const int shift = exponent - 53 + scale_exponent;
    if (shift >= 0) return mantissa * ((wide)1 << shift);
    if (shift < -60) return 0; /* |product| < 2^-7 */
    const wide unit = (wide)1 << -shift;
    wide quotient = mantissa / unit, rest = mantissa % unit;
    if (rest < 0) rest += unit, quotient--; /* floor */
    if (2 * rest > unit || (2 * rest == unit && quotient % 2 != 0)) quotient++;
    return quotient;
}

static double random_double(uint32_t index, int least_exponent, int most_exponent)
{
    const sn_random4 r = sn_random(1, SN_PURPOSE_WEIGHT, index, 0, 0);
    const double mantissa = 1 + (double)r.word[0] * 0x1p-32 + (double)(r.word[1] >> 12) * 0x1p-52;
    const int exponent = least_exponent + (int)(r.word[2] % (uint32_t)(most_exponent - least_exponent));
    return ldexp(r.word[3] & 1 ? -mantissa : mantissa, exponent);
}

static void test_conversion_is_exact_rounding(void **state)
{
    (void)state;
    static const int scales[] = {0, 32, 36, 40};
    for (size_t s = 0; s < sizeof scales / sizeof *scales; s++)
        for (uint32_t i = 0; i < 200000; i++) {
            const double v = random_double(i, -70 - scales[s], 50 - scales[s]);
            assert_true(exact_fixed(v, scales[s]) == sn_fixed(v, ldexp(1, scales[s])));
            const double f = (double)(float)v;
            assert_true(exact_fixed(f, scales[s]) == sn_fixed(f, ldexp(1, scales[s])));
        }
}

static void test_ties_go_to_even(void **state)
{
    (void)state;
    static const struct {
        double value;
        int64_t expected;
    } cases[] = {{0.5, 0},   {1.5, 2},   {2.5, 2},   {3.5, 4},           {-0.5, 0},
                 {-1.5, -2}, {-2.5, -2}, {-3.5, -4}, {0.5 - 0x1p-54, 0}, {0.5 + 0x1p-53, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(sn_fixed(cases[i].value, 1), cases[i].expected);
        assert_int_equal(sn_fixed(ldexp(cases[i].value, -36), SN_GRADIENT_SCALE), cases[i].expected);
        assert_int_equal(sn_fixed(ldexp(cases[i].value, -32), SN_LOSS_SCALE), cases[i].expected);
    }
}

static void test_ends_of_the_range(void **state)
{
    (void)state;
    assert_int_equal(sn_fixed(0.0, 1), 0);
    assert_int_equal(sn_fixed(-0.0, 1), 0);
    assert_int_equal(sn_fixed(0x1p-1074, SN_GRADIENT_SCALE), 0);
    const double most = 0x1p51 - 0.25; /* the largest double below 2^51 */
    assert_true(nextafter(most, HUGE_VAL) == 0x1p51);
    assert_true(sn_fixed(most, 1) == exact_fixed(most, 0));
    assert_true(sn_fixed(-most, 1) == exact_fixed(-most, 0));
    assert_int_equal(sn_fixed(0x1p50, 1), INT64_C(1) << 50);
    assert_int_equal(sn_fixed(-0x1p50, 1), -(INT64_C(1) << 50));
}

static void test_limit_is_as_documented(void **state)
{
    (void)state;
    assert_true(sn_fixed_limit(SN_GRADIENT_SCALE, 64) == 16384);
    assert_true(sn_fixed_limit(SN_GRADIENT_SCALE, 1) == 16384);
    assert_true(sn_fixed_limit(SN_GRADIENT_SCALE, 0) == 16384);
    assert_true(sn_fixed_limit(SN_GRADIENT_SCALE, 4096) == 16384);
    assert_true(sn_fixed_limit(SN_GRADIENT_SCALE, 8192) == 8192);
    assert_true(sn_fixed_limit(SN_LOSS_SCALE, 64) == 0x1p18);
}

/* The largest values that may be converted, as many as announced, stay within 64 bits. */
static void test_sums_within_the_limit_cannot_wrap(void **state)
{
    (void)state;
    static const uint64_t terms[] = {1, 2, 3, 64, 1000, 4096, 4097, 60000, 65536, UINT64_C(1) << 40};
    static const double scales[] = {SN_GRADIENT_SCALE, SN_LOSS_SCALE};
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++)
        for (size_t s = 0; s < 2; s++) {
            const double limit = sn_fixed_limit(scales[s], terms[i]);
            assert_true(sn_fixed_in_range(limit, limit));
            const wide sum = (wide)sn_fixed(limit, scales[s]) * (wide)terms[i];
            assert_true(sum <= ((wide)1 << 62) + (wide)terms[i]); /* each may be rounded up */
            assert_true(sum > 0);
        }
}

static void test_out_of_range_is_seen(void **state)
{
    (void)state;
    const double limit = sn_fixed_limit(SN_GRADIENT_SCALE, 64);
    assert_true(sn_fixed_in_range(-limit, limit));
    assert_false(sn_fixed_in_range(nextafter(limit, HUGE_VAL), limit));
    assert_false(sn_fixed_in_range(nextafter(-limit, -HUGE_VAL), limit));
    assert_false(sn_fixed_in_range(nan(""), limit));
    assert_false(sn_fixed_in_range(-nan(""), limit));
    assert_false(sn_fixed_in_range(HUGE_VAL, limit));
    assert_false(sn_fixed_in_range(-HUGE_VAL, limit));
}

/* What it is for: any order and grouping gives one sum, where doubles give several. */
static void test_sums_do_not_depend_on_order(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    int64_t sums[20];
    int double_sums_differ = 0;
    double first_double_sum = 0;
    for (uint32_t order = 0; order < 20; order++) {
        uint32_t permutation[COUNT];
        sn_permutation(3, SN_PURPOSE_SHUFFLE, order, COUNT, permutation);
        int64_t sum = 0;
        double double_sum = 0;
        for (int i = 0; i < COUNT; i++) {
            const double v = random_double(permutation[i], -30, 8);
            sum += sn_fixed(v, SN_GRADIENT_SCALE);
            double_sum += v;
        }
        sums[order] = sum;
        if (order == 0) first_double_sum = double_sum;
        double_sums_differ += double_sum != first_double_sum;
        assert_int_equal(sums[order], sums[0]);
    }
    assert_true(double_sums_differ > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conversion_is_exact_rounding),
        cmocka_unit_test(test_ties_go_to_even),
        cmocka_unit_test(test_ends_of_the_range),
        cmocka_unit_test(test_limit_is_as_documented),
        cmocka_unit_test(test_sums_within_the_limit_cannot_wrap),
        cmocka_unit_test(test_out_of_range_is_seen),
        cmocka_unit_test(test_sums_do_not_depend_on_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
