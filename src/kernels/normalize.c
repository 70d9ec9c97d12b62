/** Forward pass of a stage: the affine image of an activation, max-pooled where the stage pools. */

#include "stage.h"

SN_INLINE void normalize(const bool per_element, sn_extent extent, const sn_affine *affine, sn_planes z,
                         sn_planes output)
{
    for (int v = 0; v < extent.channels * SN_PARTS; v++) {
        const int c = v / SN_PARTS, lane = v % SN_PARTS * SN_VECTOR;
        const stage_channel s = load_channel(per_element, affine, c, lane);
        const float *from = z.data + (size_t)c * z.plane * SN_LANES + lane;
        float *to = output.data + (size_t)c * output.plane * SN_LANES + lane;
        for (int h = 0; h < extent.rows; h++, to += output.row * SN_LANES) {
            if (extent.pool) {
                for (int w = 0; w < extent.width; w++) {
                    vec centered[4];
                    vec_mask chosen[4];
                    vec_store(to + w * SN_LANES,
                              pool_centered(per_element, &s, affine, from, z.row, h, w, centered, chosen));
                }
            } else {
                const float *row = from + (size_t)h * z.row * SN_LANES;
                const size_t element = (size_t)h * affine->element_row;
                for (int w = 0; w < extent.width; w++) {
                    const vec centered = vec_sub(vec_load(row + w * SN_LANES), s.center);
                    vec_store(to + w * SN_LANES,
                              affine_image(per_element, &s, centered, element + (size_t)w));
                }
            }
        }
    }
}

void sn_normalize(sn_extent extent, const sn_affine *affine, sn_planes z, sn_planes output)
{
    if (affine->weight)
        normalize(true, extent, affine, z, output);
    else
        normalize(false, extent, affine, z, output);
}
