/* exp, log and cospi of the project's own: within 2 ulp of the C library's long double functions over their ranges. */

#include <float.h>
#include <math.h>

#include "cmocka_all.h"
#include "syncnorm/base/elementary.h"
#include "syncnorm/base/random.h"

/* |y - exact| in units of the last place of the double nearest to exact. */
static double ulps(double y, long double exact)
{
    int exponent;
    (void)frexp((double)exact, &exponent);
    const int last_place = exponent - DBL_MANT_DIG;
    return (double)fabsl(((long double)y - exact) / ldexpl(1, last_place < -1074 ? -1074 : last_place));
}

static double uniform(uint32_t index, double from, double to)
{
    const sn_random4 r = sn_random(7, SN_PURPOSE_WEIGHT, index, 0, 0);
    return from + (to - from) * ((double)r.word[0] * 0x1p-32 + (double)r.word[1] * 0x1p-64);
}

enum { POINTS = 200000 };

static void assert_below_2_ulps(double (*function)(double), long double (*exact)(long double), double from,
                                double to)
{
    double worst = 0, where = 0;
    for (uint32_t i = 0; i < POINTS; i++) {
        const double x = uniform(i, from, to), error = ulps(function(x), exact((long double)x));
        if (!(error <= worst)) worst = error, where = x;
    }
    if (!(worst < 2)) fail_msg("%.3g ulp at %a", worst, where);
}

static void test_exp(void **state)
{
    (void)state;
    assert_below_2_ulps(sn_exp, expl, -708, 709.7);
    assert_below_2_ulps(sn_exp, expl, -20, 20);
    assert_below_2_ulps(sn_exp, expl, -1, 1);
    assert_below_2_ulps(sn_exp, expl, -1e-3, 1e-3);
    assert_below_2_ulps(sn_exp, expl, -1e-9, 1e-9);
    assert_true(sn_exp(0) == 1);
    assert_true(sn_exp(-0.0) == 1);
    assert_true(ulps(sn_exp(-708), expl(-708)) < 2);
    assert_true(ulps(sn_exp(709.7), expl((long double)709.7)) < 2);
}

static void test_exp_beyond_its_range(void **state)
{
    (void)state;
    assert_true(sn_exp(nextafter(-708, -HUGE_VAL)) == 0);
    assert_true(sn_exp(-1e300) == 0);
    assert_true(sn_exp(-HUGE_VAL) == 0);
    assert_true(isinf(sn_exp(nextafter(709.7, HUGE_VAL))));
    assert_true(isinf(sn_exp(HUGE_VAL)));
    assert_true(isnan(sn_exp(nan(""))));
}

static void test_log(void **state)
{
    (void)state;
    assert_below_2_ulps(sn_log, logl, 0.5, 2);
    assert_below_2_ulps(sn_log, logl, 1 - 1e-3, 1 + 1e-3);
    assert_below_2_ulps(sn_log, logl, 1 - 1e-8, 1 + 1e-8);
    assert_below_2_ulps(sn_log, logl, 1, 10);
    assert_below_2_ulps(sn_log, logl, 0, 1e-3);
    assert_below_2_ulps(sn_log, logl, 1, 1e300);
    for (int e = -1022; e <= 1023; e++)
        for (uint32_t i = 0; i < 50; i++) {
            const double x = ldexp(uniform((uint32_t)(e + 1022) * 50 + i, 1, 2), e);
            assert_true(ulps(sn_log(x), logl((long double)x)) < 2);
        }
    assert_true(sn_log(1) == 0);
    assert_true(ulps(sn_log(DBL_MIN), logl((long double)DBL_MIN)) < 2);
    assert_true(ulps(sn_log(DBL_MAX), logl((long double)DBL_MAX)) < 2);
}

static void test_log_beyond_its_range(void **state)
{
    (void)state;
    assert_true(sn_log(0) == -HUGE_VAL);
    assert_true(sn_log(-0.0) == -HUGE_VAL);
    assert_true(isnan(sn_log(-1)));
    assert_true(isnan(sn_log(-HUGE_VAL)));
    assert_true(isnan(sn_log(nan(""))));
    assert_true(sn_log(HUGE_VAL) == HUGE_VAL);
}

/* cos(pi x) without rounding pi x first: exact in x, so that it is a reference near 1/2 too. */
static long double cospi_exact(long double x)
{
    const long double pi = 3.14159265358979323846264338327950288L;
    return x > 0.75L ? -cosl(pi * (1 - x)) : x > 0.25L ? sinl(pi * (0.5L - x)) : cosl(pi * x);
}

static void test_cospi(void **state)
{
    (void)state;
    assert_below_2_ulps(sn_cospi, cospi_exact, 0, 1);
    assert_below_2_ulps(sn_cospi, cospi_exact, 0.499, 0.501);
    assert_below_2_ulps(sn_cospi, cospi_exact, 0.5 - 1e-9, 0.5 + 1e-9);
    assert_below_2_ulps(sn_cospi, cospi_exact, 0, 1e-4);
    assert_true(sn_cospi(0) == 1);
    assert_true(sn_cospi(0.5) == 0);
    assert_true(sn_cospi(1) == -1);
    for (uint32_t i = 0; i < 1000; i++) {
        const double x = (double)i / 2048; /* 1 - x is exact */
        assert_true(sn_cospi(1 - x) == -sn_cospi(x));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exp),   cmocka_unit_test(test_exp_beyond_its_range),
        cmocka_unit_test(test_log),   cmocka_unit_test(test_log_beyond_its_range),
        cmocka_unit_test(test_cospi),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
