/* What a report makes of run files of every kind, seen in what it writes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "reading.h"
#include "syncnorm/base/log.h"

/* Differences are of equal seeds: gn is 0.5, 0.7 points better than ln with seeds 1 and 2; seed 3 has no partner. */
static void test_pairs_by_seed(void **state)
{
    (void)state;
    const double gn[] = {99.0, 98.9}, ln[] = {98.5, 98.2, 90.0};
    static const char *const paths[] = {"p3.h5", "p1.h5", "p4.h5", "p0.h5", "p2.h5"}; /* in no order */
    for (int i = 0; i < 2; i++) {
        made_run made = usual;
        made.seed = i + 1;
        made.test_accuracy = gn[i];
        assert_ok(write_made_run(&made, i ? "p1.h5" : "p0.h5"));
    }
    for (int i = 0; i < 3; i++) {
        made_run made = usual;
        made.norm = "ln";
        made.seed = 2 - i + 1;
        made.test_accuracy = ln[2 - i];
        char path[16];
        snprintf(path, sizeof path, "p%d.h5", 2 + i);
        assert_ok(write_made_run(&made, path));
    }
    const sn_report_outcome outcome = report("pairs", paths, 5);
    assert_int_equal(outcome.runs, 5);
    assert_int_equal(outcome.groups, 2);
    /* t = -0.6 / 0.1 with one degree of freedom: p = 0.105; half width 12.706 · 0.1 */
    assert_says("pairs/differences.csv", "ln,2,-0.600,-1.871,+0.671,-60.0,0.105,0.105,norm\r\n");
    assert_says("pairs/comparison.csv", "gn,2,3,98.95,0.64,");
    assert_says("pairs/comparison.csv", "ln,3,3,95.57,11.98,");
    sn_report_outcome turned;
    assert_ok(sn_report_write(
        &(sn_report_request){.paths = paths, .path_count = 5, .directory = "turned", .baseline = "ln"},
        &turned));
    assert_says("turned/differences.csv", "gn,2,+0.600,-0.671,+1.871,+60.0,0.105,0.105,norm\r\n");
}

static void test_single_run(void **state)
{
    (void)state;
    assert_ok(write_made_run(&usual, "single.h5"));
    const sn_report_outcome outcome = report("single", (const char *const[]){"single.h5"}, 1);
    assert_int_equal(outcome.runs, 1);
    assert_true(outcome.drawn == outcome.figures && outcome.drawn > 5);
    assert_says("single/comparison.csv", "gn,1,3,99.00,,"); /* no interval of one number */
    assert_says("single/report.html", "differences from a baseline (no other experiment");
    assert_says("single/report.html", "images that all get wrong (it needs two");
    assert_says("single/figures/test-accuracy.tsv", "epoch\tgn");
    assert_says("single/published.csv", "gn,3,");
    assert_says("single/published.csv", ",98.78,"); /* the published gn after 3 epochs */
}

/* An incomplete run counts where there is nothing better, and nowhere else. */
static void test_incomplete_runs(void **state)
{
    (void)state;
    made_run stopped = usual, fresh = usual;
    stopped.seed = 2;
    stopped.finished = 1;
    fresh.norm = "ln";
    fresh.finished = 0;
    assert_ok(write_made_run(&usual, "whole.h5"));
    assert_ok(write_made_run(&stopped, "stopped.h5"));
    assert_ok(write_made_run(&fresh, "fresh.h5"));
    report("incomplete", (const char *const[]){"stopped.h5", "whole.h5", "fresh.h5"}, 3);
    assert_says("incomplete/report.html", "2 of 3 runs are not complete");
    assert_says("incomplete/report.md", "; what 2 incomplete runs of gn, ln would have reached; where one "
                                        "diverged, its experiment is worse than "
                                        "its numbers; ");
    assert_says("incomplete/comparison.csv", "gn,1,3,99.00,,");
    assert_says("incomplete/comparison.csv", "ln,0 complete,,");
    assert_says("incomplete/runs.csv", "1 of 3 epochs");
    report("stopped", (const char *const[]){"stopped.h5"}, 1);
    assert_says("stopped/figures/train-loss.tsv", "\n1\t");
    report("fresh", (const char *const[]){"fresh.h5"}, 1);
    assert_says("fresh/report.html", "Test accuracy (no epoch has been finished)");

    FILE *machine = fopen("machine.json", "w");
    assert_non_null(machine);
    fputs("{\"machine\": \"x\", \"ranks_per_node\": 1, \"spread\": 0, \"shares\": {}}", machine);
    fclose(machine);
    sn_report_outcome outcome;
    assert_ok(sn_report_write(&(sn_report_request){.paths = (const char *const[]){"fresh.h5"},
                                                   .path_count = 1,
                                                   .directory = "priced",
                                                   .machines = "machine.json"},
                              &outcome));
    assert_says("priced/report.md", "no run has a test accuracy yet");
    assert_false(says("priced/report.md", "nan %"));
}

/* The same run on other ranks counts once in the means, and by itself in the cost. */
static void test_repeated_run(void **state)
{
    (void)state;
    made_run other = usual;
    other.ranks = 4;
    assert_ok(write_made_run(&usual, "one.h5"));
    assert_ok(write_made_run(&other, "four.h5"));
    report("repeated", (const char *const[]){"one.h5", "four.h5"}, 2);
    assert_says("repeated/comparison.csv", "gn,1,3,");
    assert_says("repeated/cost.csv", "gn,1,5400,");
    assert_says("repeated/cost.csv", "gn,4,21600,");
    assert_says("repeated/figures/speed-by-ranks.tsv", "4\t21600");
    assert_says("repeated/scaling.csv", "gn,strong,4,21600,100.0");
    assert_false(says("repeated/report.html", "different digests"));
}

/* A batch of one size for each rank: workers are the ranks, and what ran on others is not on the line. */
static void test_weak_scaling(void **state)
{
    (void)state;
    made_run one = usual, four = usual, elsewhere = usual;
    one.workers = 1;
    four.workers = four.ranks = 4;
    four.batch = 256;
    elsewhere.workers = 8;
    elsewhere.batch = 512;
    elsewhere.ranks = 2;
    four.suffix = "four"; /* of their names */
    elsewhere.suffix = "elsewhere";
    assert_ok(write_made_run(&one, "one.h5"));
    assert_ok(write_made_run(&four, "four.h5"));
    assert_ok(write_made_run(&elsewhere, "elsewhere.h5"));
    report("weak", (const char *const[]){"one.h5", "four.h5", "elsewhere.h5"}, 3);
    assert_says("weak/scaling.csv", "\"gn, 64 a rank\",weak,1,5400,100.0");
    assert_says("weak/scaling.csv", "\"gn, 64 a rank\",weak,4,21600,100.0");
    assert_false(says("weak/scaling.csv", "strong"));
    assert_false(says("weak/scaling.csv", ",8,"));
    assert_says("weak/figures/efficiency-by-ranks.tsv", "4\t100");
    assert_false(says("weak/figures/speed-by-ranks.tsv", "gn-four")); /* it is on the line */
    assert_says("weak/figures/speed-by-ranks.tsv", "gn-elsewhere");
}

static void test_different_digests_are_told(void **state)
{
    (void)state;
    sn_run run = {0};
    assert_ok(write_made_run(&usual, "this.h5"));
    assert_ok(make_run(&usual, &run));
    ((float *)run.model.items[run.model.count - 1].data)[0] += 1;
    assert_ok(sn_attributes_set_text(&run.model_attributes, "digest", "0123"));
    assert_ok(sn_run_write(&run, "that.h5"));
    sn_run_clear(&run);
    report("digests", (const char *const[]){"this.h5", "that.h5"}, 2);
    assert_says("digests/report.html", "different digests");
}

/* The lengths of runs are apart, and are told apart. */
static void test_lengths_are_groups(void **state)
{
    (void)state;
    made_run longer = usual;
    longer.epochs = longer.finished = 5;
    assert_ok(write_made_run(&usual, "short.h5"));
    assert_ok(write_made_run(&longer, "long.h5"));
    assert_int_equal(report("lengths", (const char *const[]){"short.h5", "long.h5"}, 2).groups, 2);
    assert_says("lengths/comparison.csv", "gn (epochs 3),1,3,");
    assert_says("lengths/comparison.csv", "gn (epochs 5),1,5,");
}

static void test_scopes(void **state)
{
    (void)state;
    static const char *const scopes[] = {"sync", "8", "worker"};
    static const char *const paths[] = {"s0.h5", "s1.h5", "s2.h5", "s3.h5"};
    for (int i = 0; i < 3; i++) {
        made_run made = usual;
        made.norm = "bn";
        made.scope = scopes[i];
        made.workers = 16;
        made.test_accuracy = 99 - i;
        assert_ok(write_made_run(&made, paths[i]));
    }
    made_run alike = usual; /* trained as they were, but for the norm */
    alike.workers = 16;
    assert_ok(write_made_run(&alike, "s3.h5"));
    report("scopes", paths, 4);
    /* samples per group: 64 / 16 = 4 with scope worker, 8, all 64; error in percent */
    assert_says("scopes/figures/error-by-scope.tsv", "4\t3\t1\n8\t2\t\n64\t1\t1\n");
    assert_says("scopes/differences.csv", "gn,1,+0.000,"); /* from synchronized batch norm, unasked */
    assert_says("scopes/figures/disagreement-by-layer.tsv", "norm layer\tbn");
    /* running means 1 off, and variances of 8 against 4 */
    assert_says("scopes/figures/precise-mean-gap.tsv", "1\t0.499999375");
    assert_says("scopes/figures/precise-var-gap.tsv", "1\t0.9999975");
}

static void test_bn_l1_is_told_apart(void **state)
{
    (void)state;
    made_run mixed = usual, plain = usual;
    mixed.norm = plain.norm = "bn";
    mixed.l1 = 3e-4;
    assert_ok(write_made_run(&mixed, "mixed.h5"));
    assert_ok(write_made_run(&plain, "plain.h5"));
    report("mixed", (const char *const[]){"mixed.h5"}, 1);
    assert_says("mixed/report.html", "bn-l1 mixes two things");
    assert_says("mixed/report.html", "No run of plain batch norm");
    report("both", (const char *const[]){"mixed.h5", "plain.h5"}, 2);
    assert_says("both/report.html", "and else the same: bn beside bn-l1");
    assert_says("both/report.html", "syncnorm train --experiment bn-l1 --seed 1 --epochs 3\n");
    assert_says("both/report.html", "syncnorm train --experiment bn --seed 1 --epochs 3\n");
    assert_says("both/figures/penalty.tsv", "epoch\tbn-l1\n");
}

/* Text of a file stays text in every format. */
static void test_escaping(void **state)
{
    (void)state;
    made_run made = usual;
    made.host = "<script>alert(1)</script>\x1b[31m\"a,b\" | `c` \xff & é";
    assert_ok(write_made_run(&made, "host.h5"));
    report("escaping", (const char *const[]){"host.h5"}, 1);
    assert_says(
        "escaping/report.html",
        "&lt;script&gt;alert(1)&lt;/script&gt;\xef\xbf\xbd[31m&quot;a,b&quot; | `c` \xef\xbf\xbd &amp; é");
    assert_false(says("escaping/report.html", "<script"));
    assert_says("escaping/starts.csv",
                "\"<script>alert(1)</script>\xef\xbf\xbd[31m\"\"a,b\"\" | `c` \xef\xbf\xbd & é\"");
    assert_says("escaping/report.md", "&lt;script>alert(1)&lt;/script>");
    assert_says("escaping/report.md", "\\| \\`c\\`");
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* So it does in the commands, which are preformatted. */
static void test_escaping_of_commands(void **state)
{
    (void)state;
    sn_run run = {0};
    assert_ok(make_run(&usual, &run));
    assert_ok(sn_attributes_set_text(&run.experiment, "schedule", "```\x1b[31m\xff<b>\nrm"));
    assert_ok(sn_run_write(&run, "schedule.h5"));
    sn_run_clear(&run);
    report("commands", (const char *const[]){"schedule.h5"}, 1);
    assert_says("commands/report.md",
                "--schedule '```\xef\xbf\xbd[31m\xef\xbf\xbd<b> rm' --seed 1 --epochs 3\n````\n");
    assert_false(says("commands/report.md", "\x1b") || says("commands/report.md", "\xff"));
    assert_says("commands/report.html", "--schedule &#39;```\xef\xbf\xbd[31m\xef\xbf\xbd&lt;b&gt; rm&#39;");
}

/* A copy with one bit of its middle the other way round. */
static void flip_bit(const char *from, const char *to)
{
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    assert_true(in && out && fseek(in, 0, SEEK_END) == 0);
    const long size = ftell(in);
    rewind(in);
    for (long i = 0; i < size; i++)
        putc(getc(in) ^ (i == size / 2 ? 0x10 : 0), out);
    assert_true(fclose(in) == 0 && fclose(out) == 0);
}

static void test_bad_files(void **state)
{
    (void)state;
    assert_ok(write_made_run(&usual, "good.h5"));
    write_text("foreign.h5", "this is no run file");
    write_text("empty.h5", "");
    flip_bit("good.h5", "damaged.h5");
    static const char *const paths[] = {"foreign.h5", "empty.h5", "good.h5", "damaged.h5", "missing.h5", "/"};
    const sn_report_outcome outcome = report("bad", paths, 6);
    assert_int_equal(outcome.runs, 1);
    assert_int_equal(outcome.unreadable, 5);
    assert_says("bad/report.html", "5 of the files given could not be read");

    sn_report_outcome none;
    sn_error_clear();
    assert_int_equal(
        sn_report_write(&(sn_report_request){.paths = paths, .path_count = 2, .directory = "none"}, &none),
        SN_ERROR_FILE);
    assert_non_null(strstr(sn_error_message(), "none of the 2 files"));
    assert_int_equal(none.unreadable, 2);
    assert_int_not_equal(access("none", F_OK), 0);
}

static void remove_tensor(sn_tensors *list, const char *name)
{
    const sn_tensor *there = sn_tensors_find(list, name);
    assert_non_null(there);
    sn_tensor *found = &list->items[there - list->items];
    free(found->data);
    memmove(found, found + 1, (size_t)(list->items + list->count - found - 1) * sizeof *found);
    list->count--;
}

/* Valid files that another program may have written: parts missing, or of another shape. */
static void test_odd_contents(void **state)
{
    (void)state;
    const size_t two = 2;
    const int64_t numbers[] = {1, 2};
    sn_run run = {0};
    assert_ok(make_run(&usual, &run));
    remove_tensor(&run.evaluation, "misclassified/label");
    assert_ok(sn_tensors_set(&run.evaluation, "confusion", SN_TYPE_I64, 1, &two, numbers));
    assert_ok(sn_tensors_set(&run.evaluation, "misclassified/image", SN_TYPE_I64, 1, &two, numbers));
    assert_ok(sn_run_write(&run, "odd.h5"));
    sn_run_clear(&run);
    report("odd", (const char *const[]){"odd.h5"}, 1);
    assert_int_not_equal(access("odd/confusion-gn.csv", F_OK), 0);

    assert_ok(make_run(&usual, &run));
    sn_attributes_clear(&run.experiment);
    assert_ok(sn_run_write(&run, "nameless.h5"));
    sn_run_clear(&run);
    sn_report_outcome outcome;
    sn_error_clear();
    assert_int_equal(sn_report_write(&(sn_report_request){.paths = (const char *const[]){"nameless.h5"},
                                                          .path_count = 1,
                                                          .directory = "x"},
                                     &outcome),
                     SN_ERROR_FILE);
}

static void test_unwritable_directory(void **state)
{
    (void)state;
    sn_report_outcome outcome;
    assert_ok(write_made_run(&usual, "good.h5"));
    write_text("in-the-way", "");
    const char *const paths[] = {"good.h5"};
    sn_error_clear();
    assert_int_equal(
        sn_report_write(
            &(sn_report_request){.paths = paths, .path_count = 1, .directory = "in-the-way/report"},
            &outcome),
        SN_ERROR_FILE);
    assert_non_null(strstr(sn_error_message(), "in-the-way/report"));
}

static void test_baseline(void **state)
{
    (void)state;
    made_run other = usual;
    other.norm = "ln";
    other.test_accuracy = 98;
    assert_ok(write_made_run(&usual, "a.h5"));
    assert_ok(write_made_run(&other, "b.h5"));
    const char *const paths[] = {"a.h5", "b.h5"};
    sn_report_outcome outcome;
    assert_ok(sn_report_write(
        &(sn_report_request){.paths = paths, .path_count = 2, .directory = "baseline", .baseline = "ln"},
        &outcome));
    assert_says("baseline/differences.csv", "gn,1,+1.000,,,+100.0,,,norm\r\n");
    sn_error_clear();
    assert_int_equal(
        sn_report_write(
            &(sn_report_request){.paths = paths, .path_count = 2, .directory = "baseline", .baseline = "bn"},
            &outcome),
        SN_ERROR_USAGE);
    assert_non_null(strstr(sn_error_message(), "it must be one of gn, ln"));
}

static void test_without_gnuplot(void **state)
{
    (void)state;
    const char *searched = getenv("PATH");
    char *path = strdup(searched ? searched : "");
    assert_ok(write_made_run(&usual, "good.h5"));
    setenv("PATH", "/nowhere", 1);
    const sn_report_outcome outcome = report("plain", (const char *const[]){"good.h5"}, 1);
    setenv("PATH", path, 1);
    free(path);
    assert_true(outcome.figures > 5 && outcome.drawn == 0);
    assert_says("plain/report.html", "figures/test-loss.gp");
    assert_says("plain/figures/test-loss.gp", "plot");
    assert_int_not_equal(access("plain/figures/test-loss.svg", F_OK), 0);
}

static void test_two_hundred_files(void **state)
{
    (void)state;
    enum { FILES = 200 };
    static char names[FILES][24];
    static const char *paths[FILES];
    static const char *const norms[] = {"gn", "ln", "bn"};
    for (int i = 0; i < FILES; i++) {
        made_run made = usual;
        made.norm = norms[i % 3];
        made.seed = i / 3;
        made.epochs = made.finished = 2;
        made.test_accuracy = 98 + i % 7 * 0.1;
        snprintf(names[i], sizeof names[i], "many%d.h5", i);
        paths[i] = names[i];
        assert_ok(write_made_run(&made, names[i]));
    }
    const sn_report_outcome outcome = report("many", paths, FILES);
    assert_int_equal(outcome.runs, FILES);
    assert_int_equal(outcome.groups, 3);
    assert_int_equal(outcome.drawn, outcome.figures);
    assert_says("many/comparison.csv", "gn,67,2,");
    assert_says("many/runs.csv", "many199.h5");
}

int main(void)
{
    sn_log_configure(SN_LOG_QUIET, 0); /* each bad file would say so */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs_by_seed),
        cmocka_unit_test(test_single_run),
        cmocka_unit_test(test_incomplete_runs),
        cmocka_unit_test(test_repeated_run),
        cmocka_unit_test(test_weak_scaling),
        cmocka_unit_test(test_different_digests_are_told),
        cmocka_unit_test(test_lengths_are_groups),
        cmocka_unit_test(test_scopes),
        cmocka_unit_test(test_bn_l1_is_told_apart),
        cmocka_unit_test(test_escaping),
        cmocka_unit_test(test_escaping_of_commands),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_odd_contents),
        cmocka_unit_test(test_unwritable_directory),
        cmocka_unit_test(test_baseline),
        cmocka_unit_test(test_without_gnuplot),
        cmocka_unit_test(test_two_hundred_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
