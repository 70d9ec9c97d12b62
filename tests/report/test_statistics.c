/* Student's t and what is built on it, against scipy (make_statistics.py). */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "statistics_values.h"
#include "syncnorm/report/statistics.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void assert_close(double value, double wanted, double relative)
{
    const double difference = fabs(value - wanted);
    if (!(difference <= relative * fabs(wanted)))
        fail_msg("%.17g is not %.17g within %g", value, wanted, relative);
}

static void test_incomplete_beta(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(beta_values); i++)
        assert_close(sn_incomplete_beta(beta_values[i].a, beta_values[i].b, beta_values[i].x),
                     beta_values[i].value, 1e-12);
    assert_true(sn_incomplete_beta(2, 3, 0) == 0 && sn_incomplete_beta(2, 3, 1) == 1);
    assert_true(isnan(sn_incomplete_beta(0, 1, 0.5)) && isnan(sn_incomplete_beta(1, 1, 1.5)));
}

static void test_distribution(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(t_values); i++) {
        assert_close(sn_student_t_cdf(t_values[i].t, t_values[i].freedom), t_values[i].cdf, 1e-9);
        assert_close(sn_student_t_two_sided(t_values[i].t, t_values[i].freedom), t_values[i].two_sided, 1e-8);
    }
    assert_true(isnan(sn_student_t_two_sided((double)NAN, 3)) && isnan(sn_student_t_two_sided(1, 0)));
    assert_true(sn_student_t_two_sided((double)INFINITY, 3) == 0);
}

static void test_quantile(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(quantile_values); i++)
        assert_close(sn_student_t_quantile(quantile_values[i].p, quantile_values[i].freedom),
                     quantile_values[i].quantile, 1e-9);
    assert_true(isnan(sn_student_t_quantile(1, 3)));
}

static void assert_estimate(sn_estimate e, size_t count, expected wanted)
{
    assert_int_equal(e.count, count);
    assert_close(e.mean, wanted.mean, 1e-13);
    assert_close(e.deviation, wanted.deviation, 1e-9);
    assert_close(e.low, wanted.low, 1e-9);
    assert_close(e.high, wanted.high, 1e-9);
    assert_close(e.p, wanted.p, 1e-8);
}

static void test_mean(void **state)
{
    (void)state;
    assert_estimate(sn_estimate_mean(sample_gn, 5), 5, mean_gn);
    assert_estimate(sn_estimate_mean(sample_bn, 5), 5, mean_bn);
    assert_estimate(sn_estimate_mean(sample_close, 6), 6, mean_close); /* a large mean costs no digits */
}

static void test_paired_difference(void **state)
{
    (void)state;
    const double with_holes_a[] = {99.12, (double)NAN, 99.20, 99.07, 99.15, 99.18, 1};
    const double with_holes_b[] = {99.01, 5, 99.16, 99.09, 98.87, 99.03, (double)NAN};
    sn_estimate e = sn_estimate_difference(sample_gn, sample_bn, 5);
    assert_int_equal(e.count, 5);
    assert_close(e.mean, difference_gn_bn.mean, 1e-11); /* the data have their own rounding: 99.12 - 99.01 */
    assert_estimate(sn_estimate_difference(with_holes_a, with_holes_b, 7), 5,
                    (expected){e.mean, e.deviation, e.low, e.high, e.p});
    assert_close(e.low, difference_gn_bn.low, 1e-9);
    assert_close(e.high, difference_gn_bn.high, 1e-9);
    assert_close(e.p, difference_gn_bn.p, 1e-8);
}

/* 98.50 - 98.49 and 98.66 - 98.65 are not one double, and yet no evidence. */
static void test_rounding_is_no_spread(void **state)
{
    (void)state;
    const double a[] = {98.50, 98.66, 98.61}, b[] = {98.49, 98.65, 98.60};
    assert_true(a[0] - b[0] != a[1] - b[1]);
    const sn_estimate e = sn_estimate_difference(a, b, 3);
    assert_true(e.count == 3 && e.deviation == 0 && isnan(e.p));
}

/* What has no value says so, and does not pretend to. */
static void test_too_few(void **state)
{
    (void)state;
    const double one[] = {99.5}, equal[] = {0.1, 0.1, 0.1};
    sn_estimate e = sn_estimate_mean(NULL, 0);
    assert_true(e.count == 0 && isnan(e.mean) && isnan(e.low) && isnan(e.p));
    e = sn_estimate_mean(one, 1);
    assert_true(e.count == 1 && e.mean == 99.5 && isnan(e.deviation) && isnan(e.low) && isnan(e.high) &&
                isnan(e.p));
    e = sn_estimate_mean(equal, 3);
    assert_true(e.mean == 0.1 && e.deviation == 0 && e.low == 0.1 && e.high == 0.1 && isnan(e.p));
}

static void test_claims(void **state)
{
    (void)state;
    enum { CLAIMS = COUNT(claims_difference) };
    double difference[CLAIMS], within[CLAIMS];
    sn_adjust_claims(claims_difference, claims_within, CLAIMS, difference, within);
    for (size_t i = 0; i < CLAIMS; i++) {
        assert_close(difference[i], claims_difference_adjusted[i], 1e-14);
        assert_close(within[i], claims_within_adjusted[i], 1e-14);
    }
    const double hole = (double)NAN;
    sn_adjust_claims((const double[]){0.01, hole, 0.02}, (const double[]){hole, hole, 0.5}, 3, difference,
                     within);
    assert_close(difference[0], 0.02, 1e-14);
    assert_true(isnan(difference[1]) && isnan(within[0]) && isnan(within[1]));
    assert_close(within[2], 0.5, 1e-14);
}

static void test_signs(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(sign_values); i++)
        assert_close(sn_sign_flip_p(sign_values[i].values, sign_values[i].count), sign_values[i].p, 1e-12);
    assert_true(isnan(sn_sign_flip_p(NULL, 0)));
    long all[40];
    for (int i = 0; i < 40; i++)
        all[i] = 100 + i;
    assert_close(sn_sign_flip_p(all, 40), ldexp(1, -39), 1e-12); /* the least */
}

static void test_crossed(void **state)
{
    (void)state;
    assert_close(sn_crossed_error(crossed_rows, COUNT(crossed_rows), crossed_columns, COUNT(crossed_columns),
                                  crossed_squares),
                 crossed_error, 1e-12);
    /* equal rows: nothing but the columns */
    assert_close(sn_crossed_error((const double[]){2, 2}, 2, (const double[]){2, 2, 0, 0}, 4, 4),
                 0.28867513459481288, 1e-12);
    assert_true(isnan(sn_crossed_error(crossed_rows, 1, crossed_columns, 12, 1)));
}

static void test_equivalence(void **state)
{
    (void)state;
    double values[5];
    for (int i = 0; i < 5; i++)
        values[i] = sample_gn[i] - 99.1;
    assert_close(sn_equivalence_p(sn_estimate_mean(values, 5), 0.1), equivalence_gn, 1e-8);
    assert_true(isnan(sn_equivalence_p(sn_estimate_mean(values, 1), 0.1)));
}

static void test_power(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(power_values); i++) {
        const double effect = power_values[i].effect, deviation = power_values[i].deviation,
                     level = power_values[i].level;
        const size_t count = power_values[i].count;
        assert_close(sn_power_difference(effect, deviation, count, level), power_values[i].difference, 1e-6);
        const double equivalence = sn_power_equivalence(effect, deviation, power_values[i].margin, count,
                                                        level);
        if (!(fabs(equivalence - power_values[i].equivalence) <= 1e-6))
            fail_msg("%zu: %.17g is not %.17g", i, equivalence, power_values[i].equivalence);
    }
    for (size_t i = 0; i < COUNT(seeds_values); i++) {
        assert_int_equal(sn_seeds_for_difference(0.1, seeds_values[i].deviation, 0.05),
                         seeds_values[i].difference);
        assert_int_equal(sn_seeds_for_equivalence(0, seeds_values[i].deviation, 0.1, 0.05),
                         seeds_values[i].equivalence);
    }
    assert_int_equal(sn_seeds_for_equivalence(0.1, 0.1, 0.1, 0.05), 0); /* not within it */
    assert_int_equal(sn_seeds_for_difference(1e-6, 1, 0.05), 0);        /* more than anybody trains */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_incomplete_beta),
        cmocka_unit_test(test_distribution),
        cmocka_unit_test(test_quantile),
        cmocka_unit_test(test_mean),
        cmocka_unit_test(test_paired_difference),
        cmocka_unit_test(test_rounding_is_no_spread),
        cmocka_unit_test(test_too_few),
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_signs),
        cmocka_unit_test(test_crossed),
        cmocka_unit_test(test_equivalence),
        cmocka_unit_test(test_power),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
