/** Parameters as the kernels read them: the channels of a slot side by side, so a transpose, four by four in registers. */

#include "syncnorm/kernels/kernels.h"

#include <string.h>

typedef float four __attribute__((vector_size(16)));

enum { FOUR = 4 };

static inline four load(const float *from)
{
    four v;
    memcpy(&v, from, sizeof v);
    return v;
}

static inline void store(float *to, four v)
{
    memcpy(to, &v, sizeof v);
}

/* to[k * step + c] = from[c * stride + k] for 4 x 4 */
static inline void transpose(const float *from, size_t stride, float *to, ptrdiff_t step)
{
    const four a = load(from), b = load(from + stride), c = load(from + 2 * stride),
               d = load(from + 3 * stride);
    const four ab0 = __builtin_shufflevector(a, b, 0, 4, 1, 5),
               ab1 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const four cd0 = __builtin_shufflevector(c, d, 0, 4, 1, 5),
               cd1 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    store(to, __builtin_shufflevector(ab0, cd0, 0, 1, 4, 5));
    store(to + step, __builtin_shufflevector(ab0, cd0, 2, 3, 6, 7));
    store(to + 2 * step, __builtin_shufflevector(ab1, cd1, 0, 1, 4, 5));
    store(to + 3 * step, __builtin_shufflevector(ab1, cd1, 2, 3, 6, 7));
}

/* One slot: to[k * step + c] = from[c * stride + k]. `step` may be negative. */
static void pack_slot(int channels, size_t count, const float *from, size_t stride, float *to, ptrdiff_t step)
{
    const int whole = channels / FOUR * FOUR;
    size_t k = 0;
    for (; whole && k + FOUR <= count; k += FOUR)
        for (int c = 0; c < whole; c += FOUR)
            transpose(from + (size_t)c * stride + k, stride, to + (ptrdiff_t)k * step + c, step);
    for (size_t rest = k; rest < count; rest++)
        for (int c = 0; c < whole; c++)
            to[(ptrdiff_t)rest * step + c] = from[(size_t)c * stride + rest];
    for (int c = whole; c < channels; c++)
        for (size_t all = 0; all < count; all++)
            to[(ptrdiff_t)all * step + c] = from[(size_t)c * stride + all];
}

void sn_pack(int samples, int channels, size_t count, const float *values, float *packed)
{
    const int together = SN_LANES / samples;
    for (int first = 0; first < channels; first += together) {
        const int here = channels - first < together ? channels - first : together;
        pack_slot(here, count, values + (size_t)first * count, count, packed + (size_t)first * count,
                  together);
    }
}

void sn_flip_weights(const sn_conv_shape *shape, const float *weight, float *flipped)
{
    const size_t in = (size_t)shape->in_channels, out = (size_t)shape->out_channels;
    const size_t area = (size_t)(shape->kernel * shape->kernel);
    const int together = SN_LANES / shape->samples;
    for (int first = 0; first < shape->in_channels; first += together) {
        const int here = shape->in_channels - first < together ? shape->in_channels - first : together;
        for (size_t o = 0; o < out; o++) {
            float *last = flipped + (size_t)first * out * area + (o * area + area - 1) * (size_t)together;
            pack_slot(here, area, weight + (o * in + (size_t)first) * area, area, last, -together);
        }
    }
}
