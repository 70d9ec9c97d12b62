#ifndef SYNCNORM_BASE_RANDOM_H
#define SYNCNORM_BASE_RANDOM_H

/**
 * Counter-based randomness: every random number is a pure function of (seed, purpose, counters). No generator has
 * state, so no rank can get out of step and nothing has to be saved.
 *
 * Mathematics: Philox4x32-10, Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011 (Random123).
 * Not collective.
 */

#include <stdint.h>

/** What a number is for. Part of the function: never renumber. */
typedef enum sn_purpose {
    SN_PURPOSE_SHUFFLE = 1,
    SN_PURPOSE_DROPOUT = 2,
    SN_PURPOSE_WEIGHT = 3,
    SN_PURPOSE_SHARD = 4,
    SN_PURPOSE_FAULT = 5, /* injected ones, base/fault.h */
    SN_PURPOSE_SPLIT = 6,
} sn_purpose;

typedef struct sn_random4 {
    uint32_t word[4];
} sn_random4;

/** Four random words at (seed, purpose, a, b, c); purpose and c share one counter word: c < 2^24. */
sn_random4 sn_random(uint64_t seed, sn_purpose purpose, uint32_t a, uint32_t b, uint32_t c);

/** Uniform in [0, 1) with 24 bits. */
static inline float sn_uniform(uint32_t word)
{
    return (float)(word >> 8) * 0x1p-24f;
}

/** Fills permutation[n] with a uniformly random order of 0 ... n-1 (Fisher-Yates, Lemire's unbiased bounded
 *  numbers); a function of seed, purpose and stream (e.g. the epoch). */
void sn_permutation(uint64_t seed, sn_purpose purpose, uint32_t stream, uint32_t n, uint32_t *permutation);

#endif
