/**
 * The update of the parameters: elementwise, in double. The sum of squares is four chains, so that its order is fixed and does not wait for
 * itself.
 */

#include "isa.h"
#include "simd.h"

#include <string.h>

/* Vectors of doubles, in GNU C: what is converted to and from floats. */
#if SN_ISA_LEVEL == 4
enum { WIDTH = 8 };
#else
enum { WIDTH = 4 };
#endif

typedef double doubles __attribute__((vector_size(WIDTH * sizeof(double))));
typedef int64_t integers __attribute__((vector_size(WIDTH * sizeof(int64_t))));
typedef float floats __attribute__((vector_size(WIDTH * sizeof(float))));
typedef int32_t words __attribute__((vector_size(WIDTH * sizeof(int32_t))));
typedef double four __attribute__((vector_size(4 * sizeof(double))));

/* As (double)value, rounded once. */
SN_INLINE doubles to_doubles(integers value)
{
#if SN_ISA_LEVEL == 3
    /* AVX2 has no such conversion. Both halves are exact in doubles that hold their bits: 2^52 + low, 2^84 + (high + 2^31) * 2^32 */
    const integers low = (value & INT64_C(0xffffffff)) | INT64_C(0x4330000000000000);
    const integers high = ((value >> 32 ^ INT64_C(0x80000000)) & INT64_C(0xffffffff)) |
                          INT64_C(0x4530000000000000);
    return ((doubles)high - (0x1p84 + 0x1p63)) + ((doubles)low - 0x1p52);
#else
    return __builtin_convertvector(value, doubles);
#endif
}

/* l1 * sign(w), for l1 >= 0 */
SN_INLINE doubles pull(double l1, doubles w)
{
    const doubles size = (doubles){0} + l1;
    return (doubles)((((integers)w & INT64_MIN) | (integers)size) & (w != 0));
}

/* 0 where |m| < least; NaN stays. */
SN_INLINE floats unless_negligible(floats m, float least)
{
    const floats size = (floats)((words)m & INT32_MAX);
    return (floats)((words)m & ~(size < least));
}

/* The next WIDTH gradients: chains of squares, then the parameters. */
SN_INLINE void step(const bool plain, const sn_descent *d, const int64_t *sums, float *values,
                    float *momentum, four *squares)
{
    integers sum;
    floats value, moved;
    memcpy(&sum, sums, sizeof sum);
    memcpy(&value, values, sizeof value);
    memcpy(&moved, momentum, sizeof moved);
    const doubles total = to_doubles(sum), products = total * total;
    four next[WIDTH / 4];
    memcpy(next, &products, sizeof next);
    SN_UNROLL
    for (int k = 0; k < WIDTH / 4; k++)
        *squares += next[k];

    const doubles w = __builtin_convertvector(value, doubles);
    const doubles mean = d->exact ? total * d->unit : total * d->unit / d->batch;
    const doubles pulled = plain ? mean : mean + d->weight_decay * w + pull(d->l1, w);
    const floats g = __builtin_convertvector(pulled, floats);
    const doubles m = d->momentum * __builtin_convertvector(moved, doubles) +
                      __builtin_convertvector(g, doubles);
    const floats kept = unless_negligible(__builtin_convertvector(m, floats), d->negligible);
    value = __builtin_convertvector(w - d->learning_rate * __builtin_convertvector(kept, doubles), floats);
    memcpy(values, &value, sizeof value);
    memcpy(momentum, &kept, sizeof kept);
}

SN_INLINE void descend(const bool plain, const sn_descent *descent, size_t count, const int64_t *sums,
                       float *restrict values, float *restrict momentum, double squares[4])
{
    const sn_descent d = *descent;
    four total;
    memcpy(&total, squares, sizeof total);
    size_t i = 0;
    for (; i + WIDTH <= count; i += WIDTH)
        step(plain, &d, sums + i, values + i, momentum + i, &total);
    if (i < count) {
        int64_t sum[WIDTH] = {0};
        float value[WIDTH] = {0}, moved[WIDTH] = {0};
        const size_t rest = count - i;
        memcpy(sum, sums + i, rest * sizeof *sum);
        memcpy(value, values + i, rest * sizeof *value);
        memcpy(moved, momentum + i, rest * sizeof *moved);
        step(plain, &d, sum, value, moved, &total);
        memcpy(values + i, value, rest * sizeof *value);
        memcpy(momentum + i, moved, rest * sizeof *moved);
    }
    memcpy(squares, &total, sizeof total);
}

void sn_descend(const sn_descent *descent, size_t count, const int64_t *sums, float *restrict values,
                float *restrict momentum, double squares[4])
{
    if (descent->weight_decay == 0 && descent->l1 == 0)
        descend(true, descent, count, sums, values, momentum, squares);
    else
        descend(false, descent, count, sums, values, momentum, squares);
}
