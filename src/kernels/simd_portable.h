#ifndef SYNCNORM_SRC_KERNELS_SIMD_PORTABLE_H
#define SYNCNORM_SRC_KERNELS_SIMD_PORTABLE_H

/** simd.h in vector extensions of GNU C, for any processor: four lanes, what most of them have. */

#include <float.h>
#include <string.h>

#include "fma.h"

typedef float vec __attribute__((vector_size(16)));
typedef int32_t vec_mask __attribute__((vector_size(16)));

enum { SN_VECTOR = 4 };
#define SN_TILE_SLOTS 2
#define SN_TILE_COLUMNS 4
#define SN_TILE_LONG 8

_Static_assert(FLT_EVAL_METHOD == 0, "every operation must round to its own type");

/* clang-format off */

SN_INLINE vec vec_load(const float *from)
{
    vec a;
    __builtin_memcpy(&a, __builtin_assume_aligned(from, sizeof a), sizeof a);
    return a;
}

SN_INLINE void vec_store(float *to, vec a)
{
    __builtin_memcpy(__builtin_assume_aligned(to, sizeof a), &a, sizeof a);
}

SN_INLINE vec vec_zero(void) { return (vec){0, 0, 0, 0}; }
SN_INLINE vec vec_broadcast(float a) { return (vec){a, a, a, a}; }
SN_INLINE vec vec_spread(const int samples, const float *from)
{
    return samples >= SN_VECTOR ? vec_load(from) : vec_broadcast(*from);
}
SN_INLINE vec vec_repeat(const int samples, const float *from)
{
    return samples >= SN_VECTOR ? vec_broadcast(*from) : vec_load(from);
}
SN_INLINE vec vec_add(vec a, vec b) { return a + b; }
SN_INLINE vec vec_sub(vec a, vec b) { return a - b; }
SN_INLINE vec vec_mul(vec a, vec b) { return a * b; }
SN_INLINE vec vec_div(vec a, vec b) { return a / b; }
SN_INLINE vec vec_fma(vec a, vec b, vec c) { return sn_fma4(a, b, c); }
SN_INLINE vec vec_fms(vec a, vec b, vec c) { return sn_fma4(a, b, -c); }
SN_INLINE vec vec_keep(vec_mask m, vec a) { return (vec)(m & (vec_mask)a); }
SN_INLINE vec vec_select(vec_mask m, vec a, vec b) { return (vec)((m & (vec_mask)a) | (~m & (vec_mask)b)); }
SN_INLINE vec vec_relu(vec a) { return vec_keep(~(vec_mask)(a <= vec_zero()), a); }
SN_INLINE vec_mask vec_greater(vec a, vec b) { return (vec_mask)(a > b); }
SN_INLINE vec_mask vec_wins(vec a, vec b) { return (vec_mask)(a > b) | (vec_mask)(a != a); }
SN_INLINE vec_mask mask_or(vec_mask a, vec_mask b) { return a | b; }
SN_INLINE vec_mask mask_and_not(vec_mask a, vec_mask b) { return a & ~b; }
SN_INLINE vec_mask mask_not(vec_mask a) { return ~a; }

/* clang-format on */

#endif
