#include "isa.h"
#include "tables.h"

static size_t no_scratch(const sn_conv_shape *shape, int rows)
{
    (void)shape, (void)rows;
    return 0;
}

static const sn_convolution direct = {
    .name = "direct",
    .packed = true,
    .convolve = sn_direct_convolve,
    .weight_gradient = sn_direct_weight_gradient,
    .scratch_floats = no_scratch,
};

const sn_kernels SN_ISA(sn_kernels) = {
    .isa = SN_ISA_NAME,
    .direct = &direct,
    .load_pixels = sn_load_pixels,
    .normalize = sn_normalize,
    .moments = sn_moments,
    .norm_sums = sn_norm_sums,
    .norm_backward = sn_norm_backward,
    .accumulate = sn_accumulate,
    .element_gradient = sn_element_gradient,
    .descend = sn_descend,
};
