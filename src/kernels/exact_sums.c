/**
 * Exact sums over the samples of a block: each value becomes a 64-bit integer (base/fixed_point.h), and integers add up the same in
 * any order. A group of vectors is converted and transposed in registers, adding up the samples of each channel on the way: so it ends
 * in vectors of sums, one or more for each channel of the slot.
 */

#include "simd.h"

#include <string.h>

#include "syncnorm/base/fixed_point.h"

enum { CHANNELS_MOST = SN_LANES };

#if SN_ISA_LEVEL == 4

enum { GROUP = 8 };

SN_INLINE void add_row(int64_t *to, __m512i row)
{
    _mm512_storeu_si512(to, _mm512_add_epi64(_mm512_loadu_si512(to), row));
}

SN_INLINE __m512i even_quarters(__m512i a, __m512i b)
{
    return _mm512_shuffle_i64x2(a, b, 0x88);
}

SN_INLINE __m512i odd_quarters(__m512i a, __m512i b)
{
    return _mm512_shuffle_i64x2(a, b, 0xdd);
}

/* v[k] holds eight integers of vector k; sums go to one row of the group's eight for each channel. */
SN_INLINE void add_half(const int samples, const __m512i v[GROUP], size_t stride, int channels, int64_t *sum)
{
    if (samples == 1) {
        __m512i low[4], high[4];
        SN_UNROLL
        for (int k = 0; k < 4; k++) {
            low[k] = _mm512_unpacklo_epi64(v[2 * k], v[2 * k + 1]);
            high[k] = _mm512_unpackhi_epi64(v[2 * k], v[2 * k + 1]);
        }
        /* quarter q of low has channel 2q, of high channel 2q + 1 */
        const __m512i le0 = even_quarters(low[0], low[1]), le1 = even_quarters(low[2], low[3]);
        const __m512i lo0 = odd_quarters(low[0], low[1]), lo1 = odd_quarters(low[2], low[3]);
        const __m512i he0 = even_quarters(high[0], high[1]), he1 = even_quarters(high[2], high[3]);
        const __m512i ho0 = odd_quarters(high[0], high[1]), ho1 = odd_quarters(high[2], high[3]);
        const __m512i rows[8] = {even_quarters(le0, le1), even_quarters(he0, he1), even_quarters(lo0, lo1),
                                 even_quarters(ho0, ho1), odd_quarters(le0, le1),  odd_quarters(he0, he1),
                                 odd_quarters(lo0, lo1),  odd_quarters(ho0, ho1)};
        SN_UNROLL
        for (int c = 0; c < 8; c++)
            if (c < channels) add_row(sum + (size_t)c * stride, rows[c]);
        return;
    }
    __m512i t[GROUP / 2], u[GROUP / 4];
    SN_UNROLL
    for (int k = 0; k < GROUP / 2; k++)
        t[k] = _mm512_add_epi64(_mm512_unpacklo_epi64(v[2 * k], v[2 * k + 1]),
                                _mm512_unpackhi_epi64(v[2 * k], v[2 * k + 1]));
    SN_UNROLL
    for (int k = 0; k < GROUP / 4; k++)
        u[k] = _mm512_add_epi64(even_quarters(t[2 * k], t[2 * k + 1]), odd_quarters(t[2 * k], t[2 * k + 1]));
    const __m512i even = even_quarters(u[0], u[1]), odd = odd_quarters(u[0], u[1]);
    if (samples == 16) {
        add_row(sum, _mm512_add_epi64(even, odd));
    } else {
        add_row(sum, even);
        if (channels > 1) add_row(sum + stride, odd);
    }
}

/* Adds a group of vectors of a slot with `channels` channels; true when a value in lane_mask was out of range. */
SN_INLINE bool add_group(const int samples, const float *lanes, uint16_t lane_mask, float limit,
                         size_t stride, int channels, int64_t *sum)
{
    const __m512 most = _mm512_set1_ps(limit), scale = _mm512_set1_ps((float)SN_GRADIENT_SCALE);
    __mmask16 bad = 0;
    __m512i low[GROUP], high[GROUP];
    SN_UNROLL
    for (int k = 0; k < GROUP; k++) {
        const __m512 x = _mm512_load_ps(lanes + k * SN_LANES);
        const __mmask16 good = _mm512_mask_cmp_ps_mask(lane_mask, _mm512_abs_ps(x), most, _CMP_LE_OQ);
        bad |= (__mmask16)(lane_mask & ~good);
        const __m512 scaled = _mm512_maskz_mul_ps(good, x, scale);
        low[k] = _mm512_cvtps_epi64(_mm512_castps512_ps256(scaled));
        high[k] = _mm512_cvtps_epi64(_mm512_extractf32x8_ps(scaled, 1));
        if (samples == 16) low[k] = _mm512_add_epi64(low[k], high[k]);
    }
    const int half = SN_LANES / samples / 2;
    add_half(samples, low, stride, channels, sum);
    if (samples < 16 && channels > half)
        add_half(samples, high, stride, channels - half, sum + (size_t)half * stride);
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

/* As sn_fixed: adding 1.5 * 2^52 leaves the rounded integer in the low bits; the constant is taken off at the end, once for each of
   the samples that were added up. */
SN_INLINE void add_row(const int samples, int64_t *to, __m256i row)
{
    const uint64_t magic_bits = UINT64_C(0x4338000000000000) * (uint64_t)samples;
    row = _mm256_sub_epi64(row, _mm256_set1_epi64x((long long)magic_bits));
    __m256i_u *at = (__m256i_u *)to;
    _mm256_storeu_si256(at, _mm256_add_epi64(_mm256_loadu_si256(at), row));
}

/* v[k] holds four integers of vector k, of as many samples of a channel or channels of a sample. */
SN_INLINE void add_quarter(const int samples, const __m256i v[GROUP], size_t stride, int channels,
                           int64_t *sum)
{
    const __m256i low0 = _mm256_unpacklo_epi64(v[0], v[1]), high0 = _mm256_unpackhi_epi64(v[0], v[1]);
    const __m256i low1 = _mm256_unpacklo_epi64(v[2], v[3]), high1 = _mm256_unpackhi_epi64(v[2], v[3]);
    if (samples > 1) {
        const __m256i t0 = _mm256_add_epi64(low0, high0), t1 = _mm256_add_epi64(low1, high1);
        add_row(samples, sum,
                _mm256_add_epi64(_mm256_permute2x128_si256(t0, t1, 0x20),
                                 _mm256_permute2x128_si256(t0, t1, 0x31)));
        return;
    }
    const __m256i rows[4] = {
        _mm256_permute2x128_si256(low0, low1, 0x20), _mm256_permute2x128_si256(high0, high1, 0x20),
        _mm256_permute2x128_si256(low0, low1, 0x31), _mm256_permute2x128_si256(high0, high1, 0x31)};
    SN_UNROLL
    for (int c = 0; c < 4; c++)
        if (c < channels) add_row(samples, sum + (size_t)c * stride, rows[c]);
}

SN_INLINE bool add_group(const int samples, const float *lanes, uint16_t lane_mask, float limit,
                         size_t stride, int channels, int64_t *sum)
{
    const __m256 most = _mm256_set1_ps(limit), sign = _mm256_set1_ps(-0.0f);
    const __m256d scale = _mm256_set1_pd(SN_GRADIENT_SCALE), magic = _mm256_set1_pd(0x1.8p52);
    __m256 bad = _mm256_setzero_ps();
    __m256i quarters[4][GROUP];
    SN_UNROLL
    for (int k = 0; k < GROUP; k++) {
        SN_UNROLL
        for (int part = 0; part < 2; part++) {
            const __m256 x = _mm256_load_ps(lanes + k * SN_LANES + part * SN_VECTOR);
            const __m256 wanted = half_mask(lane_mask, part);
            const __m256 in_range = _mm256_cmp_ps(_mm256_andnot_ps(sign, x), most, _CMP_LE_OQ);
            bad = _mm256_or_ps(bad, _mm256_andnot_ps(in_range, wanted));
            const __m256 good = _mm256_and_ps(x, _mm256_and_ps(in_range, wanted));
            const __m256d low = _mm256_cvtps_pd(_mm256_castps256_ps128(good));
            const __m256d high = _mm256_cvtps_pd(_mm256_extractf128_ps(good, 1));
            quarters[2 * part][k] = _mm256_castpd_si256(_mm256_fmadd_pd(low, scale, magic));
            quarters[2 * part + 1][k] = _mm256_castpd_si256(_mm256_fmadd_pd(high, scale, magic));
        }
    }
    if (samples == 16) {
        SN_UNROLL
        for (int k = 0; k < GROUP; k++)
            quarters[0][k] = _mm256_add_epi64(_mm256_add_epi64(quarters[0][k], quarters[1][k]),
                                              _mm256_add_epi64(quarters[2][k], quarters[3][k]));
        add_quarter(samples, quarters[0], stride, channels, sum);
    } else {
        const int each = 4 / samples; /* channels of a quarter */
        SN_UNROLL
        for (int q = 0; q < 4; q++)
            if (channels > q * each)
                add_quarter(samples, quarters[q], stride, channels - q * each,
                            sum + (size_t)(q * each) * stride);
    }
    return _mm256_movemask_ps(bad) != 0;
}

#else

enum { GROUP = 1 };

SN_INLINE bool add_group(const int samples, const float *lanes, uint16_t lane_mask, float limit,
                         size_t stride, int channels, int64_t *sum)
{
    bool bad = false;
    (void)channels; /* the mask has no others */
    for (int lane = 0; lane < SN_LANES; lane++) {
        if (!(lane_mask >> lane & 1)) continue;
        if (sn_fixed_in_range((double)lanes[lane], (double)limit))
            sum[(size_t)(lane / samples) * stride] += sn_fixed((double)lanes[lane], SN_GRADIENT_SCALE);
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

/* The vectors of one slot, of `channels` channels. */
SN_INLINE size_t add_slot(const int samples, size_t count, int channels, const float *lanes, uint16_t mask,
                          float limit, size_t stride, int64_t *sum)
{
    size_t bad = 0, i = 0;
    for (; i + GROUP <= count; i += GROUP) {
        const float *group = lanes + i * SN_LANES;
        if (add_group(samples, group, mask, limit, stride, channels, sum + i))
            bad += count_bad(group, mask, limit);
    }
    if (i < count) {
        _Alignas(64) float group[GROUP * SN_LANES] = {0};
        int64_t rest[CHANNELS_MOST * GROUP] = {0};
        memcpy(group, lanes + i * SN_LANES, (count - i) * SN_LANES * sizeof *group);
        if (add_group(samples, group, mask, limit, GROUP, channels, rest))
            bad += count_bad(group, mask, limit);
        for (int c = 0; c < channels; c++)
            for (size_t k = 0; i + k < count; k++)
                sum[(size_t)c * stride + i + k] += rest[(size_t)c * GROUP + k];
    }
    return bad;
}

SN_INLINE size_t add_slots(const int samples, sn_sums_shape shape, const float *lanes, uint16_t mask,
                           float limit, int64_t *sum)
{
    const int together = SN_LANES / samples;
    size_t bad = 0;
    if (samples == SN_LANES && shape.stride == shape.count) /* sums without gaps */
        return add_slot(samples, (size_t)shape.channels * shape.count, 1, lanes, mask, limit, 0, sum);
    for (int first = 0; first < shape.channels; first += together) {
        const int channels = shape.channels - first < together ? shape.channels - first : together;
        bad += add_slot(samples, shape.count, channels, lanes, sn_lane_mask(samples, mask, channels), limit,
                        shape.stride, sum + (size_t)first * shape.stride);
        lanes += shape.count * SN_LANES;
    }
    return bad;
}

size_t sn_accumulate(sn_sums_shape shape, const float *lanes, uint16_t mask, float limit, int64_t *sum)
{
    if (shape.samples == 16) return add_slots(16, shape, lanes, mask, limit, sum);
    if (shape.samples == 4) return add_slots(4, shape, lanes, mask, limit, sum);
    return add_slots(1, shape, lanes, mask, limit, sum);
}
