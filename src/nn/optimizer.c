#include "syncnorm/nn/optimizer.h"

#include <math.h>

#include "syncnorm/base/fixed_point.h"

/* Below this a momentum is 0: rounding would keep it at the smallest denormal for ever, and slow. */
static const float NEGLIGIBLE = 0x1p-100f;

double sn_sgd_step(const sn_sgd *sgd, const sn_kernels *kernels, sn_model *model, const int64_t *sums,
                   uint32_t batch)
{
    const bool exact = (batch & (batch - 1)) == 0; /* then the division only moves the exponent */
    const sn_descent descent = {.unit = 1 / SN_GRADIENT_SCALE / (exact ? batch : 1),
                                .batch = batch,
                                .exact = exact,
                                .weight_decay = sgd->weight_decay,
                                .l1 = sgd->l1,
                                .momentum = sgd->momentum,
                                .learning_rate = sgd->learning_rate,
                                .negligible = NEGLIGIBLE};
    double squares[4] = {0};
    kernels->descend(&descent, model->network->parameters.total, sums, model->values, model->momentum,
                     squares);
    return sqrt((squares[0] + squares[1]) + (squares[2] + squares[3])) / SN_GRADIENT_SCALE / batch;
}

double sn_l1_penalty(double l1, const sn_model *model)
{
    if (l1 == 0) return 0;
    /* four chains, to hide the latency of an addition; the order is fixed all the same */
    const size_t total = model->network->parameters.total;
    double sum[4] = {0};
    for (size_t i = 0; i < total; i++)
        sum[i % 4] += (double)fabsf(model->values[i]);
    return l1 * ((sum[0] + sum[1]) + (sum[2] + sum[3]));
}
