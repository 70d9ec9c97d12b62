#ifndef SYNCNORM_REPORT_STATISTICS_H
#define SYNCNORM_REPORT_STATISTICS_H

/**
 * Student's t: intervals of a mean and of paired differences. All in double; what has no value (an interval of one
 * number) is NaN. Not collective.
 */

#include <stddef.h>

/** Regularized incomplete beta function I_x(a, b), a, b > 0, 0 <= x <= 1; by its continued fraction (DLMF 8.17.22),
 *  relative error about 1e-13. */
double sn_incomplete_beta(double a, double b, double x);

/** P(T <= t) of Student's t with `freedom` > 0 degrees of freedom. */
double sn_student_t_cdf(double t, double freedom);

/** P(|T| >= |t|): precise in the tails, too. */
double sn_student_t_two_sided(double t, double freedom);

/** The t at which the distribution function is `p`, 0 < p < 1. */
double sn_student_t_quantile(double p, double freedom);

typedef struct sn_estimate {
    size_t count;
    double mean;
    double deviation; /* of the sample, n - 1 in the denominator; NaN for one value */
    double low, high; /* 95 % confidence interval of the mean; NaN for one value */
    double p;         /* two-sided, of the mean being 0; NaN for one value or when all values are equal */
} sn_estimate;

/** Mean of `count` values with its confidence interval, mean ± t(0.975, n - 1) s / √n. NaN values are not counted. */
sn_estimate sn_estimate_mean(const double *values, size_t count);

/** The same of the differences a[i] - b[i]: the paired t test. Pairs with a NaN are not counted. Differences that are apart by no more
 *  than the rounding of a and b are all equal, and then p is NaN. Counts are exact; give them rather than percentages. */
sn_estimate sn_estimate_difference(const double *a, const double *b, size_t count);

/** Holm's step-down adjustment of `count` p-values for having made them all (Holm 1979); NaN stays and is not counted. */
void sn_holm(const double *p, size_t count, double *adjusted);

#endif
