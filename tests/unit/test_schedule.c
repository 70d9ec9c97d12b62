/* The learning rate: schedules, warmup, scaling with the batch. */

#include <math.h>

#include "experiment_options.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_learning_rate_follows_its_schedule),
        cmocka_unit_test(half_a_cosine_is_as_long_as_its_run),
        cmocka_unit_test(linear_scaling_multiplies_the_learning_rate_by_batch_over_64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
