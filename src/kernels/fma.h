#ifndef SYNCNORM_SRC_KERNELS_FMA_H
#define SYNCNORM_SRC_KERNELS_FMA_H

/**
 * Fused multiply-add of floats, correctly rounded on any processor.
 *
 * Mathematics: the product of two floats is exact in double. The sum is rounded to odd (of the two neighbours the one with
 * an odd last bit, unless exact), which makes the second rounding, to float, innocuous: Boldo and Melquiond, "Emulation of
 * a FMA and correctly rounded sums: proved algorithms using rounding to odd", IEEE Trans. Computers 57 (2008).
 */

#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

typedef float sn_float4 __attribute__((vector_size(16)));

static inline float sn_fma_to_odd(float a, float b, float c)
{
    const double product = (double)a * (double)b;
    double sum = product + (double)c;
    /* TwoSum (Knuth): the error of the addition, exactly; NaN where the sum is not finite. */
    const double rest = sum - product;
    const double error = (product - (sum - rest)) + ((double)c - rest);
    uint64_t bits;
    __builtin_memcpy(&bits, &sum, sizeof bits);
    if ((error < 0 || error > 0) && !(bits & 1)) bits += (error > 0) == (sum > 0) ? 1 : UINT64_MAX;
    __builtin_memcpy(&sum, &bits, sizeof sum);
    return (float)sum;
}

#if defined(__FP_FAST_FMAF) || defined(__ARM_FEATURE_FMA)
static inline sn_float4 sn_fma4(sn_float4 a, sn_float4 b, sn_float4 c)
{
    for (int i = 0; i < 4; i++)
        c[i] = __builtin_fmaf(a[i], b[i], c[i]);
    return c;
}
#elif defined(__SSE2__)
/* Rounding to nearest twice differs from rounding once only where the double is a tie of floats, or where the float is
 * subnormal: both rare enough to be looked for, and then done the slow way. */
static inline sn_float4 sn_fma4(sn_float4 a, sn_float4 b, sn_float4 c)
{
    const __m128 a1 = _mm_movehl_ps(a, a), b1 = _mm_movehl_ps(b, b), c1 = _mm_movehl_ps(c, c);
    const __m128d s0 = _mm_add_pd(_mm_mul_pd(_mm_cvtps_pd(a), _mm_cvtps_pd(b)), _mm_cvtps_pd(c));
    const __m128d s1 = _mm_add_pd(_mm_mul_pd(_mm_cvtps_pd(a1), _mm_cvtps_pd(b1)), _mm_cvtps_pd(c1));
    const __m128 words0 = _mm_castpd_ps(s0), words1 = _mm_castpd_ps(s1);
    const __m128i low = _mm_castps_si128(_mm_shuffle_ps(words0, words1, _MM_SHUFFLE(2, 0, 2, 0)));
    const __m128i high = _mm_castps_si128(_mm_shuffle_ps(words0, words1, _MM_SHUFFLE(3, 1, 3, 1)));
    const __m128i tie = _mm_cmpeq_epi32(_mm_and_si128(low, _mm_set1_epi32(0x1fffffff)),
                                        _mm_set1_epi32(0x10000000));
    /* 0 < |s| < 2^-126, on the upper word less one so that 0 is negative */
    const __m128i size = _mm_sub_epi32(_mm_and_si128(high, _mm_set1_epi32(0x7fffffff)), _mm_set1_epi32(1));
    const __m128i tiny = _mm_andnot_si128(_mm_srai_epi32(size, 31),
                                          _mm_cmplt_epi32(size, _mm_set1_epi32(0x38100000 - 1)));
    if (__builtin_expect(_mm_movemask_epi8(_mm_or_si128(tie, tiny)), 0)) {
        for (int i = 0; i < 4; i++)
            c[i] = sn_fma_to_odd(a[i], b[i], c[i]);
        return c;
    }
    return _mm_movelh_ps(_mm_cvtpd_ps(s0), _mm_cvtpd_ps(s1));
}
#else
static inline sn_float4 sn_fma4(sn_float4 a, sn_float4 b, sn_float4 c)
{
    for (int i = 0; i < 4; i++)
        c[i] = sn_fma_to_odd(a[i], b[i], c[i]);
    return c;
}
#endif

#endif
