/**
 * Gradients of per-element affine parameters. They are as many as the activations, so they are never stored lane by lane:
 * a few elements at a time are computed into a buffer that stays in L1 and added up exactly from there.
 */

#include "stage.h"

enum { CHUNK = 16 }; /* elements of a row; even, so that it holds whole windows */

typedef struct element_buffer {
    _Alignas(64) float weight[CHUNK][SN_LANES];
    _Alignas(64) float bias[CHUNK][SN_LANES];
} element_buffer;

SN_INLINE void put(element_buffer *buffer, int at, int lane, const stage_channel *s, vec centered, vec dy)
{
    vec_store(buffer->weight[at] + lane, vec_mul(dy, vec_fma(centered, s->scale, s->offset)));
    vec_store(buffer->bias[at] + lane, dy);
}

/* Elements [first, first + count) of row h. */
static void plain_elements(element_buffer *buffer, const sn_affine *affine, int channel, int h, int first,
                           int count, sn_planes z, sn_planes da)
{
    const size_t z_at = (size_t)channel * z.plane + (size_t)h * z.row + (size_t)first;
    const size_t da_at = (size_t)channel * da.plane + (size_t)h * da.row + (size_t)first;
    for (int lane = 0; lane < SN_LANES; lane += SN_VECTOR) {
        const stage_channel s = load_channel(true, affine, channel, lane);
        const float *x = z.data + z_at * SN_LANES + lane, *g = da.data + da_at * SN_LANES + lane;
        for (int k = 0; k < count; k++)
            put(buffer, k, lane, &s, vec_sub(vec_load(x + k * SN_LANES), s.center),
                vec_mul(vec_load(g + k * SN_LANES), s.keep));
    }
}

/* Likewise for both rows of output row h; first and count are even and count elements of z. */
static void pooled_elements(element_buffer rows[2], const sn_affine *affine, int channel, int h, int first,
                            int count, sn_planes z, sn_planes da)
{
    for (int lane = 0; lane < SN_LANES; lane += SN_VECTOR) {
        const stage_channel s = load_channel(true, affine, channel, lane);
        const float *x = z.data + (size_t)channel * z.plane * SN_LANES + lane;
        const float *g = da.data + ((size_t)channel * da.plane + (size_t)h * da.row) * SN_LANES + lane;
        for (int w = first / 2; w < (first + count) / 2; w++) {
            const vec dy = vec_mul(vec_load(g + w * SN_LANES), s.keep);
            vec centered[4];
            vec_mask chosen[4];
            pool_centered(true, &s, affine, x, z.row, h, w, centered, chosen);
            SN_UNROLL
            for (int k = 0; k < 4; k++)
                put(&rows[k / 2], 2 * w - first + k % 2, lane, &s, centered[k], vec_keep(chosen[k], dy));
        }
    }
}

size_t sn_element_gradient(sn_extent extent, const sn_affine *affine, sn_planes z, sn_planes da,
                           uint16_t mask, float limit, int64_t *weight_sum, int64_t *bias_sum)
{
    element_buffer rows[2];
    const int factor = extent.pool ? 2 : 1;
    const int width = extent.width * factor;
    size_t bad = 0;
    for (int c = 0; c < extent.channels; c++) {
        for (int h = 0; h < extent.rows; h++) {
            for (int first = 0, count; first < width; first += count) {
                count = width - first < CHUNK ? width - first : CHUNK;
                if (extent.pool)
                    pooled_elements(rows, affine, c, h, first, count, z, da);
                else
                    plain_elements(rows, affine, c, h, first, count, z, da);
                for (int r = 0; r < factor; r++) {
                    const size_t element = (size_t)c * affine->element_plane +
                                           (size_t)(h * factor + r) * affine->element_row + (size_t)first;
                    bad += sn_accumulate((size_t)count, rows[r].weight[0], mask, limit, weight_sum + element);
                    if (bias_sum)
                        bad += sn_accumulate((size_t)count, rows[r].bias[0], mask, limit, bias_sum + element);
                }
            }
        }
    }
    return bad;
}
