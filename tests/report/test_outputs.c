/* The files of a report: a second one into the same directory takes those of the first away, and nothing else. */

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

int main(void)
{
    sn_log_configure(SN_LOG_QUIET, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_stale_stays),
        cmocka_unit_test(test_a_strange_list_removes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
