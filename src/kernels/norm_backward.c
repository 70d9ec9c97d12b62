/**
 * Backward passes of a stage: the sums that its norm pools, then the gradient of the activation.
 *
 * Each channel's sum is one sequential chain; CHAINS channels advance together to hide the latency of its additions.
 */

#include "stage.h"

enum { CHAINS = 4 };

/* Vector v of the block: its channel's plane, from its first lane. */
SN_INLINE float *plane_of(sn_planes planes, int v)
{
    return planes.data + (size_t)(v / SN_PARTS) * planes.plane * SN_LANES + v % SN_PARTS * SN_VECTOR;
}

SN_INLINE void run_sums(const bool per_element, const bool pool, const int chains, int first,
                        sn_extent extent, const sn_affine *affine, sn_planes z, sn_planes da, float *sum_g,
                        float *sum_gz)
{
    stage_channel s[CHAINS];
    const float *from[CHAINS], *gradient[CHAINS];
    vec total_g[CHAINS], total_gz[CHAINS];
    SN_UNROLL
    for (int k = 0; k < chains; k++) {
        const int v = first + k;
        s[k] = load_channel(per_element, affine, v / SN_PARTS, v % SN_PARTS * SN_VECTOR);
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
                    pool_centered(per_element, &s[k], affine, from[k], z.row, h, w, centered, chosen);
                    x = vec_select(chosen[1], centered[1], centered[0]);
                    x = vec_select(chosen[2], centered[2], x);
                    x = vec_select(chosen[3], centered[3], x);
                    if (per_element) {
                        const size_t e = (size_t)(2 * h) * affine->element_row + (size_t)(2 * w);
                        const float *top = s[k].weight + e, *bottom = top + affine->element_row;
                        vec weight = vec_select(chosen[1], vec_broadcast(top[1]), vec_broadcast(top[0]));
                        weight = vec_select(chosen[2], vec_broadcast(bottom[0]), weight);
                        weight = vec_select(chosen[3], vec_broadcast(bottom[1]), weight);
                        g = vec_mul(g, weight);
                    }
                } else {
                    x = vec_sub(vec_load(from[k] + row + w * SN_LANES), s[k].center);
                    if (per_element)
                        g = vec_mul(g,
                                    vec_broadcast(s[k].weight[(size_t)h * affine->element_row + (size_t)w]));
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

SN_INLINE void all_sums(const bool per_element, const bool pool, sn_extent extent, const sn_affine *affine,
                        sn_planes z, sn_planes da, float *sum_g, float *sum_gz)
{
    const int vectors = extent.channels * SN_PARTS;
    int v = 0;
    if (!pool) { /* the choice of pooling hides the latency of the chains by itself */
        for (; v + CHAINS <= vectors; v += CHAINS)
            run_sums(per_element, pool, CHAINS, v, extent, affine, z, da, sum_g, sum_gz);
    }
    for (; v < vectors; v++)
        run_sums(per_element, pool, 1, v, extent, affine, z, da, sum_g, sum_gz);
}

void sn_norm_sums(sn_extent extent, const sn_affine *affine, sn_planes z, sn_planes da, float *sum_g,
                  float *sum_gz)
{
    const bool per_element = affine->weight != NULL;
    if (per_element && extent.pool)
        all_sums(true, true, extent, affine, z, da, sum_g, sum_gz);
    else if (per_element)
        all_sums(true, false, extent, affine, z, da, sum_g, sum_gz);
    else if (extent.pool)
        all_sums(false, true, extent, affine, z, da, sum_g, sum_gz);
    else
        all_sums(false, false, extent, affine, z, da, sum_g, sum_gz);
}

typedef struct gradient_channel {
    vec center, gain, slope, shift;
} gradient_channel;

SN_INLINE vec activation_gradient(const gradient_channel *g, vec z, vec da)
{
    const vec dz = vec_fms(da, g->gain, vec_fma(vec_sub(z, g->center), g->slope, g->shift));
    return vec_keep(vec_greater(z, vec_zero()), dz);
}

/* Output row h of vector v: one row of dz, or two where the stage pools. */
SN_INLINE void backward_row(const bool per_element, const bool pool, int v, int h, int width,
                            const sn_affine *affine, const sn_norm_gradient *gradient, sn_planes z,
                            sn_planes da, sn_planes dz)
{
    const int lane = v % SN_PARTS * SN_VECTOR;
    const stage_channel s = load_channel(per_element, affine, v / SN_PARTS, lane);
    const gradient_channel g = {.center = vec_load(gradient->center + v * SN_VECTOR),
                                .gain = vec_load(gradient->gain + v * SN_VECTOR),
                                .slope = vec_load(gradient->slope + v * SN_VECTOR),
                                .shift = vec_load(gradient->shift + v * SN_VECTOR)};
    const float *from = plane_of(z, v), *incoming = plane_of(da, v) + (size_t)h * da.row * SN_LANES;
    float *to = plane_of(dz, v);
    for (int w = 0; w < width; w++) {
        const vec a = vec_load(incoming + w * SN_LANES);
        if (pool) {
            vec centered[4];
            vec_mask chosen[4];
            pool_centered(per_element, &s, affine, from, z.row, h, w, centered, chosen);
            SN_UNROLL
            for (int k = 0; k < 4; k++) {
                vec share = vec_keep(chosen[k], a);
                if (per_element) {
                    const size_t row = (size_t)(2 * h + k / 2) * affine->element_row;
                    share = vec_mul(share, vec_broadcast(s.weight[row + (size_t)(2 * w + k % 2)]));
                }
                const vec x = vec_load(from + window_pixel(z.row, h, w, k));
                vec_store(to + window_pixel(dz.row, h, w, k), activation_gradient(&g, x, share));
            }
        } else {
            const vec x = vec_load(from + ((size_t)h * z.row + (size_t)w) * SN_LANES);
            vec share = a;
            if (per_element)
                share = vec_mul(a, vec_broadcast(s.weight[(size_t)h * affine->element_row + (size_t)w]));
            vec_store(to + ((size_t)h * dz.row + (size_t)w) * SN_LANES, activation_gradient(&g, x, share));
        }
    }
}

/* Adds `rows` rows of dz, still in cache, to the bias sums of `chains` vectors. */
SN_INLINE void add_rows(const int chains, int first, int row, int rows, int width, sn_planes dz,
                        float *bias_sum)
{
    vec total[CHAINS];
    const float *from[CHAINS];
    SN_UNROLL
    for (int k = 0; k < chains; k++) {
        total[k] = vec_load(bias_sum + (first + k) * SN_VECTOR);
        from[k] = plane_of(dz, first + k);
    }
    for (int h = row; h < row + rows; h++) {
        for (int w = 0; w < width; w++) {
            SN_UNROLL
            for (int k = 0; k < chains; k++)
                total[k] = vec_add(total[k], vec_load(from[k] + ((size_t)h * dz.row + (size_t)w) * SN_LANES));
        }
    }
    SN_UNROLL
    for (int k = 0; k < chains; k++)
        vec_store(bias_sum + (first + k) * SN_VECTOR, total[k]);
}

SN_INLINE void backward(const bool per_element, const bool pool, sn_extent extent, const sn_affine *affine,
                        const sn_norm_gradient *gradient, sn_planes z, sn_planes da, sn_planes dz,
                        float *bias_sum)
{
    const int vectors = extent.channels * SN_PARTS;
    const int factor = pool ? 2 : 1;
    for (int v = 0, chains; v < vectors; v += chains) {
        chains = vectors - v < CHAINS ? 1 : CHAINS;
        for (int h = 0; h < extent.rows; h++) {
            for (int k = 0; k < chains; k++)
                backward_row(per_element, pool, v + k, h, extent.width, affine, gradient, z, da, dz);
            if (!bias_sum) continue;
            if (chains == CHAINS)
                add_rows(CHAINS, v, h * factor, factor, extent.width * factor, dz, bias_sum);
            else
                add_rows(1, v, h * factor, factor, extent.width * factor, dz, bias_sum);
        }
    }
}

void sn_norm_backward(sn_extent extent, const sn_affine *affine, const sn_norm_gradient *gradient,
                      sn_planes z, sn_planes da, sn_planes dz, float *bias_sum)
{
    const bool per_element = affine->weight != NULL;
    if (per_element && extent.pool)
        backward(true, true, extent, affine, gradient, z, da, dz, bias_sum);
    else if (per_element)
        backward(true, false, extent, affine, gradient, z, da, dz, bias_sum);
    else if (extent.pool)
        backward(false, true, extent, affine, gradient, z, da, dz, bias_sum);
    else
        backward(false, false, extent, affine, gradient, z, da, dz, bias_sum);
}
