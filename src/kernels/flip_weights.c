#include "syncnorm/kernels/kernels.h"

void sn_flip_weights(const sn_conv_shape *shape, const float *weight, float *flipped)
{
    const int in = shape->in_channels, out = shape->out_channels, area = shape->kernel * shape->kernel;
    for (int o = 0; o < out; o++) {
        for (int i = 0; i < in; i++) {
            for (int k = 0; k < area; k++)
                flipped[(i * out + o) * area + area - 1 - k] = weight[(o * in + i) * area + k];
        }
    }
}
