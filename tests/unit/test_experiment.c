/* The experiment: strict options, sound combinations, a name for every experiment and none twice, a record that reads back. */

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../support/cmocka_all.h"
#include "syncnorm/train/experiment.h"

typedef struct choice {
    const char *name, *value;
} choice;

/* The experiment with these options, as the command line makes it. */
static sn_experiment with(const choice *choices)
{
    sn_experiment experiment;
    sn_experiment_default(&experiment);
    for (; choices->name; choices++)
        assert_int_equal(sn_experiment_set(&experiment, choices->name, choices->value), SN_OK);
    return experiment;
}

static bool is_given(const void *context, const char *name)
{
    for (const choice *c = context; c->name; c++)
        if (strcmp(c->name, name) == 0) return true;
    return false;
}

static void assert_name(const choice *choices, const char *expected)
{
    char name[SN_RUN_NAME_SIZE];
    const sn_experiment experiment = with(choices);
    sn_experiment_name(&experiment, name);
    assert_string_equal(name, expected);
}

#define OPTIONS(...)                                                                                         \
    (const choice[])                                                                                         \
    {                                                                                                        \
        __VA_ARGS__,                                                                                         \
        {                                                                                                    \
            NULL, NULL                                                                                       \
        }                                                                                                    \
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
        {"experiment", "bn"},
        {"conv", "winograd"},
        {"lr-scaling", "1"},
        {"workers", "0"},
        {"workers", "1025"},
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
    e.workers = 1025;
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
    assert_int_equal(sn_experiment_bind_ranks(&bound, 1025), SN_ERROR_USAGE);
    assert_non_null(strstr(sn_error_message(), "1024"));
    bound = with(OPTIONS({"workers", "ranks"}));
    sn_error_clear();
    assert_int_equal(sn_experiment_bind_ranks(&bound, 65), SN_ERROR_USAGE);
    assert_non_null(strstr(sn_error_message(), "--batch 64"));
}

/* Expected values: the schedules' definitions evaluated in Python (math.cos, integer powers) for 10 epochs of 100 steps. */
static void the_learning_rate_follows_its_schedule(void **state)
{
    (void)state;
    static const struct {
        const char *schedule, *warmup;
        uint64_t step;
        double expected;
    } cases[] = {
        {"constant", "0", 0, 0.01},
        {"constant", "0", 999, 0.01},
        {"constant", "2", 0, 5.0000000000000002e-05},
        {"constant", "2", 1, 0.0001},
        {"constant", "2", 99, 0.0050000000000000001},
        {"constant", "2", 199, 0.01},
        {"constant", "2", 200, 0.01},
        {"constant", "2", 999, 0.01},
        {"constant", "0.5", 0, 0.00020000000000000001},
        {"constant", "0.5", 49, 0.01},
        {"constant", "0.5", 50, 0.01},
        {"step:3:0.1", "0", 0, 0.01},
        {"step:3:0.1", "0", 299, 0.01},
        {"step:3:0.1", "0", 300, 0.001},
        {"step:3:0.1", "0", 599, 0.001},
        {"step:3:0.1", "0", 600, 0.00010000000000000002},
        {"step:3:0.1", "0", 900, 1.0000000000000003e-05},
        {"step:3:0.1", "0", 999, 1.0000000000000003e-05},
        {"step:1:0.5", "2", 0, 5.0000000000000002e-05},
        {"step:1:0.5", "2", 99, 0.0050000000000000001},
        {"step:1:0.5", "2", 100, 0.0025249999999999999},
        {"step:1:0.5", "2", 199, 0.0050000000000000001},
        {"step:1:0.5", "2", 200, 0.0025000000000000001},
        {"cosine", "0", 0, 0.01},
        {"cosine", "0", 1, 0.009999975326009292},
        {"cosine", "0", 250, 0.0085355339059327382},
        {"cosine", "0", 500, 0.0050000000000000001},
        {"cosine", "0", 750, 0.0014644660940672626},
        {"cosine", "0", 999, 2.467399070893439e-08},
        {"cosine", "2", 0, 5.0000000000000002e-05},
        {"cosine", "2", 199, 0.01},
        {"cosine", "2", 200, 0.01},
        {"cosine", "2", 201, 0.0099999614469073531},
        {"cosine", "2", 600, 0.0050000000000000001},
        {"cosine", "2", 999, 3.8553092647219957e-08},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const sn_experiment e = with(
            OPTIONS({"epochs", "10"}, {"schedule", cases[i].schedule}, {"warmup", cases[i].warmup}));
        const double rate = sn_experiment_learning_rate(&e, 100, cases[i].step);
        if (!(fabs(rate - cases[i].expected) <= 1e-15))
            fail_msg("%s, warm-up %s, step %d: %.17g instead of %.17g", cases[i].schedule, cases[i].warmup,
                     (int)cases[i].step, rate, cases[i].expected);
    }
}

static void half_a_cosine_is_as_long_as_its_run(void **state)
{
    (void)state;
    assert_name(OPTIONS({"schedule", "cosine"}), "gn-cosine-s1");
    assert_name(OPTIONS({"schedule", "cosine"}, {"epochs", "30"}), "gn-cosine-epochs30-s1");
    assert_name(OPTIONS({"schedule", "step:5:0.1"}, {"epochs", "30"}), "gn-step5x0.1-s1");
    const sn_experiment cosine = with(OPTIONS({"schedule", "cosine"}));
    const sn_experiment longer = with(OPTIONS({"schedule", "cosine"}, {"epochs", "30"}));
    const sn_experiment more_steps = with(OPTIONS({"schedule", "cosine"}, {"steps", "30"}));
    sn_attributes attributes = {0};
    char differences[256];
    assert_int_equal(sn_experiment_attributes(&cosine, &attributes), SN_OK);
    assert_int_equal(sn_experiment_differences(&attributes, &longer, differences, sizeof differences), SN_OK);
    assert_string_equal(differences, "--epochs 15 there, 30 here");
    assert_int_equal(sn_experiment_differences(&attributes, &more_steps, differences, sizeof differences),
                     SN_OK);
    assert_string_equal(differences, "");
    sn_attributes_clear(&attributes);
}

static void linear_scaling_multiplies_the_learning_rate_by_batch_over_64(void **state)
{
    (void)state;
    const sn_experiment plain = with(OPTIONS({"batch", "256"}));
    const sn_experiment linear = with(OPTIONS({"batch", "256"}, {"lr-scaling", "linear"}));
    assert_true(sn_experiment_learning_rate(&plain, 938, 0) == 0.01);
    assert_true(sn_experiment_learning_rate(&linear, 938, 0) == 0.04);
}

static void names_leave_the_defaults_out(void **state)
{
    (void)state;
    assert_name(OPTIONS({"experiment", "gn"}), "gn-s1");
    assert_name(OPTIONS({"experiment", "ln"}), "ln-s1");
    assert_name(OPTIONS({"experiment", "bn-l1"}), "bn-l1-s1");
    assert_name(OPTIONS({"norm", "bn"}, {"l1", "3e-4"}), "bn-l1-s1");
    assert_name(OPTIONS({"norm", "bn"}, {"seed", "7"}), "bn-s7");
    assert_name(OPTIONS({"norm", "bn"}, {"l1", "1e-5"}), "bn-l1-1e-05-s1");
    assert_name(OPTIONS({"seed", "3"}, {"lr", "0.02"}, {"batch", "128"}), "gn-batch128-lr0.02-s3");
    assert_name(OPTIONS({"lr", "0.010"}, {"batch", "064"}), "gn-s1");
    assert_name(OPTIONS({"conv", "gemm"}), "gn-gemm-s1");
    assert_name(OPTIONS({"no-shuffle", NULL}, {"groups", "1"}), "gn-groups1-noshuffle-s1");
    assert_name(OPTIONS({"norm", "bn"}, {"precise-bn", NULL}, {"lr-scaling", "linear"}),
                "bn-lrlinear-precise-s1");
    assert_name(OPTIONS({"norm", "bn"}, {"bn-scope", "8"}), "bn-scope8-s1");
    assert_name(OPTIONS({"norm", "bn"}, {"bn-scope", "worker"}, {"workers", "8"}),
                "bn-workers8-scopeworker-s1");
    assert_name(OPTIONS({"workers", "8"}, {"shards", "dirichlet:0.10"}), "gn-workers8-dirichlet0.1-s1");
    assert_name(OPTIONS({"schedule", "step:05:1e-1"}, {"warmup", "0.5"}), "gn-step5x0.1-warmup0.5-s1");
    assert_name(OPTIONS({"epochs", "3"}, {"steps", "40"}), "gn-s1"); /* length is not identity */
}

static void names_and_digests_tell_experiments_apart(void **state)
{
    (void)state;
    static const choice axes[] = {
        {"norm", "ln"},
        {"norm", "bn"},
        {"norm", "in"},
        {"norm", "none"},
        {"groups", "1"},
        {"l1", "3e-4"},
        {"l1", "1e-4"},
        {"l1", "0.00030000000000000003"},
        {"batch", "128"},
        {"batch", "65536"},
        {"lr", "0.02"},
        {"lr", "0.010000000000000002"},
        {"momentum", "0.8"},
        {"momentum", "0"},
        {"weight-decay", "1e-4"},
        {"dropout", "0"},
        {"dropout", "0.1"},
        {"conv", "gemm"},
        {"no-shuffle", NULL},
        {"lr-scaling", "linear"},
        {"workers", "8"},
        {"bn-scope", "8"},
        {"bn-scope", "worker"},
        {"shards", "sorted"},
        {"shards", "dirichlet:0.1"},
        {"shards", "dirichlet:0.11"},
        {"schedule", "cosine"},
        {"schedule", "step:5:0.1"},
        {"schedule", "step:51:0.1"},
        {"schedule", "step:5:0.01"},
        {"epochs", "30"},
        {"warmup", "1"},
        {"seed", "2"},
        {"seed", "18446744073709551615"},
        {"epochs", "15"}, /* the default */
    };
    enum { AXES = sizeof axes / sizeof *axes, PAIRS = AXES * AXES + 4 };
    static char names[PAIRS][SN_RUN_NAME_SIZE], digests[PAIRS][33];
    static sn_experiment experiments[PAIRS];
    size_t count = 0;
    for (size_t i = 0; i < AXES; i++)
        for (size_t j = i; j < AXES; j++)
            experiments[count++] = with(OPTIONS(axes[i], axes[j]));
    experiments[count] = with(OPTIONS({"norm", "bn"}, {"precise-bn", NULL}));
    count++;
    experiments[count] = with(OPTIONS({"init", "a.h5"}));
    snprintf(experiments[count++].init_digest, 33, "0123456789abcdef0123456789abcdef");
    experiments[count] = with(OPTIONS({"init", "a.h5"}));
    snprintf(experiments[count++].init_digest, 33, "1123456789abcdef0123456789abcdef");
    experiments[count] = with(OPTIONS({"norm", "bn"}, {"bn-scope", "8"}, {"workers", "8"}));
    count++;

    for (size_t i = 0; i < count; i++) {
        sn_attributes attributes = {0};
        sn_experiment_name(&experiments[i], names[i]);
        assert_int_equal(sn_experiment_attributes(&experiments[i], &attributes), SN_OK);
        snprintf(digests[i], 33, "%s", sn_attributes_find(&attributes, "digest")->text);
        sn_attributes_clear(&attributes);
        for (size_t j = 0; j < i; j++)
            if ((strcmp(names[i], names[j]) == 0) != (strcmp(digests[i], digests[j]) == 0))
                fail_msg("names %s and %s, digests %s and %s", names[i], names[j], digests[i], digests[j]);
    }
    /* and most of them do differ */
    size_t same = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            same += strcmp(names[i], names[j]) == 0;
    assert_true(same < count);
}

static void an_initial_model_shows_by_its_digest(void **state)
{
    (void)state;
    char name[SN_RUN_NAME_SIZE];
    sn_experiment e = with(OPTIONS({"init", "/some/where.h5"}));
    snprintf(e.init_digest, sizeof e.init_digest, "89abcdef0123456789abcdef01234567");
    sn_experiment_name(&e, name);
    assert_string_equal(name, "gn-init89abcdef-s1");
    /* by its contents, not by its path */
    snprintf(e.init, sizeof e.init, "elsewhere.h5");
    sn_experiment_name(&e, name);
    assert_string_equal(name, "gn-init89abcdef-s1");
}

static void the_longest_name_fits_its_buffer(void **state)
{
    (void)state;
    char name[SN_RUN_NAME_SIZE];
    sn_experiment e = with((const choice[]){{"norm", "bn"},
                                            {"batch", "65535"},
                                            {"lr", "2.2250738585072014e-308"},
                                            {"momentum", "2.2250738585072014e-308"},
                                            {"weight-decay", "2.2250738585072014e-308"},
                                            {"l1", "2.2250738585072014e-308"},
                                            {"dropout", "2.2250738585072014e-308"},
                                            {"precise-bn", NULL},
                                            {"lr-scaling", "linear"},
                                            {"conv", "gemm"},
                                            {"no-shuffle", NULL},
                                            {"init", "x"},
                                            {"workers", "1024"},
                                            {"bn-scope", "65536"},
                                            {"shards", "dirichlet:0.12345678901234568"},
                                            {"schedule", "step:65536:2.2250738585072014e-308"},
                                            {"warmup", "2.2250738585072014e-308"},
                                            {"seed", "18446744073709551615"},
                                            {NULL, NULL}});
    snprintf(e.init_digest, sizeof e.init_digest, "89abcdef0123456789abcdef01234567");
    sn_experiment_name(&e, name);
    assert_non_null(strstr(name, "-s18446744073709551615"));
    assert_true(strlen(name) < SN_RUN_NAME_SIZE - 32); /* room for ".h5.prev" and the like in a file's 255 */
    /* what no longer fits still counts */
    char other[SN_RUN_NAME_SIZE];
    e.init_digest[0] = '0';
    sn_experiment_name(&e, other);
    assert_string_not_equal(name, other);
    assert_int_equal(strlen(name), strlen(other));
}

static void attributes_read_back_to_the_same_experiment(void **state)
{
    (void)state;
    sn_experiment e = with((const choice[]){{"experiment", "bn-l1"},
                                            {"batch", "96"},
                                            {"lr", "0.1"},
                                            {"momentum", "0.3"},
                                            {"weight-decay", "1e-5"},
                                            {"dropout", "0.123456789012345678"},
                                            {"precise-bn", NULL},
                                            {"conv", "gemm"},
                                            {"no-shuffle", NULL},
                                            {"init", "w.h5"},
                                            {"seed", "18446744073709551615"},
                                            {"epochs", "3"},
                                            {"steps", "77"},
                                            {"lr-scaling", "linear"},
                                            {"workers", "4"},
                                            {"bn-scope", "worker"},
                                            {"shards", "dirichlet:0.123456789012345678"},
                                            {"schedule", "step:5:0.3"},
                                            {"warmup", "0.1"},
                                            {NULL, NULL}});
    snprintf(e.init_digest, sizeof e.init_digest, "89abcdef0123456789abcdef01234567");
    snprintf(e.dataset_digest, sizeof e.dataset_digest, "00112233445566778899aabbccddeeff");
    sn_attributes attributes = {0};
    assert_int_equal(sn_experiment_attributes(&e, &attributes), SN_OK);
    assert_int_equal(sn_attributes_find(&attributes, "workers")->integer, 4);
    assert_string_equal(sn_attributes_find(&attributes, "bn_scope")->text, "worker");
    assert_string_equal(sn_attributes_find(&attributes, "schedule")->text, "step:5:0.3");
    sn_experiment back;
    assert_int_equal(sn_experiment_from_attributes(&attributes, &back), SN_OK);
    assert_memory_equal(&back, &e, sizeof e);

    /* what is missing or out of range is found */
    sn_attributes_set_integer(&attributes, "batch", 0);
    assert_int_equal(sn_experiment_from_attributes(&attributes, &back), SN_ERROR_FILE);
    sn_attributes_set_integer(&attributes, "batch", 64);
    sn_attributes_set_integer(&attributes, "workers",
                              0); /* how --workers ranks is stored, which is never recorded */
    assert_int_equal(sn_experiment_from_attributes(&attributes, &back), SN_ERROR_FILE);
    sn_attributes_set_integer(&attributes, "workers", 4);
    sn_attributes_set_text(&attributes, "bn_scope", "1");
    assert_int_equal(sn_experiment_from_attributes(&attributes, &back), SN_ERROR_FILE);
    sn_attributes_set_text(&attributes, "bn_scope", "8");
    assert_int_equal(sn_experiment_from_attributes(&attributes, &back), SN_OK);
    sn_attributes_set_text(&attributes, "lr", "0.1");
    assert_int_equal(sn_experiment_from_attributes(&attributes, &back), SN_ERROR_FILE);
    sn_attributes_clear(&attributes);
    assert_int_equal(sn_experiment_from_attributes(&attributes, &back), SN_ERROR_FILE);
}

static void the_digest_is_over_identity_alone(void **state)
{
    (void)state;
    const sn_experiment longer = with(OPTIONS({"epochs", "40"}, {"steps", "9"}));
    const sn_experiment shorter = with(OPTIONS({"epochs", "1"}));
    sn_attributes a = {0}, b = {0};
    assert_int_equal(sn_experiment_attributes(&longer, &a), SN_OK);
    assert_int_equal(sn_experiment_attributes(&shorter, &b), SN_OK);
    assert_string_equal(sn_attributes_find(&a, "digest")->text, sn_attributes_find(&b, "digest")->text);
    /* the data set counts */
    sn_experiment other = shorter;
    snprintf(other.dataset_digest, sizeof other.dataset_digest, "00112233445566778899aabbccddeeff");
    assert_int_equal(sn_experiment_attributes(&other, &b), SN_OK);
    assert_string_not_equal(sn_attributes_find(&a, "digest")->text, sn_attributes_find(&b, "digest")->text);
    sn_attributes_clear(&a);
    sn_attributes_clear(&b);
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
        cmocka_unit_test(linear_scaling_multiplies_the_learning_rate_by_batch_over_64),
        cmocka_unit_test(one_sample_cannot_tell_images_apart),
        cmocka_unit_test(values_that_mean_the_same_become_one),
        cmocka_unit_test(workers_are_bound_to_the_ranks_of_the_team),
        cmocka_unit_test(the_learning_rate_follows_its_schedule),
        cmocka_unit_test(half_a_cosine_is_as_long_as_its_run),
        cmocka_unit_test(names_leave_the_defaults_out),
        cmocka_unit_test(names_and_digests_tell_experiments_apart),
        cmocka_unit_test(an_initial_model_shows_by_its_digest),
        cmocka_unit_test(the_longest_name_fits_its_buffer),
        cmocka_unit_test(attributes_read_back_to_the_same_experiment),
        cmocka_unit_test(the_digest_is_over_identity_alone),
        cmocka_unit_test(the_help_has_every_option_with_its_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
