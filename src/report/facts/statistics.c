/* Student's t distribution by the incomplete beta function: I_x(n/2, 1/2) at x = n / (n + t²) is the two-sided tail
   (Abramowitz and Stegun 26.7.1). */

#include "syncnorm/report/statistics.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "syncnorm/base/missing.h"

/* DLMF 8.17.22 by the modified Lentz method; converges fast for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300, precision = 1e-16;
    const int terms = 10000; /* about √max(a, b) are needed */
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double fraction = d;
    for (int m = 1; m <= terms; m++) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double step = 1;
        for (int half = 0; half < 2; half++) {
            const double coefficient = half == 0 ? even : odd;
            d = 1 + coefficient * d;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = 1 + coefficient / c;
            if (fabs(c) < tiny) c = tiny;
            step = c * d;
            fraction *= step;
        }
        if (fabs(step - 1) < precision) break;
    }
    return fraction;
}

static double log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

double sn_incomplete_beta(double a, double b, double x)
{
    if (!(a > 0) || !(b > 0) || !(x >= 0 && x <= 1)) return SN_MISSING;
    if (x <= 0 || x >= 1) return x;
    const double front = exp(a * log(x) + b * log1p(-x) + log_gamma(a + b) - log_gamma(a) - log_gamma(b));
    if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double sn_student_t_two_sided(double t, double freedom)
{
    if (isnan(t) || !(freedom > 0)) return SN_MISSING;
    if (isinf(t)) return 0;
    /* near 0 the argument n / (n + t²) would round to 1 */
    if (t * t < freedom) return 1 - sn_incomplete_beta(0.5, freedom / 2, t * t / (freedom + t * t));
    return sn_incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t));
}

double sn_student_t_cdf(double t, double freedom)
{
    const double tail = sn_student_t_two_sided(t, freedom) / 2;
    return t < 0 ? tail : 1 - tail;
}

/* Bisection of the tail: slow, and right for every degree of freedom. */
double sn_student_t_quantile(double p, double freedom)
{
    if (!(p > 0 && p < 1) || !(freedom > 0)) return SN_MISSING;
    const double tail = 2 * (p < 0.5 ? p : 1 - p);
    double low = 0, high = 1;
    while (sn_student_t_two_sided(high, freedom) > tail && high < 1e150)
        high *= 2;
    for (int i = 0; i < 2000; i++) {
        const double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high) break;
        if (sn_student_t_two_sided(middle, freedom) > tail)
            low = middle;
        else
            high = middle;
    }
    return p < 0.5 ? -high : high;
}

/* What the i-th value is, and how far rounding alone may have moved it; `b` may be NULL: the values themselves. */
static double value_at(const double *a, const double *b, size_t i, double *rounding)
{
    *rounding = b ? 2 * DBL_EPSILON * fmax(fabs(a[i]), fabs(b[i])) : 0;
    return b ? a[i] - b[i] : a[i];
}

/* 99.12 - 99.01 and 98.62 - 98.51 are not the same double: a spread that rounding explains is none. */
static sn_estimate estimate(const double *a, const double *b, size_t count)
{
    sn_estimate e = {
        .count = 0, .deviation = SN_MISSING, .low = SN_MISSING, .high = SN_MISSING, .p = SN_MISSING};
    double sum = 0, squares = 0, first = SN_MISSING, first_rounding = 0, rounding;
    bool equal = true;
    for (size_t i = 0; i < count; i++) {
        const double value = value_at(a, b, i, &rounding);
        if (isnan(value)) continue;
        if (e.count++ == 0) {
            first = value;
            first_rounding = rounding;
        }
        equal = equal && fabs(value - first) <= rounding + first_rounding;
        sum += value;
    }
    e.mean = e.count ? sum / (double)e.count : SN_MISSING;
    if (equal) e.mean = first; /* not a rounding beside it */
    for (size_t i = 0; i < count && !equal; i++) {
        const double value = value_at(a, b, i, &rounding) - e.mean;
        if (!isnan(value)) squares += value * value;
    }
    if (e.count < 2) return e;
    const double freedom = (double)e.count - 1;
    e.deviation = sqrt(squares / freedom);
    const double error = e.deviation / sqrt((double)e.count);
    const double half = sn_student_t_quantile(0.975, freedom) * error;
    e.low = e.mean - half;
    e.high = e.mean + half;
    if (error > 0) e.p = sn_student_t_two_sided(e.mean / error, freedom);
    return e;
}

sn_estimate sn_estimate_mean(const double *values, size_t count)
{
    return estimate(values, NULL, count);
}

sn_estimate sn_estimate_difference(const double *a, const double *b, size_t count)
{
    return estimate(a, b, count);
}

double sn_equivalence_p(sn_estimate e, double margin)
{
    if (e.count < 2 || !(e.deviation > 0)) return SN_MISSING;
    const double error = e.deviation / sqrt((double)e.count);
    return sn_student_t_cdf((fabs(e.mean) - margin) / error, (double)e.count - 1);
}

double sn_sign_flip_p(const long *values, size_t count)
{
    size_t reach = 0; /* sums lie within ±reach */
    long sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += values[i];
        reach += (size_t)labs(values[i]);
    }
    double *part = count ? calloc(2 * reach + 1, sizeof *part) : NULL,
           *next = part ? calloc(2 * reach + 1, sizeof *part) : NULL;
    double p = SN_MISSING;
    if (next) {
        part[reach] = 1; /* the sum s has part[reach + s] of all ways */
        size_t within = 0;
        for (size_t i = 0; i < count; i++) {
            const size_t by = (size_t)labs(values[i]);
            within += by;
            for (size_t s = reach - within; s <= reach + within; s++) {
                const double above = s >= by ? part[s - by] : 0,
                             below = s + by <= 2 * reach ? part[s + by] : 0;
                next[s] = (above + below) / 2;
            }
            double *swap = part;
            part = next;
            next = swap;
        }
        p = 0;
        for (size_t s = 0; s <= 2 * reach; s++)
            if ((s > reach ? s - reach : reach - s) >= (size_t)labs(sum)) p += part[s];
    }
    free(part);
    free(next);
    return p;
}

/* Pairs with a hypothesis that is not less likely than p. */
static size_t as_likely(const double *difference, const double *within, size_t count, double p)
{
    size_t pairs = 0;
    for (size_t i = 0; i < count; i++)
        pairs += difference[i] >= p || within[i] >= p;
    return pairs;
}

/* A hypothesis is rejected when each set of hypotheses that could all be true, it among them, is: the worst of those begin with a hypothesis as likely
   or less, and have one of each pair that has a likelier one. */
void sn_adjust_claims(const double *difference, const double *within, size_t count,
                      double *adjusted_difference, double *adjusted_within)
{
    for (size_t i = 0; i < count; i++)
        adjusted_difference[i] = adjusted_within[i] = SN_MISSING;
    for (size_t least = 0; least < 2 * count; least++) {
        const double p = least < count ? difference[least] : within[least - count];
        if (isnan(p)) continue;
        const double bound = fmin(1, p * (double)as_likely(difference, within, count, p));
        for (size_t i = 0; i < count; i++) {
            const bool mine = i == least % count; /* of a pair only one can be true */
            if (difference[i] >= p && !(mine && least >= count))
                adjusted_difference[i] = fmax(adjusted_difference[i], bound);
            if (within[i] >= p && !(mine && least < count))
                adjusted_within[i] = fmax(adjusted_within[i], bound);
        }
    }
}

static double sum_of_squares(const double *sums, size_t count, double each)
{
    double squares = 0;
    for (size_t i = 0; i < count; i++)
        squares += sums[i] * sums[i];
    return squares / each;
}

double sn_crossed_error(const double *rows, size_t row_count, const double *columns, size_t column_count,
                        double squares)
{
    if (row_count < 2 || column_count < 2) return SN_MISSING;
    const double r = (double)row_count, c = (double)column_count;
    double total = 0;
    for (size_t i = 0; i < row_count; i++)
        total += rows[i];
    const double common = total * total / (r * c);
    const double of_rows = sum_of_squares(rows, row_count, c) - common;
    const double of_columns = sum_of_squares(columns, column_count, r) - common;
    const double rest = squares - common - of_rows - of_columns;
    const double rows_mean = of_rows / (r - 1), columns_mean = of_columns / (c - 1),
                 rest_mean = rest / ((r - 1) * (c - 1));
    return sqrt(fmax(rows_mean + columns_mean - rest_mean, rows_mean) / (r * c));
}
