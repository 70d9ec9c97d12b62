#ifndef SYNCNORM_SRC_KERNELS_STAGE_H
#define SYNCNORM_SRC_KERNELS_STAGE_H

/** What the passes over a stage (activation, norm, dropout, max-pooling) share: the affine map and the choice of pooling. */

#include "simd.h"

/** One slot's part of sn_affine, for one vector of lanes. `elements`: how many samples a vector has, where there are parameters per
 *  element; else 0, and the shape does not matter. */
typedef struct stage_slot {
    vec center, scale, offset, keep;
    const float *weight, *bias; /* per element, or NULL */
} stage_slot;

SN_INLINE stage_slot load_slot(const int elements, const sn_affine *affine, int slot, int part)
{
    const size_t at = (size_t)slot * SN_LANES + (size_t)(part * SN_VECTOR);
    stage_slot s = {.center = vec_load(affine->center + at),
                    .scale = vec_load(affine->scale + at),
                    .offset = vec_load(affine->offset + at),
                    .keep = vec_zero()};
    if (elements) {
        const size_t first = (size_t)slot * affine->element_plane * (size_t)(SN_LANES / elements) +
                             repeat_from(elements, part);
        s.keep = vec_load(affine->keep + at);
        s.weight = affine->weight + first;
        s.bias = affine->bias + first;
    }
    return s;
}

/** The parameter of an element, for every lane. */
SN_INLINE vec of_element(const int elements, const float *parameters, size_t element)
{
    return vec_repeat(elements, parameters + element * (size_t)(SN_LANES / elements));
}

/** The stage's output before pooling, from z - center. */
SN_INLINE vec affine_image(const int elements, const stage_slot *s, vec centered, size_t element)
{
    const vec y = vec_fma(centered, s->scale, s->offset);
    if (!elements) return y;
    return vec_mul(s->keep, vec_fma(y, of_element(elements, s->weight, element),
                                    of_element(elements, s->bias, element)));
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
SN_INLINE vec pool_centered(const int elements, const stage_slot *s, const sn_affine *affine, const float *z,
                            size_t z_row, int h, int w, vec centered[4], vec_mask chosen[4])
{
    vec y[4];
    SN_UNROLL
    for (int k = 0; k < 4; k++) {
        const size_t element = (size_t)(2 * h + k / 2) * affine->element_row + (size_t)(2 * w + k % 2);
        centered[k] = vec_sub(vec_load(z + window_pixel(z_row, h, w, k)), s->center);
        y[k] = affine_image(elements, s, centered[k], element);
    }
    return pool_window(y, chosen);
}

/** Runs FUNCTION(elements, pool, arguments...) with the constants that an extent and its parameters stand for. */
#define FOR_STAGE(function, extent, affine, ...)                                                             \
    do {                                                                                                     \
        const int elements_ = (affine)->weight ? (extent).samples : 0;                                       \
        if ((extent).pool)                                                                                   \
            FOR_ELEMENTS(function, elements_, true, extent, affine, __VA_ARGS__);                            \
        else                                                                                                 \
            FOR_ELEMENTS(function, elements_, false, extent, affine, __VA_ARGS__);                           \
    } while (0)
#define FOR_ELEMENTS(function, elements, pool, ...)                                                          \
    do {                                                                                                     \
        if (elements == 0)                                                                                   \
            function(0, pool, __VA_ARGS__);                                                                  \
        else if (elements == 16)                                                                             \
            function(16, pool, __VA_ARGS__);                                                                 \
        else if (elements == 4)                                                                              \
            function(4, pool, __VA_ARGS__);                                                                  \
        else                                                                                                 \
            function(1, pool, __VA_ARGS__);                                                                  \
    } while (0)

#endif
