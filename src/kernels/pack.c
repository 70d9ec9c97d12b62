/** Parameters as the kernels read them: the channels of a slot side by side. */

#include "syncnorm/kernels/kernels.h"

void sn_pack(int samples, int channels, size_t count, const float *values, float *packed)
{
    const int together = SN_LANES / samples;
    for (int first = 0; first < channels; first += together)
        for (size_t k = 0; k < count; k++)
            for (int c = first; c < first + together; c++)
                *packed++ = c < channels ? values[(size_t)c * count + k] : 0;
}

void sn_flip_weights(const sn_conv_shape *shape, const float *weight, float *flipped)
{
    const int in = shape->in_channels, out = shape->out_channels, area = shape->kernel * shape->kernel;
    const int together = SN_LANES / shape->samples;
    for (int first = 0; first < in; first += together)
        for (int o = 0; o < out; o++)
            for (int k = area - 1; k >= 0; k--)
                for (int i = first; i < first + together; i++)
                    *flipped++ = i < in ? weight[(o * in + i) * area + k] : 0;
}
