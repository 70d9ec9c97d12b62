/* report --select: the best setting of each experiment by the images held out, never by the test set. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reading.h"
#include "selection.h"

enum { RUNS_MAX = 32, SEEDS = 3 };

static char names[RUNS_MAX][64];
static const char *paths[RUNS_MAX];
static size_t files;

static void begin(void)
{
    files = 0;
}

/* Runs of three seeds around an accuracy. */
static void add(made_run made, double accuracy)
{
    static const double off[SEEDS] = {-0.1, 0, 0.1};
    for (int i = 0; i < SEEDS; i++) {
        made.images = 10000;
        made.seed = i + 1;
        *(made.validation_accuracy > 0 ? &made.validation_accuracy : &made.test_accuracy) =
            accuracy + off[i] * (strcmp(made.norm, "ln") == 0 ? 0.9 : 1); /* differences differ */
        snprintf(names[files], sizeof names[files], "select-%zu.h5", files);
        paths[files] = names[files];
        assert_ok(write_made_run(&made, paths[files++]));
    }
}

static made_run tuning(const char *norm, double lr)
{
    made_run made = usual;
    made.norm = norm;
    made.lr = lr;
    made.held_out = 5000;
    return made;
}

static sn_status select_by(const char *directory, const char *options)
{
    const sn_report_request request = {
        .paths = paths, .path_count = files, .directory = directory, .select = options};
    sn_report_outcome outcome;
    return sn_report_write(&request, &outcome);
}

/* gn is best within what was tried, ln at the edge; the best rate that they share is neither's own. */
static void the_best_of_each_and_the_shared_setting(void **state)
{
    (void)state;
    begin();
    add(tuning("gn", 0.003), 98.60);
    add(tuning("gn", 0.01), 98.82);
    add(tuning("gn", 0.03), 98.70);
    add(tuning("gn", 0.1), 97.00);
    add(tuning("ln", 0.003), 97.00);
    add(tuning("ln", 0.01), 98.20);
    add(tuning("ln", 0.03), 98.75);
    add(tuning("ln", 0.1), 98.90);
    assert_int_equal(select_by("selected", "lr"), SN_OK);
    assert_says("selected/selection.csv",
                "gn-validation5000,4,3,lr 0.01,98.82,0.25,,97.00,lr 0.03,98.70,0.25");
    assert_says("selected/selection.csv",
                "ln-validation5000,4,3,lr 0.1,98.90,0.22,lr,97.00,lr 0.03,98.75,0.22");
    assert_says(
        "selected/report.md",
        "8 settings of 2 experiments on MNIST, all with --validation 5000 --epochs 3; the best of each by "
        "5,000 "
        "images held out: gn at lr 0.01 (98.82 %), ln at lr 0.1 (98.90 %). ln-lr0.1 and gn are equivalent "
        "within ±0.1 points: 8.0 images of 10,000 apart (+0.06 to +0.10)");
    assert_says("selected/report.md", "The best of ln lies at the edge of what was tried");
    assert_says("selected/answer.csv", "ln-lr0.1-validation5000,gn-validation5000,equivalent,3,+0.080,");
    assert_says("selected/report.md",
                "All at lr 0.03, the best in the mean over them:\n\nln-lr0.03 and gn-lr0.03 are equivalent "
                "within ±0.1 points: 5.0 images of 10,000 apart "
                "(+0.03 to +0.07)");
    assert_true(says("selected/figures/sensitivity-lr.tsv", "0.003"));
    assert_true(says("selected/figures/expected-best.svg", "<svg"));
}

/* Equal counts in another order of the seeds, whose means differ in the last bit, are equal; and what was tried with fewer seeds is said. */
static void of_equal_settings_the_first_is_the_best(void **state)
{
    (void)state;
    static const double accuracies[2][SEEDS] = {{98.1, 98.4, 98.7}, {98.7, 98.4, 98.1}};
    begin();
    for (int setting = 0; setting < 2; setting++)
        for (int i = 0; i < SEEDS; i++) {
            made_run made = tuning("gn", setting ? 0.03 : 0.01);
            made.images = 10000;
            made.seed = i + 1;
            made.test_accuracy = accuracies[setting][i];
            snprintf(names[files], sizeof names[files], "equal-%zu.h5", files);
            paths[files] = names[files];
            assert_ok(write_made_run(&made, paths[files++]));
        }
    assert_int_equal(select_by("equal", "lr"), SN_OK);
    assert_says("equal/selection.csv", "gn-validation5000,2,3,lr 0.01,98.40,");
    assert_false(says("equal/report.md", "were not tried with as many seeds"));
    files--;
    assert_int_equal(select_by("fewer", "lr"), SN_OK);
    assert_says("fewer/report.md", "The settings were not tried with as many seeds, but with 2 to 3:");
}

/* Runs with --test: by the test set another setting would be the best. */
static void the_test_set_chooses_nothing(void **state)
{
    (void)state;
    begin();
    made_run made = tuning("gn", 0.01);
    made.test_accuracy = 99.5;
    made.validation_accuracy = 98;
    add(made, 98);
    made = tuning("gn", 0.03);
    made.test_accuracy = 98.5;
    made.validation_accuracy = 99;
    add(made, 99);
    assert_int_equal(select_by("tested", "lr"), SN_OK);
    assert_says("tested/selection.csv", "gn-validation5000-test,2,3,lr 0.03,99.00,");
    made = usual;
    add(made, 99);
    assert_int_equal(select_by("refused", "lr"), SN_ERROR_USAGE);
    assert_non_null(strstr(sn_error_message(), "was not evaluated on images held out"));
    sn_error_clear();
}

static void what_is_no_option_is_refused(void **state)
{
    (void)state;
    begin();
    add(tuning("gn", 0.01), 98);
    add(tuning("gn", 0.03), 99);
    static const struct {
        const char *options, *says;
    } bad[] = {{"", "--select '': must be options"},
               {"rate", "--select 'rate': must be"},
               {"lr,", "--select '': must be"},
               {"lr,,l1", "--select '': must be"},
               {"lr l1", "--select 'lr l1': must be"},
               {"dataset_digest", "'dataset_digest': must be"},
               {"norm", "'norm': must be options that are settings"},
               {"lr,seed", "'seed': must be options that are settings"},
               {"init-seed", "'init-seed': must be"},
               {"validation", "'validation': must be"},
               {"split-seed", "'split-seed': must be"},
               {"epochs", "'epochs': must be"},
               {"lr,lr", "--select: 'lr' is there twice"},
               {"l1", "--select: no two of these 2 experiments differ in l1 alone"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(select_by("refused", bad[i].options), SN_ERROR_USAGE);
        if (!strstr(sn_error_message(), bad[i].says))
            fail_msg("'%s': %s", bad[i].options, sn_error_message());
        sn_error_clear();
    }
}

static void the_winners_go_on_with_fresh_seeds(void **state)
{
    (void)state;
    begin();
    add(tuning("gn", 0.01), 98.60);
    add(tuning("gn", 0.03), 98.80);
    add(tuning("bn", 0.03), 98.60);
    sn_report_request request = {
        .paths = paths, .path_count = files, .directory = "final", .select = "lr", .final_seeds = "11-13,20"};
    sn_report_outcome outcome;
    assert_int_equal(sn_report_write(&request, &outcome), SN_OK);
    assert_string_equal(outcome.commands, "syncnorm study --experiment gn --lr 0.03 --seed 11-13,20 --epochs "
                                          "3 --chosen-from '2 settings of lr, by "
                                          "98.80 % of 5000 images held out, mean of 3 seeds'\n"
                                          "syncnorm study --experiment bn --lr 0.03 --seed 11-13,20 --epochs "
                                          "3 --chosen-from '1 setting of lr, by "
                                          "98.60 % of 5000 images held out, mean of 3 seeds'\n");
    free(outcome.commands);
    static const char *const bad[] = {
        "3", "2-11", "11-10", "x", "11,,12", "-1", "", "11-", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        request.final_seeds = bad[i];
        assert_int_equal(sn_report_write(&request, &outcome), SN_ERROR_USAGE);
        assert_null(outcome.commands);
        assert_non_null(strstr(sn_error_message(), "--emit-final"));
        sn_error_clear();
    }
}

static void own(const char *path, const char *seed)
{
    sn_run run = {0};
    assert_ok(sn_run_read(path, &run));
    assert_ok(sn_attributes_set_text(&run.experiment, seed, "1"));
    assert_ok(sn_run_write(&run, path));
    sn_run_clear(&run);
}

/* Where --seed is the seed of nothing, runs of two are one: they say nothing about how far seeds differ. */
static void runs_of_which_no_chance_is_the_seeds_count_once(void **state)
{
    (void)state;
    begin();
    add(tuning("gn", 0.01), 98.60);
    add(tuning("bn", 0.01), 98.80);
    for (size_t i = 0; i < files; i++) {
        own(paths[i], "init_seed");
        own(paths[i], "order_seed");
    }
    report("two", paths, files);
    assert_says("two/answer.csv", ",3,");
    for (size_t i = 0; i < files; i++)
        own(paths[i], "dropout_seed");
    report("three", paths, files);
    assert_says("three/report.md", "1 seed each");
}

/* Runs whose chance is not --seed's are never fresh. */
static void winners_with_seeds_of_their_own_are_refused(void **state)
{
    (void)state;
    begin();
    add(tuning("gn", 0.01), 98.60);
    add(tuning("gn", 0.03), 98.80);
    for (size_t i = 0; i < files; i++)
        own(paths[i], "order_seed");
    sn_report_request request = {
        .paths = paths, .path_count = files, .directory = "owned", .select = "lr", .final_seeds = "11-13"};
    sn_report_outcome outcome;
    assert_int_equal(sn_report_write(&request, &outcome), SN_ERROR_USAGE);
    assert_non_null(strstr(sn_error_message(), "has seeds of its own"));
    sn_error_clear();
    free(outcome.commands);
}

/* The mean of the greatest over all subsets of n values. */
static double by_subsets(const double *sorted, int count, int n)
{
    double sum = 0;
    int subsets = 0;
    for (unsigned mask = 0; mask < 1u << count; mask++) {
        double greatest = 0;
        if (__builtin_popcount(mask) != n) continue;
        for (int i = 0; i < count; i++)
            if (mask >> i & 1) greatest = sorted[i];
        sum += greatest;
        subsets++;
    }
    return sum / subsets;
}

static void the_expected_best_is_the_mean_over_all_subsets(void **state)
{
    (void)state;
    static const double values[] = {90, 91.5, 95, 95, 97.25, 99, 99.5};
    enum { COUNT = sizeof values / sizeof *values };
    for (int count = 1; count <= COUNT; count++)
        for (int n = 1; n <= count; n++)
            assert_true(fabs(sn_expected_best(values, (size_t)count, (size_t)n) -
                             by_subsets(values, count, n)) < 1e-9);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_of_each_and_the_shared_setting),
        cmocka_unit_test(of_equal_settings_the_first_is_the_best),
        cmocka_unit_test(the_test_set_chooses_nothing),
        cmocka_unit_test(what_is_no_option_is_refused),
        cmocka_unit_test(the_winners_go_on_with_fresh_seeds),
        cmocka_unit_test(runs_of_which_no_chance_is_the_seeds_count_once),
        cmocka_unit_test(winners_with_seeds_of_their_own_are_refused),
        cmocka_unit_test(the_expected_best_is_the_mean_over_all_subsets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
