/* What is recorded of an experiment: a name for each and none twice, a digest over what counts, attributes that read back. */

#include <stdio.h>
#include <string.h>

#include "experiment_options.h"

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
    assert_name(
        OPTIONS({"norm", "bn"}, {"bn-scope", "worker"}, {"workers", "8"}, {"running-stats", "worker0"}),
        "bn-workers8-scopeworker-statsworker0-s1");
    assert_name(OPTIONS({"validation", "5000"}), "gn-validation5000-s1");
    assert_name(OPTIONS({"weight-standardization", NULL}, {"lr", "0.03"}), "gn-ws-lr0.03-s1");
    assert_name(OPTIONS({"validation", "5000"}, {"split-seed", "3"}, {"test", NULL}),
                "gn-validation5000-split3-test-s1");
    assert_name(OPTIONS({"validation", "0"}, {"init-seed", "seed"}), "gn-s1");
    assert_name(OPTIONS({"init-seed", "1"}, {"order-seed", "2"}, {"dropout-seed", "0"}, {"seed", "4"}),
                "gn-initseed1-orderseed2-dropoutseed0-s4");
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
        {"validation", "5000"},
        {"init-seed", "1"},
        {"order-seed", "1"},
        {"dropout-seed", "1"},
        {"dropout-seed", "0"},
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
    enum { AXES = sizeof axes / sizeof *axes, PAIRS = AXES * AXES + 10 };
    static char names[PAIRS][SN_RUN_NAME_SIZE], digests[PAIRS][33];
    static sn_experiment experiments[PAIRS];
    size_t count = 0;
    for (size_t i = 0; i < AXES; i++)
        for (size_t j = i; j < AXES; j++)
            experiments[count++] = with(OPTIONS(axes[i], axes[j]));
    experiments[count] = with(OPTIONS({"norm", "bn"}, {"precise-bn", NULL}));
    count++;
    experiments[count++] = with(OPTIONS({"split-seed", "3"})); /* of nothing: the default */
    experiments[count++] = with(OPTIONS({"validation", "5000"}, {"split-seed", "3"}));
    experiments[count++] = with(OPTIONS({"validation", "5000"}, {"test", NULL}));
    experiments[count++] = with(OPTIONS({"weight-standardization", NULL}));
    experiments[count++] = with(
        OPTIONS({"norm", "bn"}, {"workers", "2"}, {"bn-scope", "worker"}, {"running-stats", "worker0"}));
    experiments[count++] = with(
        OPTIONS({"norm", "bn"}, {"workers", "2"}, {"bn-scope", "worker"}, {"running-stats", "all"}));
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

/* Files from before an option came are those of its default, to the digest. */
static void what_came_later_is_recorded_where_it_says_something(void **state)
{
    (void)state;
    static const char *const later[] = {"weight_standardization",
                                        "running_stats",
                                        "validation",
                                        "split_seed",
                                        "test",
                                        "init_seed",
                                        "order_seed",
                                        "dropout_seed"};
    sn_experiment e = with(OPTIONS({"norm", "gn"}));
    sn_attributes attributes = {0};
    char differences[256];
    assert_int_equal(sn_experiment_attributes(&e, &attributes), SN_OK);
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        assert_null(sn_attributes_find(&attributes, later[i]));
    e = with(OPTIONS({"validation", "5000"}, {"order-seed", "7"}));
    assert_int_equal(sn_experiment_differences(&attributes, &e, differences, sizeof differences), SN_OK);
    assert_string_equal(differences, "--validation 0 there, 5000 here; --order-seed seed there, 7 here");
    sn_attributes_clear(&attributes);
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
                                            {"validation", "5000"},
                                            {"split-seed", "18446744073709551615"},
                                            {"test", NULL},
                                            {"init-seed", "18446744073709551615"},
                                            {"dropout-seed", "0"},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_leave_the_defaults_out),
        cmocka_unit_test(names_and_digests_tell_experiments_apart),
        cmocka_unit_test(an_initial_model_shows_by_its_digest),
        cmocka_unit_test(the_longest_name_fits_its_buffer),
        cmocka_unit_test(what_came_later_is_recorded_where_it_says_something),
        cmocka_unit_test(attributes_read_back_to_the_same_experiment),
        cmocka_unit_test(the_digest_is_over_identity_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
