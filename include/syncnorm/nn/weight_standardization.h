#ifndef SYNCNORM_NN_WEIGHT_STANDARDIZATION_H
#define SYNCNORM_NN_WEIGHT_STANDARDIZATION_H

/**
 * Weight standardization (Qiao, Wang, Liu, Shen and Yuille, "Micro-Batch Training with Batch-Channel Normalization and Weight
 * Standardization", 2019): what every convolution reads is, for each output channel over its I weights,
 *     u = (w - mean) / sqrt(var + 1e-5), var biased.
 * The model stores, decays and penalizes w. Each value is computed in double, each sum in the order of the weights. Not collective.
 */

#include <stdint.h>

#include "syncnorm/base/error.h"
#include "syncnorm/nn/model.h"

/** Of the output channels of a stage: mean, and 1 / sqrt(var + 1e-5). */
typedef struct sn_weight_moments {
    double mean[SN_MAX_CHANNELS], scale[SN_MAX_CHANNELS];
} sn_weight_moments;

/** u of a stage's weights, rounded once, used [out][in * kernel * kernel], and what it was made with. */
void sn_standardize_weights(const sn_model *model, int stage, sn_weight_moments *moments, float *used);

/**
 * Takes sums of gradients, [parameters.total] in units of 2^-36, from u to w where they are of weights of convolutions:
 *     dw = (du - mean(du) - u * mean(du * u)) / sqrt(var + 1e-5), rounded to a unit.
 * `moments` [SN_STAGES]: of this model. After the sum over ranks, so that all have the same. SN_ERROR_DIVERGED, naming the tensor, where a
 * value would be no 64-bit number; `gradient` is then half done.
 */
sn_status sn_standardized_gradient(const sn_model *model, const sn_weight_moments *moments, int64_t *gradient,
                                   uint32_t step);

#endif
