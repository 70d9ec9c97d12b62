/** Forward pass of a stage: the affine image of an activation, max-pooled where the stage pools. */

#include "stage.h"

SN_INLINE void normalize(const int elements, const bool pool, sn_extent extent, const sn_affine *affine,
                         sn_planes z, sn_planes output)
{
    for (int v = 0; v < sn_slots(extent.samples, extent.channels) * SN_PARTS; v++) {
        const int slot = v / SN_PARTS, part = v % SN_PARTS;
        const stage_slot s = load_slot(elements, affine, slot, part);
        const float *from = z.data + (size_t)slot * z.plane * SN_LANES + part * SN_VECTOR;
        float *to = output.data + (size_t)slot * output.plane * SN_LANES + part * SN_VECTOR;
        for (int h = 0; h < extent.rows; h++, to += output.row * SN_LANES) {
            if (pool) {
                for (int w = 0; w < extent.width; w++) {
                    vec centered[4];
                    vec_mask chosen[4];
                    vec_store(to + w * SN_LANES,
                              pool_centered(elements, &s, affine, from, z.row, h, w, centered, chosen));
                }
            } else {
                const float *row = from + (size_t)h * z.row * SN_LANES;
                const size_t element = (size_t)h * affine->element_row;
                for (int w = 0; w < extent.width; w++) {
                    const vec centered = vec_sub(vec_load(row + w * SN_LANES), s.center);
                    vec_store(to + w * SN_LANES, affine_image(elements, &s, centered, element + (size_t)w));
                }
            }
        }
    }
}

void sn_normalize(sn_extent extent, const sn_affine *affine, sn_planes z, sn_planes output)
{
    FOR_STAGE(normalize, extent, affine, z, output);
}
