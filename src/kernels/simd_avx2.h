#ifndef SYNCNORM_SRC_KERNELS_SIMD_AVX2_H
#define SYNCNORM_SRC_KERNELS_SIMD_AVX2_H

/** simd.h for x86-64-v3: a block is two vectors. */

#include <immintrin.h>

typedef __m256 vec;
typedef __m256 vec_mask;

enum { SN_VECTOR = 8 };
/* Larger ones, 2 x 6 or 3 x 4, are spilled by one compiler or the other. */
#define SN_TILE_SLOTS 2
#define SN_TILE_COLUMNS 5
#define SN_TILE_LONG 10

/* clang-format off */

SN_INLINE vec vec_load(const float *from) { return _mm256_load_ps(from); }
SN_INLINE void vec_store(float *to, vec a) { _mm256_store_ps(to, a); }
SN_INLINE vec vec_zero(void) { return _mm256_setzero_ps(); }
SN_INLINE vec vec_broadcast(float a) { return _mm256_set1_ps(a); }
SN_INLINE vec vec_spread(const int samples, const float *from)
{
    if (samples == 16) return _mm256_load_ps(from);
    if (samples == 4) return _mm256_broadcast_ps((const void *)from);
    return _mm256_set1_ps(*from);
}
SN_INLINE vec vec_repeat(const int samples, const float *from)
{
    if (samples == 16) return _mm256_set1_ps(*from);
    if (samples == 4) return _mm256_set_m128(_mm_set1_ps(from[1]), _mm_set1_ps(from[0]));
    return _mm256_load_ps(from);
}
SN_INLINE vec vec_add(vec a, vec b) { return _mm256_add_ps(a, b); }
SN_INLINE vec vec_sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
SN_INLINE vec vec_mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
SN_INLINE vec vec_div(vec a, vec b) { return _mm256_div_ps(a, b); }
SN_INLINE vec vec_fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
SN_INLINE vec vec_fms(vec a, vec b, vec c) { return _mm256_fmsub_ps(a, b, c); }

/* Not maxps: it gives its second operand for NaN and for zeros of either sign, so one of the two would come out wrong. */
SN_INLINE vec vec_relu(vec a) { return _mm256_and_ps(_mm256_cmp_ps(a, vec_zero(), _CMP_NLE_UQ), a); }

SN_INLINE vec_mask vec_greater(vec a, vec b) { return _mm256_cmp_ps(a, b, _CMP_GT_OQ); }

SN_INLINE vec_mask vec_wins(vec a, vec b)
{
    return _mm256_or_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ), _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
}

SN_INLINE vec vec_select(vec_mask m, vec a, vec b) { return _mm256_blendv_ps(b, a, m); }
SN_INLINE vec vec_keep(vec_mask m, vec a) { return _mm256_and_ps(m, a); }
SN_INLINE vec_mask mask_or(vec_mask a, vec_mask b) { return _mm256_or_ps(a, b); }
SN_INLINE vec_mask mask_and_not(vec_mask a, vec_mask b) { return _mm256_andnot_ps(b, a); }
SN_INLINE vec_mask mask_not(vec_mask a)
{
    return _mm256_xor_ps(a, _mm256_castsi256_ps(_mm256_set1_epi32(-1)));
}

/* clang-format on */

#endif
