/** Pixels in, moments out: chains written out here, and the same moments in double. */

#include "block.h"

#include <math.h>

static void check_moments(int channels, int pixels, float mean)
{
    const size_t n = (size_t)channels * SN_LANES;
    float *z = block_new(n * (size_t)pixels), *plane_sum = block_new(n), *out = block_new(3 * n);
    float *expected = block_new(3 * n);
    fill_uniform(z, n * (size_t)pixels, 1);
    for (size_t i = 0; i < n; i++) {
        float *x = z + i / SN_LANES * (size_t)pixels * SN_LANES + i % SN_LANES;
        double sum = 0, sum_squares = 0;
        for (int p = 0; p < pixels; p++) {
            x[p * SN_LANES] += mean;
            plane_sum[i] += x[p * SN_LANES];
            sum += (double)x[p * SN_LANES];
        }
        float *center = expected, *shifted = expected + n, *squares = expected + 2 * n;
        center[i] = plane_sum[i] / (float)pixels;
        for (int p = 0; p < pixels; p++) {
            const float d = x[p * SN_LANES] - center[i];
            shifted[i] += d;
            squares[i] = fmaf(d, d, squares[i]);
            sum_squares += pow((double)x[p * SN_LANES] - sum / pixels, 2);
        }
        /* merged as ARITHMETIC says, they are the moments of the plane */
        const double s = (double)shifted[i], q = (double)squares[i];
        assert_true(fabs((double)center[i] + s / pixels - sum / pixels) <= 1e-6);
        assert_true(fabs(q - s * s / pixels - sum_squares) <= 1e-5 * (sum_squares + 1));
    }
    for (const char *const *isa = sn_kernels_available(); *isa; isa++) {
        sn_kernels_select(*isa)->moments(channels, pixels, z, plane_sum, out, out + n, out + 2 * n);
        assert_same_bits(*isa, out, expected, 3 * n);
    }
    block_free(z);
    block_free(plane_sum);
    block_free(out);
    block_free(expected);
}

static void test_moments_are_the_chains_of_their_definition(void **state)
{
    (void)state;
    static const int channels[] = {1, 3, 8, 10, 16}, pixels[] = {1, 9, 25, 49, 196, 784};
    for (size_t c = 0; c < sizeof channels / sizeof *channels; c++) {
        for (size_t p = 0; p < sizeof pixels / sizeof *pixels; p++) {
            check_moments(channels[c], pixels[p], 0);
            check_moments(channels[c], pixels[p], 1000);
        }
    }
}

static void test_pixels_go_to_their_lanes_and_unused_lanes_are_zero(void **state)
{
    (void)state;
    enum { ROWS = 5, WIDTH = 7, UNUSED = 3 };
    uint8_t images[SN_LANES][ROWS * WIDTH];
    const uint8_t *pixels[SN_LANES];
    float table[256];
    for (int v = 0; v < 256; v++)
        table[v] = (float)v / 255 - 0.5f;
    for (int sample = 0; sample < SN_LANES; sample++) {
        for (int p = 0; p < ROWS * WIDTH; p++)
            images[sample][p] = (uint8_t)(37 * sample + 91 * p);
        pixels[sample] = sample % 5 == UNUSED ? NULL : images[sample];
    }
    for (const char *const *isa = sn_kernels_available(); *isa; isa++) {
        sn_planes padded = planes_new(1, ROWS + 2, WIDTH + 2);
        sn_kernels_select(*isa)->load_pixels(samples, pixels, table, sn_planes_at(padded, 1, 1), ROWS, WIDTH);
        for (int h = -1; h <= ROWS; h++) {
            for (int w = -1; w <= WIDTH; w++) {
                const bool inside = h >= 0 && h < ROWS && w >= 0 && w < WIDTH;
                for (int k = 0; k < samples; k++) {
                    const float expected = inside && pixels[k] ? table[pixels[k][h * WIDTH + w]] : 0;
                    assert_same_bits(*isa, at(padded, 0, h + 1, w + 1, k), &expected, 1);
                }
            }
        }
        block_free(padded.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moments_are_the_chains_of_their_definition),
        cmocka_unit_test(test_pixels_go_to_their_lanes_and_unused_lanes_are_zero),
    };
    return run_in_every_shape(tests, sizeof tests / sizeof *tests);
}
