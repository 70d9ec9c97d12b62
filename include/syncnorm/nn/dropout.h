#ifndef SYNCNORM_NN_DROPOUT_H
#define SYNCNORM_NN_DROPOUT_H

/** Dropout2d: whole channels of a sample are dropped, the others scaled by 1 / (1 - p). */

#include <stdint.h>

/**
 * keep[c * stride] = 0 with probability p, else 1 / (1 - p), for the sample at `position` of the global batch of step
 * `step` (both part of the function, as is the stage, 0-based). Not collective.
 */
void sn_dropout_keep(uint64_t seed, double p, uint32_t step, uint32_t position, int stage, int channels,
                     int stride, float *keep);

#endif
