/* How long a run takes: shares, their blocks, the largest share's time. */

#include <math.h>

#include "experiment_options.h"
#include "syncnorm/study/estimate.h"

static const sn_block_cost second = {
    .block = 16}; /* so that seconds are images in whole blocks, and what sums take is far less */

static void assert_about(double seconds, double expected)
{
    if (!(seconds >= expected && seconds < expected * 1.001 + 1e-9))
        fail_msg("%g s, expected about %g s", seconds, expected);
}

static void a_share_costs_its_blocks(void **state)
{
    (void)state;
    static const struct {
        uint32_t samples;
        double seconds;
    } whole[] = {{0, 0}, {15, 16}, {16, 16}, {32, 32}, {64, 64}, {65536, 65536}};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        assert_true(sn_share_seconds(&second, whole[i].samples) == whole[i].seconds);
    /* few samples cost more than their part of a block, but not much */
    for (uint32_t samples = 1; samples < 16; samples++) {
        const double seconds = sn_share_seconds(&second, samples);
        assert_true(seconds >= samples && seconds <= 1.5 * samples);
        assert_true(fabs(sn_share_seconds(&second, 48 + samples) - 48 - seconds) < 1e-12);
    }
}

static void a_step_takes_as_long_as_the_largest_share(void **state)
{
    (void)state;
    static const struct {
        uint32_t batch;
        int ranks;
        uint32_t largest;
    } cases[] = {{64, 1, 64},    {64, 2, 32},    {64, 3, 22},    {64, 4, 16},   {64, 8, 8}, {64, 16, 4},
                 {64, 64, 1},    {37, 1, 37},    {37, 2, 19},    {37, 3, 13},   {1, 64, 1}, {1024, 1, 1024},
                 {1024, 3, 342}, {1024, 16, 64}, {1024, 48, 22}, {1024, 64, 16}};
    for (int norm = 0; norm < SN_NORM_KINDS; norm++) {
        const sn_experiment e = with(OPTIONS({"norm", sn_norm_types[norm].name}));
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
            assert_about(sn_step_seconds(&second, &e, cases[i].batch, cases[i].ranks),
                         sn_share_seconds(&second, cases[i].largest));
    }
    const sn_block_cost update = {.block = 16, .update = 0.5};
    const sn_experiment gn = with(OPTIONS({"norm", "gn"}));
    assert_about(sn_step_seconds(&update, &gn, 64, 4), 16.5);
}

/* What ranks tell each other: nothing on one, more on more; and of batch norm, whose groups lie on several ranks, more again. */
static void sums_are_counted(void **state)
{
    (void)state;
    const sn_block_cost nothing = {0};
    const sn_experiment gn = with(OPTIONS({"norm", "gn"})), bn = with(OPTIONS({"norm", "bn"})),
                        worker = with(OPTIONS({"norm", "bn"}, {"workers", "4"}, {"bn-scope", "worker"})),
                        literal = with(OPTIONS({"norm", "bn"}, {"workers", "ranks"}, {"bn-scope", "worker"})),
                        small = with(OPTIONS({"norm", "bn"}, {"bn-scope", "8"}));
    assert_true(sn_step_seconds(&nothing, &bn, 64, 1) == 0);
    double before = 0;
    for (int ranks = 2; ranks <= 64; ranks *= 2) {
        const double plain = sn_step_seconds(&nothing, &gn, 64, ranks);
        const double synchronized = sn_step_seconds(&nothing, &bn, 64, ranks);
        /* running statistics of several groups ride in the gradient's message */
        const double uncut = sn_step_seconds(&nothing, &literal, 64, ranks),
                     cut = synchronized + uncut - plain;
        assert_true(plain > before);
        assert_true(synchronized > uncut);
        assert_true(uncut > plain);
        assert_true(fabs(sn_step_seconds(&nothing, &worker, 64, ranks) - (ranks <= 4 ? uncut : cut)) < 1e-12);
        assert_true(fabs(sn_step_seconds(&nothing, &small, 64, ranks) - (ranks <= 8 ? uncut : cut)) < 1e-12);
        before = plain;
    }
}

static double share(uint32_t samples)
{
    return sn_share_seconds(&second, samples);
}

/* 96 images in batches of 64, all in whole blocks; 48 of a test set; the training set at the end. */
static void a_run_is_steps_and_evaluations(void **state)
{
    (void)state;
    const sn_dataset_facts data = {.train = 96, .test = 48};
    const sn_experiment e = with(OPTIONS({"norm", "gn"}));
    assert_about(sn_run_seconds(&second, &e, &data, 96, 1), 96 + (48 + 96) / 3.);
    assert_about(sn_run_seconds(&second, &e, &data, 288, 1), 288 + (3 * 48 + 96) / 3.);
    assert_about(sn_run_seconds(&second, &e, &data, 160, 1),
                 160 + (2 * 48 + 96) / 3.); /* ends within an epoch */
    assert_about(sn_run_seconds(&second, &e, &data, 0, 1), 96 / 3.);
    assert_about(sn_run_seconds(&second, &e, &data, 96, 4),
                 share(16) + share(8) + (share(12) + share(24)) / 3);
    assert_about(sn_run_seconds(&second, &e, &data, 96, 64), 2 * share(1) + (share(1) + share(2)) / 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_share_costs_its_blocks),
                                       cmocka_unit_test(a_step_takes_as_long_as_the_largest_share),
                                       cmocka_unit_test(sums_are_counted),
                                       cmocka_unit_test(a_run_is_steps_and_evaluations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
