/* Verdicts on made-up studies: how often they are false, and how often they come. Deterministic: the studies are the same each time. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../support/assert_ok.h"
#include "verdict.h"

enum { STUDIES = 2000, GROUPS_MAX = 4, PAIRS_MAX = GROUPS_MAX * (GROUPS_MAX - 1) / 2, SEEDS_MAX = 40 };
static const double margin = 10;

static double uniform(void)
{
    static uint64_t x = 88172645463325252u; /* Marsaglia's xorshift */
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (double)(x >> 11) * 0x1p-53;
}

static double normal(void)
{
    return sqrt(-2 * log(1 - uniform())) * cos(2 * acos(-1) * uniform());
}

typedef struct counts {
    size_t wrong;              /* studies with a false verdict */
    size_t better, equivalent; /* of the first pair */
} counts;

/* Groups with these true means, in images; seeds move all groups alike, and each by itself. */
static counts judge(const double *means, int groups, size_t seeds, double deviation)
{
    counts all = {0};
    for (int study = 0; study < STUDIES; study++) {
        double values[GROUPS_MAX][SEEDS_MAX];
        sn_pair pairs[PAIRS_MAX];
        sn_pairs family = {.pairs = pairs};
        for (size_t s = 0; s < seeds; s++) {
            const double common = 20 * normal();
            for (int g = 0; g < groups; g++)
                values[g][s] = 9900 + means[g] + common + deviation / sqrt(2) * normal();
        }
        for (int a = 0; a < groups; a++)
            for (int b = a + 1; b < groups; b++)
                pairs[family.count++] = (sn_pair){
                    .first = (size_t)a,
                    .second = (size_t)b,
                    .margin = margin,
                    .difference = sn_estimate_difference(values[b], values[a], seeds)};
        assert_ok(sn_pairs_decide(&family));
        bool wrong = false;
        for (size_t i = 0; i < family.count; i++) {
            const double truth = means[pairs[i].second] - means[pairs[i].first];
            const sn_verdict verdict = pairs[i].verdict;
            wrong = wrong || (verdict == SN_BETTER && truth <= 0) || (verdict == SN_WORSE && truth >= 0) ||
                    (verdict == SN_EQUIVALENT && fabs(truth) >= margin);
        }
        all.wrong += wrong;
        all.better += pairs[0].verdict == SN_BETTER;
        all.equivalent += pairs[0].verdict == SN_EQUIVALENT;
    }
    return all;
}

static void assert_rarely_wrong(const double *means, int groups, size_t seeds, double deviation)
{
    const counts found = judge(means, groups, seeds, deviation);
    if (found.wrong > 0.055 * STUDIES)
        fail_msg("%zu of %d studies have a false verdict", found.wrong, (int)STUDIES);
}

/* No difference at all: none is found. */
static void test_equal_groups(void **state)
{
    (void)state;
    const double equal[GROUPS_MAX] = {0};
    for (size_t seeds = 2; seeds <= 20; seeds += 6)
        assert_rarely_wrong(equal, GROUPS_MAX, seeds, 15);
}

/* Differences of just the margin: none is taken for equivalence; spreads that tempt to it. */
static void test_groups_at_the_margin(void **state)
{
    (void)state;
    for (size_t seeds = 3; seeds <= 21; seeds += 6) {
        assert_rarely_wrong((const double[]){0, 10, 20, 30}, 4, seeds, 6);
        assert_rarely_wrong((const double[]){0, 10}, 2, seeds, 6);
    }
}

/* Both kinds of truth in one family. */
static void test_groups_of_both_kinds(void **state)
{
    (void)state;
    for (size_t seeds = 3; seeds <= 21; seeds += 6) {
        assert_rarely_wrong((const double[]){0, 0, 10, 10}, 4, seeds, 8);
        assert_rarely_wrong((const double[]){0, 3, 10, 13}, 4, seeds, 4);
    }
}

static void assert_near(size_t found, double power)
{
    if (fabs((double)found / STUDIES - power) > 0.03)
        fail_msg("%zu of %d, and %.3f in theory", found, (int)STUDIES, power);
}

/* A verdict comes as often as the seeds are planned for. */
static void test_power(void **state)
{
    (void)state;
    static const struct {
        double truth, deviation;
        size_t seeds;
    } cases[] = {{15, 15, 10}, {0, 10, 11}, {0, 15, 21}, {0, 20, 36}, {40, 20, 5}, {3, 8, 12}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const double means[] = {0, cases[i].truth};
        const counts found = judge(means, 2, cases[i].seeds, cases[i].deviation);
        const double equivalent = sn_power_equivalence(cases[i].truth, cases[i].deviation, margin,
                                                       cases[i].seeds, 0.05);
        assert_near(found.equivalent, equivalent);
        /* Where both can be shown equivalence is said: the rest is for large differences alone */
        if (cases[i].truth > margin)
            assert_near(found.better,
                        sn_power_difference(cases[i].truth, cases[i].deviation, cases[i].seeds, 0.05));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_groups),
        cmocka_unit_test(test_groups_at_the_margin),
        cmocka_unit_test(test_groups_of_both_kinds),
        cmocka_unit_test(test_power),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
