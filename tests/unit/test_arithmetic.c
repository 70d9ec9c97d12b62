/* Arithmetic in this build is what the source says: no flag, of whatever origin, lets the compiler reorder, contract, widen or
   flush. The operands are volatile, so that nothing is computed while compiling. */

#include <math.h>

#include "cmocka_all.h"

static void sums_keep_their_order(void **state)
{
    (void)state;
    const volatile float large = 0x1p30f, small = 1;
    const float a = large, b = small;
    assert_true((a + b) - a == 0);
    assert_true((b + a) - a == 0);
}

enum { NUMERATORS = 64 };

/* The divisor stays the same, which -freciprocal-math looks for. */
static void division_is_no_product_with_a_reciprocal(void **state)
{
    (void)state;
    const volatile float divisor = 41;
    const float d = divisor;
    float quotients[NUMERATORS];
    for (int i = 0; i < NUMERATORS; i++)
        quotients[i] = (float)i / d;
    int differing = 0;
    for (int i = 0; i < NUMERATORS; i++) {
        const volatile float reciprocal = 1 / divisor;
        assert_true(quotients[i] ==
                    (float)((double)i / 41)); /* twice rounded is once rounded: 53 >= 2 * 24 + 2 */
        differing += quotients[i] != (float)i * reciprocal;
    }
    assert_true(differing > 0); /* the divisor is one that tells */
}

static void zeros_have_signs(void **state)
{
    (void)state;
    const volatile float negative = -0.0f;
    const float zero = negative;
    assert_false(signbit(zero + 0.0f));
    assert_true(signbit(zero - 0.0f));
    assert_true(signbit(zero * 1.0f));
}

static void what_is_no_number_is_seen(void **state)
{
    (void)state;
    const volatile float large = 0x1p127f;
    const float infinite = large * 2, none = infinite - infinite;
    assert_true(infinite > 0x1.fffffep127f);
    assert_true(none != none);
    assert_false(isfinite(infinite));
}

static void floats_are_rounded_to_floats(void **state)
{
    (void)state;
    const volatile float third = 1.0f / 3, factor = 3.0f;
    const float t = third, f = factor;
    assert_true((double)(t * f) == (double)(float)((double)t * (double)f));
    const volatile double constant = 0.1;
    assert_true(constant != (double)0.1f); /* a constant without f is a double */
}

static void the_smallest_are_not_flushed(void **state)
{
    (void)state;
    const volatile float smallest = 0x1p-126f;
    assert_true(smallest * 0.5f > 0);
}

#if defined(__x86_64__)
__attribute__((target("fma"), noinline)) static float product_and_sum(float a, float b, float c)
{
    return a * b + c;
}

static void nothing_is_contracted(void **state)
{
    (void)state;
    if (!__builtin_cpu_supports("fma")) skip();
    const volatile float x = 1 + 0x1p-12f;
    assert_true(product_and_sum(x, x, -(1 + 0x1p-11f)) == 0); /* fma: 2^-24 */
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_keep_their_order),
        cmocka_unit_test(division_is_no_product_with_a_reciprocal),
        cmocka_unit_test(zeros_have_signs),
        cmocka_unit_test(what_is_no_number_is_seen),
        cmocka_unit_test(floats_are_rounded_to_floats),
        cmocka_unit_test(the_smallest_are_not_flushed),
#if defined(__x86_64__)
        cmocka_unit_test(nothing_is_contracted),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
