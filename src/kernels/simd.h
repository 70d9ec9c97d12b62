#ifndef SYNCNORM_SRC_KERNELS_SIMD_H
#define SYNCNORM_SRC_KERNELS_SIMD_H

/**
 * The vectors the kernels are written in: `vec`, SN_VECTOR lanes of float, and `vec_mask`, one truth value per lane. A block
 * of SN_LANES samples is SN_PARTS vectors. Every operation is correctly rounded, so the bits do not depend on which of
 * the three headers below is chosen.
 *
 *   vec_load vec_store                       aligned
 *   vec_zero vec_broadcast
 *   vec_spread(S, from)                      the S values at `from`, for every channel of a slot of blocks of S samples
 *   vec_repeat(S, from)                      each value at `from` S times, for every sample: one value per channel of a slot
 *   vec_add vec_sub vec_mul vec_div
 *   vec_fma(a, b, c)                         a * b + c, rounded once
 *   vec_fms(a, b, c)                         a * b - c, rounded once
 *   vec_relu(a)                              a where a > 0 or a is NaN, else +0
 *   vec_greater(a, b)                        mask: a > b
 *   vec_wins(a, b)                           mask: a > b, or a is NaN
 *   vec_select(m, a, b)  vec_keep(m, a)      m ? a : b, m ? a : +0
 *   mask_or mask_and_not(a, b) mask_not(a)   a | b, a & ~b, ~a
 *
 * SN_TILE_*: how many accumulators of a convolution the register file holds: slots x columns, or a single slot's columns.
 */

#include "isa.h"

#define SN_INLINE static inline __attribute__((always_inline))

/* On the loops of a register tile, whose trip counts are constants after inlining. Clang must be told "full": it unrolls by
 * a count only after the pass that puts arrays into registers. */
#ifdef __clang__
#define SN_UNROLL _Pragma("clang loop unroll(full)")
#else
#define SN_UNROLL _Pragma("GCC unroll 16")
#endif

#if SN_ISA_LEVEL == 4
#include "simd_avx512.h"
#elif SN_ISA_LEVEL == 3
#include "simd_avx2.h"
#else
#include "simd_portable.h"
#endif

enum { SN_PARTS = SN_LANES / SN_VECTOR };

/* Where vector `part` of a slot begins: in floats of what is read by vec_spread and by vec_repeat. */
SN_INLINE size_t spread_from(const int samples, int part)
{
    return (size_t)(part * SN_VECTOR % samples);
}

SN_INLINE size_t repeat_from(const int samples, int part)
{
    return (size_t)(part * SN_VECTOR / samples);
}

/* Lanes of a slot with `channels` channels that hold the samples in `mask`. */
SN_INLINE uint16_t sn_lane_mask(const int samples, uint16_t mask, int channels)
{
    const unsigned own = mask & ((1u << samples) - 1);
    const unsigned first = samples == 16  ? 1
                           : samples == 4 ? 0x1111
                                          : 0xffff; /* the first sample of each channel */
    return (uint16_t)(own * (first & ((1u << (channels * samples)) - 1)));
}

/** Size of the next piece when `left` is cut into as few and as equal pieces of at most `most` as can be. */
SN_INLINE int next_piece(int left, int most)
{
    const int pieces = (left + most - 1) / most;
    return (left + pieces - 1) / pieces;
}

#endif
