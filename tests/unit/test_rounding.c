/** Single operations on hard values, seen through a 1 x 1 convolution: rounding, signed zeros, NaN. */

#include "block.h"

#include <math.h>
#include <string.h>

/* A 1 x 1 convolution of one channel is one fma: weight * x + bias. */
static void test_fma_is_correctly_rounded_on_all_bit_patterns(void **state)
{
    (void)state;
    enum { WIDTH = 256 };
    const sn_conv_shape shape = {16, 1, 1, 1, WIDTH};
    static const float special[] = {0,
                                    -0.0f,
                                    1,
                                    -1,
                                    0x1p-149f,
                                    -0x1p-149f,
                                    0x1p-126f,
                                    0x1.8p-127f,
                                    INFINITY,
                                    -INFINITY,
                                    NAN,
                                    0x1.fffffep127f,
                                    0x1.000002p0f,
                                    0x1p-24f,
                                    0x1p-25f,
                                    0x1.8p-24f,
                                    0x1.fffffep-1f,
                                    3};
    const int n = sizeof special / sizeof *special;
    sn_planes input = planes_new(1, 1, WIDTH), output = planes_new(1, 1, WIDTH);
    uint32_t seed = 7;
    for (int trial = 0; trial < 3000; trial++) {
        float weight, bias;
        if (trial < n * n) {
            weight = special[trial / n];
            bias = special[trial % n];
        } else {
            weight = next_pattern(&seed);
            bias = next_pattern(&seed);
        }
        /* a third near cancellation, so that ties and subnormal results occur */
        for (int p = 0; p < WIDTH * SN_LANES; p++) {
            if (p < n)
                input.data[p] = special[p];
            else if (p % 3)
                input.data[p] = next_pattern(&seed);
            else
                input.data[p] = -bias / weight * (1 + (float)(p % 7) * 0x1p-23f);
        }
        for (const char *const *isa = sn_kernels_available(); *isa; isa++) {
            sn_kernels_select(*isa)->direct->convolve(&shape, &weight, &bias, input, output, 1, false, NULL,
                                                      NULL);
            for (int p = 0; p < WIDTH * SN_LANES; p++) {
                const float expected = fmaf(weight, input.data[p], bias);
                assert_same_bits(*isa, output.data + p, &expected, 1);
            }
        }
    }
    block_free(input.data);
    block_free(output.data);
}

static void test_relu_keeps_nan_and_makes_minus_zero_plus_zero(void **state)
{
    (void)state;
    const sn_conv_shape shape = {16, 1, 1, 1, 1};
    const float weight = 1;
    const float x[] = {-0.0f, 0, NAN, -NAN, INFINITY, -INFINITY, -1, 0x1p-149f, -0x1p-149f};
    const float expected[] = {0, 0, NAN, NAN, INFINITY, 0, 0, 0x1p-149f, 0};
    sn_planes input = planes_new(1, 1, 1), output = planes_new(1, 1, 1);
    memcpy(input.data, x, sizeof x);
    /* weight * -0 + -0 is -0: with the bias 0 it would be +0 before the activation */
    const float bias = -0.0f;
    for (const char *const *isa = sn_kernels_available(); *isa; isa++) {
        const sn_convolution *direct = sn_kernels_select(*isa)->direct;
        direct->convolve(&shape, &weight, &bias, input, output, 1, true, NULL, NULL);
        assert_same_bits(*isa, output.data, expected, sizeof expected / sizeof *expected);
    }
    const sn_convolution *gemm = sn_convolution_gemm();
    float *scratch = block_new(gemm->scratch_floats(&shape, 1));
    gemm->convolve(&shape, &weight, &bias, input, output, 1, true, NULL, scratch);
    assert_same_bits("gemm", output.data, expected, sizeof expected / sizeof *expected);
    block_free(scratch);
    block_free(input.data);
    block_free(output.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fma_is_correctly_rounded_on_all_bit_patterns),
        cmocka_unit_test(test_relu_keeps_nan_and_makes_minus_zero_plus_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
