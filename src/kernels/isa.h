#ifndef SYNCNORM_SRC_KERNELS_ISA_H
#define SYNCNORM_SRC_KERNELS_ISA_H

/**
 * One source, several instruction sets: the files that include this header are compiled once per level, and what they
 * define carries the level's suffix. -DSN_ISA_LEVEL comes from CMakeLists.txt together with the compiler's flags.
 */

#include "syncnorm/kernels/kernels.h"

#if SN_ISA_LEVEL == 4
#define SN_ISA_NAME "x86-64-v4"
#define SN_ISA(symbol) symbol##_v4
#elif SN_ISA_LEVEL == 3
#define SN_ISA_NAME "x86-64-v3"
#define SN_ISA(symbol) symbol##_v3
#else
#define SN_ISA_NAME "portable"
#define SN_ISA(symbol) symbol##_portable
#endif

#define sn_direct_convolve SN_ISA(sn_direct_convolve)
#define sn_direct_weight_gradient SN_ISA(sn_direct_weight_gradient)
#define sn_load_pixels SN_ISA(sn_load_pixels)
#define sn_moments SN_ISA(sn_moments)
#define sn_normalize SN_ISA(sn_normalize)
#define sn_norm_sums SN_ISA(sn_norm_sums)
#define sn_norm_backward SN_ISA(sn_norm_backward)
#define sn_accumulate SN_ISA(sn_accumulate)
#define sn_element_gradient SN_ISA(sn_element_gradient)
#define sn_descend SN_ISA(sn_descend)

void sn_direct_convolve(const sn_conv_shape *shape, const float *weight, const float *bias, sn_planes input,
                        sn_planes output, int rows, bool relu, float *plane_sum, float *scratch);
void sn_direct_weight_gradient(const sn_conv_shape *shape, sn_planes input, sn_planes gradient, int rows,
                               float *lanes, float *scratch);
void sn_load_pixels(int samples, const uint8_t *const pixels[SN_LANES], const float table[256],
                    sn_planes output, int rows, int width);
void sn_moments(int slots, int pixels, const float *z, const float *plane_sum, float *center, float *shifted,
                float *squares);
void sn_normalize(sn_extent extent, const sn_affine *affine, sn_planes z, sn_planes output);
void sn_norm_sums(sn_extent extent, const sn_affine *affine, sn_planes z, sn_planes da, float *sum_g,
                  float *sum_gz);
void sn_norm_backward(sn_extent extent, const sn_affine *affine, const sn_norm_gradient *gradient,
                      sn_planes z, sn_planes da, sn_planes dz, float *bias_sum);
size_t sn_accumulate(sn_sums_shape shape, const float *lanes, uint16_t mask, float limit, int64_t *sum);
size_t sn_element_gradient(sn_extent extent, const sn_affine *affine, sn_planes z, sn_planes da,
                           uint16_t mask, float limit, int64_t *weight_sum, int64_t *bias_sum);
void sn_descend(const sn_descent *d, size_t count, const int64_t *sums, float *restrict values,
                float *restrict momentum, double squares[4]);

#endif
