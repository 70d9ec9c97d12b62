#ifndef SYNCNORM_NN_OPTIMIZER_H
#define SYNCNORM_NN_OPTIMIZER_H

#include <stdint.h>

#include "syncnorm/kernels/kernels.h"
#include "syncnorm/nn/model.h"

typedef struct sn_sgd {
    double learning_rate, momentum, weight_decay, l1;
} sn_sgd;

/**
 * One step of stochastic gradient descent with momentum (PyTorch's torch.optim.SGD), from exact gradient sums:
 *     g = sums[i] * 2^-36 / batch + weight_decay * w + l1 * sign(w);  m = momentum * m + g;  w = w - learning_rate * m
 * Each line is computed in double and rounded once; a momentum below 2^-100 becomes 0. Every rank does the same update. Returns the
 * Euclidean norm of the mean gradient, sums * 2^-36 / batch, summed in a fixed order. Not collective.
 */
double sn_sgd_step(const sn_sgd *sgd, const sn_kernels *kernels, sn_model *model, const int64_t *sums,
                   uint32_t batch);

/** l1 times the sum of |w| over all parameters, in double, in a fixed order. */
double sn_l1_penalty(double l1, const sn_model *model);

#endif
