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

static void test_holm(void **state)
{
    (void)state;
    double adjusted[COUNT(holm_p)], with_hole[3];
    sn_holm(holm_p, COUNT(holm_p), adjusted);
    for (size_t i = 0; i < COUNT(holm_p); i++)
        assert_close(adjusted[i], holm_adjusted[i], 1e-14);
    sn_holm((const double[]){0.01, (double)NAN, 0.02}, 3, with_hole);
    assert_close(with_hole[0], 0.02, 1e-14);
    assert_true(isnan(with_hole[1]));
    assert_close(with_hole[2], 0.02, 1e-14);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_incomplete_beta),   cmocka_unit_test(test_distribution),
        cmocka_unit_test(test_quantile),          cmocka_unit_test(test_mean),
        cmocka_unit_test(test_paired_difference), cmocka_unit_test(test_rounding_is_no_spread),
        cmocka_unit_test(test_too_few),           cmocka_unit_test(test_holm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
