/**
 * Gradients of per-element affine parameters. They are as many as the activations, so they are never stored lane by lane:
 * a few elements at a time are computed into a buffer that stays in L1 and added up exactly from there.
 */

#include "stage.h"

enum { CHUNK = 64 }; /* elements; of a pooled stage, half of them in either row of its windows */

typedef struct element_buffer {
    _Alignas(64) float weight[CHUNK][SN_LANES];
    _Alignas(64) float bias[CHUNK][SN_LANES];
} element_buffer;

SN_INLINE void put(element_buffer *buffer, int at, int lane, const stage_slot *s, vec centered, vec dy)
{
    vec_store(buffer->weight[at] + lane, vec_mul(dy, vec_fma(centered, s->scale, s->offset)));
    vec_store(buffer->bias[at] + lane, dy);
}

/* Elements [first, first + count) of row h of a slot. */
SN_INLINE void plain_elements(const int elements, element_buffer *buffer, const sn_affine *affine, int slot,
                              int h, int first, int count, sn_planes z, sn_planes da)
{
    const size_t z_at = (size_t)slot * z.plane + (size_t)h * z.row + (size_t)first;
    const size_t da_at = (size_t)slot * da.plane + (size_t)h * da.row + (size_t)first;
    for (int part = 0; part < SN_PARTS; part++) {
        const int lane = part * SN_VECTOR;
        const stage_slot s = load_slot(elements, affine, slot, part);
        const float *x = z.data + z_at * SN_LANES + lane, *g = da.data + da_at * SN_LANES + lane;
        for (int k = 0; k < count; k++)
            put(buffer, k, lane, &s, vec_sub(vec_load(x + k * SN_LANES), s.center),
                vec_mul(vec_load(g + k * SN_LANES), s.keep));
    }
}

/* Likewise for both rows of output row h, one behind the other; first and count are even and count elements of z. */
SN_INLINE void pooled_elements(const int elements, element_buffer *buffer, const sn_affine *affine, int slot,
                               int h, int first, int count, sn_planes z, sn_planes da)
{
    for (int part = 0; part < SN_PARTS; part++) {
        const int lane = part * SN_VECTOR;
        const stage_slot s = load_slot(elements, affine, slot, part);
        const float *x = z.data + (size_t)slot * z.plane * SN_LANES + lane;
        const float *g = da.data + ((size_t)slot * da.plane + (size_t)h * da.row) * SN_LANES + lane;
        for (int w = first / 2; w < (first + count) / 2; w++) {
            const vec dy = vec_mul(vec_load(g + w * SN_LANES), s.keep);
            vec centered[4];
            vec_mask chosen[4];
            pool_centered(elements, &s, affine, x, z.row, h, w, centered, chosen);
            SN_UNROLL
            for (int k = 0; k < 4; k++)
                put(buffer, k / 2 * count + 2 * w - first + k % 2, lane, &s, centered[k],
                    vec_keep(chosen[k], dy));
        }
    }
}

/* Where sums go, and what is counted. */
typedef struct element_sums {
    uint16_t mask;
    float limit;
    int64_t *weight, *bias;
    size_t bad;
} element_sums;

/* Adds `count` elements of the buffer, from `from` on, to the sums from `element` on. */
static void add(sn_sums_shape shape, const element_buffer *buffer, int from, int count, size_t element,
                element_sums *sums)
{
    shape.count = (size_t)count;
    sums->bad += sn_accumulate(shape, buffer->weight[from], sums->mask, sums->limit, sums->weight + element);
    if (sums->bias)
        sums->bad += sn_accumulate(shape, buffer->bias[from], sums->mask, sums->limit, sums->bias + element);
}

SN_INLINE void element_gradient(const int elements, const bool pool, sn_extent extent,
                                const sn_affine *affine, sn_planes z, sn_planes da, element_sums *sums)
{
    element_buffer buffer;
    const int factor = pool ? 2 : 1, channels = SN_LANES / extent.samples;
    const int most = CHUNK / factor;
    const size_t row = affine->element_row;
    int rows = extent.rows, width = extent.width * factor;
    if (!pool && z.row == row && da.row == row && (size_t)width == row) {
        width *= rows; /* rows without a gap are one long row */
        rows = 1;
    }
    for (int slot = 0, c = 0; c < extent.channels; slot++, c += channels) {
        const sn_sums_shape shape = {.samples = extent.samples,
                                     .channels = extent.channels - c < channels ? extent.channels - c
                                                                                : channels,
                                     .stride = affine->element_plane};
        for (int h = 0; h < rows; h++) {
            for (int first = 0, count; first < width; first += count) {
                const size_t element = (size_t)c * affine->element_plane + (size_t)(h * factor) * row +
                                       (size_t)first;
                count = width - first < most ? width - first : most;
                if (!pool) {
                    plain_elements(elements, &buffer, affine, slot, h, first, count, z, da);
                    add(shape, &buffer, 0, count, element, sums);
                    continue;
                }
                pooled_elements(elements, &buffer, affine, slot, h, first, count, z, da);
                if ((size_t)count == row) { /* both rows at once */
                    add(shape, &buffer, 0, 2 * count, element, sums);
                } else {
                    add(shape, &buffer, 0, count, element, sums);
                    add(shape, &buffer, count, count, element + row, sums);
                }
            }
        }
    }
}

size_t sn_element_gradient(sn_extent extent, const sn_affine *affine, sn_planes z, sn_planes da,
                           uint16_t mask, float limit, int64_t *weight_sum, int64_t *bias_sum)
{
    element_sums sums = {.mask = mask, .limit = limit, .weight = weight_sum, .bias = bias_sum};
    FOR_STAGE(element_gradient, extent, affine, z, da, &sums);
    return sums.bad;
}
