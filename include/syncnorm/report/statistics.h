#ifndef SYNCNORM_REPORT_STATISTICS_H
#define SYNCNORM_REPORT_STATISTICS_H

/**
 * Student's t: intervals of a mean and of paired differences. All in double; what has no value (an interval of one
 * number) is NaN. Not collective.
 */

#include <stddef.h>

enum { SN_CALIBRATION_BINS = 15 };

/** How far the probabilities given to what was predicted are from how often it was right. */
typedef struct sn_calibration {
    double error;  /* expected calibration error; NaN of none */
    double excess; /* mean confidence minus how often they were right: above 0, too sure; NaN of none */
    double confidence[SN_CALIBRATION_BINS], right[SN_CALIBRATION_BINS]; /* means of a bin, 0 to 1 */
} sn_calibration;

/** Of `count` predictions, by bins of equal numbers, the least confident first (Nixon et al., "Measuring calibration in deep learning", 2019): the mean over the
 *  predictions of |right - confidence| of their bin. NaN for less than one in each bin, and without memory. */
sn_calibration sn_calibrate(const float *confidence, const unsigned char *right, size_t count);

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

/** P of a mean as far from 0 as the estimate's, or farther, were the true one ±margin: the greater of two one-sided tests (Schuirmann 1987). Small: the
 *  true one lies within the margin. NaN where the estimate has no deviation. */
double sn_equivalence_p(sn_estimate estimate, double margin);

/** Of whole numbers, if each could as well have the other sign: the part of all 2^count ways of signs in which their sum is as far from 0 as it is
 *  (Fisher's randomization test; exact, by counting sums). Not less than 2^(1 - count). NaN of none, and without memory. */
double sn_sign_flip_p(const long *values, size_t count);

/** Standard error of the mean of a table of rows x columns values, both of which could have been others (seeds and test images): of their two-way
 *  analysis of variance, (MS rows + MS columns - MS rest) / (rows columns), at least what the rows alone give. Of the sums of rows and of columns,
 *  and the sum of the squares of all values. NaN for less than two rows or columns. */
double sn_crossed_error(const double *rows, size_t row_count, const double *columns, size_t column_count,
                        double squares);

/** Adjusts the p-values of two claims on each of `count` pairs, of which one at most can be wrong: that there is a difference (false when it is 0),
 *  and that it lies within a margin (false when it does not). A closed test (Marcus et al. 1976), Bonferroni's on each set of hypotheses that can
 *  be true together, which is Holm's method with what is known of the pairs (Shaffer 1986): where the claims with adjusted p-values under 0.05 are
 *  made, none is false with 95 % probability. NaN stays and is not counted. */
void sn_adjust_claims(const double *difference, const double *within, size_t count,
                      double *adjusted_difference, double *adjusted_within);

/** Power of the two-sided t test, for normal values of that mean and deviation, and of the two one-sided ones. NaN for less than 2. */
double sn_power_difference(double effect, double deviation, size_t count, double level);
double sn_power_equivalence(double effect, double deviation, double margin, size_t count, double level);

enum { SN_SEEDS_MOST = 100000 };
/** The least count with a power of 80 %; 0: more than SN_SEEDS_MOST, or none is enough. */
size_t sn_seeds_for_difference(double effect, double deviation, double level);
size_t sn_seeds_for_equivalence(double effect, double deviation, double margin, double level);

#endif
