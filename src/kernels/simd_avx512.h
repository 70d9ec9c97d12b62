#ifndef SYNCNORM_SRC_KERNELS_SIMD_AVX512_H
#define SYNCNORM_SRC_KERNELS_SIMD_AVX512_H

/** simd.h for x86-64-v4: one vector is a whole block. */

#include <immintrin.h>

typedef __m512 vec;
typedef __mmask16 vec_mask;

enum { SN_VECTOR = 16 };
/* 20 accumulators, 4 weights and a pixel fit the 32 registers with room for what the compiler likes to keep; 4 x 7 fits
 * on paper and is spilled. */
#define SN_TILE_SLOTS 4
#define SN_TILE_COLUMNS 5
#define SN_TILE_LONG 14

/* clang-format off */

SN_INLINE vec vec_load(const float *from) { return _mm512_load_ps(from); }
SN_INLINE void vec_store(float *to, vec a) { _mm512_store_ps(to, a); }
SN_INLINE vec vec_zero(void) { return _mm512_setzero_ps(); }
SN_INLINE vec vec_broadcast(float a) { return _mm512_set1_ps(a); }
SN_INLINE vec vec_spread(const int samples, const float *from)
{
    if (samples == 16) return _mm512_load_ps(from);
    if (samples == 4) return _mm512_broadcast_f32x4(_mm_load_ps(from));
    return _mm512_set1_ps(*from);
}
SN_INLINE vec vec_repeat(const int samples, const float *from)
{
    const __m512i fours = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    if (samples == 16) return _mm512_set1_ps(*from);
    if (samples == 4) return _mm512_permutexvar_ps(fours, _mm512_castps128_ps512(_mm_load_ps(from)));
    return _mm512_load_ps(from);
}
SN_INLINE vec vec_add(vec a, vec b) { return _mm512_add_ps(a, b); }
SN_INLINE vec vec_sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
SN_INLINE vec vec_mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
SN_INLINE vec vec_div(vec a, vec b) { return _mm512_div_ps(a, b); }
SN_INLINE vec vec_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
SN_INLINE vec vec_fms(vec a, vec b, vec c) { return _mm512_fmsub_ps(a, b, c); }

/* Not maxps: it gives its second operand for NaN and for zeros of either sign, so one of the two would come out wrong. */
SN_INLINE vec vec_relu(vec a)
{
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(a, vec_zero(), _CMP_NLE_UQ), a);
}

SN_INLINE vec_mask vec_greater(vec a, vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }

SN_INLINE vec_mask vec_wins(vec a, vec b)
{
    return (vec_mask)(_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ) | _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q));
}

SN_INLINE vec vec_select(vec_mask m, vec a, vec b) { return _mm512_mask_mov_ps(b, m, a); }
SN_INLINE vec vec_keep(vec_mask m, vec a) { return _mm512_maskz_mov_ps(m, a); }
SN_INLINE vec_mask mask_or(vec_mask a, vec_mask b) { return (vec_mask)(a | b); }
SN_INLINE vec_mask mask_and_not(vec_mask a, vec_mask b) { return (vec_mask)(a & ~b); }
SN_INLINE vec_mask mask_not(vec_mask a) { return (vec_mask)~a; }

/* clang-format on */

#endif
