#include "syncnorm/base/elementary.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static double from_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint64_t to_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* x = k ln 2 + r with |r| <= ln 2 / 2 (ln 2 in two parts, Cody and Waite), then the Taylor series of e^r to r^13, whose
   remainder is below 2^-57. */
double sn_exp(double x)
{
    if (!(x >= -708)) return x < -708 ? 0 : x;
    if (x > 709.7) return HUGE_VAL;
    const double shifted = x * 0x1.71547652b82fep0 + 0x1.8p52;
    const double k = shifted - 0x1.8p52;
    const double r = (x - k * 0x1.62e42fee00000p-1) - k * 0x1.a39ef35793c76p-33;
    static const double inverse_factorial[] = {
        1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320,
        1.0 / 5040,       1.0 / 720,       1.0 / 120,      1.0 / 24,      1.0 / 6,      0.5};
    double sum = inverse_factorial[0];
    for (int i = 1; i < 12; i++)
        sum = sum * r + inverse_factorial[i];
    const double y = 1 + (r + r * r * sum);
    const int64_t exponent = (int64_t)k;
    /* in two factors: 2^k alone may lie outside the normal range */
    const int64_t half = exponent / 2;
    return y * from_bits((uint64_t)(1023 + half) << 52) * from_bits((uint64_t)(1023 + exponent - half) << 52);
}

/* x = 2^e m with m in [sqrt(1/2), sqrt(2)); log m = 2 atanh(s), s = (m - 1) / (m + 1), |s| < 0.1716, by its series to
   s^21, whose remainder is below 2^-57. */
double sn_log(double x)
{
    if (!(x > 0)) return x == 0 ? -HUGE_VAL : nan("");
    if (isinf(x)) return x;
    uint64_t bits = to_bits(x);
    int64_t e = (int64_t)(bits >> 52) - 1023;
    bits = (bits & UINT64_C(0xfffffffffffff)) | UINT64_C(0x3ff0000000000000);
    double m = from_bits(bits);
    if (m >= 0x1.6a09e667f3bcdp0) m *= 0.5, e++;
    const double f = m - 1;
    const double s = f / (2 + f);
    const double z = s * s;
    double sum = 1.0 / 21;
    for (int i = 19; i >= 3; i -= 2)
        sum = sum * z + 1.0 / i;
    const double series = 2 * s * z * sum; /* log m = 2 s + series, and 2 s = f - s f */
    const double k = (double)e;
    return k * 0x1.62e42fee00000p-1 + (f - (s * f - (series + k * 0x1.a39ef35793c76p-33)));
}

/* Reflected to [0, 1/2], then within [0, 1/4] the Taylor series of cos(pi x) and beyond it that of sin(pi (1/2 - x)), so
   that nothing cancels; to the terms below 2^-60. Both reflections are exact. */
double sn_cospi(double x)
{
    const double pi = 0x1.921fb54442d18p1;
    if (x > 0.5) return -sn_cospi(1 - x);
    const bool sine = x > 0.25;
    const double t = pi * (sine ? 0.5 - x : x);
    const double z = t * t;
    double sum = 1;
    for (int i = sine ? 17 : 16; i > 3; i -= 2)
        sum = 1 - z * sum / (double)(i * (i - 1));
    return sine ? t - t * (z * sum / 6) : 1 - z * sum / 2;
}
