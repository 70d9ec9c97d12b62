#include "syncnorm/nn/dropout.h"

#include "syncnorm/base/random.h"

void sn_dropout_keep(uint64_t seed, double p, uint32_t step, uint32_t position, int stage, int channels,
                     int stride, float *keep)
{
    const float kept = (float)(1 / (1 - p));
    for (int c = 0; c < channels; c += 4) {
        const sn_random4 r = sn_random(seed, SN_PURPOSE_DROPOUT, step, position,
                                       (uint32_t)stage << 8 | (uint32_t)c / 4);
        for (int k = 0; k < 4 && c + k < channels; k++)
            keep[(c + k) * stride] = (double)sn_uniform(r.word[k]) < p ? 0 : kept;
    }
}
