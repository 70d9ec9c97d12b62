/**
 * The ends of a stage: pixels in, moments out.
 *
 * Moments are sequential chains; several planes advance together to hide the latency of each chain's additions.
 */

#include "simd.h"

enum { CHAINS = 4 };

void sn_load_pixels(int samples, const uint8_t *const pixels[SN_LANES], const float table[256],
                    sn_planes output, int rows, int width)
{
    for (int h = 0; h < rows; h++) {
        float *row = output.data + (size_t)h * output.row * SN_LANES;
        for (int lane = 0; lane < samples; lane++) {
            const uint8_t *from = pixels[lane] ? pixels[lane] + (size_t)h * (size_t)width : NULL;
            for (int w = 0; w < width; w++)
                row[w * SN_LANES + lane] = from ? table[from[w]] : 0;
        }
    }
}

/* `chains` consecutive vectors of [slots][lanes], counted in vectors from `first` */
SN_INLINE void run_moments(const int chains, int first, int pixels, const float *z, const float *plane_sum,
                           float *center, float *shifted, float *squares)
{
    const vec count = vec_broadcast((float)pixels);
    const float *x[CHAINS];
    vec middle[CHAINS], s[CHAINS], q[CHAINS];
    SN_UNROLL
    for (int k = 0; k < chains; k++) {
        const int at = first + k;
        x[k] = z + (size_t)(at / SN_PARTS) * (size_t)pixels * SN_LANES + at % SN_PARTS * SN_VECTOR;
        middle[k] = vec_div(vec_load(plane_sum + at * SN_VECTOR), count);
        s[k] = q[k] = vec_zero();
    }
    for (size_t p = 0; p < (size_t)pixels * SN_LANES; p += SN_LANES) {
        SN_UNROLL
        for (int k = 0; k < chains; k++) {
            const vec d = vec_sub(vec_load(x[k] + p), middle[k]);
            s[k] = vec_add(s[k], d);
            q[k] = vec_fma(d, d, q[k]);
        }
    }
    SN_UNROLL
    for (int k = 0; k < chains; k++) {
        const int to = (first + k) * SN_VECTOR;
        vec_store(center + to, middle[k]);
        vec_store(shifted + to, s[k]);
        vec_store(squares + to, q[k]);
    }
}

void sn_moments(int slots, int pixels, const float *z, const float *plane_sum, float *center, float *shifted,
                float *squares)
{
    const int vectors = slots * SN_PARTS;
    int v = 0;
    for (; v + CHAINS <= vectors; v += CHAINS)
        run_moments(CHAINS, v, pixels, z, plane_sum, center, shifted, squares);
    for (; v < vectors; v++)
        run_moments(1, v, pixels, z, plane_sum, center, shifted, squares);
}
