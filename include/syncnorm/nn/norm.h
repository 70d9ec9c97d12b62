#ifndef SYNCNORM_NN_NORM_H
#define SYNCNORM_NN_NORM_H

/**
 * The norm module. Every norm starts from the same thing, the moments of each (sample, channel) plane, and differs only in
 * which of them it pools before normalizing (norm_kind.h). Backward pools the sums of dy and dy * xhat over the same sets.
 *
 *     y = weight * xhat + bias,  xhat = (z - mean) / sqrt(var + epsilon), var biased, then dropout: y * keep
 * (not centred: mean is 0, and var the mean square)
 *
 * Sources: Ioffe and Szegedy 2015 (batch), Ba et al. 2016 (layer), Ulyanov et al. 2016 (instance), Wu and He 2018 (group).
 * Arrays named [C][S] hold one value per channel and sample of a block, S as its shape says; they are padded to whole slots, and are
 * what kernels.h calls [slots][lanes]. Nothing here is collective: batch pooling fills and reads
 * messages of exact integer sums, which the caller exchanges.
 */

#include <stdint.h>

#include "syncnorm/base/memory.h"
#include "syncnorm/kernels/kernels.h"
#include "syncnorm/nn/norm_kind.h"

/** What is normalized: `channels` planes of `pixels` pixels a sample. */
typedef struct sn_norm {
    sn_norm_kind kind;
    int groups; /* group norm */
    int channels, pixels;
    int samples; /* of a block's shape: S */
    double epsilon;
    const float *no_bias; /* zeros, as many as packed elements, for per-element norms without a bias */
} sn_norm;

/** One norm's state on one block. */
typedef struct sn_norm_state {
    /* moments of each plane: mean and centred sum of squares, [C][S] */
    double *mean, *squares;
    /* after pooling: mean and 1 / sqrt(var + epsilon), [C][S] */
    double *pooled_mean, *inverse;
    /* what the kernels apply, [C][S] */
    float *center, *scale, *offset, *keep;
    /* backward sums per lane, [C][S]: of g and g * (z - center) from the kernel, then of dy and dy * xhat */
    float *sum_g, *sum_gz;
    /* what the kernels apply backward, [C][S] */
    float *gain, *slope, *shift;
} sn_norm_state;

/** Carves the arrays of a state for `channels` channels and blocks of `samples` samples out of an arena. */
void sn_norm_state_carve(sn_norm_state *state, int samples, int channels, sn_arena *arena);

/** Moments of the planes z [slots][pixels][lanes], plane_sum [C][S] being their sums. Precision: ARITHMETIC.md, 4. */
void sn_norm_measure(const sn_norm *norm, const sn_kernels *kernels, const float *z, const float *plane_sum,
                     sn_norm_state *state);

/** Pooling within each sample; without statistics mean 0, inverse 1. */
void sn_norm_pool_samples(const sn_norm *norm, sn_norm_state *state);

/** Batch pooling: a message of SN_MOMENT_WORDS integers per channel, added up over blocks and ranks. */
enum { SN_MOMENT_WORDS = 5 };

/** Adds the moments of the samples in `mask` to message [C][SN_MOMENT_WORDS]; returns how many were out of range
 *  (|mean| < 2^14) or NaN (they add nothing). Sums are exact for up to 65,536 samples. */
int64_t sn_norm_message_add(const sn_norm *norm, const sn_norm_state *state, uint16_t mask, int64_t *message);

/** Mean and biased variance [C] over `samples` samples from the summed message. */
void sn_norm_message_read(const sn_norm *norm, const int64_t *message, int64_t samples, double *mean,
                          double *var);

/** Biased variance [C] over the samples of their planes' means, from the summed message. */
void sn_norm_message_spread(const sn_norm *norm, const int64_t *message, int64_t samples, double *spread);

/** Gives the samples in `mask` the same statistics, mean and biased var [C]: those of a statistics group in training, running ones in
 *  evaluation. */
void sn_norm_pool_given(const sn_norm *norm, const double *mean, const double *var, uint16_t mask,
                        sn_norm_state *state);

/** Fills center, scale and offset from the pooled statistics, the affine parameters ([C]; per element, [C][pixels], they are not
 *  folded; NULL for none) and keep. */
void sn_norm_fold(const sn_norm *norm, const float *weight, const float *bias, sn_norm_state *state);

/** The kernels' view of the state; `weight` and `bias` per element and packed, or not read; `width` columns a row. */
sn_affine sn_norm_affine(const sn_norm *norm, const sn_norm_state *state, const float *weight,
                         const float *bias, int width);

/** Turns the kernel's sums (sum_g, sum_gz) into the sums of dy and dy * xhat, per sample and channel. */
void sn_norm_finish_sums(const sn_norm *norm, sn_norm_state *state);

/** Fills gain, slope and shift by pooling within each sample; without statistics the sums must be 0, as they are carved. */
void sn_norm_gradient_samples(const sn_norm *norm, const float *weight, sn_norm_state *state);

/** The same for batch norm, for the samples in `mask`: sum_dy and sum_dy_xhat [C] over all `samples` samples of their statistics
 *  group, in units of 2^-36. */
void sn_norm_gradient_batch(const sn_norm *norm, const float *weight, const int64_t *sum_dy,
                            const int64_t *sum_dy_xhat, int64_t samples, uint16_t mask, sn_norm_state *state);

static inline bool sn_norm_has_statistics(const sn_norm *norm)
{
    return sn_norm_types[norm->kind].over != SN_OVER_NOTHING;
}

/** True when the affine parameters are per element, so that they are not folded into scale and offset. */
static inline bool sn_norm_is_per_element(const sn_norm *norm)
{
    return sn_norm_types[norm->kind].affine >= SN_AFFINE_ELEMENT;
}

#endif
