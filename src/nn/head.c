#include "syncnorm/nn/head.h"

#include "syncnorm/base/elementary.h"

enum { L = SN_LANES };

void sn_head_logits(int samples, const float *z, int pixels, float *logits)
{
    const float n = (float)pixels;
    for (int slot = 0; slot < sn_slots(samples, SN_CLASSES); slot++) {
        float *sum = logits + slot * L;
        for (int lane = 0; lane < L; lane++)
            sum[lane] = 0;
        for (int p = 0; p < pixels; p++)
            for (int lane = 0; lane < L; lane++)
                sum[lane] += z[(slot * pixels + p) * L + lane];
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

void sn_head_loss(int samples, const float *logits, const uint8_t labels[SN_LANES], float *gradient,
                  sn_head_result *result)
{
    for (int sample = 0; sample < samples; sample++) {
        const float *own = logits + sample;
        const int best = sn_head_class(own, samples), label = labels[sample];
        const double most = (double)own[best * samples];
        double e[SN_CLASSES], sum = 0;
        for (int k = 0; k < SN_CLASSES; k++) {
            e[k] = sn_exp((double)own[k * samples] - most);
            sum += e[k];
        }
        result->prediction[sample] = (uint8_t)best;
        result->loss[sample] = sn_log(sum) - ((double)own[label * samples] - most);
        if (!gradient) continue;
        for (int k = 0; k < SN_CLASSES; k++)
            gradient[k * samples + sample] = (float)(e[k] / sum - (k == label));
    }
}

void sn_head_backward(int samples, const float *gradient, int pixels, float *dz, float *bias_sum)
{
    const float n = (float)pixels;
    for (int slot = 0; slot < sn_slots(samples, SN_CLASSES); slot++) {
        for (int lane = 0; lane < L; lane++) {
            const float share = gradient[slot * L + lane] / n;
            for (int p = 0; p < pixels; p++) {
                dz[(slot * pixels + p) * L + lane] = share;
                bias_sum[slot * L + lane] += share;
            }
        }
    }
}
