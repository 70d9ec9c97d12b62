/* Power of the tests that verdicts rest on. The deviation of a sample of n, over the true one, is the root of a chi-squared over its n - 1 degrees
   of freedom; given it, the mean's part is normal. So power is one integral over that deviation, by Simpson's rule, where others sum series of the
   noncentral t or use Owen's Q. */

#include <math.h>

#include "syncnorm/base/missing.h"
#include "syncnorm/report/statistics.h"

static double normal_cdf(double z)
{
    return erfc(-z / sqrt(2)) / 2;
}

/* Of the sample's deviation over the true one. */
static double density(double u, double freedom)
{
    if (u <= 0) return freedom > 1 ? 0 : sqrt(2 / acos(-1));
    int sign;
    return 2 * exp(freedom / 2 * log(freedom / 2) - lgamma_r(freedom / 2, &sign) + (freedom - 1) * log(u) -
                   freedom * u * u / 2);
}

/* What is decided, given the sample's deviation over the true one: means lie around `shift` with deviation 1, `quantile` is of Student's t. */
typedef double (*decision)(double shift, double margin, double quantile, double u);

static double differs(double shift, double margin, double quantile, double u)
{
    (void)margin;
    return normal_cdf(shift - quantile * u) + normal_cdf(-shift - quantile * u);
}

static double is_within(double shift, double margin, double quantile, double u)
{
    const double room = margin - quantile * u;
    return room > 0 ? normal_cdf(room - shift) - normal_cdf(-room - shift) : 0;
}

/* Beyond the deviation `most` nothing is decided. */
static double power(decision decide, double shift, double margin, double quantile, double freedom,
                    double most)
{
    enum { STEPS = 2000 };
    const double width = 10 / sqrt(2 * freedom), low = fmax(0, 1 - width);
    const double step = (fmin(most, 1 + width) - low) / STEPS;
    if (step <= 0) return 0;
    double sum = 0;
    for (int i = 0; i <= STEPS; i++) {
        const double u = low + i * step, weight = i == 0 || i == STEPS ? 1 : i % 2 ? 4 : 2;
        sum += weight * density(u, freedom) * decide(shift, margin, quantile, u);
    }
    return sum * step / 3;
}

double sn_power_difference(double effect, double deviation, size_t count, double level)
{
    if (count < 2 || !(deviation > 0)) return SN_MISSING;
    const double freedom = (double)count - 1, scale = sqrt((double)count) / deviation;
    return power(differs, fabs(effect) * scale, 0, sn_student_t_quantile(1 - level / 2, freedom), freedom,
                 HUGE_VAL);
}

double sn_power_equivalence(double effect, double deviation, double margin, size_t count, double level)
{
    if (count < 2 || !(deviation > 0)) return SN_MISSING;
    const double freedom = (double)count - 1, scale = sqrt((double)count) / deviation;
    const double quantile = sn_student_t_quantile(1 - level, freedom);
    return power(is_within, fabs(effect) * scale, margin * scale, quantile, freedom,
                 margin * scale / quantile);
}

/* Doubling, then bisection: power grows with the count. */
static size_t least(double (*reached)(double effect, double deviation, double margin, size_t count,
                                      double level),
                    double effect, double deviation, double margin, double level)
{
    const double wanted = 0.8;
    size_t low = 1, high = 2;
    while (!(reached(effect, deviation, margin, high, level) >= wanted)) {
        if (high >= SN_SEEDS_MOST) return 0;
        low = high;
        high = 2 * high < SN_SEEDS_MOST ? 2 * high : SN_SEEDS_MOST;
    }
    while (high - low > 1) {
        const size_t middle = (low + high) / 2;
        if (reached(effect, deviation, margin, middle, level) >= wanted)
            high = middle;
        else
            low = middle;
    }
    return high;
}

static double difference_within(double effect, double deviation, double margin, size_t count, double level)
{
    (void)margin;
    return sn_power_difference(effect, deviation, count, level);
}

size_t sn_seeds_for_difference(double effect, double deviation, double level)
{
    return deviation > 0 ? least(difference_within, effect, deviation, 0, level) : 0;
}

size_t sn_seeds_for_equivalence(double effect, double deviation, double margin, double level)
{
    return deviation > 0 && fabs(effect) < margin
               ? least(sn_power_equivalence, effect, deviation, margin, level)
               : 0;
}
