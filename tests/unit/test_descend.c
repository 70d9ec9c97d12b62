/* The update of the parameters: on every instruction set the bits of its formula, for gradients of any size. */

#include "block.h"

#include <math.h>
#include <string.h>

enum { COUNT = 1003 };

static void reference(const sn_descent *d, const int64_t *sums, float *values, float *momentum,
                      double squares[4])
{
    for (int i = 0; i < COUNT; i++) {
        const double sum = (double)sums[i], w = (double)values[i], sign = (w > 0) - (w < 0);
        const double mean = d->exact ? sum * d->unit : sum * d->unit / d->batch;
        const float g = (float)(mean + d->weight_decay * w + d->l1 * sign);
        float m = (float)(d->momentum * (double)momentum[i] + (double)g);
        if (fabsf(m) < d->negligible) m = 0;
        squares[i % 4] += sum * sum;
        momentum[i] = m;
        values[i] = (float)(w - d->learning_rate * (double)m);
    }
}

/* Integers of every length and either sign, with all their bits at work: more than 53 must be rounded. */
static void fill(int64_t *sums, float *values, float *momentum)
{
    uint32_t seed = 3;
    for (int i = 0; i < COUNT; i++) {
        const uint64_t high = (uint32_t)(int32_t)(next_uniform(&seed) * 0x1p31f);
        const uint64_t low = (uint32_t)(int32_t)(next_uniform(&seed) * 0x1p31f) | 1;
        sums[i] = (int64_t)(high << 32 | low) >> (i % 63 + 1);
        values[i] = i % 9 ? next_uniform(&seed) : i % 2 ? 0.0f : -0.0f;
        momentum[i] = ldexpf(next_uniform(&seed), -(i % 149));
    }
    sums[0] = 0, sums[1] = INT64_MAX >> 1, sums[2] = -(INT64_MAX >> 1), sums[3] = -1;
}

static void every_instruction_set_gives_the_bits_of_the_formula(void **state)
{
    (void)state;
    static const sn_descent cases[] = {
        {.unit = 0x1p-42,
         .batch = 64,
         .exact = true,
         .momentum = 0.9,
         .learning_rate = 0.01,
         .negligible = 0x1p-100f},
        {.unit = 0x1p-36,
         .batch = 37,
         .momentum = 0.9,
         .learning_rate = 0.05,
         .weight_decay = 5e-4,
         .l1 = 3e-4,
         .negligible = 0x1p-100f},
        {.unit = 0x1p-36, .batch = 37, .momentum = 0.5, .learning_rate = 0.1, .negligible = 0x1p-100f},
        {.unit = 0x1p-36, .batch = 3, .learning_rate = 1, .l1 = 1e-3, .negligible = 0x1p-100f},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        int64_t sums[COUNT];
        float values[COUNT], momentum[COUNT], first_values[COUNT], first_momentum[COUNT];
        fill(sums, first_values, first_momentum);
        double squares[4] = {1, 2, 3, 4};
        memcpy(values, first_values, sizeof values);
        memcpy(momentum, first_momentum, sizeof momentum);
        reference(&cases[c], sums, values, momentum, squares);
        for (const char *const *isa = sn_kernels_available(); *isa; isa++) {
            float v[COUNT], m[COUNT];
            double s[4] = {1, 2, 3, 4};
            memcpy(v, first_values, sizeof v);
            memcpy(m, first_momentum, sizeof m);
            sn_kernels_select(*isa)->descend(&cases[c], COUNT, sums, v, m, s);
            assert_same_bits(*isa, v, values, COUNT);
            assert_same_bits(*isa, m, momentum, COUNT);
            assert_memory_equal(s, squares, sizeof s);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_instruction_set_gives_the_bits_of_the_formula),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
