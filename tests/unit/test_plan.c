/* Plans: the product of the lists, no run twice; and how ranks are divided among runs. */

#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "../support/cmocka_all.h"
#include "syncnorm/study/study.h"

#define OPTIONS(...)                                                                                         \
    (const sn_plan_option[])                                                                                 \
    {                                                                                                        \
        __VA_ARGS__,                                                                                         \
        {                                                                                                    \
            NULL, NULL                                                                                       \
        }                                                                                                    \
    }

static size_t count_of(const sn_plan_option *options)
{
    size_t count = 0;
    while (options[count].name)
        count++;
    return count;
}

/* The names of the plan's runs, joined by spaces. */
static void assert_named_plan(const char *named, const sn_plan_option *options, const char *expected)
{
    sn_plan plan;
    sn_error_clear();
    if (sn_plan_create_named(named, options, count_of(options), 0, &plan) != SN_OK)
        fail_msg("%s", sn_error_message());
    char names[2048] = "";
    size_t used = 0;
    for (size_t i = 0; i < plan.count; i++) {
        char name[SN_RUN_NAME_SIZE];
        sn_plan_name(&plan, i, name);
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? " " : "", name);
    }
    assert_string_equal(names, expected);
    sn_plan_clear(&plan);
}

static void assert_plan(const sn_plan_option *options, const char *expected)
{
    assert_named_plan("default", options, expected);
}

static void assert_refused(const sn_plan_option *options, const char *fault)
{
    sn_plan plan;
    sn_error_clear();
    assert_int_equal(sn_plan_create(options, count_of(options), 0, &plan), SN_ERROR_USAGE);
    if (!strstr(sn_error_message(), fault)) fail_msg("\"%s\" does not say \"%s\"", sn_error_message(), fault);
    assert_int_equal(plan.count, 0);
}

static void the_default_plan_is_the_published_study(void **state)
{
    (void)state;
    assert_plan(OPTIONS({NULL, NULL}), "gn-s1 ln-s1 bn-s1 bn-l1-s1");
    assert_plan(OPTIONS({"seed", "2"}), "gn-s2 ln-s2 bn-s2 bn-l1-s2");
    assert_plan(
        OPTIONS({"batch", "32"}, {"no-shuffle", NULL}),
        "gn-batch32-noshuffle-s1 ln-batch32-noshuffle-s1 bn-batch32-noshuffle-s1 bn-l1-batch32-noshuffle-s1");
}

static void a_plan_is_the_product_of_its_lists(void **state)
{
    (void)state;
    assert_plan(OPTIONS({"norm", "gn,bn"}, {"seed", "1-3"}), "gn-s1 gn-s2 gn-s3 bn-s1 bn-s2 bn-s3");
    assert_plan(OPTIONS({"seed", "7,1-2"}, {"experiment", "ln"}), "ln-s7 ln-s1 ln-s2");
    assert_plan(OPTIONS({"experiment", "bn-l1,gn"}), "bn-l1-s1 gn-s1");
    assert_plan(OPTIONS({"norm", "none"}, {"seed", "18446744073709551614-18446744073709551615"}),
                "none-s18446744073709551614 none-s18446744073709551615");
}

static void an_option_changes_the_preset_wherever_it_stands(void **state)
{
    (void)state;
    assert_plan(OPTIONS({"l1", "0.001"}, {"experiment", "bn-l1"}), "bn-l1-0.001-s1");
    assert_plan(OPTIONS({"experiment", "bn-l1"}, {"l1", "0"}), "bn-s1");
}

static void the_last_of_an_option_counts(void **state)
{
    (void)state;
    assert_plan(OPTIONS({"seed", "1-9"}, {"norm", "gn"}, {"seed", "4"}), "gn-s4");
}

static void runs_of_the_same_name_are_merged(void **state)
{
    (void)state;
    assert_plan(OPTIONS({"norm", "gn,ln,gn"}, {"seed", "1-3,2"}), "gn-s1 gn-s2 gn-s3 ln-s1 ln-s2 ln-s3");
}

static void what_makes_no_plan_is_refused(void **state)
{
    (void)state;
    assert_refused(OPTIONS({"norm", "gn,"}), "--norm ''");
    assert_refused(OPTIONS({"norm", "gn;ln"}), "--norm");
    assert_refused(OPTIONS({"norm", "gn"}, {"experiment", "gn"}), "--experiment and --norm");
    assert_refused(OPTIONS({"seed", "3-1"}), "--seed 3-1");
    assert_refused(OPTIONS({"seed", "1-"}), "--seed");
    assert_refused(OPTIONS({"seed", "-1"}), "--seed");
    assert_refused(OPTIONS({"seed", "1-2-3"}), "--seed");
    assert_refused(OPTIONS({"seed", "0-18446744073709551616"}), "--seed");
    assert_refused(OPTIONS({"seed", "0-18446744073709551615"}), "--seed");
    assert_refused(OPTIONS({"norm", "gn,ln"}, {"seed", "1-6000"}), "12000");
    assert_refused(OPTIONS({"batch", "32-30"}), "--batch 32-30");
    assert_refused(OPTIONS({"batch", "32,"}), "--batch ''");
    assert_refused(OPTIONS({"epochs", "3,4"}), "--epochs: takes one value");
    assert_refused(OPTIONS({"lr", "0.1-0.2"}), "--lr '0.1-0.2'");
    assert_refused(OPTIONS({"workers", "1,65"}), "--workers 65 with --batch 64");
    assert_refused(OPTIONS({"workers", "ranks"}), "--ranks-per-run");
    assert_refused(OPTIONS({"norm", "ln,bn"}, {"groups", "2"}), "--groups goes with group norm");
    assert_refused(OPTIONS({"norm", "gn,ln"}, {"bn-scope", "8"}), "--bn-scope goes with batch norm");
    assert_refused(OPTIONS({"norm", "gn"}, {"precise-bn", NULL}), "--precise-bn goes with batch norm");
    assert_refused(OPTIONS({"worker", "4"}), "unknown option");
}

static void every_axis_takes_a_list(void **state)
{
    (void)state;
    assert_plan(OPTIONS({"norm", "gn"}, {"batch", "32,64"}, {"lr", "0.02,0.01"}),
                "gn-batch32-lr0.02-s1 gn-batch32-s1 gn-lr0.02-s1 gn-s1");
    assert_plan(OPTIONS({"seed", "1-2"}, {"norm", "gn"}, {"workers", "1-2"}),
                "gn-s1 gn-s2 gn-workers2-s1 gn-workers2-s2");
    assert_plan(OPTIONS({"experiment", "gn"}, {"groups", "1-2"}, {"dropout", "0,0.05"}),
                "gn-groups1-dropout0-s1 gn-groups1-s1 gn-dropout0-s1 gn-s1");
    assert_plan(OPTIONS({"norm", "gn"}, {"schedule", "constant,step:5:0.1,cosine"}, {"conv", "gemm"}),
                "gn-gemm-s1 gn-step5x0.1-gemm-s1 gn-cosine-gemm-s1");
    assert_plan(OPTIONS({"norm", "gn"}, {"workers", "4"}, {"shards", "iid,dirichlet:0.1"}, {"warmup", "0,1"}),
                "gn-workers4-s1 gn-workers4-warmup1-s1 gn-workers4-dirichlet0.1-s1 "
                "gn-workers4-dirichlet0.1-warmup1-s1");
    assert_plan(OPTIONS({"norm", "gn"}, {"l1", "0,3e-4"}, {"batch-per-worker", "8,16"}),
                "gn-batch8-s1 gn-batch16-s1 gn-l1-batch8-s1 gn-l1-batch16-s1");
}

static void runs_that_mean_the_same_are_merged(void **state)
{
    (void)state;
    /* the scope says nothing to gn, and one worker's samples are the batch */
    assert_plan(OPTIONS({"norm", "gn,bn"}, {"workers", "1,4"}, {"bn-scope", "sync,worker,8"}),
                "gn-s1 gn-workers4-s1 bn-s1 bn-scope8-s1 bn-workers4-s1 bn-workers4-scopeworker-s1 "
                "bn-workers4-scope8-s1");
    assert_plan(OPTIONS({"norm", "gn,ln"}, {"groups", "1-2"}), "gn-groups1-s1 gn-s1 ln-s1");
    assert_plan(OPTIONS({"norm", "gn,bn"}, {"precise-bn", NULL}), "gn-s1 bn-precise-s1");
    assert_plan(OPTIONS({"norm", "gn"}, {"workers", "1,2"}, {"shards", "iid,sorted"}),
                "gn-s1 gn-workers2-s1 gn-workers2-sorted-s1");
    assert_plan(OPTIONS({"norm", "bn"}, {"workers", "1,2"}, {"bn-scope", "sync,worker"},
                        {"running-stats", "merged,worker0,all"}),
                "bn-s1 bn-workers2-s1 bn-workers2-scopeworker-s1 bn-workers2-scopeworker-statsworker0-s1 "
                "bn-workers2-scopeworker-statsall-s1");
}

static size_t runs_of(const char *named, const sn_plan_option *options)
{
    sn_plan plan;
    if (sn_plan_create_named(named, options, count_of(options), 0, &plan) != SN_OK)
        fail_msg("%s", sn_error_message());
    const size_t runs = plan.count;
    sn_plan_clear(&plan);
    return runs;
}

/* gn, gn of one group, ln and bn on 1 to 32 workers, bn's also unsynchronized on 2 to 32; all of it twice. */
static void plans_by_name_have_their_runs(void **state)
{
    (void)state;
    assert_int_equal(runs_of("tuning", OPTIONS({NULL, NULL})), (3 + 1) * 5 * 3);
    assert_int_equal(runs_of("scaling", OPTIONS({NULL, NULL})), 3 * 2 * (4 * 6 + 5));
    assert_named_plan("default", OPTIONS({NULL, NULL}), "gn-s1 ln-s1 bn-s1 bn-l1-s1");
}

static void what_is_given_changes_a_plan_by_name(void **state)
{
    (void)state;
    assert_named_plan(
        "tuning", OPTIONS({"norm", "bn"}, {"lr", "0.02,0.04"}, {"seed", "7"}, {"epochs", "3"}),
        "bn-lr0.02-cosine-validation5000-epochs3-s7 bn-lr0.04-cosine-validation5000-epochs3-s7");
    assert_named_plan("tuning", /* a preset in place of the norms */
                      OPTIONS({"experiment", "bn-l1"}, {"lr", "0.02"}, {"seed", "7"}, {"validation", "100"}),
                      "bn-l1-lr0.02-cosine-validation100-epochs5-s7");
    assert_named_plan(
        "scaling", /* what has a batch for each worker is another question than that of one batch */
        OPTIONS({"norm", "gn"}, {"groups", "2"}, {"workers", "2"}, {"batch", "128"}, {"seed", "1"}),
        "gn-batch128-workers2-cosine-epochs5-s1");
}

static void an_unknown_name_and_bad_options_of_a_plan_by_name_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *named;
        sn_plan_option option;
        const char *fault;
    } cases[] = {{"other", {"seed", "1"}, "--plan 'other': must be one of default, tuning, scaling"},
                 {"scaling", {"lr", "-1"}, "--lr"},
                 {"tuning", {"norm", NULL}, "--norm"},
                 {"tuning", {"epochs", "1,2"}, "--epochs"},
                 {"tuning", {"validation", "0"}, "--plan tuning chooses by images held out"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sn_plan plan;
        sn_error_clear();
        assert_int_equal(sn_plan_create_named(cases[i].named, &cases[i].option, 1, 0, &plan), SN_ERROR_USAGE);
        if (!strstr(sn_error_message(), cases[i].fault)) fail_msg("%s", sn_error_message());
        assert_int_equal(plan.count, 0);
    }
    sn_plan plan; /* said of what was given alone: scopes and groups are the plan's own */
    const sn_plan_option layer[] = {{"norm", "ln"}, {"precise-bn", NULL}};
    assert_int_equal(sn_plan_create_named("scaling", layer, 1, 0, &plan), SN_OK);
    sn_plan_clear(&plan);
    sn_error_clear();
    assert_int_equal(sn_plan_create_named("scaling", layer, 2, 0, &plan), SN_ERROR_USAGE);
    assert_non_null(strstr(sn_error_message(), "--precise-bn goes with batch norm"));
}

static void ranks_are_those_of_a_team(void **state)
{
    (void)state;
    const sn_plan_option options[] = {{"norm", "gn"}, {"workers", "ranks,4"}};
    sn_plan plan;
    assert_int_equal(sn_plan_create(options, 2, 4, &plan), SN_OK);
    assert_int_equal(plan.count, 1);
    sn_experiment experiment;
    sn_plan_experiment(&plan, 0, &experiment);
    assert_int_equal(experiment.workers, 4);
    sn_plan_clear(&plan);
}

/* Every rank of a study has the plan. */
static void a_large_plan_is_small(void **state)
{
    (void)state;
    const sn_plan_option options[] = {
        {"norm", "bn"}, {"seed", "1-5000"}, {"bn-scope", "sync,8"}, {"epochs", "3"}};
    sn_plan plan;
    sn_experiment experiment;
    const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    assert_int_equal(sn_plan_create(options, 4, 0, &plan), SN_OK);
    const size_t held = mallinfo2().uordblks + mallinfo2().hblkhd - before;
    assert_int_equal(plan.count, SN_PLAN_RUNS_MAX);
    assert_in_range(held, 0, 512 * 1024); /* 0: under AddressSanitizer, which does not tell */
    for (size_t i = 0; i < plan.count; i++) {
        sn_plan_experiment(&plan, i, &experiment);
        assert_int_equal(experiment.bn_scope, i < 5000 ? SN_SCOPE_SYNC : 8);
        assert_int_equal(experiment.seed, i % 5000 + 1);
        assert_int_equal(experiment.epochs, 3);
    }
    sn_plan_clear(&plan);
}

static void assert_teams(int ranks, size_t runs, int ranks_per_run, int teams, bool note)
{
    char text[256];
    assert_int_equal(sn_study_teams(ranks, runs, ranks_per_run, text, sizeof text), teams);
    if ((*text != '\0') != note) fail_msg("%d ranks, %zu runs: note \"%s\"", ranks, runs, text);
    assert_null(strchr(text, '\n'));
}

static void ranks_are_divided_into_teams(void **state)
{
    (void)state;
    assert_teams(1, 3, 0, 1, false);
    assert_teams(2, 3, 0, 2, false);
    assert_teams(3, 3, 0, 3, false);
    assert_teams(6, 3, 0, 3, false);
    assert_teams(4, 3, 0, 3, true); /* one is left over */
    assert_teams(8, 1, 0, 1, false);
    assert_teams(8, 3, 4, 2, false);
    assert_teams(8, 3, 3, 2, true); /* two are left over */
    assert_teams(8, 3, 2, 3, true); /* a fourth team would have no run */
    assert_teams(3, 3, 8, 1, true); /* more asked for than there are */
    assert_teams(3, 1000, 1, 3, false);
}

static void teams_on_one_node_differ_by_at_most_one_rank(void **state)
{
    (void)state;
    const int node[40] = {0};
    for (int ranks = 1; ranks <= 40; ranks++)
        for (int teams = 1; teams <= ranks; teams++) {
            int team_of[40], sizes[40] = {0};
            sn_study_assign(node, ranks, teams, 0, team_of);
            for (int rank = 0; rank < ranks; rank++) {
                assert_in_range(team_of[rank], 0, teams - 1);
                sizes[team_of[rank]]++;
            }
            for (int team = 0; team < teams; team++)
                assert_in_range(sizes[team], ranks / teams, (ranks + teams - 1) / teams);
        }
}

/* Nodes and teams as digits: "00022" is three ranks on the node of rank 0 and two on that of rank 2. */
static void assert_assigned(const char *nodes, int teams, int ranks_per_run, const char *expected)
{
    int node[16] = {0}, team_of[16];
    char text[17] = "";
    const int ranks = (int)strlen(nodes);
    for (int r = 0; r < ranks; r++)
        node[r] = nodes[r] - '0';
    sn_study_assign(node, ranks, teams, ranks_per_run, team_of);
    for (int r = 0; r < ranks; r++)
        text[r] = (char)('0' + team_of[r]);
    assert_string_equal(text, expected);
}

static void teams_stay_within_a_node_where_they_can(void **state)
{
    (void)state;
    assert_assigned("0000", 2, 0, "0011");
    assert_assigned("0022", 2, 0, "0011");
    assert_assigned("0101", 2, 0, "0101"); /* ranks dealt out to the nodes in turn */
    assert_assigned("012012", 3, 0, "012012");
    assert_assigned("000333", 2, 0, "000111");
    assert_assigned("00033366", 3, 0, "00011122"); /* ranks left over join a team of their node */
    assert_assigned(
        "000333666", 4, 0,
        "003113222"); /* of those left over two make a team between nodes, one joins its own node's */
    assert_assigned("0123", 2, 0, "0011"); /* no node has two */
    assert_assigned("000", 1, 0, "000");
    assert_assigned("00004444888", 2, 4,
                    "00001111001"); /* five would fit on no node, the four that were asked for do */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_plan_is_the_published_study),
        cmocka_unit_test(a_plan_is_the_product_of_its_lists),
        cmocka_unit_test(an_option_changes_the_preset_wherever_it_stands),
        cmocka_unit_test(the_last_of_an_option_counts),
        cmocka_unit_test(runs_of_the_same_name_are_merged),
        cmocka_unit_test(what_makes_no_plan_is_refused),
        cmocka_unit_test(every_axis_takes_a_list),
        cmocka_unit_test(runs_that_mean_the_same_are_merged),
        cmocka_unit_test(plans_by_name_have_their_runs),
        cmocka_unit_test(what_is_given_changes_a_plan_by_name),
        cmocka_unit_test(an_unknown_name_and_bad_options_of_a_plan_by_name_are_refused),
        cmocka_unit_test(ranks_are_those_of_a_team),
        cmocka_unit_test(a_large_plan_is_small),
        cmocka_unit_test(ranks_are_divided_into_teams),
        cmocka_unit_test(teams_on_one_node_differ_by_at_most_one_rank),
        cmocka_unit_test(teams_stay_within_a_node_where_they_can),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
