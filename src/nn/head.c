#include "syncnorm/nn/head.h"

#include "syncnorm/base/elementary.h"

enum { L = SN_LANES };

void sn_head_logits(const float *z, int pixels, float *logits)
{
    const float n = (float)pixels;
    for (int k = 0; k < SN_CLASSES; k++) {
        float *sum = logits + k * L;
        for (int lane = 0; lane < L; lane++)
            sum[lane] = 0;
        for (int p = 0; p < pixels; p++)
            for (int lane = 0; lane < L; lane++)
                sum[lane] += z[(k * pixels + p) * L + lane];
        for (int lane = 0; lane < L; lane++)
            sum[lane] /= n;
    }
}

uint8_t sn_head_class(const float *logits, int stride)
{
    int best = 0;
    for (int k = 1; k < SN_CLASSES; k++)
        if (logits[k * stride] > logits[best * stride]) best = k;
    return (uint8_t)best;
}

void sn_head_loss(const float *logits, const uint8_t labels[SN_LANES], float *gradient,
                  sn_head_result *result)
{
    for (int lane = 0; lane < L; lane++) {
        const int best = sn_head_class(logits + lane, L);
        const double most = (double)logits[best * L + lane];
        double e[SN_CLASSES], sum = 0;
        for (int k = 0; k < SN_CLASSES; k++) {
            e[k] = sn_exp((double)logits[k * L + lane] - most);
            sum += e[k];
        }
        const int label = labels[lane];
        result->prediction[lane] = (uint8_t)best;
        result->loss[lane] = sn_log(sum) - ((double)logits[label * L + lane] - most);
        if (!gradient) continue;
        for (int k = 0; k < SN_CLASSES; k++)
            gradient[k * L + lane] = (float)(e[k] / sum - (k == label));
    }
}

void sn_head_backward(const float *gradient, int pixels, float *dz, float *bias_sum)
{
    const float n = (float)pixels;
    for (int k = 0; k < SN_CLASSES; k++) {
        for (int lane = 0; lane < L; lane++) {
            const float share = gradient[k * L + lane] / n;
            for (int p = 0; p < pixels; p++) {
                dz[(k * pixels + p) * L + lane] = share;
                bias_sum[k * L + lane] += share;
            }
        }
    }
}
