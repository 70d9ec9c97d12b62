#ifndef SYNCNORM_NN_WEIGHT_STANDARDIZATION_H
#define SYNCNORM_NN_WEIGHT_STANDARDIZATION_H

/**
 * Weight standardization (Qiao, Wang, Liu, Shen and Yuille, "Micro-Batch Training with Batch-Channel Normalization and Weight
 * Standardization", 2019): what every convolution reads is, for each output channel over its I weights,
 *     u = (w - mean) / sqrt(var + 1e-5), var biased.
 * The model stores, decays and penalizes w. Each value is computed in double, in one order. Not collective.
 */

#include <stdint.h>

#include "syncnorm/base/error.h"
#include "syncnorm/nn/model.h"

/** u of a stage's weights, rounded once: used [out][in * kernel * kernel]. */
void sn_standardize_weights(const sn_model *model, int stage, float *used);

/**
 * Takes sums of gradients, [parameters.total] in units of 2^-36, from u to w where they are of weights of convolutions:
 *     dw = (du - mean(du) - u * mean(du * u)) / sqrt(var + 1e-5), rounded to a unit.
 * After the sum over ranks, so that all have the same. SN_ERROR_DIVERGED, naming the tensor, where a value would be no 64-bit
 * number; `gradient` is then half done.
 */
sn_status sn_standardized_gradient(const sn_model *model, int64_t *gradient, uint32_t step);

#endif
