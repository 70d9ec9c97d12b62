#ifndef SYNCNORM_BASE_FIXED_POINT_H
#define SYNCNORM_BASE_FIXED_POINT_H

/**
 * Fixed point: what is summed over samples becomes a 64-bit integer first, because integer addition is associative and
 * the grouping of samples over lanes, blocks and ranks then cannot matter.
 *
 * A value is checked against a limit before it is converted, `!(|v| <= limit)` (true for NaN), so that a sum over the
 * batch cannot wrap; values out of range contribute nothing, are counted, and end the run as divergence. Not collective.
 */

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

/** For what outlives a step, or is a product. */
__extension__ typedef __int128 sn_int128;
__extension__ typedef unsigned __int128 sn_uint128;

/** Gradients and backward sums are summed in units of 2^-36, losses in units of 2^-32. */
#define SN_GRADIENT_SCALE 0x1p36
#define SN_LOSS_SCALE 0x1p32

/** Largest magnitude that may be converted at `scale` when `terms` values are added: min(2^50, 2^62 / terms) / scale.
 *  2^50 because the AVX2 conversion (adding 1.5 * 2^52 in double) is exact below 2^51. */
static inline double sn_fixed_limit(double scale, uint64_t terms)
{
    const double most = 0x1p62 / (double)(terms ? terms : 1);
    return (most < 0x1p50 ? most : 0x1p50) / scale;
}

/** Rounds value * scale to nearest even. The caller has checked the range. Exact for every |value * scale| < 2^51. */
static inline int64_t sn_fixed(double value, double scale)
{
    const double shifted = value * scale + 0x1.8p52;
    int64_t bits;
    __builtin_memcpy(&bits, &shifted, sizeof bits);
    return bits - INT64_C(0x4338000000000000);
}

static inline bool sn_fixed_in_range(double value, double limit)
{
    return fabs(value) <= limit;
}

#endif
