/* The experiment: strict options, sound combinations, what they resolve to. */

#include <string.h>

#include "experiment_options.h"

static bool is_given(const void *context, const char *name)
{
    for (const choice *c = context; c->name; c++)
        if (strcmp(c->name, name) == 0) return true;
    return false;
}

static void assert_refused(const char *option, const char *value)
{
    sn_experiment experiment, before;
    sn_experiment_default(&experiment);
    before = experiment;
    sn_error_clear();
    if (sn_experiment_set(&experiment, option, value) != SN_ERROR_USAGE)
        fail_msg("--%s '%s' is accepted", option, value ? value : "(none)");
    assert_non_null(strstr(sn_error_message(), option));
    assert_null(strchr(sn_error_message(), '\n'));
    assert_memory_equal(&experiment, &before, sizeof before);
}

static void the_defaults_are_the_published_group_norm_experiment(void **state)
{
    (void)state;
    sn_experiment e;
    sn_experiment_default(&e);
    assert_int_equal(e.norm, SN_NORM_GROUP);
    assert_int_equal(e.groups, 2);
    assert_int_equal(e.batch, 64);
    assert_int_equal(e.epochs, 15);
    assert_int_equal(e.seed, 1);
    assert_int_equal(e.workers, 1);
    assert_true(e.lr == 0.01 && e.momentum == 0.9 && e.dropout == 0.05);
    assert_true(e.weight_decay == 0 && e.l1 == 0 && e.steps == 0);
    assert_true(e.shuffle && !e.precise_bn && e.conv == SN_CONV_DIRECT);
    assert_int_equal(sn_experiment_resolve(&e, NULL, NULL), SN_OK);
}

static void numbers_are_read_whole_and_in_range(void **state)
{
    (void)state;
    static const char *const integers[] = {"batch", "epochs",           "groups", "seed",
                                           "steps", "batch-per-worker", "workers"};
    static const char *const no_integers[] = {
        "",    " 1",  "1 ",  "+1",  "-1",  "1.0", "0x1",
        "1e1", "1,2", "one", "1\n", "nan", "1_0", "18446744073709551616"};
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
        for (size_t j = 0; j < sizeof no_integers / sizeof *no_integers; j++)
            assert_refused(integers[i], no_integers[j]);

    static const char *const reals[] = {"lr", "momentum", "weight-decay", "l1", "dropout", "warmup"};
    static const char *const no_reals[] = {"",    " 0.5", "0.5 ",  "+0.5", "0,5", "0x.8", "nan", "-nan",
                                           "inf", "-1",   "1e999", "1e",   ".",   "0.5f", "-",   "infinity"};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
        for (size_t j = 0; j < sizeof no_reals / sizeof *no_reals; j++)
            assert_refused(reals[i], no_reals[j]);

    static const choice out_of_range[] = {
        {"batch", "0"},
        {"batch", "65537"},
        {"batch", "4294967297"},
        {"batch-per-worker", "0"},
        {"epochs", "0"},
        {"steps", "0"},
        {"steps", "4294967296"},
        {"groups", "0"},
        {"lr", "0"},
        {"lr", "-0"},
        {"momentum", "1"},
        {"momentum", "-0.1"},
        {"dropout", "1"},
        {"dropout", "1.5"},
        {"l1", "-1e-9"},
        {"weight-decay", "-1"},
        {"norm", "GN"},
        {"norm", "batch"},
        {"norm", ""},
        {"experiment", "bn-l2"},
        {"conv", "winograd"},
        {"lr-scaling", "1"},
        {"workers", "0"},
        {"workers", "65537"},
        {"workers", "rank"},
        {"bn-scope", "0"},
        {"bn-scope", "1"},
        {"bn-scope", "65537"},
        {"bn-scope", "4294967295"}, /* how "worker" is stored */
        {"bn-scope", "Sync"},
        {"bn-scope", "+8"},
        {"bn-scope", ""},
        {"shards", "dirichlet"},
        {"shards", "dirichlet:"},
        {"shards", "dirichlet:0"},
        {"shards", "dirichlet:-1"},
        {"shards", "dirichlet:nan"},
        {"shards", "dirichlet:1e-300"},
        {"shards", "dirichlet:0.1:2"},
        {"shards", "iid:1"},
        {"shards", ""},
        {"schedule", "step"},
        {"schedule", "step:5"},
        {"schedule", "step:5:"},
        {"schedule", "step::0.1"},
        {"schedule", "step:0:0.1"},
        {"schedule", "step:65537:0.1"},
        {"schedule", "step:184467440737095516165:0.1"},
        {"schedule", "step:5:0"},
        {"schedule", "step:5:1"},
        {"schedule", "step:5:-0.1"},
        {"schedule", "step:5:0.1:"},
        {"schedule", "step:1.5:0.1"},
        {"schedule", "cosine:1"},
        {"schedule", ""},
        {"warmup", "-1"},
        {"init", ""},
    };
    for (size_t i = 0; i < sizeof out_of_range / sizeof *out_of_range; i++)
        assert_refused(out_of_range[i].name, out_of_range[i].value);
}

static void the_ends_of_the_ranges_are_in(void **state)
{
    (void)state;
    const sn_experiment e = with(OPTIONS({"batch", "65536"}, {"seed", "18446744073709551615"},
                                         {"dropout", "0"}, {"momentum", "-0"}, {"lr", "5e-324"},
                                         {"steps", "4294967295"}));
    assert_int_equal(e.batch, 65536);
    assert_true(e.seed == UINT64_MAX);
    assert_true(e.dropout == 0 && e.lr > 0);
    assert_int_equal(e.steps, 4294967295);
    assert_name(OPTIONS({"seed", "18446744073709551615"}), "gn-s18446744073709551615");
    assert_name(OPTIONS({"l1", "-0"}), "gn-s1"); /* minus nought is nought */
}

static void unknown_options_and_flags_with_values_are_refused(void **state)
{
    (void)state;
    /* no part of an experiment, names of attributes, and nonsense */
    static const char *const unknown[] = {"resume", "init_digest", "weight_decay", "shuffle", "bat", ""};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_refused(unknown[i], "1");
    assert_refused("no-shuffle", "1");
    assert_refused("precise-bn", "0");
    assert_refused("batch", NULL);
}

static void assert_combination(const choice *choices, const char *fault)
{
    sn_experiment experiment = with(choices);
    sn_error_clear();
    const sn_status status = sn_experiment_resolve(&experiment, is_given, choices);
    assert_int_equal(status, fault ? SN_ERROR_USAGE : SN_OK);
    if (fault && !strstr(sn_error_message(), fault))
        fail_msg("\"%s\" does not say \"%s\"", sn_error_message(), fault);
}

static void combinations_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    assert_combination(OPTIONS({"experiment", "gn"}, {"norm", "gn"}), "--experiment");
    assert_combination(OPTIONS({"norm", "bn"}, {"groups", "2"}), "--groups");
    assert_combination(OPTIONS({"experiment", "ln"}, {"groups", "2"}), "--groups");
    assert_combination(OPTIONS({"groups", "4"}), "--groups 4");
    assert_combination(OPTIONS({"groups", "16"}), "--groups 16");
    assert_combination(OPTIONS({"precise-bn", NULL}), "--precise-bn");
    assert_combination(OPTIONS({"batch", "8"}, {"batch-per-worker", "8"}), "--batch-per-worker");
    assert_combination(OPTIONS({"bn-scope", "8"}), "--bn-scope goes with batch norm, and the norm is gn");
    assert_combination(OPTIONS({"norm", "ln"}, {"bn-scope", "sync"}), "--bn-scope");
    assert_combination(OPTIONS({"workers", "65"}), "--workers 65 with --batch 64");
    assert_combination(OPTIONS({"workers", "64"}), NULL);
    assert_combination(OPTIONS({"norm", "bn"}, {"workers", "33"}, {"bn-scope", "worker"}),
                       "at least 2 samples");
    assert_combination(OPTIONS({"norm", "bn"}, {"workers", "32"}, {"bn-scope", "worker"}), NULL);
    assert_combination(OPTIONS({"workers", "1024"}, {"batch-per-worker", "65"}), "at most 65536");
    assert_combination(OPTIONS({"warmup", "15"}), "--warmup 15");
    assert_combination(OPTIONS({"warmup", "14.9"}), NULL);
    assert_combination(OPTIONS({"warmup", "2"}, {"epochs", "2"}),
                       "--warmup 2: must be less than the 2 epochs");
    assert_combination(OPTIONS({"workers", "ranks"}, {"warmup", "15"}),
                       "--warmup"); /* known before the ranks */
    assert_combination(OPTIONS({"groups", "1"}), NULL);
    assert_combination(OPTIONS({"experiment", "bn-l1"}, {"precise-bn", NULL}), NULL);
    assert_combination(OPTIONS({"norm", "none"}), NULL);
}

static void the_batch_is_workers_times_batch_per_worker(void **state)
{
    (void)state;
    sn_experiment e = with(OPTIONS({"batch-per-worker", "16"}));
    assert_int_equal(sn_experiment_resolve(&e, NULL, NULL), SN_OK);
    assert_int_equal(e.batch, 16);
    e.workers = 8;
    assert_int_equal(sn_experiment_resolve(&e, NULL, NULL), SN_OK);
    assert_int_equal(e.batch, 128);
    e.workers = 65537;
    sn_error_clear();
    assert_int_equal(sn_experiment_resolve(&e, NULL, NULL), SN_ERROR_USAGE);
}

static void one_sample_cannot_tell_images_apart(void **state)
{
    (void)state;
    sn_experiment e = with(OPTIONS({"norm", "bn"}));
    sn_error_clear();
    assert_int_equal(sn_experiment_set(&e, "bn-scope", "1"), SN_ERROR_USAGE);
    assert_non_null(strstr(sn_error_message(), "logits that do not depend on the image"));
}

static void assert_resolved_name(const choice *choices, const char *expected)
{
    char name[SN_RUN_NAME_SIZE];
    sn_experiment e = with(choices);
    sn_error_clear();
    if (sn_experiment_resolve(&e, is_given, choices) != SN_OK) fail_msg("%s", sn_error_message());
    sn_experiment_name(&e, name);
    assert_string_equal(name, expected);
}

static void values_that_mean_the_same_become_one(void **state)
{
    (void)state;
    assert_resolved_name(OPTIONS({"norm", "bn"}, {"bn-scope", "worker"}),
                         "bn-s1"); /* one worker has the batch */
    assert_resolved_name(OPTIONS({"norm", "bn"}, {"bn-scope", "worker"}, {"workers", "2"}),
                         "bn-workers2-scopeworker-s1");
    assert_resolved_name(OPTIONS({"norm", "bn"}, {"bn-scope", "65"}), "bn-s1");
    assert_resolved_name(OPTIONS({"norm", "bn"}, {"bn-scope", "64"}), "bn-s1");
    assert_resolved_name(OPTIONS({"norm", "bn"}, {"bn-scope", "63"}),
                         "bn-s1"); /* the last sample joins the others */
    assert_resolved_name(OPTIONS({"norm", "bn"}, {"bn-scope", "62"}), "bn-scope62-s1");
    assert_resolved_name(
        OPTIONS({"norm", "bn"}, {"bn-scope", "8"}, {"batch-per-worker", "4"}, {"workers", "2"}),
        "bn-batch8-workers2-s1");
    assert_resolved_name(OPTIONS({"shards", "sorted"}), "gn-s1"); /* one shard is everything */
    assert_resolved_name(OPTIONS({"shards", "sorted"}, {"workers", "2"}), "gn-workers2-sorted-s1");
    assert_resolved_name(OPTIONS({"lr-scaling", "linear"}), "gn-s1");
    assert_resolved_name(OPTIONS({"lr-scaling", "linear"}, {"batch", "65"}), "gn-batch65-lrlinear-s1");
    assert_resolved_name(OPTIONS({"workers", "2"}),
                         "gn-workers2-s1"); /* other samples meet in a batch: another run */
}

static void workers_are_bound_to_the_ranks_of_the_team(void **state)
{
    (void)state;
    const choice *choices = OPTIONS({"norm", "bn"}, {"workers", "ranks"}, {"batch-per-worker", "4"},
                                    {"bn-scope", "worker"});
    sn_experiment e = with(choices);
    assert_int_equal(sn_experiment_resolve(&e, is_given, choices), SN_OK);
    assert_int_equal(e.workers, SN_WORKERS_RANKS);
    sn_experiment bound = e;
    assert_int_equal(sn_experiment_bind_ranks(&bound, 3), SN_OK);
    assert_int_equal(bound.workers, 3);
    assert_int_equal(bound.batch, 12);
    char name[SN_RUN_NAME_SIZE];
    sn_experiment_name(&bound, name);
    assert_string_equal(name, "bn-batch12-workers3-scopeworker-s1");
    assert_int_equal(sn_experiment_bind_ranks(&bound, 5), SN_OK); /* a number stays */
    assert_int_equal(bound.workers, 3);
    bound = e;
    assert_int_equal(sn_experiment_bind_ranks(&bound, 1), SN_OK);
    assert_int_equal(bound.bn_scope, SN_SCOPE_SYNC);
    bound = e;
    sn_error_clear();
    assert_int_equal(sn_experiment_bind_ranks(&bound, 65537), SN_ERROR_USAGE);
    assert_non_null(strstr(sn_error_message(), "65536"));
    bound = e; /* as many as a batch may have samples for, four for each */
    assert_int_equal(sn_experiment_bind_ranks(&bound, 16384), SN_OK);
    assert_int_equal(bound.workers, 16384);
    assert_int_equal(bound.batch, 65536);
    bound = with(OPTIONS({"workers", "ranks"}, {"batch", "65536"}));
    assert_int_equal(sn_experiment_bind_ranks(&bound, 65536), SN_OK);
    assert_int_equal(bound.workers, 65536);
    bound = with(OPTIONS({"workers", "ranks"}));
    sn_error_clear();
    assert_int_equal(sn_experiment_bind_ranks(&bound, 65), SN_ERROR_USAGE);
    assert_non_null(strstr(sn_error_message(), "--batch 64"));
}

typedef struct told {
    sn_experiment experiment;
    choice choices[SN_EXPERIMENT_OPTIONS_MAX];
    size_t count;
} told;

static void take_option(void *context, const char *name, const char *value)
{
    told *t = context;
    assert_int_equal(sn_experiment_set(&t->experiment, name, value), SN_OK);
    t->choices[t->count++].name = name;
}

static void assert_told_again(const choice *choices, size_t options)
{
    told t = {.count = 0};
    sn_experiment e = with(choices);
    char name[SN_RUN_NAME_SIZE], again[SN_RUN_NAME_SIZE];
    assert_int_equal(sn_experiment_resolve(&e, is_given, choices), SN_OK);
    sn_experiment_default(&t.experiment);
    sn_experiment_tell_options(&e, take_option, &t);
    if (sn_experiment_resolve(&t.experiment, is_given, t.choices) != SN_OK)
        fail_msg("%s", sn_error_message());
    sn_experiment_name(&e, name);
    sn_experiment_name(&t.experiment, again);
    assert_string_equal(again, name);
    assert_memory_equal(&t.experiment.steps, &e.steps, sizeof e.steps);
    assert_string_equal(t.experiment.init, e.init);
    assert_int_equal(t.count, options);
}

static void its_options_make_the_experiment_again(void **state)
{
    (void)state;
    assert_told_again(OPTIONS({"experiment", "gn"}), 1); /* the norm alone */
    assert_told_again(OPTIONS({"experiment", "bn-l1"}), 2);
    assert_told_again(OPTIONS({"norm", "gn"}, {"groups", "1"}), 2);
    assert_told_again(OPTIONS({"norm", "bn"}, {"workers", "ranks"}), 2);
    assert_told_again(OPTIONS({"norm", "rms"}, {"batch-per-worker", "3"}, {"workers", "6"}), 3);
    assert_told_again(
        OPTIONS({"norm", "bn"}, {"l1", "1e-7"}, {"batch", "96"}, {"workers", "4"}, {"bn-scope", "worker"},
                {"shards", "dirichlet:0.1"}, {"lr", "0.012345678901234567"}, {"lr-scaling", "linear"},
                {"schedule", "step:2:0.25"}, {"warmup", "0.5"}, {"momentum", "0"}, {"weight-decay", "5e-4"},
                {"dropout", "0"}, {"precise-bn", NULL}, {"conv", "gemm"}, {"no-shuffle", NULL},
                {"init", "a file.h5"}, {"seed", "18446744073709551615"}, {"epochs", "3"}, {"steps", "7"}),
        20);
}

static void the_help_has_every_option_with_its_default(void **state)
{
    (void)state;
    size_t count;
    const sn_experiment_option *options = sn_experiment_options(&count);
    assert_true(count >= 22);
    assert_string_equal(options[0].name, "experiment");
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(options[i].name, "momentum") == 0) found = strstr(options[i].help, "0.9") != NULL;
    }
    assert_true(found);
    size_t again;
    assert_ptr_equal(sn_experiment_options(&again), options);
    assert_int_equal(again, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_are_the_published_group_norm_experiment),
        cmocka_unit_test(numbers_are_read_whole_and_in_range),
        cmocka_unit_test(the_ends_of_the_ranges_are_in),
        cmocka_unit_test(unknown_options_and_flags_with_values_are_refused),
        cmocka_unit_test(combinations_that_make_no_sense_are_refused),
        cmocka_unit_test(the_batch_is_workers_times_batch_per_worker),
        cmocka_unit_test(one_sample_cannot_tell_images_apart),
        cmocka_unit_test(values_that_mean_the_same_become_one),
        cmocka_unit_test(workers_are_bound_to_the_ranks_of_the_team),
        cmocka_unit_test(its_options_make_the_experiment_again),
        cmocka_unit_test(the_help_has_every_option_with_its_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
