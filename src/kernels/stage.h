#ifndef SYNCNORM_SRC_KERNELS_STAGE_H
#define SYNCNORM_SRC_KERNELS_STAGE_H

/** What the passes over a stage (activation, norm, dropout, max-pooling) share: the affine map and the choice of pooling. */

#include "simd.h"

/** One channel's part of sn_affine, for one vector of lanes. */
typedef struct stage_channel {
    vec center, scale, offset, keep;
    const float *weight, *bias; /* per element, or NULL */
} stage_channel;

SN_INLINE stage_channel load_channel(const bool per_element, const sn_affine *affine, int channel, int lane)
{
    const size_t at = (size_t)channel * SN_LANES + (size_t)lane;
    stage_channel s = {.center = vec_load(affine->center + at),
                       .scale = vec_load(affine->scale + at),
                       .offset = vec_load(affine->offset + at),
                       .keep = vec_zero()};
    if (per_element) {
        s.keep = vec_load(affine->keep + at);
        s.weight = affine->weight + (size_t)channel * affine->element_plane;
        s.bias = affine->bias + (size_t)channel * affine->element_plane;
    }
    return s;
}

/** The stage's output before pooling, from z - center. */
SN_INLINE vec affine_image(const bool per_element, const stage_channel *s, vec centered, size_t element)
{
    const vec y = vec_fma(centered, s->scale, s->offset);
    if (!per_element) return y;
    return vec_mul(s->keep, vec_fma(y, vec_broadcast(s->weight[element]), vec_broadcast(s->bias[element])));
}

/** The largest of a window's four values in row-major order: the first of equal ones; a NaN wins. */
SN_INLINE vec pool_window(const vec y[4], vec_mask chosen[4])
{
    const vec_mask second = vec_wins(y[1], y[0]);
    vec best = vec_select(second, y[1], y[0]);
    const vec_mask third = vec_wins(y[2], best);
    best = vec_select(third, y[2], best);
    const vec_mask fourth = vec_wins(y[3], best);
    const vec_mask lower = mask_or(third, fourth);
    chosen[0] = mask_not(mask_or(second, lower));
    chosen[1] = mask_and_not(second, lower);
    chosen[2] = mask_and_not(third, fourth);
    chosen[3] = fourth;
    return vec_select(fourth, y[3], best);
}

/** Pixel `k` of the window at (h, w), in floats from the plane's start. */
SN_INLINE size_t window_pixel(size_t row, int h, int w, int k)
{
    return ((size_t)(2 * h + k / 2) * row + (size_t)(2 * w + k % 2)) * SN_LANES;
}

/** z - center of the window's pixels, and which of them pooling chooses. */
SN_INLINE vec pool_centered(const bool per_element, const stage_channel *s, const sn_affine *affine,
                            const float *z, size_t z_row, int h, int w, vec centered[4], vec_mask chosen[4])
{
    vec y[4];
    SN_UNROLL
    for (int k = 0; k < 4; k++) {
        const size_t element = (size_t)(2 * h + k / 2) * affine->element_row + (size_t)(2 * w + k % 2);
        centered[k] = vec_sub(vec_load(z + window_pixel(z_row, h, w, k)), s->center);
        y[k] = affine_image(per_element, s, centered[k], element);
    }
    return pool_window(y, chosen);
}

#endif
