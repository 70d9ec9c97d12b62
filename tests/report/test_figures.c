/* Which points a figure has, and what is said of those that it has not. */

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

enum { FILES = 64 };
static char names[FILES][24];
static const char *paths[FILES];
static size_t files;

static sn_run *begin(const made_run *made)
{
    static sn_run run;
    assert_ok(make_run(made, &run));
    return &run;
}

static void end(sn_run *run)
{
    snprintf(names[files], sizeof names[files], "f%zu.h5", files);
    assert_ok(sn_run_write(run, names[files]));
    paths[files] = names[files];
    files++;
    sn_run_clear(run);
}

static void add(const char *norm, int workers, const char *scope, const char *shards, double accuracy)
{
    made_run made = usual;
    made.norm = norm;
    made.workers = workers;
    made.scope = strcmp(norm, "bn") ? NULL : scope;
    made.test_accuracy = accuracy;
    sn_run *run = begin(&made);
    char name[64];
    snprintf(name, sizeof name, "%s%d%s%s-s1", norm, workers, made.scope ? scope : "", shards);
    assert_ok(sn_attributes_set_text(&run->experiment, "name", name));
    assert_ok(sn_attributes_set_text(&run->experiment, "shards", shards));
    end(run);
}

/* Workers and shards make lines of their own, each with every x once; and reference lines go with each of them. */
static void test_lines_by_scope(void **state)
{
    (void)state;
    files = 0;
    add("bn", 8, "worker", "dirichlet:0.1", 91);
    add("bn", 8, "sync", "dirichlet:0.1", 92);
    add("bn", 8, "sync", "iid", 94);
    add("bn", 8, "worker", "iid", 93);
    add("gn", 8, NULL, "iid", 95);
    add("gn", 8, NULL, "dirichlet:0.1", 96);
    add("gn", 1, NULL, "iid", 97); /* trained like none of them */
    report("lines", paths, files);
    assert_says("lines/figures/error-by-scope.tsv",
                "samples per statistics group\tbn8synciid\tbn8syncdirichlet:0.1\tgn8iid\tgn8dirichlet:0.1\n"
                "8\t7\t9\t5\t4\n64\t6\t8\t5\t4\n");
    assert_says("lines/report.html", "bn8synciid: 7 at 8 to 6 at 64.");
}

/* One worker has the batch; more have less each: a line over their number. Groups of 4 are as large as the share of 16 workers, and
   another thing: both are there. */
static void test_lines_by_workers(void **state)
{
    (void)state;
    files = 0;
    add("bn", 1, "sync", "iid", 99);
    add("bn", 4, "worker", "iid", 98);
    add("bn", 16, "worker", "iid", 97);
    add("bn", 16, "4", "iid", 96);
    add("bn", 16, "sync", "iid", 95);
    report("workers", paths, files);
    assert_int_equal(access("workers/figures/error-by-workers-growing.tsv", F_OK), -1);
    assert_says("workers/figures/error-by-workers.tsv",
                "workers\tbn1synciid\tbn4workeriid\n1\t1\t1\n4\t\t2\n16\t5\t3\n");
    char *text = read_file("workers/figures/error-by-scope.tsv");
    static const char head[] = "samples per statistics group\tbn16synciid\tbn1synciid, by workers\n";
    assert_memory_equal(text, head, sizeof head - 1);
    assert_non_null(strstr(text, "\n4\t"));
    assert_null(strstr(text, "bn4workeriid")); /* nor is it a point as well */
    char *save, *line;
    strtok_r(text, "\n", &save); /* the head */
    double before = 0;
    for (int rows = 0; (line = strtok_r(NULL, "\n", &save)); rows++) {
        assert_true(strtod(line, NULL) > before); /* sorted, none twice */
        before = strtod(line, NULL);
    }
    free(text);
}

/* One worker with statistics over groups of 4 is not where statistics of each worker begin: that is one with the batch's. */
static void test_workers_begin_with_the_batch(void **state)
{
    (void)state;
    files = 0;
    add("bn", 1, "4", "iid", 90);
    add("bn", 4, "worker", "iid", 98);
    add("bn", 16, "worker", "iid", 97);
    report("beginning", paths, files);
    assert_says("beginning/figures/error-by-workers.tsv", "workers\tbn4workeriid\n4\t2\n16\t3\n");
}

/* A batch that grows with the workers is a line of its own, from the same single worker; with a rate that grows with it another, since one worker
   has nothing to scale by. */
static void test_a_batch_that_grows(void **state)
{
    (void)state;
    static const struct {
        int workers, batch;
        double accuracy;
        bool scaled;
    } runs[] = {{1, 64, 99, false}, {2, 64, 98, false}, {2, 128, 97, false}, {4, 128, 90, false},
                {2, 128, 96, true}, {4, 256, 91, true}, {4, 128, 92, true}};
    files = 0;
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        made_run made = usual;
        made.workers = runs[i].workers;
        made.batch = runs[i].batch;
        made.scaled = runs[i].scaled;
        made.test_accuracy = runs[i].accuracy;
        sn_run *run = begin(&made);
        char name[64];
        snprintf(name, sizeof name, "gn%d-%d%s-s1", made.workers, made.batch, made.scaled ? "linear" : "");
        assert_ok(sn_attributes_set_text(&run->experiment, "name", name));
        end(run);
    }
    report("grows", paths, files);
    /* four workers with 128 have as many each as two with 64, and the batch of two with 128 */
    assert_says("grows/figures/error-by-workers.tsv",
                "workers\tgn1-64\tgn2-128\tgn2-128linear\n1\t1\t\t\n2\t2\t3\t4\n4\t\t10\t8\n");
    /* of 32 a worker two have the batch that rates are given for, of 64 one has: each is where two lines begin */
    assert_says("grows/figures/error-by-workers-growing.tsv",
                "workers\tgn2-128\tgn2-128linear\tgn4-128\tgn4-128linear\n"
                "1\t1\t1\t\t\n2\t3\t4\t2\t2\n4\t\t9\t10\t8\n");
}

/* Samples of a statistics group, of a batch that stays and of one that grows: figures of their own, and one line across for a norm that has no
   such number. */
static void test_scopes_of_a_batch_that_grows(void **state)
{
    (void)state;
    static const char *const kinds[] = {"gn", "sync", "worker"};
    files = 0;
    for (int batch = 0; batch < 2; batch++)
        for (int workers = 1; workers <= 4; workers *= 2)
            for (int kind = 0; kind < 3; kind++) {
                if (workers == 1 && (batch || kind == 2)) continue;
                made_run made = usual;
                made.norm = kind ? "bn" : "gn";
                made.scope = kind ? kinds[kind] : NULL;
                made.workers = workers;
                made.batch = batch ? 64 * workers : 64;
                made.test_accuracy = 100 - kind - 10 * batch - 3 * workers;
                sn_run *run = begin(&made);
                char name[64];
                snprintf(name, sizeof name, "%s%d-%d-s1", kinds[kind], workers, made.batch);
                assert_ok(sn_attributes_set_text(&run->experiment, "name", name));
                end(run);
            }
    report("pools", paths, files);
    assert_says("pools/figures/error-by-scope.tsv",
                "samples per statistics group\tsync2-64\tsync4-64\tsync1-64, by workers\tgn1-64\n"
                "16\t\t14\t14\t3\n32\t8\t\t8\t\n64\t7\t13\t4\t3\n");
    assert_says("pools/figures/error-by-scope-growing.tsv",
                "samples per statistics group\tsync2-128\tsync4-256\n"
                "64\t18\t24\n128\t17\t\n256\t\t23\n");
    assert_says("pools/report.html", ">bn-scopeworker, by workers<");
}

static void assert_head(const char *file, const char *head)
{
    char *text = read_file(file);
    assert_memory_equal(text, head, strlen(head));
    free(text);
}

/* Of more than ten groups the most and the least accurate of each norm have a line, of those that have what a figure shows: nothing disagrees on
   one worker, where batch norm is best. */
static void test_lines_of_many_groups(void **state)
{
    (void)state;
    files = 0;
    for (int workers = 1; workers <= 5; workers++) {
        add("gn", workers, NULL, "iid", 90 + workers);
        add("ln", workers, NULL, "iid", 95 - abs(workers - 3));
    }
    report("ten", paths, files);
    assert_head("ten/figures/train-loss.tsv", "epoch\tgn1iid\tgn2iid\tgn3iid\tgn4iid\tgn5iid\tln1iid\t");
    for (int workers = 1; workers <= 4; workers++) {
        made_run made = usual;
        made.norm = "bn";
        made.scope = "sync";
        made.workers = workers;
        made.test_accuracy = 99 - workers;
        made.l1 = workers == 3 ? 3e-4 : 0;
        made.measured = true;
        end(begin(&made));
    }
    report("many", paths, files);
    assert_head("many/figures/train-loss.tsv",
                "epoch\tgn1iid\tgn5iid\tln1iid\tln3iid\tbn (workers 1)\tbn (workers 4)\n");
    assert_head("many/figures/disagreement-by-layer.tsv", "norm layer\tbn (workers 2)\tbn (workers 4)\n");
    assert_head("many/figures/penalty.tsv", "epoch\tbn-l1\n");
    assert_says(
        "many/report.md",
        "Of 14 experiments the most and the least accurate of each norm, after the last epoch, have a "
        "line, of those that have what a figure shows; all are in epochs.csv.");
}

/* More lines than colours, with intervals: each looks like itself alone. */
static void test_lines_look_different(void **state)
{
    (void)state;
    files = 0;
    for (int workers = 2; workers <= 6; workers++)
        for (int seed = 0; seed < 2; seed++)
            for (int scope = 0; scope < 2; scope++) {
                made_run made = usual;
                made.norm = "bn";
                made.workers = workers;
                made.scope = scope ? "8" : "sync";
                made.seed = 1 + seed;
                made.test_accuracy = 98 + 0.1 * seed;
                end(begin(&made));
            }
    report("looks", paths, files);
    char *text = read_file("looks/figures/error-by-scope.gp"), *looks[16], *save;
    size_t count = 0;
    for (char *line = strtok_r(text, "\n", &save); line && count < 16; line = strtok_r(NULL, "\n", &save)) {
        char *look = strstr(line, " with yerrorlines"), *label = look ? strstr(look, " title") : NULL;
        if (!label) continue;
        *label = '\0';
        for (size_t i = 0; i < count; i++)
            assert_string_not_equal(looks[i], look);
        looks[count++] = look;
    }
    assert_int_equal(count, 5);
    free(text);
}

/* An epoch at work has made steps that no row is about. */
static void test_cost_is_of_the_steps_on_record(void **state)
{
    (void)state;
    made_run stopped = usual;
    stopped.epochs = 5;
    sn_run *run = begin(&stopped);
    assert_ok(sn_attributes_set_integer(&run->progress, "step", 3 * 938 + 469));
    assert_ok(sn_attributes_set_integer(&run->progress, "epoch", 3));
    assert_ok(sn_attributes_set_integer(&run->progress, "batch", 469));
    files = 0;
    end(run);
    report("steps", paths, files);
    assert_says("steps/cost.csv", "gn,1,5400,10.661,"); /* 10 s of 938 steps */
    assert_says("steps/cost.csv", ",1.0,81792,40896\r\n");
}

/* What training needs, what running statistics need and what only the instrument needs are columns of their own; a file of before has
   the first alone, and nothing is said of the others where no file has them. */
static void test_cost_tells_training_from_the_instrument(void **state)
{
    (void)state;
    static const struct {
        const char *column;
        double value;
    } recorded[] = {{"running_bytes", 938 * 5616},
                    {"running_bytes_float32", 938 * 1872},
                    {"instrument_calls", 59},
                    {"instrument_bytes", 938 * 290},
                    {"instrument_bytes_float32", 938 * 100},
                    {"instrument_seconds_mean", 2}};
    static const char *const of_today[] = {"running statistics bytes", "instrument"};
    made_run made = usual;
    made.norm = "bn";
    files = 0;
    end(begin(&made));
    report("before", paths, files);
    for (size_t i = 0; i < 2; i++)
        assert_false(says("before/cost.csv", of_today[i]));
    assert_false(says("before/figures/time-split.tsv", "instrument"));
    sn_run *run = begin(&made);
    for (size_t i = 0; i < sizeof recorded / sizeof *recorded; i++) {
        assert_ok(sn_table_add_column(&run->epochs, recorded[i].column, SN_TYPE_F64, ""));
        sn_column *column = (sn_column *)sn_table_find(&run->epochs, recorded[i].column);
        for (size_t row = 0; row < run->epochs.rows; row++)
            column->real[row] = recorded[i].value;
    }
    files = 0;
    end(run);
    report("today", paths, files);
    for (size_t i = 0; i < 2; i++)
        assert_says("today/cost.csv", of_today[i]);
    assert_says("today/cost.csv", ",18.0,8000,1600,1.0,81792,40896,5616,1872,0.063,290,100\r\n");
    assert_says("today/cost.csv", ",2.132,"); /* 2 s of 938 steps */
    assert_says("today/figures/time-split.tsv", "instrument sums");
}

/* One rank sums with nobody: the key of its bars has computation alone. */
static void test_one_rank_has_no_sums(void **state)
{
    (void)state;
    static const char *const sums[] = {"statistics_seconds_mean", "gradient_seconds_mean"};
    made_run made = usual;
    made.norm = "bn";
    sn_run *run = begin(&made);
    for (size_t i = 0; i < 2; i++) {
        sn_column *column = (sn_column *)sn_table_find(&run->epochs, sums[i]);
        assert_non_null(column);
        for (size_t row = 0; row < run->epochs.rows; row++)
            column->real[row] = 0;
    }
    files = 0;
    end(run);
    report("alone", paths, files);
    assert_says("alone/figures/time-split.tsv", "computation");
    assert_false(says("alone/figures/time-split.tsv", "statistics sums"));
    assert_false(says("alone/figures/time-split.tsv", "gradient sums"));
}

/* Rows of a run that went on with other ranks are of both numbers. */
static void test_mixed_ranks_are_left_out(void **state)
{
    (void)state;
    made_run two = usual;
    two.seed = 2;
    two.ranks = 2;
    files = 0;
    end(begin(&usual));
    end(begin(&two));
    sn_run *run = begin(&(made_run){.norm = "ln",
                                    .seed = 1,
                                    .epochs = 3,
                                    .finished = 3,
                                    .test_accuracy = 99,
                                    .ranks = 1,
                                    .measured = true});
    sn_attributes *again;
    assert_ok(sn_run_add_provenance(run, &again));
    assert_ok(sn_attributes_set_integer(again, "ranks", 4));
    assert_ok(sn_attributes_set_text(again, "hosts", "node7"));
    assert_ok(sn_attributes_set_text(again, "command_line", "syncnorm train --seed 1"));
    end(run);
    report("mixed", paths, files);
    assert_says("mixed/report.html", "1 of 3 runs went on with another number of ranks");
    assert_false(says("mixed/cost.csv", "ln,"));
    assert_false(says("mixed/figures/speed-by-ranks.tsv", "\n4\t"));
    assert_says("mixed/figures/speed-by-ranks.tsv", "\n2\t");
    assert_says("mixed/starts.csv", "ln-s1,1,1,node1,"); /* and every start is shown */
    assert_says("mixed/starts.csv", "ln-s1,2,4,node7,");
    assert_says("mixed/starts.csv", ",syncnorm train --seed 1\r\n");
}

/* What a figure has no room for is said. */
static void test_limits_are_told(void **state)
{
    (void)state;
    files = 0;
    for (int i = 0; i < 13; i++)
        for (int ranks = 1; ranks <= 2; ranks++) {
            made_run made = usual;
            made.norm = "bn";
            made.workers = 4 + i;
            made.scope = "sync";
            made.ranks = ranks;
            end(begin(&made));
        }
    report("limits", paths, files);
    assert_says("limits/report.html", "The first 24 of 26 are drawn");
    assert_says("limits/report.html", "first 6 experiments is drawn; 7 more have it");
    char *text = read_file("limits/figures/time-split.tsv");
    int lines = 0;
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    assert_int_equal(lines, 1 + 24);
    free(text);
}

static void empty(sn_tensors *list, const char *name, sn_type type, int rank)
{
    const size_t shape[] = {0, 28, 28};
    assert_ok(sn_tensors_set(list, name, type, rank, shape, NULL));
}

/* A run without mistakes has a list of them, an empty one: then none is wrong in every run. */
static void test_no_mistakes_is_a_result(void **state)
{
    (void)state;
    made_run perfect = usual, other = usual;
    perfect.test_accuracy = 100;
    other.norm = "ln";
    files = 0;
    sn_run *run = begin(&perfect);
    empty(&run->evaluation, "misclassified/index", SN_TYPE_I64, 1);
    empty(&run->evaluation, "misclassified/image", SN_TYPE_U8, 3);
    empty(&run->evaluation, "misclassified/label", SN_TYPE_U8, 1);
    empty(&run->evaluation, "misclassified/prediction", SN_TYPE_U8, 1);
    empty(&run->evaluation, "misclassified/probability", SN_TYPE_F32, 1);
    end(run);
    end(begin(&other));
    report("perfect", paths, files);
    assert_says("perfect/report.html", "No image was misclassified in 1 run.");
    assert_says("perfect/report.html", "0 images are misclassified by every one of 2 runs");
    assert_false(says("perfect/report.html", "lists its misclassified images"));
}

/* Markdown has the pictures in one; what each is, and how sure the run was, stands below. */
static void test_markdown_names_the_mistakes(void **state)
{
    (void)state;
    files = 0;
    end(begin(&usual));
    report("named", paths, files);
    char *text = read_file("named/report.md");
    const char *first = strstr(text, "\n1. Image ");
    assert_non_null(first);
    assert_non_null(strstr(first, " %\n2. Image "));
    free(text);
}

int main(void)
{
    sn_log_configure(SN_LOG_QUIET, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_by_scope),
        cmocka_unit_test(test_lines_by_workers),
        cmocka_unit_test(test_workers_begin_with_the_batch),
        cmocka_unit_test(test_lines_of_many_groups),
        cmocka_unit_test(test_a_batch_that_grows),
        cmocka_unit_test(test_scopes_of_a_batch_that_grows),
        cmocka_unit_test(test_lines_look_different),
        cmocka_unit_test(test_cost_is_of_the_steps_on_record),
        cmocka_unit_test(test_cost_tells_training_from_the_instrument),
        cmocka_unit_test(test_one_rank_has_no_sums),
        cmocka_unit_test(test_mixed_ranks_are_left_out),
        cmocka_unit_test(test_limits_are_told),
        cmocka_unit_test(test_no_mistakes_is_a_result),
        cmocka_unit_test(test_markdown_names_the_mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
