/* The files of a report: a second one into the same directory takes those of the first away, and nothing else. */

#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "reading.h"
#include "syncnorm/base/log.h"
#include "syncnorm/io/lock.h"

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void test_nothing_stale_stays(void **state)
{
    (void)state;
    made_run mixed = usual;
    mixed.norm = "bn";
    mixed.l1 = 3e-4;
    assert_ok(write_made_run(&usual, "gn.h5"));
    assert_ok(write_made_run(&mixed, "bn.h5"));
    report("twice", (const char *const[]){"gn.h5", "bn.h5"}, 2);
    assert_true(is_there("twice/confusion-bn-l1.csv") && is_there("twice/figures/penalty.svg") &&
                is_there("twice/figures/misclassified-bn-l1.png"));
    write_text("twice/notes.csv", "mine");
    write_text("twice/figures/restyled.gp", "mine");
    report("twice", (const char *const[]){"gn.h5"}, 1);
    assert_false(is_there("twice/confusion-bn-l1.csv"));
    assert_false(is_there("twice/figures/penalty.svg"));
    assert_false(is_there("twice/figures/penalty.gp"));
    assert_false(is_there("twice/figures/penalty.tsv"));
    assert_false(is_there("twice/figures/misclassified-bn-l1.png"));
    assert_true(is_there("twice/notes.csv") && is_there("twice/figures/restyled.gp"));
    assert_true(is_there("twice/report.html") && is_there("twice/figures/gap.svg"));
}

static sn_status write_report_of_at_most(const char *directory, rlim_t size)
{
    const struct rlimit little = {size, RLIM_INFINITY};
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    void (*const handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    const sn_report_request request = {
        .directory = directory, .paths = (const char *const[]){"gn.h5"}, .path_count = 1};
    sn_report_outcome outcome;
    const sn_status status = sn_report_write(&request, &outcome);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    sn_error_clear();
    return status;
}

/* Where a file has no room, the whole one of the report before stays, and no part of another; a drawing is gone. */
static void test_no_half_file(void **state)
{
    (void)state;
    enum { ROOM = 8000 };
    assert_ok(write_made_run(&usual, "gn.h5"));
    report("half", (const char *const[]){"gn.h5"}, 1);
    char *page = read_file("half/report.html");
    assert_true(strlen(page) > ROOM);
    assert_int_equal(write_report_of_at_most("half", 0), SN_ERROR_FILE);
    assert_true(is_there("half/figures/train-loss.svg")); /* not one file could be written: none is gone */
    assert_int_equal(write_report_of_at_most("half", ROOM), SN_ERROR_FILE);
    char *after = read_file("half/report.html");
    assert_string_equal(after, page);
    glob_t found;
    assert_int_equal(glob("half/{*,figures/*}.{csv,tsv,gp,svg,pdf,png,md}", GLOB_BRACE, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct stat file;
        assert_int_equal(stat(found.gl_pathv[i], &file), 0);
        assert_true(file.st_size > 0 && file.st_size != ROOM);
    }
    globfree(&found);
    free(after);
    free(page);
}

/* Nor does a part of a drawing, whose gnuplot was killed. */
static void test_no_half_drawing(void **state)
{
    (void)state;
    char path[8192], *before = strdup(getenv("PATH"));
    (void)mkdir("bin", 0777);
    write_text(
        "bin/gnuplot",
        "#!/bin/sh\n"
        "for script; do\n"
        "    case $script in *.gp) echo half >${script%.gp}.svg; echo half >${script%.gp}.pdf ;; esac\n"
        "done\n"
        "kill -9 $$\n");
    assert_int_equal(chmod("bin/gnuplot", 0755), 0);
    char *here = realpath("bin", NULL);
    assert_true(snprintf(path, sizeof path, "%s:%s", here, before) < (int)sizeof path);
    assert_int_equal(setenv("PATH", path, 1), 0);
    assert_ok(write_made_run(&usual, "gn.h5"));
    report("killed", (const char *const[]){"gn.h5"}, 1);
    assert_int_equal(setenv("PATH", before, 1), 0);
    assert_true(is_there("killed/figures/train-loss.gp"));
    glob_t found;
    assert_int_equal(glob("killed/figures/*.{svg,pdf}", GLOB_BRACE, NULL, &found), GLOB_NOMATCH);
    globfree(&found);
    free(here);
    free(before);
}

/* What a killed report left beside its files goes with the next. */
static void test_leftovers_are_swept(void **state)
{
    (void)state;
    assert_ok(write_made_run(&usual, "gn.h5"));
    report("swept", (const char *const[]){"gn.h5"}, 1);
    write_text("swept/.comparison.csv.tmp-elsewhere-1", "half");
    write_text("swept/figures/.train-loss.gp.tmp-elsewhere-1", "half");
    report("swept", (const char *const[]){"gn.h5"}, 1);
    assert_false(is_there("swept/.comparison.csv.tmp-elsewhere-1"));
    assert_false(is_there("swept/figures/.train-loss.gp.tmp-elsewhere-1"));
}

/* A page that cannot be written is found before anything else is. */
static void test_the_page_is_tried_first(void **state)
{
    (void)state;
    assert_ok(write_made_run(&usual, "gn.h5"));
    (void)mkdir("page", 0777); /* there from a run of this test before */
    (void)mkdir("page/report.html", 0777);
    (void)unlink("page/comparison.csv");
    assert_int_equal(write_report_of_at_most("page", RLIM_INFINITY), SN_ERROR_FILE);
    assert_false(is_there("page/comparison.csv"));
}

/* The list of files is a file, too: what no report can have written is not removed. */
static void test_a_strange_list_removes_nothing(void **state)
{
    (void)state;
    assert_ok(write_made_run(&usual, "gn.h5"));
    report("strange", (const char *const[]){"gn.h5"}, 1);
    write_text("beside.csv", "mine");
    write_text("strange/keep.h5", "mine");
    write_text("strange/.report-files", "../beside.csv\nfigures/../../beside.csv\nkeep.h5\n\n/\nfigures\n");
    report("strange", (const char *const[]){"gn.h5"}, 1);
    assert_true(is_there("beside.csv") && is_there("strange/keep.h5"));
}

/* Names of experiments may be longer than names of files can be, and alike up to there. */
static void test_long_names_make_files(void **state)
{
    (void)state;
    static const char *const paths[] = {"long0.h5", "long1.h5"};
    for (int i = 0; i < 2; i++) {
        char name[256];
        memset(name, 'x', sizeof name);
        snprintf(name + 240, 16, "%d-s1", i);
        made_run made = usual;
        made.norm = i ? "ln" : "gn";
        sn_run run = {0};
        assert_ok(make_run(&made, &run));
        assert_ok(sn_attributes_set_text(&run.experiment, "name", name));
        assert_ok(sn_run_write(&run, paths[i]));
        sn_run_clear(&run);
    }
    report("long", paths, 2);
    char *list = read_file("long/.report-files");
    size_t tables = 0;
    char *save, *before = NULL;
    for (char *line = strtok_r(list, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (strncmp(line, "confusion-", 10) != 0) continue;
        char path[512];
        snprintf(path, sizeof path, "long/%s", line);
        assert_true(is_there(path));
        if (before) assert_string_not_equal(before, line);
        before = line;
        tables++;
    }
    assert_int_equal(tables, 2);
    free(list);
}

/* Another report into the directory waits for nobody, and takes no file away. */
static void test_one_report_at_a_time(void **state)
{
    (void)state;
    assert_ok(write_made_run(&usual, "gn.h5"));
    report("shared", (const char *const[]){"gn.h5"}, 1);
    int locked[2] = {-1, -1}, done[2] = {-1, -1};
    char byte;
    assert_true(pipe(locked) == 0 && pipe(done) == 0);
    const pid_t other = fork();
    if (other == 0) { /* holds the directory until it is told */
        sn_lock *lock = NULL;
        bool busy;
        const bool held = sn_lock_acquire("shared/report.html", &lock, &busy) == SN_OK && lock;
        close(done[1]);
        if (write(locked[1], "l", 1) == 1 && read(done[0], &byte, 1) == 0 && held) _exit(0);
        _exit(1);
    }
    assert_true(read(locked[0], &byte, 1) == 1);
    const char *const paths[] = {"gn.h5"};
    const sn_report_request request = {.paths = paths, .path_count = 1, .directory = "shared"};
    sn_report_outcome outcome;
    assert_int_equal(sn_report_write(&request, &outcome), SN_ERROR_FILE);
    assert_non_null(strstr(sn_error_message(), "another job is writing it"));
    close(done[1]);
    int ended;
    assert_true(waitpid(other, &ended, 0) == other && ended == 0);
    assert_true(is_there("shared/report.html") && is_there("shared/figures/gap.svg"));
    report("shared", paths, 1);
}

int main(void)
{
    sn_log_configure(SN_LOG_QUIET, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_stale_stays),     cmocka_unit_test(test_no_half_file),
        cmocka_unit_test(test_no_half_drawing),         cmocka_unit_test(test_leftovers_are_swept),
        cmocka_unit_test(test_the_page_is_tried_first), cmocka_unit_test(test_a_strange_list_removes_nothing),
        cmocka_unit_test(test_long_names_make_files),   cmocka_unit_test(test_one_report_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
