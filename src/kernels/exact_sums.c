/**
 * Exact sums over the lanes of a block: each value becomes a 64-bit integer (base/fixed_point.h), and integers add up the
 * same in any order. A group of values is converted and its lanes are added by a transpose tree in registers.
 */

#include "simd.h"

#include <string.h>

#include "syncnorm/base/fixed_point.h"

#if SN_ISA_LEVEL == 4

enum { GROUP = 8 };

/* sum[k] += the lanes of lanes[k] within the mask and the limit; true when one within the mask was out of range. */
SN_INLINE bool add_group(const float *lanes, uint16_t lane_mask, float limit, int64_t *sum)
{
    const __m512 most = _mm512_set1_ps(limit), scale = _mm512_set1_ps((float)SN_GRADIENT_SCALE);
    __mmask16 bad = 0;
    __m512i v[GROUP], t[GROUP / 2], u[GROUP / 4];
    SN_UNROLL
    for (int k = 0; k < GROUP; k++) {
        const __m512 x = _mm512_load_ps(lanes + k * SN_LANES);
        const __mmask16 good = _mm512_mask_cmp_ps_mask(lane_mask, _mm512_abs_ps(x), most, _CMP_LE_OQ);
        bad |= (__mmask16)(lane_mask & ~good);
        const __m512 scaled = _mm512_maskz_mul_ps(good, x, scale);
        v[k] = _mm512_add_epi64(_mm512_cvtps_epi64(_mm512_castps512_ps256(scaled)),
                                _mm512_cvtps_epi64(_mm512_extractf32x8_ps(scaled, 1)));
    }
    SN_UNROLL
    for (int k = 0; k < GROUP / 2; k++)
        t[k] = _mm512_add_epi64(_mm512_unpacklo_epi64(v[2 * k], v[2 * k + 1]),
                                _mm512_unpackhi_epi64(v[2 * k], v[2 * k + 1]));
    SN_UNROLL
    for (int k = 0; k < GROUP / 4; k++)
        u[k] = _mm512_add_epi64(_mm512_shuffle_i64x2(t[2 * k], t[2 * k + 1], 0x88),
                                _mm512_shuffle_i64x2(t[2 * k], t[2 * k + 1], 0xdd));
    const __m512i all = _mm512_add_epi64(_mm512_shuffle_i64x2(u[0], u[1], 0x88),
                                         _mm512_shuffle_i64x2(u[0], u[1], 0xdd));
    _mm512_storeu_si512(sum, _mm512_add_epi64(_mm512_loadu_si512(sum), all));
    return bad != 0;
}

#elif SN_ISA_LEVEL == 3

enum { GROUP = 4 };

/* All ones in the lanes of half `part` that the mask has. */
SN_INLINE __m256 half_mask(uint16_t lane_mask, int part)
{
    const __m256i bits = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    const __m256i half = _mm256_set1_epi32(lane_mask >> (8 * part));
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(half, bits), bits));
}

/* As sn_fixed: adding 1.5 * 2^52 leaves the rounded integer in the low bits; the constant is taken off once, at the end. */
SN_INLINE bool add_group(const float *lanes, uint16_t lane_mask, float limit, int64_t *sum)
{
    const __m256 most = _mm256_set1_ps(limit), sign = _mm256_set1_ps(-0.0f);
    const __m256d scale = _mm256_set1_pd(SN_GRADIENT_SCALE), magic = _mm256_set1_pd(0x1.8p52);
    __m256 bad = _mm256_setzero_ps();
    __m256i v[GROUP], t[GROUP / 2];
    SN_UNROLL
    for (int k = 0; k < GROUP; k++) {
        v[k] = _mm256_setzero_si256();
        SN_UNROLL
        for (int part = 0; part < 2; part++) {
            const __m256 x = _mm256_load_ps(lanes + k * SN_LANES + part * SN_VECTOR);
            const __m256 wanted = half_mask(lane_mask, part);
            const __m256 in_range = _mm256_cmp_ps(_mm256_andnot_ps(sign, x), most, _CMP_LE_OQ);
            bad = _mm256_or_ps(bad, _mm256_andnot_ps(in_range, wanted));
            const __m256 good = _mm256_and_ps(x, _mm256_and_ps(in_range, wanted));
            const __m256d low = _mm256_cvtps_pd(_mm256_castps256_ps128(good));
            const __m256d high = _mm256_cvtps_pd(_mm256_extractf128_ps(good, 1));
            v[k] = _mm256_add_epi64(v[k], _mm256_castpd_si256(_mm256_fmadd_pd(low, scale, magic)));
            v[k] = _mm256_add_epi64(v[k], _mm256_castpd_si256(_mm256_fmadd_pd(high, scale, magic)));
        }
    }
    SN_UNROLL
    for (int k = 0; k < GROUP / 2; k++)
        t[k] = _mm256_add_epi64(_mm256_unpacklo_epi64(v[2 * k], v[2 * k + 1]),
                                _mm256_unpackhi_epi64(v[2 * k], v[2 * k + 1]));
    __m256i all = _mm256_add_epi64(_mm256_permute2x128_si256(t[0], t[1], 0x20),
                                   _mm256_permute2x128_si256(t[0], t[1], 0x31));
    const uint64_t magic_bits = UINT64_C(0x4338000000000000) * SN_LANES;
    all = _mm256_sub_epi64(all, _mm256_set1_epi64x((long long)magic_bits));
    __m256i_u *to = (__m256i_u *)sum;
    _mm256_storeu_si256(to, _mm256_add_epi64(_mm256_loadu_si256(to), all));
    return _mm256_movemask_ps(bad) != 0;
}

#else

enum { GROUP = 1 };

SN_INLINE bool add_group(const float *lanes, uint16_t lane_mask, float limit, int64_t *sum)
{
    bool bad = false;
    for (int lane = 0; lane < SN_LANES; lane++) {
        if (!(lane_mask >> lane & 1)) continue;
        if (sn_fixed_in_range((double)lanes[lane], (double)limit))
            *sum += sn_fixed((double)lanes[lane], SN_GRADIENT_SCALE);
        else
            bad = true;
    }
    return bad;
}

#endif

/* How many of a group's values within the mask are out of range; only asked when there are some. */
static size_t count_bad(const float *lanes, uint16_t lane_mask, float limit)
{
    size_t bad = 0;
    for (int i = 0; i < GROUP * SN_LANES; i++)
        bad += (lane_mask >> i % SN_LANES & 1) && !sn_fixed_in_range((double)lanes[i], (double)limit);
    return bad;
}

size_t sn_accumulate(size_t count, const float *lanes, uint16_t mask, float limit, int64_t *sum)
{
    size_t bad = 0, i = 0;
    for (; i + GROUP <= count; i += GROUP) {
        const float *group = lanes + i * SN_LANES;
        if (add_group(group, mask, limit, sum + i)) bad += count_bad(group, mask, limit);
    }
    if (i < count) {
        _Alignas(64) float group[GROUP * SN_LANES] = {0};
        int64_t rest[GROUP] = {0};
        memcpy(group, lanes + i * SN_LANES, (count - i) * SN_LANES * sizeof *group);
        if (add_group(group, mask, limit, rest)) bad += count_bad(group, mask, limit);
        for (size_t k = 0; i + k < count; k++)
            sum[i + k] += rest[k];
    }
    return bad;
}
