/* Rounds of sums between nodes. */

#include "cmocka_all.h"
#include "syncnorm/comm/rounds.h"

static void they_reach_all_ranks(void **state)
{
    (void)state;
    for (int ranks = 1; ranks <= 5000; ranks++) {
        const sn_rounds r = sn_rounds_plan(ranks);
        int product = 1, messages = 0;
        for (int i = 0; i < r.count; i++) {
            assert_in_range(r.radix[i], 2, SN_RADIX_MOST);
            product *= r.radix[i];
            messages += r.radix[i] - 1;
        }
        assert_int_equal(product, r.core);
        assert_int_equal(messages, r.messages);
        assert_true(r.core <= ranks && 2 * r.core > ranks);
    }
}

/* A round of k costs 4 + k - 1, and one more message there and back 10. */
static void they_are_the_cheapest(void **state)
{
    (void)state;
    static const struct {
        int ranks, core, count, radix[3];
    } cases[] = {
        {1, 1, 0, {0}},      {2, 2, 1, {2}},      {7, 7, 1, {7}},      {11, 11, 1, {11}},
        {16, 16, 2, {4, 4}}, {19, 12, 2, {4, 3}}, {32, 32, 2, {8, 4}}, {64, 64, 3, {4, 4, 4}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const sn_rounds r = sn_rounds_plan(cases[i].ranks);
        assert_int_equal(r.core, cases[i].core);
        assert_int_equal(r.count, cases[i].count);
        for (int k = 0; k < r.count; k++)
            assert_int_equal(r.radix[k], cases[i].radix[k]);
    }
}

static void long_messages_are_scattered(void **state)
{
    (void)state;
    static const struct {
        int ranks;
        size_t bytes;
        bool scattered;
    } cases[] = {{1, 1 << 20, false}, {2, 1 << 20, false}, {4, 1 << 10, false},
                 {4, 1 << 16, true},  {64, 640, false},    {64, 1 << 14, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const sn_rounds r = sn_rounds_plan(cases[i].ranks);
        assert_int_equal(sn_rounds_scatter(&r, cases[i].bytes), cases[i].scattered);
        assert_true(!cases[i].scattered || sn_rounds_moved(&r, true) < sn_rounds_moved(&r, false));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_reach_all_ranks),
        cmocka_unit_test(they_are_the_cheapest),
        cmocka_unit_test(long_messages_are_scattered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
