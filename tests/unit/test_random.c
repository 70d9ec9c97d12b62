/* Counter-based randomness: Philox as published; permutations that are bijections, unbiased, and never change. */

#include <string.h>

#include "cmocka_all.h"
#include "syncnorm/base/random.h"

/* Philox4x32-10 as the paper writes it (Salmon et al., SC 2011, section 3.3), apart from Random123's code. */
static sn_random4 philox(sn_random4 counter, uint32_t key0, uint32_t key1)
{
    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = (uint64_t)0xd2511f53 * counter.word[0];
        const uint64_t p1 = (uint64_t)0xcd9e8d57 * counter.word[2];
        counter = (sn_random4){{(uint32_t)(p1 >> 32) ^ counter.word[1] ^ key0, (uint32_t)p1,
                                (uint32_t)(p0 >> 32) ^ counter.word[3] ^ key1, (uint32_t)p0}};
        key0 += 0x9e3779b9;
        key1 += 0xbb67ae85;
    }
    return counter;
}

/* Known answers published with Random123 (kat_vectors, philox4x32 10). */
static void test_known_answers(void **state)
{
    (void)state;
    static const struct {
        sn_random4 counter;
        uint32_t key[2];
        sn_random4 expected;
    } cases[] = {
        {{{0, 0, 0, 0}}, {0, 0}, {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}}},
        {{{~0u, ~0u, ~0u, ~0u}}, {~0u, ~0u}, {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}}},
        {{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}},
         {0xa4093822, 0x299f31d0},
         {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const sn_random4 r = philox(cases[i].counter, cases[i].key[0], cases[i].key[1]);
        assert_memory_equal(&r, &cases[i].expected, sizeof r);
    }
    /* the one of them that our counters can express */
    const sn_random4 zero = sn_random(0, (sn_purpose)0, 0, 0, 0);
    assert_memory_equal(&zero, &cases[0].expected, sizeof zero);
}

/* The word that purpose and c share, the key from the seed: the layout is part of every stored result. */
static void test_layout_of_counters(void **state)
{
    (void)state;
    static const struct {
        uint64_t seed;
        sn_purpose purpose;
        uint32_t a, b, c;
    } cases[] = {{1, SN_PURPOSE_SHUFFLE, 0, 0, 0},
                 {UINT64_C(0x0123456789abcdef), SN_PURPOSE_DROPOUT, 7, 59999, 15},
                 {UINT64_MAX, SN_PURPOSE_WEIGHT, UINT32_MAX, UINT32_MAX, 0xffffff},
                 {42, SN_PURPOSE_SHARD, 3, 2, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const sn_random4 counter = {
            {cases[i].a, cases[i].b, (uint32_t)cases[i].purpose << 24 | cases[i].c, 0}};
        const sn_random4 expected = philox(counter, (uint32_t)cases[i].seed, (uint32_t)(cases[i].seed >> 32));
        const sn_random4 r = sn_random(cases[i].seed, cases[i].purpose, cases[i].a, cases[i].b, cases[i].c);
        assert_memory_equal(&r, &expected, sizeof r);
    }
}

static void test_uniform_is_in_0_1(void **state)
{
    (void)state;
    assert_true(sn_uniform(0) == 0.0f);
    assert_true(sn_uniform(UINT32_MAX) == 1.0f - 0x1p-24f);
    assert_true(sn_uniform(0x80000000) == 0.5f);
    double sum = 0;
    enum { DRAWS = 40000 };
    for (uint32_t i = 0; i < DRAWS / 4; i++)
        for (int w = 0; w < 4; w++)
            sum += (double)sn_uniform(sn_random(1, SN_PURPOSE_DROPOUT, i, 0, 0).word[w]);
    const double deviations = (sum / DRAWS - 0.5) / 0.0014434; /* sqrt(1/12 / DRAWS) */
    assert_true(deviations > -3 && deviations < 3);
}

static void test_permutation_is_a_bijection(void **state)
{
    (void)state;
    enum { MOST = 60000 };
    static uint32_t permutation[MOST];
    static unsigned char seen[MOST];
    static const uint32_t sizes[] = {1, 2, 3, 10, 997, MOST};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (uint32_t stream = 0; stream < 3; stream++) {
            memset(seen, 0, sizeof seen);
            sn_permutation(5, SN_PURPOSE_SHUFFLE, stream, sizes[i], permutation);
            for (uint32_t p = 0; p < sizes[i]; p++) {
                assert_true(permutation[p] < sizes[i]);
                assert_false(seen[permutation[p]]);
                seen[permutation[p]] = 1;
            }
        }
    sn_permutation(5, SN_PURPOSE_SHUFFLE, 0, 0, permutation); /* nothing to do, nothing done */
}

/* Chi-square over the 120 orders of five things. 119 degrees of freedom: mean 119, deviation 15.4. The draws are fixed
   by their seed, so this either holds or does not. */
static void test_permutation_is_unbiased(void **state)
{
    (void)state;
    enum { THINGS = 5, ORDERS = 120, DRAWS = 1000 * ORDERS };
    static uint32_t times[THINGS * THINGS * THINGS * THINGS * THINGS];
    for (uint32_t stream = 0; stream < DRAWS; stream++) {
        uint32_t permutation[THINGS], index = 0;
        sn_permutation(11, SN_PURPOSE_SHUFFLE, stream, THINGS, permutation);
        for (int p = 0; p < THINGS; p++)
            index = index * THINGS + permutation[p];
        times[index]++;
    }
    double chi_square = 0;
    int orders = 0;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        if (times[i]) {
            const double excess = (double)times[i] - (double)DRAWS / ORDERS;
            chi_square += excess * excess / ((double)DRAWS / ORDERS);
            orders++;
        }
    assert_int_equal(orders, ORDERS);
    assert_true(chi_square > 119 - 3.5 * 15.4 && chi_square < 119 + 3.5 * 15.4);
}

/* Recorded once; a change would change every training run. */
static void test_permutation_never_changes(void **state)
{
    (void)state;
    static const uint32_t recorded[10] = {2, 0, 3, 8, 1, 4, 6, 5, 9, 7};
    uint32_t permutation[10];
    sn_permutation(1, SN_PURPOSE_SHUFFLE, 0, 10, permutation);
    assert_memory_equal(permutation, recorded, sizeof recorded);
    static uint32_t epoch[60000];
    sn_permutation(1, SN_PURPOSE_SHUFFLE, 14, 60000, epoch);
    static const uint32_t first[4] = {3397, 45961, 56917, 28946};
    assert_memory_equal(epoch, first, sizeof first);
}

static void test_permutations_differ_by_seed_purpose_and_stream(void **state)
{
    (void)state;
    uint32_t base[50], other[50];
    sn_permutation(1, SN_PURPOSE_SHUFFLE, 0, 50, base);
    sn_permutation(2, SN_PURPOSE_SHUFFLE, 0, 50, other);
    assert_memory_not_equal(base, other, sizeof base);
    sn_permutation(1 + (UINT64_C(1) << 32), SN_PURPOSE_SHUFFLE, 0, 50, other);
    assert_memory_not_equal(base, other, sizeof base);
    sn_permutation(1, SN_PURPOSE_SHARD, 0, 50, other);
    assert_memory_not_equal(base, other, sizeof base);
    sn_permutation(1, SN_PURPOSE_SHUFFLE, 1, 50, other);
    assert_memory_not_equal(base, other, sizeof base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_layout_of_counters),
        cmocka_unit_test(test_uniform_is_in_0_1),
        cmocka_unit_test(test_permutation_is_a_bijection),
        cmocka_unit_test(test_permutation_is_unbiased),
        cmocka_unit_test(test_permutation_never_changes),
        cmocka_unit_test(test_permutations_differ_by_seed_purpose_and_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
