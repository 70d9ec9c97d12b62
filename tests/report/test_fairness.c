/* What is compared with what: pairs, baselines, penalties, published figures. */

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
#include "syncnorm/base/log.h"

/* A made run with an attribute of /experiment set to another text. */
static void write_with(made_run made, const char *path, const char *attribute, const char *text)
{
    sn_run run = {0};
    assert_ok(make_run(&made, &run));
    assert_ok(sn_attributes_set_text(&run.experiment, attribute, text));
    assert_ok(sn_run_write(&run, path));
    sn_run_clear(&run);
}

static void write_limited(made_run made, const char *path, const char *attribute, int64_t value)
{
    sn_run run = {0};
    assert_ok(make_run(&made, &run));
    assert_ok(sn_attributes_set_integer(&run.experiment, attribute, value));
    assert_ok(sn_run_write(&run, path));
    sn_run_clear(&run);
}

/* 9850 - 9849 and 9866 - 9865 of 10,000 are one and the same image, though the percentages differ in the last bit. */
static void test_equal_differences_prove_nothing(void **state)
{
    (void)state;
    static const int correct[] = {9850, 9866, 9849, 9865};
    static const char *const paths[] = {"g1.h5", "g2.h5", "l1.h5", "l2.h5"};
    assert_true(98.50 - 98.49 < 98.66 - 98.65 || 98.50 - 98.49 > 98.66 - 98.65);
    for (int i = 0; i < 4; i++) {
        made_run made = usual;
        made.norm = i < 2 ? "gn" : "ln";
        made.seed = 1 + i % 2;
        made.images = 10000;
        made.test_accuracy = 100.0 * correct[i] / 10000;
        assert_ok(write_made_run(&made, paths[i]));
    }
    report("equal", paths, 4);
    assert_says("equal/differences.csv", "ln,2,-0.010,,,-1.0,,,norm\r\n");
}

/* The plainest comes first: iid before dirichlet, and the other shards by their number. */
static void test_plain_experiments_come_first(void **state)
{
    (void)state;
    static const char *const shards[] = {"dirichlet:10", "iid", "dirichlet:0.1"};
    static const char *const paths[] = {"d10.h5", "iid.h5", "d01.h5"};
    for (int i = 0; i < 3; i++) {
        made_run made = usual;
        made.norm = "bn";
        made.workers = 8;
        made.scope = "sync";
        write_with(made, paths[i], "shards", shards[i]);
    }
    report("plain", paths, 3);
    assert_says("plain/differences.csv", "experiment,pairs");
    assert_says("plain/report.html", "minus that of bn (shards iid), paired");
    char *text = read_file("plain/comparison.csv");
    const char *iid = strstr(text, "iid"), *some = strstr(text, "dirichlet:0.1"),
               *many = strstr(text, "dirichlet:10");
    assert_true(iid && iid < some && some < many);
    free(text);
}

/* The text promises one order only where nothing that makes the order differs, and says what does. */
static void test_what_differs_is_said(void **state)
{
    (void)state;
    made_run worked = usual, longer = usual;
    worked.norm = longer.norm = "ln";
    worked.workers = 4;
    longer.epochs = longer.finished = 5;
    assert_ok(write_made_run(&usual, "base.h5"));
    write_with(worked, "workers.h5", "shards", "sorted");
    report("orders", (const char *const[]){"base.h5", "workers.h5"}, 2);
    assert_says("orders/differences.csv", ",\"norm, shards, workers\"\r\n");
    assert_says("orders/report.html", "unless batch, workers, shards or shuffle");
    assert_false(says("orders/report.html", "not trained as long as"));
    assert_ok(write_made_run(&longer, "longer.h5"));
    report("longer", (const char *const[]){"base.h5", "longer.h5"}, 2);
    assert_says("longer/differences.csv", ",\"epochs, norm\"\r\n");
    assert_says("longer/report.html", "not trained as long as gn");
}

/* Twenty steps are no epoch to put beside a published one. */
static void test_partial_epochs_are_not_the_published_ones(void **state)
{
    (void)state;
    sn_run run = {0};
    made_run partial = usual;
    partial.epochs = partial.finished = 1;
    assert_ok(make_run(&partial, &run));
    assert_ok(sn_attributes_set_integer(&run.experiment, "steps", 20));
    assert_ok(sn_attributes_set_integer(&run.progress, "step", 20));
    assert_ok(sn_attributes_set_integer(&run.progress, "batch", 20));
    assert_ok(sn_attributes_set_integer(&run.progress, "epoch", 0));
    assert_ok(sn_run_write(&run, "partial.h5"));
    sn_run_clear(&run);
    report("partial", (const char *const[]){"partial.h5"}, 1);
    assert_says("partial/report.html", "the published figures (no complete run");
    assert_false(says("partial/report.html", "published study</"));
}

/* What is computed after training changes no weight: the recipe is still the published one, and the warning stands. */
static void test_precise_statistics_keep_the_published_recipe(void **state)
{
    (void)state;
    made_run mixed = usual;
    mixed.norm = "bn";
    mixed.l1 = 3e-4;
    write_limited(mixed, "precise.h5", "precise_bn", 1);
    report("precise", (const char *const[]){"precise.h5"}, 1);
    assert_says("precise/published.csv", "bn-l1,3,");
    assert_says("precise/report.html", "bn-l1 mixes two things");
}

/* Any penalized batch norm is mixed, whatever its name; its plain partner is the one that lacks the penalty alone. */
static void test_every_penalized_bn_is_told_apart(void **state)
{
    (void)state;
    made_run mixed = usual, plain = usual;
    mixed.norm = plain.norm = "bn";
    mixed.l1 = 1e-3;
    plain.l1 = 0;
    mixed.scope = "8";
    assert_ok(write_made_run(&mixed, "mixed8.h5"));
    assert_ok(write_made_run(&plain, "plain.h5")); /* of the whole batch: not the partner */
    report("scoped", (const char *const[]){"mixed8.h5", "plain.h5"}, 2);
    assert_says("scoped/report.html", "bn-l1-scope8 mixes two things");
    assert_says("scoped/report.html", "No run of plain batch norm");
    plain.scope = "8";
    assert_ok(write_made_run(&plain, "plain8.h5"));
    report("partners", (const char *const[]){"mixed8.h5", "plain8.h5"}, 2);
    assert_says(
        "partners/report.html",
        "The norm without the penalty, and else the same: bn beside bn-l1"); /* the scope is no news: both have it */
    assert_says("partners/comparison.csv", "bn-l1-scope8,");
}

/* Speeds on one and on four ranks have no mean. */
static void test_speeds_of_different_ranks_are_not_averaged(void **state)
{
    (void)state;
    made_run other = usual;
    other.seed = 2;
    assert_ok(write_made_run(&usual, "one.h5"));
    assert_ok(write_made_run(&other, "two.h5"));
    report("same-ranks", (const char *const[]){"one.h5", "two.h5"}, 2);
    assert_says("same-ranks/comparison.csv", ",5400\r\n");
    other.ranks = 4;
    assert_ok(write_made_run(&other, "four.h5"));
    report("ranks", (const char *const[]){"one.h5", "four.h5"}, 2);
    assert_false(says("ranks/comparison.csv", ",13500\r\n"));
    assert_says("ranks/report.html", "Images/s is left out");
}

/* Each gap by its name: to the training set evaluated, where it was, and to the loss while training. */
static void test_gaps_are_not_mixed_up(void **state)
{
    (void)state;
    made_run plain = usual, evaluated = usual;
    plain.measured = false;
    evaluated.norm = "bn";
    assert_ok(write_made_run(&plain, "plain.h5"));
    assert_ok(write_made_run(&evaluated, "evaluated.h5"));
    report("gaps", (const char *const[]){"plain.h5", "evaluated.h5"}, 2);
    assert_says("gaps/gaps.csv", "gn,0.0300,,not measured,");
    assert_says("gaps/gaps.csv", "bn,0.0300,0.0200,+0.0100,");
    assert_says("gaps/report.html", "only the second is there");
}

/* The command for a run on other data says that it needs them. */
static void test_commands_name_other_data(void **state)
{
    (void)state;
    assert_ok(write_made_run(&usual, "mnist.h5"));
    write_with(usual, "other.h5", "dataset", "letters\nrm -rf x");
    report("mnist", (const char *const[]){"mnist.h5"}, 1);
    assert_false(says("mnist/report.html", "--data"));
    report("other", (const char *const[]){"other.h5"}, 1);
    assert_says("other/report.html",
                "--epochs 3 --data DIR  # letters rm -rf x, digest 00000000000000000000000000000007\n");
}

int main(void)
{
    sn_log_configure(SN_LOG_QUIET, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_differences_prove_nothing),
        cmocka_unit_test(test_plain_experiments_come_first),
        cmocka_unit_test(test_what_differs_is_said),
        cmocka_unit_test(test_partial_epochs_are_not_the_published_ones),
        cmocka_unit_test(test_precise_statistics_keep_the_published_recipe),
        cmocka_unit_test(test_every_penalized_bn_is_told_apart),
        cmocka_unit_test(test_speeds_of_different_ranks_are_not_averaged),
        cmocka_unit_test(test_gaps_are_not_mixed_up),
        cmocka_unit_test(test_commands_name_other_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
