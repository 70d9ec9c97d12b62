#include "syncnorm/nn/optimizer.h"

#include <math.h>

#include "syncnorm/base/fixed_point.h"

/* Below this a momentum is 0: rounding would keep it at the smallest denormal for ever, and slow. */
static const float NEGLIGIBLE = 0x1p-100f;

void sn_sgd_step(const sn_sgd *sgd, sn_model *model, const int64_t *sums, uint32_t batch)
{
    const size_t total = model->network->parameters.total;
    const double unit = 1 / SN_GRADIENT_SCALE;
    for (size_t i = 0; i < total; i++) {
        const double w = (double)model->values[i];
        const double sign = (double)((w > 0) - (w < 0));
        const double mean = (double)sums[i] * unit / batch;
        const float g = (float)(mean + sgd->weight_decay * w + sgd->l1 * sign);
        float m = (float)(sgd->momentum * (double)model->momentum[i] + (double)g);
        if (fabsf(m) < NEGLIGIBLE) m = 0;
        model->momentum[i] = m;
        model->values[i] = (float)(w - sgd->learning_rate * (double)m);
    }
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
