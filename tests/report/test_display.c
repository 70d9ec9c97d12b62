/* The display of a study at work: what it prints for teams at a given point. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "study_display.h"

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;
    for (; (text = strstr(text, what)); text += strlen(what))
        count++;
    return count;
}

/* All that the display writes over these updates of two teams, to be freed. */
static char *shown(const sn_plan *plan, const sn_team_progress (*teams)[2], size_t updates, double seconds)
{
    char *text = NULL;
    size_t size;
    sn_study_display display = {.plan = plan, .out = tmpfile()};
    assert_non_null(display.out);
    const sn_study_watcher watcher = sn_study_display_watcher(&display);
    for (size_t i = 0; i < updates; i++)
        watcher.update(watcher.context, teams[i], 2, seconds);
    sn_study_display_finish(&display);
    rewind(display.out);
    FILE *out = open_memstream(&text, &size);
    for (int c; (c = getc(display.out)) != EOF;)
        putc(c, out);
    fclose(out);
    fclose(display.out);
    return text;
}

/* Of six runs; with `steps`, when there are any. */
static void plan_runs(const char *steps, sn_plan *plan)
{
    const sn_plan_option options[] = {{"norm", "gn"}, {"seed", "1-6"}, {"steps", steps}};
    assert_int_equal(sn_plan_create(options, steps ? 3 : 2, 0, plan), SN_OK);
}

/* A failure is told when it comes, and not again when another team has one. */
static void test_a_failure_is_told_once(void **state)
{
    (void)state;
    sn_plan plan;
    plan_runs(NULL, &plan);
    static const sn_team_progress teams[][2] = {
        {{.run = 0, .ranks = 1}, {.run = 1, .ranks = 1}},
        {{.run = 2, .ranks = 1, .done = 1, .failed = 1, .failure = "gn-s1: the disk is full"},
         {.run = 1, .ranks = 1}},
        {{.run = 2, .ranks = 1, .done = 1, .failed = 1, .failure = "gn-s1: the disk is full"},
         {.run = 3, .ranks = 1, .done = 1, .failed = 1, .failure = "gn-s2: diverged"}},
        {{.run = 5, .ranks = 1, .done = 3, .failed = 3, .failure = "gn-s5: diverged"},
         {.run = 3, .ranks = 1, .done = 1, .failed = 1, .failure = "gn-s2: diverged"}}};
    char *text = shown(&plan, teams, 4, 10);
    assert_int_equal(count_of(text, "FAILED gn-s1: the disk is full\n"), 1);
    assert_int_equal(count_of(text, "FAILED gn-s2: diverged\n"), 1);
    assert_int_equal(count_of(text, "FAILED gn-s5: diverged\n"), 1);
    assert_int_equal(count_of(text, "FAILED 1 more of team 1"), 1);
    free(text);
    sn_plan_clear(&plan);
}

/* With --steps, runs are shorter than their epochs, those that nobody has begun too: 4 of a quarter of an epoch are left, and the two at
   hand have an eighth each, after two eighths in 10 s. */
static void test_time_left_knows_of_steps(void **state)
{
    (void)state;
    sn_plan plan;
    plan_runs("250", &plan);
    static const sn_team_progress teams[][2] = {
        {{.run = 0, .ranks = 1, .epoch = 1, .worked = 0.125, .left = 0.125, .samples = 64000},
         {.run = 1, .ranks = 1, .epoch = 1, .worked = 0.125, .left = 0.125, .samples = 64000}}};
    char *text = shown(&plan, teams, 1, 10);
    assert_non_null(strstr(text, "0 of 6 runs done  [00:10<00:50]"));
    free(text);
    sn_plan_clear(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_failure_is_told_once),
        cmocka_unit_test(test_time_left_knows_of_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
