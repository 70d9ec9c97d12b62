/**
 * Backward passes of a stage: the sums that its norm pools, then the gradient of the activation.
 *
 * The sum of a channel and sample is one sequential chain; CHAINS vectors advance together to hide the latency of its additions.
 */

#include "stage.h"

enum { CHAINS = 4 };

/* Vector v of the block: its slot's plane, from its first lane. */
SN_INLINE float *plane_of(sn_planes planes, int v)
{
    return planes.data + (size_t)(v / SN_PARTS) * planes.plane * SN_LANES + v % SN_PARTS * SN_VECTOR;
}

SN_INLINE void run_sums(const int elements, const bool pool, const int chains, int first, sn_extent extent,
                        const sn_affine *affine, sn_planes z, sn_planes da, float *sum_g, float *sum_gz)
{
    stage_slot s[CHAINS];
    const float *from[CHAINS], *gradient[CHAINS];
    vec total_g[CHAINS], total_gz[CHAINS];
    SN_UNROLL
    for (int k = 0; k < chains; k++) {
        const int v = first + k;
        s[k] = load_slot(elements, affine, v / SN_PARTS, v % SN_PARTS);
        from[k] = plane_of(z, v);
        gradient[k] = plane_of(da, v);
        total_g[k] = vec_load(sum_g + v * SN_VECTOR);
        total_gz[k] = vec_load(sum_gz + v * SN_VECTOR);
    }
    for (int h = 0; h < extent.rows; h++) {
        const size_t row = (size_t)h * z.row * SN_LANES, da_row = (size_t)h * da.row * SN_LANES;
        for (int w = 0; w < extent.width; w++) {
            SN_UNROLL
            for (int k = 0; k < chains; k++) {
                vec g = vec_load(gradient[k] + da_row + w * SN_LANES), x;
                if (pool) {
                    vec centered[4];
                    vec_mask chosen[4];
                    pool_centered(elements, &s[k], affine, from[k], z.row, h, w, centered, chosen);
                    x = vec_select(chosen[1], centered[1], centered[0]);
                    x = vec_select(chosen[2], centered[2], x);
                    x = vec_select(chosen[3], centered[3], x);
                    if (elements) {
                        const size_t e = (size_t)(2 * h) * affine->element_row + (size_t)(2 * w);
                        const size_t below = e + affine->element_row;
                        vec weight = vec_select(chosen[1], of_element(elements, s[k].weight, e + 1),
                                                of_element(elements, s[k].weight, e));
                        weight = vec_select(chosen[2], of_element(elements, s[k].weight, below), weight);
                        weight = vec_select(chosen[3], of_element(elements, s[k].weight, below + 1), weight);
                        g = vec_mul(g, weight);
                    }
                } else {
                    x = vec_sub(vec_load(from[k] + row + w * SN_LANES), s[k].center);
                    if (elements)
                        g = vec_mul(g, of_element(elements, s[k].weight,
                                                  (size_t)h * affine->element_row + (size_t)w));
                }
                total_g[k] = vec_add(total_g[k], g);
                total_gz[k] = vec_fma(g, x, total_gz[k]);
            }
        }
    }
    SN_UNROLL
    for (int k = 0; k < chains; k++) {
        vec_store(sum_g + (first + k) * SN_VECTOR, total_g[k]);
        vec_store(sum_gz + (first + k) * SN_VECTOR, total_gz[k]);
    }
}

SN_INLINE void all_sums(const int elements, const bool pool, sn_extent extent, const sn_affine *affine,
                        sn_planes z, sn_planes da, float *sum_g, float *sum_gz)
{
    const int vectors = sn_slots(extent.samples, extent.channels) * SN_PARTS;
    int v = 0;
    if (!pool) { /* the choice of pooling hides the latency of the chains by itself */
        for (; v + CHAINS <= vectors; v += CHAINS)
            run_sums(elements, pool, CHAINS, v, extent, affine, z, da, sum_g, sum_gz);
    }
    for (; v < vectors; v++)
        run_sums(elements, pool, 1, v, extent, affine, z, da, sum_g, sum_gz);
}

void sn_norm_sums(sn_extent extent, const sn_affine *affine, sn_planes z, sn_planes da, float *sum_g,
                  float *sum_gz)
{
    FOR_STAGE(all_sums, extent, affine, z, da, sum_g, sum_gz);
}

typedef struct gradient_slot {
    vec center, gain, slope, shift;
} gradient_slot;

SN_INLINE vec activation_gradient(const gradient_slot *g, vec z, vec da)
{
    const vec dz = vec_fms(da, g->gain, vec_fma(vec_sub(z, g->center), g->slope, g->shift));
    return vec_keep(vec_greater(z, vec_zero()), dz);
}

SN_INLINE gradient_slot load_gradient(const sn_norm_gradient *gradient, int v)
{
    const int lane = v * SN_VECTOR;
    return (gradient_slot){.center = vec_load(gradient->center + lane),
                           .gain = vec_load(gradient->gain + lane),
                           .slope = vec_load(gradient->slope + lane),
                           .shift = vec_load(gradient->shift + lane)};
}

/* One row of dz for vector v, added to `total` as it goes. */
SN_INLINE vec plain_row(const int elements, int width, const stage_slot *s, const gradient_slot *g,
                        size_t element, const float *z, const float *da, float *dz, vec total)
{
    for (int w = 0; w < width; w++) {
        vec share = vec_load(da + w * SN_LANES);
        if (elements) share = vec_mul(share, of_element(elements, s->weight, element + (size_t)w));
        const vec gradient = activation_gradient(g, vec_load(z + w * SN_LANES), share);
        total = vec_add(total, gradient);
        vec_store(dz + w * SN_LANES, gradient);
    }
    return total;
}

/* The two rows of dz that output row h stands for. */
SN_INLINE void pooled_rows(const int elements, int width, int h, const stage_slot *s, const gradient_slot *g,
                           const sn_affine *affine, const float *z, size_t z_row, const float *da, float *dz,
                           size_t dz_row)
{
    for (int w = 0; w < width; w++) {
        const vec a = vec_load(da + w * SN_LANES);
        vec centered[4];
        vec_mask chosen[4];
        pool_centered(elements, s, affine, z, z_row, h, w, centered, chosen);
        SN_UNROLL
        for (int k = 0; k < 4; k++) {
            vec share = vec_keep(chosen[k], a);
            if (elements) {
                const size_t row = (size_t)(2 * h + k / 2) * affine->element_row;
                share = vec_mul(share, of_element(elements, s->weight, row + (size_t)(2 * w + k % 2)));
            }
            const vec x = vec_load(z + window_pixel(z_row, h, w, k));
            vec_store(dz + window_pixel(dz_row, h, w, k), activation_gradient(g, x, share));
        }
    }
}

SN_INLINE vec add_row(vec total, const float *row, int width)
{
    for (int w = 0; w < width; w++)
        total = vec_add(total, vec_load(row + w * SN_LANES));
    return total;
}

SN_INLINE void backward(const int elements, const bool pool, sn_extent extent, const sn_affine *affine,
                        const sn_norm_gradient *gradient, sn_planes z, sn_planes da, sn_planes dz,
                        float *bias_sum)
{
    for (int v = 0; v < sn_slots(extent.samples, extent.channels) * SN_PARTS; v++) {
        const stage_slot s = load_slot(elements, affine, v / SN_PARTS, v % SN_PARTS);
        const gradient_slot g = load_gradient(gradient, v);
        const float *from = plane_of(z, v), *incoming = plane_of(da, v);
        float *to = plane_of(dz, v);
        vec total = bias_sum ? vec_load(bias_sum + v * SN_VECTOR) : vec_zero();
        for (int h = 0; h < extent.rows; h++, incoming += da.row * SN_LANES) {
            if (pool) {
                pooled_rows(elements, extent.width, h, &s, &g, affine, from, z.row, incoming, to, dz.row);
                /* Row-major over z: the first row's sum is complete before the second's begins. */
                for (int r = 0; r < 2; r++)
                    total = add_row(total, to + (size_t)(2 * h + r) * dz.row * SN_LANES, 2 * extent.width);
            } else {
                const size_t element = (size_t)h * affine->element_row;
                total = plain_row(elements, extent.width, &s, &g, element,
                                  from + (size_t)h * z.row * SN_LANES, incoming,
                                  to + (size_t)h * dz.row * SN_LANES, total);
            }
        }
        if (bias_sum) vec_store(bias_sum + v * SN_VECTOR, total);
    }
}

void sn_norm_backward(sn_extent extent, const sn_affine *affine, const sn_norm_gradient *gradient,
                      sn_planes z, sn_planes da, sn_planes dz, float *bias_sum)
{
    FOR_STAGE(backward, extent, affine, gradient, z, da, dz, bias_sum);
}
