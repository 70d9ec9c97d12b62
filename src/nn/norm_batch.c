/* Batch pooling by exact integers: whatever way samples lie in blocks and ranks, the sums are the same.
   Limbs: a square of a mean (|a| < 2^46) has up to 92 bits and travels as two limbs of 46; a centred sum of squares, in units
   of 2^-40, as two of 45; 65,536 samples then fit 64 bits each. */

#include <math.h>

#include "syncnorm/base/fixed_point.h"
#include "syncnorm/nn/norm.h"

enum { MEAN_LIMB = 46, SQUARES_LIMB = 45 };
enum { SUM_MEAN, SUM_MEAN2_LOW, SUM_MEAN2_HIGH, SUM_SQUARES_LOW, SUM_SQUARES_HIGH };

static const double MEAN_SCALE = 0x1p32, SQUARES_SCALE = 0x1p40, MEAN_LIMIT = 0x1p14, SQUARES_LIMIT = 0x1p50;

static int64_t low_bits(sn_uint128 value, int bits)
{
    return (int64_t)(value & (((sn_uint128)1 << bits) - 1));
}

int64_t sn_norm_message_add(const sn_norm *norm, const sn_norm_state *state, uint16_t mask, int64_t *message)
{
    int64_t violations = 0;
    for (int c = 0; c < norm->channels; c++) {
        int64_t *words = message + c * SN_MOMENT_WORDS;
        for (int sample = 0; sample < norm->samples; sample++) {
            if (!(mask >> sample & 1)) continue;
            const int i = sn_lane(norm->samples, c, sample);
            const double mean = state->mean[i], squares = state->squares[i];
            if (!(fabs(mean) < MEAN_LIMIT) || !(squares < SQUARES_LIMIT)) {
                violations++;
                continue;
            }
            const int64_t a = sn_fixed(mean, MEAN_SCALE);
            const sn_uint128 a2 = (sn_uint128)((sn_int128)a * a);
            const sn_uint128 q = (sn_uint128)rint(squares * SQUARES_SCALE);
            words[SUM_MEAN] += a;
            words[SUM_MEAN2_LOW] += low_bits(a2, MEAN_LIMB);
            words[SUM_MEAN2_HIGH] += (int64_t)(a2 >> MEAN_LIMB);
            words[SUM_SQUARES_LOW] += low_bits(q, SQUARES_LIMB);
            words[SUM_SQUARES_HIGH] += (int64_t)(q >> SQUARES_LIMB);
        }
    }
    return violations;
}

/* Biased variance of the samples' means. */
static double variance_of_means(const int64_t *words, int64_t samples)
{
    const double n = (double)samples;
    const sn_int128 sum = words[SUM_MEAN];
    const sn_int128 sum2 = ((sn_int128)words[SUM_MEAN2_HIGH] << MEAN_LIMB) + words[SUM_MEAN2_LOW];
    return (double)(samples * sum2 - sum * sum) / (MEAN_SCALE * MEAN_SCALE) / (n * n);
}

void sn_norm_message_spread(const sn_norm *norm, const int64_t *message, int64_t samples, double *spread)
{
    for (int c = 0; c < norm->channels; c++)
        spread[c] = variance_of_means(message + c * SN_MOMENT_WORDS, samples);
}

void sn_norm_message_read(const sn_norm *norm, const int64_t *message, int64_t samples, double *mean,
                          double *var)
{
    const double n = (double)samples;
    for (int c = 0; c < norm->channels; c++) {
        const int64_t *words = message + c * SN_MOMENT_WORDS;
        const sn_int128 squares = ((sn_int128)words[SUM_SQUARES_HIGH] << SQUARES_LIMB) +
                                  words[SUM_SQUARES_LOW];
        const double within = (double)squares / SQUARES_SCALE / (n * norm->pixels);
        mean[c] = (double)words[SUM_MEAN] / MEAN_SCALE / n;
        var[c] = within + variance_of_means(words, samples);
    }
}
