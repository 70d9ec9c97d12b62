#include "syncnorm/base/random.h"

#include <Random123/philox.h>

sn_random4 sn_random(uint64_t seed, sn_purpose purpose, uint32_t a, uint32_t b, uint32_t c)
{
    const philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    const philox4x32_ctr_t counter = {{a, b, (uint32_t)purpose << 24 | (c & 0xffffff), 0}};
    const philox4x32_ctr_t r = philox4x32(counter, key);
    return (sn_random4){{r.v[0], r.v[1], r.v[2], r.v[3]}};
}

/* Uniform in [0, bound): Lemire, "Fast random integer generation in an interval", ACM TOMACS 29 (2019). Draw number
   `index` retries in its own counters, so that a rejection shifts no other draw. */
static uint32_t bounded(uint64_t seed, sn_purpose purpose, uint32_t stream, uint32_t index, uint32_t bound)
{
    const uint32_t threshold = -bound % bound;
    for (uint32_t retry = 0;; retry++) {
        const sn_random4 r = sn_random(seed, purpose, stream, index, retry);
        for (int i = 0; i < 4; i++) {
            const uint64_t product = (uint64_t)r.word[i] * bound;
            if ((uint32_t)product >= threshold) return (uint32_t)(product >> 32);
        }
    }
}

void sn_permutation(uint64_t seed, sn_purpose purpose, uint32_t stream, uint32_t n, uint32_t *permutation)
{
    for (uint32_t i = 0; i < n; i++)
        permutation[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        const uint32_t j = bounded(seed, purpose, stream, i, i);
        const uint32_t t = permutation[i - 1];
        permutation[i - 1] = permutation[j];
        permutation[j] = t;
    }
}
