#ifndef SYNCNORM_NN_HEAD_H
#define SYNCNORM_NN_HEAD_H

/** The head: average pooling over the last planes, log-softmax and cross-entropy, on one block. Not collective. */

#include <stdint.h>

#include "syncnorm/base/samples.h"
#include "syncnorm/kernels/kernels.h"

/** logits [10][S] = mean over the `pixels` pixels of z [slots][pixels][lanes], summed in row-major order; S is `samples`, padded to slots. */
void sn_head_logits(int samples, const float *z, int pixels, float *logits);

/** The class with the largest logit, the lowest on ties; logits[class * stride]. */
uint8_t sn_head_class(const float *logits, int stride);

/** Of one block: per sample. */
typedef struct sn_head_result {
    double loss[SN_LANES];        /* cross-entropy, nats */
    uint8_t prediction[SN_LANES]; /* sn_head_class */
} sn_head_result;

/** Cross-entropy of log-softmax(logits) for the label of each sample, and its gradient softmax - onehot in `gradient`
 *  [10][S] (NULL: not wanted). In double. */
void sn_head_loss(int samples, const float *logits, const uint8_t labels[SN_LANES], float *gradient,
                  sn_head_result *result);

/** Spreads the gradient of the logits over the pixels: dz [slots][pixels][lanes]; bias_sum [10][S] gets dz added up. */
void sn_head_backward(int samples, const float *gradient, int pixels, float *dz, float *bias_sum);

#endif
