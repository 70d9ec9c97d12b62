/* What a report opens with: a sentence for each verdict, and one for what the runs cannot say. */

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

enum { RUNS_MAX = 16 };

/* Runs of gn, and of ln that have so many images of 10,000 more right, seed by seed. */
static void report_difference(const char *directory, const int *more, size_t seeds)
{
    static const double gn[] = {99.00, 99.10, 98.95, 99.05, 99.02};
    char names[RUNS_MAX][64];
    const char *paths[RUNS_MAX];
    for (size_t i = 0; i < 2 * seeds; i++) {
        const size_t seed = i / 2;
        made_run made = usual;
        made.images = 10000;
        made.seed = (int64_t)seed + 1;
        made.norm = i % 2 ? "ln" : "gn";
        made.test_accuracy = gn[seed] + (i % 2 ? 0.01 * more[seed] : 0);
        snprintf(names[i], sizeof names[i], "%s-%zu.h5", directory, i);
        paths[i] = names[i];
        assert_ok(write_made_run(&made, paths[i]));
    }
    report(directory, paths, 2 * seeds);
}

/* How far five seeds differ, in images. */
static const int wobble[] = {0, 2, -2, 1, -1};

/* The files of a study, written one by one, then reported. */
enum { FILES_MOST = 80 };
static char names[FILES_MOST][64];
static const char *paths[FILES_MOST];
static size_t files;

static void keep(const char *study, const made_run *made)
{
    assert_true(files < FILES_MOST);
    snprintf(names[files], sizeof names[files], "%s-%zu.h5", study, files);
    paths[files] = names[files];
    assert_ok(write_made_run(made, paths[files++]));
}

static made_run made_of(const char *norm, size_t workers, size_t seed)
{
    made_run made = usual;
    made.images = 10000;
    made.norm = norm;
    made.workers = (int)workers;
    made.seed = (int64_t)seed + 1;
    return made;
}

static void answers(const char *directory, const char *sentence)
{
    char path[64];
    snprintf(path, sizeof path, "%s/report.md", directory); /* without links in it */
    assert_says(path, sentence);
}

/* mean 20, deviation 3.16: 20 ± 2.776 · 1.414 */
static void test_better(void **state)
{
    (void)state;
    report_difference("better", (const int[]){20, 24, 16, 18, 22}, 5);
    answers("better", "2 experiments on MNIST, 5 seeds each, all with --epochs 3, by their test accuracy "
                      "after the last epoch.");
    answers("better",
            "ln is better than gn: 20 images of 10,000 more are right (0.20 points, 0.16 to 0.24).");
    assert_says("better/answer.csv", "ln,gn,better,5,+0.200,+0.161,+0.239,");
    /* a table that fits the page; all of it when asked for, and in print */
    assert_says("better/report.html",
                "id=\"all-answer\"><label class=\"toggle\" for=\"all-answer\">all columns");
    assert_says("better/report.html", "<th scope=\"col\" class=\"number detail\">spread</th>");
    assert_says("better/report.html", "<th scope=\"col\" class=\"number\">adjusted p of no difference</th>");
    assert_says("better/report.html", ".more:not(:checked) + label + .scroll .detail { display: none; }");
    assert_says("better/answer.csv", ",spread,correlation,p of no difference,");
}

static void test_worse(void **state)
{
    (void)state;
    report_difference("worse", (const int[]){-20, -24, -16, -18, -22}, 5);
    answers("worse", "gn is better than ln: 20 images of 10,000 more are right (0.20 points, 0.16 to 0.24).");
    assert_says("worse/answer.csv", "ln,gn,worse,5,-0.200,");
}

static void test_equivalent(void **state)
{
    (void)state;
    report_difference("equivalent", (const int[]){2, -3, 1, 0, -1}, 5);
    answers("equivalent",
            "ln and gn are equivalent within ±0.1 points: 0.2 images of 10,000 apart (−0.03 to +0.02).");
    report_difference("small", (const int[]){4, 5, 6, 4, 5}, 5);
    answers(
        "small",
        "4.8 images of 10,000 apart (+0.04 to +0.06); small as it is, the difference is real, and ln ahead.");
}

static void test_undecided(void **state)
{
    (void)state;
    report_difference("undecided", (const int[]){20, -14, 6}, 3);
    answers("undecided", "ln against gn is undecided: −0.38 to +0.46 points; about 49 more seeds.");
    assert_says("undecided/answer.csv", "ln,gn,undecided,3,+0.040,");
    assert_says("undecided/report.md", "| −0.384 to +0.464 |");
    answers("undecided", "Settle how many seeds there are to be, and look again when all are there");
    answers("undecided",
            "syncnorm study --experiment ln --seed 4-52 --epochs 3 --output .  # 49 runs, about 24 minutes "
            "as these were run");
    answers("undecided", "how much of what ln does is its 74,284 parameters' doing, with an affine pair "
                         "for each element where "
                         "others, of 10,224, have one for each channel (gn with --groups 1 pools alike");
    report_difference("one", (const int[]){20}, 1);
    answers("one", "Every pair is undecided: one seed.");
    answers("one", "how far seeds differ, of which there is one;");
    assert_false(says("one/report.md", "holds for all 0"));
    report_difference("alike", (const int[]){20, 20, 20}, 3);
    answers("alike",
            "undecided: 3 seeds with the same difference, 20 images of 10,000, say nothing about how "
            "far seeds differ.");
}

/* What is not alike beside the norm is said where the verdict is, and no cost is told of epochs that differ. */
static void test_other_lengths_are_said_first(void **state)
{
    (void)state;
    files = 0;
    for (size_t i = 0; i < 6; i++) {
        made_run made = made_of(i % 2 ? "ln" : "gn", 0, i / 2);
        made.epochs = made.finished = i % 2 ? 5 : 3;
        made.slower = i % 2 ? 2 : 1;
        made.test_accuracy = (i % 2 ? 98.5 : 98) + 0.01 * (double)(i % 5);
        keep("lengths", &made);
    }
    report("lengths", paths, files);
    answers("lengths", "Their lengths differ: gn 3 epochs, ln 5 epochs. ln is better than gn:");
    answers("lengths", "; what of a difference is the length's; ");
    assert_false(says("lengths/report.md", "times as long as that of"));
    answers("lengths",
            "whether verdicts hold where differences are not normal: the exact p of 3 seeds cannot be "
            "less than 0.25; ");
    report("length", (const char *const[]){paths[0], paths[2], paths[4]}, 3);
    assert_false(says("length/report.md", "lengths differ"));
}

/* Runs that are judged by other images are no pair, which is said. */
static void test_other_images_are_no_pair(void **state)
{
    (void)state;
    static const char *const norms[] = {"gn", "ln", "gn", "bn"};
    files = 0;
    for (size_t i = 0; i < 12; i++) {
        made_run made = made_of(norms[i % 4], 0, i / 4);
        made.held_out = i % 4 < 2 ? 5000 : 0;
        made.test_accuracy = 98 + 0.01 * (double)(i % 5);
        keep("judges", &made);
    }
    report("judges", paths, files);
    assert_says("judges/comparison.csv", ",epochs,judged by,test or validation accuracy");
    assert_says("judges/comparison.csv", ",3,3,images held out,");
    assert_says("judges/comparison.csv", ",3,3,test set,");
    answers("judges",
            "anything of 4 pairs that have no complete runs of one seed judged by the same images; ");
}

/* From four pairs on they are told together: what is decided first. */
static void test_many_pairs(void **state)
{
    (void)state;
    static const struct {
        const char *norm;
        int more[5];
    } groups[] = {
        {"gn", {0}}, {"ln", {40, 44, 36, 38, 42}}, {"rms", {1, -1, 0, 2, -2}}, {"bn", {12, -30, 20, 31, -8}}};
    files = 0;
    for (size_t i = 0; i < 4 * 5; i++) {
        const size_t group = i / 5, seed = i % 5;
        made_run made = made_of(groups[group].norm, 0, seed);
        made.test_accuracy = 98.5 + 0.01 * groups[group].more[seed];
        keep("many", &made);
    }
    report("many", paths, files);
    answers("many",
            "Of 6 pairs, in images of 10,000: better are ln than gn (40), ln than rms (40). "
            "Equivalent within ±0.1 points are gn and rms (0.0). Undecided are ln against bn (35; about ");
}

/* Of more experiments than ten, those pairs are tested that differ in one respect: of gn and ln on 1 to 6 workers, where ln gains as they grow,
   6 pairs differ in the norm, 30 in the workers; 5 more are with the baseline. */
static void test_what_differs_in_one_respect(void **state)
{
    (void)state;
    enum { WORKERS = 6, SEEDS = 5, RUNS = 2 * WORKERS * SEEDS };
    files = 0;
    for (size_t i = 0; i < RUNS; i++) {
        const size_t seed = i % SEEDS, workers = i / SEEDS % WORKERS, norm = i / SEEDS / WORKERS;
        made_run made = made_of(norm ? "ln" : "gn", workers + 1, seed);
        made.test_accuracy = 98 + 0.01 * (double)(wobble[seed] + wobble[(seed + i / SEEDS) % SEEDS]) +
                             (norm ? 0.4 + 0.1 * (double)workers : 0);
        keep("axes", &made);
    }
    report("axes", paths, files);
    answers("axes", "12 experiments on MNIST, 5 seeds each");
    answers("axes", "41 pairs were tested, all at once: 36 that differ in norm or workers alone; "
                    "5 with the baseline in more than one, of which 4 have a verdict.");
    answers("axes", "Where all else is alike, with the estimates in brackets, ln against gn is better at 1, "
                    "2, 3, 4, 5 and 6 workers (+0.40 to +0.90 points).\n\nWith more workers, ");
    answers("axes",
            "With more workers, each with less of a batch that does not grow, ln is better at 3, 4 "
            "and 5 than at 1 (+0.20, +0.30, +0.40 points), undecided at 2 and 6 (+0.10, +0.50 points), "
            "and beyond 1, more against fewer, better in 6, undecided in 4 of 10 (all +0.10 to +0.40 "
            "points); gn is equivalent at 2, 3, 4 and 5 to that at 1 (+0.00 points), undecided at 6 "
            "(");
    assert_says("axes/axes.csv", "ln against gn,6,+0.400,+0.900,");
    assert_says("axes/axes.csv", "more workers: ln,15,");
    assert_says("axes/axes.csv", "more workers: gn,15,");
}

/* Of what has no verdict at more than two places the range is told. */
static void test_verdicts_here_and_none_there(void **state)
{
    (void)state;
    enum { WORKERS = 6, SEEDS = 5, RUNS = 2 * WORKERS * SEEDS };
    static const int apart[SEEDS] = {0, 40, -50, 30, -20};
    files = 0;
    for (size_t i = 0; i < RUNS; i++) {
        const size_t seed = i % SEEDS, workers = i / SEEDS % WORKERS + 1, norm = i / SEEDS / WORKERS;
        made_run made = made_of(norm ? "ln" : "gn", workers, seed);
        const int undecided = apart[seed] + 2 * (int)workers;
        made.test_accuracy = 98 + 0.01 * (norm == 0 ? 0 : workers == WORKERS ? 90 + wobble[seed] : undecided);
        keep("here", &made);
    }
    report("here", paths, files);
    answers("here",
            "ln against gn is better at 6 workers (+0.90 points), undecided at 1, 2, 3, 4 and 5 (+0.02 "
            "to +0.10 points).");
}

/* Of ten contrasts one is decided, of gn and ln, whose seeds differ alike; eight of the others are named. */
static void test_more_undecided_than_are_named(void **state)
{
    (void)state;
    enum { KINDS = 5, WORKERS = 3, SEEDS = 5, RUNS = KINDS * WORKERS * SEEDS };
    static const char *const norms[KINDS] = {"gn", "ln", "rms", "bn", "bn"};
    static const char *const scopes[KINDS] = {NULL, NULL, NULL, "sync", "worker"};
    static const int apart[KINDS][SEEDS] = {{40, -30, 10, -50, 30},
                                            {40, -30, 10, -50, 30},
                                            {-50, 30, 40, 10, -30},
                                            {30, 40, -50, -30, 10},
                                            {10, -50, -30, 30, 40}};
    files = 0;
    for (size_t i = 0; i < RUNS; i++) {
        const size_t seed = i % SEEDS, workers = (size_t)2 << (i / SEEDS % WORKERS),
                     kind = i / SEEDS / WORKERS;
        made_run made = made_of(norms[kind], workers, seed);
        made.scope = scopes[kind];
        made.test_accuracy = 98 + 0.01 * (apart[kind][seed] + (kind == 1 ? 30 + wobble[seed] : 0));
        keep("few", &made);
    }
    report("few", paths, files);
    answers("few", "ln against gn is better at 2, 4 and 8 workers (+0.30 points); undecided are ");
    answers("few", " points) and 1 more.");
}

/* What is told by none of the sentences is counted, verdicts among it: here two norms at six rates, of which the last is bad for both. */
static void test_what_differs_in_another_option(void **state)
{
    (void)state;
    enum { RATES = 6, SEEDS = 5, RUNS = 2 * RATES * SEEDS };
    files = 0;
    for (size_t i = 0; i < RUNS; i++) {
        const size_t seed = i % SEEDS, rate = i / SEEDS % RATES, norm = i / SEEDS / RATES;
        made_run made = made_of(norm ? "ln" : "gn", 0, seed);
        made.lr = 0.01 * (double)(rate + 1);
        made.test_accuracy = (rate + 1 == RATES ? 97 : 98) +
                             0.01 * (double)wobble[(seed + i / SEEDS) % SEEDS];
        keep("rates", &made);
    }
    report("rates", paths, files);
    answers(
        "rates",
        "41 pairs were tested, all at once: 6 that differ in norm alone; 30 in "
        "another option, of which 28 have a verdict; 5 with the baseline in more than one, of which 4 have");
    answers("rates", "ln against gn is equivalent in 6 of 6 (+0.00 points).");
}

/* Three seeds of which nothing follows: what is largest is named, with what would decide it. */
static void test_nothing_decided(void **state)
{
    (void)state;
    enum { WORKERS = 6, SEEDS = 3, RUNS = 2 * WORKERS * SEEDS };
    static const int apart[SEEDS] = {0, 20, -25};
    files = 0;
    for (size_t i = 0; i < RUNS; i++) {
        const size_t seed = i % SEEDS, workers = i / SEEDS % WORKERS, norm = i / SEEDS / WORKERS;
        made_run made = made_of(norm ? "ln" : "gn", workers + 1, seed);
        made.test_accuracy = 98 + 0.01 * (norm ? apart[(seed + workers) % SEEDS] + (workers == 4 ? 30 : 5)
                                               : apart[seed]);
        keep("nothing", &made);
    }
    made_run alone = made_of("ln", 2 * WORKERS, 1); /* one seed is no finding */
    alone.test_accuracy = 70;
    keep("nothing", &alone);
    alone.norm = "gn";
    alone.test_accuracy = 98;
    keep("nothing", &alone);
    report("nothing", paths, files);
    answers("nothing", "No difference between norms or scopes is decided yet. The largest is ln against gn "
                       "at 5 workers (+0.30 points; about ");
    answers("nothing", "What more workers do is undecided. The largest is ln at 5 workers against ");
}

/* One worker's statistics are the batch's: synchronized batch norm on one worker is where statistics of each worker begin. */
static void test_one_worker_is_where_statistics_per_worker_begin(void **state)
{
    (void)state;
    enum { WORKERS = 4, SEEDS = 4, KINDS = 3, RUNS = KINDS * WORKERS * SEEDS };
    static const char *const scopes[KINDS] = {"sync", "worker", NULL};
    files = 0;
    for (size_t i = 0; i < RUNS; i++) {
        const size_t seed = i % SEEDS, workers = (size_t)1 << (i / SEEDS % WORKERS),
                     kind = i / SEEDS / WORKERS;
        made_run made = made_of(scopes[kind] ? "bn" : "gn", workers, seed);
        if (kind == 1 && workers == 1) continue; /* the same as synchronized */
        made.scope = scopes[kind];
        made.test_accuracy = 98 - (kind == 1 ? 0.1 * (double)workers : 0) +
                             0.01 * (double)((seed * 7 + i) % 5);
        keep("begins", &made);
    }
    report("begins", paths, files);
    assert_says("begins/axes.csv", "more workers: bn-scopeworker,6,"); /* of 1, 2, 4, 8 workers */
    assert_says("begins/axes.csv", "more workers: bn,6,");
    assert_says("begins/axes.csv",
                ",undecided\r\nbn-scopeworker against gn,3,-0.797,"); /* the largest first */
}

/* Of a batch of 64 and of 64 a worker, on 1, 8 and 32 workers: statistics of 8 and 2 samples cost, those of 64 do not. With a `warmup` the batch
   that grows has a beginning of its own. */
static void report_a_batch_that_stays_or_grows(const char *name, double warmup)
{
    static const int workers[] = {1, 8, 32};
    static const char *const scopes[] = {NULL, "sync", "worker"};
    enum { SEEDS = 5, RUNS = 3 * 2 * 3 * SEEDS };
    files = 0;
    for (int i = 0; i < RUNS; i++) {
        const size_t seed = i % SEEDS;
        const int spread = workers[i / SEEDS % 3], grows = i / SEEDS / 3 % 2, kind = i / SEEDS / 6;
        if (spread == 1 && (kind == 2 || (grows && warmup <= 0))) continue;
        made_run made = made_of(kind ? "bn" : "gn", (size_t)spread, seed);
        made.scope = scopes[kind];
        made.running_stats = kind == 2 ? "all" : NULL;
        if (grows) made.batch = 64 * spread;
        if (grows) made.warmup = warmup;
        made.scaled = grows && warmup > 0 && spread > 1;
        made.test_accuracy = 98 + 0.01 * (double)((seed * 7 + (size_t)i / SEEDS) % 5) -
                             (kind == 2 && !grows ? 0.02 * spread : 0);
        keep(name, &made);
    }
    report(name, paths, files);
}

/* Whose running statistics evaluate is one thing for all that have a choice, and no part of a name. */
static void test_a_batch_that_stays_or_grows(void **state)
{
    (void)state;
    report_a_batch_that_stays_or_grows("grows", 0);
    answers("grows", "all with --epochs 3, and --running-stats all where there is a choice, by their");
    answers("grows", "; bn-scopeworker takes its statistics over each worker's samples, bn over those of "
                     "all, which on 1 worker is the same.");
    answers("grows", "Where all else is alike, with the estimates in brackets, bn-scopeworker against bn is "
                     "worse at 8 and 32 workers (−0.16, −0.64 points); ");
    answers("grows", "\n\nWith the options --batch-per-worker 64, bn against gn is equivalent at 8 and 32 "
                     "workers (+0.00 points); bn-scopeworker against bn is equivalent at 8 and 32 workers (");
    answers("grows", "bn-scopeworker is worse at 8 and 32 than at 1 (−0.16, −0.64 points), and beyond 1, "
                     "more against fewer, worse in 1 of 1 (−0.48 points)");
    answers("grows", "With more workers, each with as many samples, so that the batch grows, with "
                     "--batch-per-worker 64, bn is equivalent at ");
    answers("grows", "bn-scopeworker is equivalent at 32 to that at 1 (");
    assert_says("grows/axes.csv", "more workers: bn-scopeworker with a batch that grows with them,3,");
    answers("grows", "; how much of that is the larger batch's or the fewer steps' doing is not told apart.");
    answers("grows", "at a learning rate of its own, since all have 0.01;");
}

/* Nobody who reads nothing else reads more than eight. */
static void assert_few_sentences(const char *report)
{
    enum { SENTENCES_MAX = 8 };
    char *text = read_file(report);
    char *answer = strstr(text, "## The answer"), *end = answer ? strstr(answer, "\n**Figure") : NULL;
    assert_non_null(end);
    *end = '\0';
    int sentences = 0;
    for (const char *c = answer; *c; c++)
        sentences += *c == '.' && (c[1] == ' ' || c[1] == '\n');
    assert_in_range(sentences, 2, SENTENCES_MAX);
    free(text);
}

/* One worker has no batch that grows, and no rate to scale: it is told of with the others of its line. */
static void test_a_line_has_its_beginning(void **state)
{
    (void)state;
    report_a_batch_that_stays_or_grows("warm", 1);
    answers("warm", "\n\nWith the options --batch-per-worker 64 --lr-scaling linear --warmup 1, ");
    assert_few_sentences("warm/report.md");
    answers("warm", "--warmup 1, bn against gn is equivalent at 1, 8 and 32 workers (");
    answers("warm",
            "so that the batch grows, with --batch-per-worker 64 --lr-scaling linear --warmup 1, bn is ");
    answers("warm", "bn-scopeworker is equivalent at 8 and 32 to that at 1 (");
    char *forest = read_file("warm/figures/answer.tsv"); /* of scopes, not of workers too */
    static const char scopes[] = "bn-scopeworker − bn, workers8: worse";
    const char *drawn = strstr(forest, scopes);
    assert_non_null(drawn);
    assert_null(strstr(drawn + 1, scopes));
    free(forest);
    answers("warm", "that differ in norm, scope or workers (of one batch, or with one that grows) alone; ");
    answers("warm",
            "; how much of that is the larger batch's, the fewer steps' or a scaled learning rate's doing is "
            "not told apart.");
    answers("warm", "at a learning rate of its own, since all have 0.01, scaled with the batch where "
                    "--lr-scaling says so;");
}

/* gn and ln on 1, 2, 4 and 8 workers, as many samples on `each`, with a rate that grows with the batch and with one that does not; at a batch of 64
   there is nothing to scale, and the run is of both lines. */
static void report_scaled_or_not(const char *name, int each)
{
    enum { WORKERS = 4, SEEDS = 5, RUNS = 2 * 2 * WORKERS * SEEDS };
    files = 0;
    for (size_t i = 0; i < RUNS; i++) {
        const size_t seed = i % SEEDS, workers = (size_t)1 << (i / SEEDS % WORKERS);
        const bool scaled = i / SEEDS / WORKERS % 2 > 0;
        made_run made = made_of(i / SEEDS / WORKERS / 2 ? "ln" : "gn", workers, seed);
        made.batch = each * (int)workers;
        if (scaled && made.batch == 64) continue;
        made.scaled = scaled;
        made.test_accuracy = 98 + 0.01 * (double)wobble[(seed + i / SEEDS) % SEEDS];
        keep(name, &made);
    }
    report(name, paths, files);
}

/* Of 32 samples a worker two workers have the batch that rates are given for: they are of the scaled line and of the other. */
static void test_a_batch_of_two_lines(void **state)
{
    (void)state;
    report_scaled_or_not("two", 32);
    answers("two", "with --batch-per-worker 32, gn is equivalent at 2, 4 and 8 to that at 1 (");
    answers("two",
            "with --batch-per-worker 32 --lr-scaling linear, gn is equivalent at 2, 4 and 8 to that at 1 (");
}

/* One difference that is many times the others would leave them no room in the forest: it is a number. */
static void test_a_difference_beyond_the_axis(void **state)
{
    (void)state;
    enum { WORKERS = 6, SEEDS = 3, RUNS = 2 * WORKERS * SEEDS };
    files = 0;
    for (size_t i = 0; i < RUNS; i++) {
        const size_t seed = i % SEEDS, workers = i / SEEDS % WORKERS + 1;
        const bool batch = i / SEEDS / WORKERS > 0;
        made_run made = made_of(batch ? "bn" : "gn", workers, seed);
        made.scope = batch ? "sync" : NULL;
        made.test_accuracy = (batch && workers == WORKERS ? 93 : 98) + 0.01 * (double)((seed * 7 + i) % 5);
        keep("far", &made);
    }
    report("far", paths, files);
    char *script = read_file("far/figures/answer.gp");
    const char *range = strstr(script, "set xrange [");
    assert_non_null(range);
    assert_true(strtod(range + strlen("set xrange ["), NULL) > -2);
    assert_non_null(strstr(script, "name_size = 13\n")); /* names that fit are as large as the rest */
    free(script);
    assert_says("far/figures/answer.svg", "-4.99");
}

/* An experiment whose runs were all cut has no seeds. */
static void test_seeds_are_of_complete_runs(void **state)
{
    (void)state;
    static const char *const norms[] = {"gn", "bn", "ln"};
    files = 0;
    for (size_t i = 0; i < 5; i++) {
        made_run made = made_of(norms[i / 2], 0, i % 2);
        if (i / 2 == 2) made.finished = 1;
        keep("cut", &made);
    }
    report("cut", paths, files);
    answers("cut", "3 experiments on MNIST, 2 seeds each but for 1 without a complete run, all with");
}

/* Two lines of 1, 2, 4 and 8 workers, whose first is one. */
static void test_scaling_is_a_respect(void **state)
{
    (void)state;
    report_scaled_or_not("scaled", 64);
    assert_says("scaled/axes.csv", "more workers: gn with a batch that grows with them,12,");
}

/* Twelve experiments again: gn and ln on 2, 4 and 8 workers, whose shards are random or sorted by label, which costs ln 0.3 points
   and says nothing of gn. */
static void test_what_shards_do(void **state)
{
    (void)state;
    enum { WORKERS = 3, SEEDS = 5, RUNS = 2 * 2 * WORKERS * SEEDS };
    files = 0;
    for (size_t i = 0; i < RUNS; i++) {
        const size_t seed = i % SEEDS, workers = i / SEEDS % WORKERS, norm = i / SEEDS / WORKERS % 2;
        const bool sorted = i / SEEDS / WORKERS / 2 > 0;
        made_run made = made_of(norm ? "ln" : "gn", (size_t)2 << workers, seed);
        made.shards = sorted ? "sorted" : "iid";
        made.test_accuracy = 98 + 0.01 * (double)(wobble[seed] + wobble[(seed + i / SEEDS) % SEEDS]) -
                             (norm && sorted ? 0.3
                              : sorted       ? (seed % 2 ? 0.2 : -0.2)
                                             : 0);
        keep("shards", &made);
    }
    report("shards", paths, files);
    answers("shards", "all at once: 24 that differ in norm, shards or workers alone; 7 with");
    answers("shards",
            "Where all else is alike, with the estimates in brackets, ln against gn is equivalent at 2, "
            "4 and 8 workers (+0.00 points).\n\nWith the options --shards sorted, undecided is ln "
            "against gn (−0.34 points).");
    answers("shards", "By what the workers' shards hold, ");
    answers("shards", "ln with shards sorted against iid is worse at 2, 4 and 8 workers (");
    answers("shards", "; undecided is gn with shards sorted against iid (");
    assert_says("shards/axes.csv", "gn with shards sorted against iid,3,");
}

/* What a norm costs is said of its fastest epoch whatever the rate: two rates of one norm cost the same, however the machine was at the time. */
static void test_cost_is_of_norms(void **state)
{
    (void)state;
    static const struct {
        const char *norm;
        double lr, slower;
    } groups[] = {{"gn", 0.01, 1.2}, {"gn", 0.03, 1}, {"ln", 0.03, 1.5}};
    files = 0;
    for (size_t i = 0; i < 6; i++) {
        made_run made = usual;
        made.seed = (int64_t)(i % 2) + 1;
        made.norm = groups[i / 2].norm;
        made.lr = groups[i / 2].lr;
        made.slower = groups[i / 2].slower;
        made.test_accuracy = 98 + 0.1 * (double)(i % 3);
        keep("costs", &made);
    }
    report("costs", paths, files);
    answers("costs", "On 1 rank the fastest epoch of ln took 1.50 times as long as that of gn.");
    report("of-one", paths, 4);
    assert_false(says("of-one/report.md", "times as long as that of"));
}

int main(void)
{
    sn_log_configure(SN_LOG_QUIET, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_better),
        cmocka_unit_test(test_worse),
        cmocka_unit_test(test_equivalent),
        cmocka_unit_test(test_undecided),
        cmocka_unit_test(test_other_lengths_are_said_first),
        cmocka_unit_test(test_other_images_are_no_pair),
        cmocka_unit_test(test_many_pairs),
        cmocka_unit_test(test_what_differs_in_one_respect),
        cmocka_unit_test(test_verdicts_here_and_none_there),
        cmocka_unit_test(test_more_undecided_than_are_named),
        cmocka_unit_test(test_what_differs_in_another_option),
        cmocka_unit_test(test_nothing_decided),
        cmocka_unit_test(test_one_worker_is_where_statistics_per_worker_begin),
        cmocka_unit_test(test_a_batch_that_stays_or_grows),
        cmocka_unit_test(test_a_line_has_its_beginning),
        cmocka_unit_test(test_scaling_is_a_respect),
        cmocka_unit_test(test_a_batch_of_two_lines),
        cmocka_unit_test(test_a_difference_beyond_the_axis),
        cmocka_unit_test(test_seeds_are_of_complete_runs),
        cmocka_unit_test(test_what_shards_do),
        cmocka_unit_test(test_cost_is_of_norms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
