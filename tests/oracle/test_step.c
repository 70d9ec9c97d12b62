/* A step of syncnorm, and twenty, are what PyTorch computes in float64: within 1e-5 (norm of the difference over norm), or
   within twice the error of PyTorch's own float32 run where that is larger. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "fixture.h"
#include "subject.h"
#include "syncnorm/base/fixed_point.h"

static sn_team *world;
static fixture_inputs inputs;

static const struct {
    const char *name;
    sn_norm_kind kind;
    bool weight_standardization;
} norms[] = {{"gn", SN_NORM_GROUP, false},  {"ln", SN_NORM_LAYER, false},   {"rms", SN_NORM_RMS, false},
             {"bn", SN_NORM_BATCH, false},  {"gn-ws", SN_NORM_GROUP, true}, {"ln-ws", SN_NORM_LAYER, true},
             {"rms-ws", SN_NORM_RMS, true}, {"bn-ws", SN_NORM_BATCH, true}};

static const double TOLERANCE = 1e-5, LOSS_TOLERANCE = 1e-4;
/* After 20 steps: what was one rounding error has passed kinks of ReLU and max-pooling, see make_fixtures.py. */
static const double TRAJECTORY_TOLERANCE = 1e-3;

static double larger_of(double tolerance, double float32_error)
{
    return fmax(tolerance, 2 * float32_error);
}

static void assert_error(const char *where, const char *what, double error, double tolerance)
{
    if (!(error <= tolerance)) fail_msg("%s, %s: error %.3g, more than %.3g", where, what, error, tolerance);
}

static sn_samples samples(void)
{
    return (sn_samples){.pixels = inputs.pixels[0], .labels = inputs.labels, .count = FIXTURE_IMAGES};
}

typedef struct oracle_case {
    const char *norm;
    subject_options options;
    char where[64];
} oracle_case;

typedef void (*case_check)(const oracle_case *setting, const fixture *f, const uint32_t *order,
                           const double *weights);

#ifdef __SANITIZE_ADDRESS__
enum { SLOW_BUILD = 1 };
#else
enum { SLOW_BUILD = 0 };
#endif

/* Runs `check` for every norm and batch size with the given kernels. */
static void for_every_fixture(const char *isa, const char *convolution, case_check check)
{
    const bool slow = SLOW_BUILD || (isa && strcmp(isa, "portable") == 0); /* the odd batch size alone */
    for (size_t i = 0; i < sizeof norms / sizeof *norms; i++)
        for (int b = slow || norms[i].weight_standardization; b < FIXTURE_BATCHES; b++) {
            const int batch = fixture_batches[b];
            oracle_case setting = {.norm = norms[i].name,
                                   .options = {.kind = norms[i].kind,
                                               .weight_standardization = norms[i].weight_standardization,
                                               .isa = isa,
                                               .convolution = convolution,
                                               .batch = (uint32_t)batch}};
            snprintf(setting.where, sizeof setting.where, "%s of %d, %s, %s", norms[i].name, batch,
                     convolution, sn_kernels_select(isa)->isa);
            ref_network network;
            ref_network_build(norms[i].kind, 2, &network);
            network.weight_standardization = norms[i].weight_standardization;
            const fixture f = fixture_open(norms[i].name, batch);
            uint32_t *order = calloc((size_t)FIXTURE_STEPS * batch, sizeof *order);
            double *weights = ref_doubles(network.total);
            if (!order) abort();
            fixture_read_order(batch, order);
            fixture_read_weights(norms[i].name, &network, weights);
            check(&setting, &f, order, weights);
            free(order);
            free(weights);
            fixture_close(&f);
        }
}

static void assert_running(const subject *s, const oracle_case *setting, const fixture *f, const char *prefix,
                           double tolerance)
{
    double mean[REF_NORM_CHANNELS], var[REF_NORM_CHANNELS];
    double expected_mean[REF_NORM_CHANNELS], expected_var[REF_NORM_CHANNELS];
    if (setting->options.kind != SN_NORM_BATCH) return;
    subject_running(s, mean, var);
    const double error = fixture_read_running(f, prefix, &s->reference, expected_mean, expected_var);
    for (int k = 0; k < REF_NORMS; k++) {
        const int first = s->reference.stages[k].first_channel;
        const size_t channels = (size_t)(s->reference.stages[k + 1].first_channel - first);
        assert_error(setting->where, "running mean",
                     ref_relative_error(channels, mean + first, expected_mean + first),
                     larger_of(tolerance, error));
        assert_error(setting->where, "running variance",
                     ref_relative_error(channels, var + first, expected_var + first),
                     larger_of(tolerance, error));
    }
}

static void assert_logits(subject *s, const oracle_case *setting, const fixture *f, const char *path,
                          double tolerance)
{
    enum { COUNT = FIXTURE_IMAGES * REF_CLASSES };
    static float logits[COUNT];
    static double actual[COUNT], expected[COUNT];
    static uint8_t predictions[FIXTURE_IMAGES];
    sn_evaluation_sums sums;
    sn_replica_evaluate(s->replica, s->model, samples(), 0, FIXTURE_IMAGES, logits, predictions, &sums);
    for (int j = 0; j < COUNT; j++)
        actual[j] = (double)logits[j];
    const double error = fixture_read(f, path, COUNT, expected);
    assert_error(setting->where, path, ref_relative_error(COUNT, actual, expected),
                 larger_of(tolerance, error));

    const double loss = ref_cross_entropy(FIXTURE_IMAGES, REF_CLASSES, expected, inputs.labels, NULL, NULL);
    assert_error(setting->where, "loss in evaluation", fabs((double)sums.loss / SN_LOSS_SCALE / loss - 1),
                 LOSS_TOLERANCE);
    int64_t correct = 0;
    for (int i = 0; i < FIXTURE_IMAGES; i++)
        correct += predictions[i] == inputs.labels[i];
    assert_true(sums.correct == correct);
}

static void check_step(const oracle_case *setting, const fixture *f, const uint32_t *order,
                       const double *weights)
{
    const uint32_t batch = setting->options.batch;
    subject *s = subject_create(world, &setting->options);
    double *gradient = ref_doubles(s->reference.total), *expected = ref_doubles(s->reference.total), loss;
    subject_set_weights(s, weights);
    const sn_step_sums sums = subject_step(s, samples(), batch, order, 0);
    const double mean_loss = (double)sums.loss / SN_LOSS_SCALE / batch;
    const double loss_error = fixture_read(f, "step/loss", 1, &loss);
    assert_error(setting->where, "loss", fabs(mean_loss / loss - 1), larger_of(TOLERANCE, loss_error));
    subject_gradient(s, &sums, batch, gradient);
    for (int i = 0; i < s->reference.parameter_count; i++) {
        const ref_parameter *p = &s->reference.parameters[i];
        char path[64];
        if (s->reference.weight_standardization && strncmp(p->name, "conv", 4) != 0) continue;
        snprintf(path, sizeof path, "step/gradient/%s", p->name);
        const double error = fixture_read(f, path, p->count, expected);
        const double actual = ref_relative_error(p->count, gradient + p->offset, expected);
        if (getenv("ORACLE_VERBOSE"))
            print_message("%s, %s: %.2g (PyTorch float32 %.2g)\n", setting->where, p->name, actual, error);
        assert_error(setting->where, p->name, actual, larger_of(TOLERANCE, error));
    }
    assert_running(s, setting, f, "step/running", TOLERANCE);
    assert_logits(s, setting, f, "step/logits", TOLERANCE);
    free(gradient);
    free(expected);
    subject_destroy(s);
}

static void a_step_is_pytorchs(void **state)
{
    (void)state;
    for (const char *const *isa = sn_kernels_available(); *isa; isa++)
        for_every_fixture(*isa, "direct", check_step);
}

static void a_step_with_gemm_is_pytorchs(void **state)
{
    (void)state;
    for_every_fixture(NULL, "gemm", check_step);
}

static void check_training(const oracle_case *setting, const fixture *f, const uint32_t *order,
                           const double *weights, bool with_l1)
{
    const uint32_t batch = setting->options.batch;
    const char *prefix = with_l1 ? "train/l1" : "train/none";
    const sn_sgd sgd = {
        .learning_rate = f->learning_rate, .momentum = f->momentum, .l1 = with_l1 ? f->l1 : 0};
    double objective[FIXTURE_STEPS], entropy[FIXTURE_STEPS];
    char path[64];
    subject *s = subject_create(world, &setting->options);
    subject_set_weights(s, weights);
    snprintf(path, sizeof path, "%s/objective", prefix);
    fixture_read(f, path, FIXTURE_STEPS, objective);
    snprintf(path, sizeof path, "%s/cross_entropy", prefix);
    fixture_read(f, path, FIXTURE_STEPS, entropy);
    double worst = 0;
    for (uint32_t step = 0; step < FIXTURE_STEPS; step++) {
        const double penalty = sn_l1_penalty(sgd.l1, s->model);
        const sn_step_sums sums = subject_step(s, samples(), batch, order + step * batch, step);
        const double loss = (double)sums.loss / SN_LOSS_SCALE / batch;
        sn_sgd_step(&sgd, sn_kernels_select(NULL), s->model, sums.gradient, batch);
        snprintf(path, sizeof path, "%s: loss of step %d", prefix, (int)step + 1);
        worst = fmax(worst, fabs(loss - entropy[step]));
        assert_error(setting->where, path, fabs(loss - entropy[step]), LOSS_TOLERANCE);
        assert_error(setting->where, path, fabs(loss + penalty - objective[step]), LOSS_TOLERANCE);
    }
    if (getenv("ORACLE_VERBOSE")) print_message("%s, %s: worst loss %.2g\n", setting->where, prefix, worst);
    snprintf(path, sizeof path, "%s/running", prefix);
    assert_running(s, setting, f, path, TRAJECTORY_TOLERANCE);
    snprintf(path, sizeof path, "%s/logits", prefix);
    assert_logits(s, setting, f, path, TRAJECTORY_TOLERANCE);
    subject_destroy(s);
}

static void check_both_trainings(const oracle_case *setting, const fixture *f, const uint32_t *order,
                                 const double *weights)
{
    if (setting->options.weight_standardization)
        return; /* one step says it all: the rest is the optimizer's */
    check_training(setting, f, order, weights, false);
    check_training(setting, f, order, weights, true);
}

static void twenty_steps_are_pytorchs(void **state)
{
    (void)state;
    for_every_fixture(NULL, "direct", check_both_trainings);
}

static void twenty_steps_with_gemm_are_pytorchs(void **state)
{
    (void)state;
    for_every_fixture(NULL, "gemm", check_both_trainings);
}

/* Batch norm of two workers, each with its own statistics, of which the first's are kept: two processes of
   DistributedDataParallel, whose buffers are rank 0's. */
static void the_first_workers_statistics_are_those_that_ddp_keeps(void **state)
{
    (void)state;
    const fixture f = fixture_open_ddp();
    const oracle_case setting = {.norm = "bn",
                                 .options = {.kind = SN_NORM_BATCH,
                                             .convolution = "direct",
                                             .batch = 64,
                                             .running = SN_RUNNING_WORKER0,
                                             .group = 32},
                                 .where = "two workers"};
    subject *s = subject_create(world, &setting.options);
    double *weights = ref_doubles(s->reference.total), entropy[FIXTURE_DDP_STEPS];
    uint32_t *order = calloc((size_t)FIXTURE_STEPS * 64, sizeof *order);
    if (!order) abort();
    fixture_read_order(64, order);
    fixture_read_weights("bn", &s->reference, weights);
    subject_set_weights(s, weights);
    fixture_read(&f, "cross_entropy", FIXTURE_DDP_STEPS, entropy);
    const sn_sgd sgd = {.learning_rate = f.learning_rate, .momentum = f.momentum};
    for (uint32_t step = 0; step < FIXTURE_DDP_STEPS; step++) {
        const sn_step_sums sums = subject_step(s, samples(), 64, order + step * 64, step);
        sn_sgd_step(&sgd, sn_kernels_select(NULL), s->model, sums.gradient, 64);
        assert_error("two workers", "loss", fabs((double)sums.loss / SN_LOSS_SCALE / 64 / entropy[step] - 1),
                     LOSS_TOLERANCE);
    }
    assert_running(s, &setting, &f, "running", TOLERANCE);
    assert_logits(s, &setting, &f, "logits", LOSS_TOLERANCE);
    free(weights);
    free(order);
    subject_destroy(s);
    fixture_close(&f);
}

/* Momentum, weight decay and L1 on given gradients, where nothing is chaotic. */
static void check_optimizer(const sn_kernels *kernels)
{
    enum { COUNT = FIXTURE_SGD_ELEMENTS };
    double initial[COUNT], values[COUNT], momentum[COUNT], actual[COUNT];
    fixture_read_sgd(initial, values, momentum);
    const sn_sgd sgd = {.learning_rate = 0.01, .momentum = 0.9, .weight_decay = 5e-4, .l1 = 3e-4};
    const uint32_t batch = 37;
    subject *s = subject_create(
        world, &(subject_options){.kind = SN_NORM_GROUP, .convolution = "direct", .batch = batch});
    int64_t *sums = calloc(s->network.parameters.total, sizeof *sums);
    if (!sums) abort();
    double penalty = 0;
    memset(s->model->values, 0, s->network.parameters.total * sizeof *s->model->values);
    for (int i = 0; i < COUNT; i++) {
        s->model->values[i] = (float)initial[i];
        penalty += fabs(initial[i]) * sgd.l1;
    }
    assert_error("SGD", "L1 penalty", fabs(sn_l1_penalty(sgd.l1, s->model) / penalty - 1), 1e-12);
    for (int64_t step = 0; step < FIXTURE_SGD_STEPS; step++) {
        for (int64_t i = 0; i < COUNT; i++) /* multiples of 2^-12, in units of 2^-36, times the batch */
            sums[i] = ((i * 7919 + step * 104729) % 2049 - 1024) * (INT64_C(1) << 24) * batch;
        const double norm = sn_sgd_step(&sgd, kernels, s->model, sums, batch);
        double squares = 0;
        for (int i = 0; i < COUNT; i++)
            squares += ((double)sums[i] / batch) * ((double)sums[i] / batch);
        assert_error("SGD", "gradient norm", fabs(norm / (sqrt(squares) / SN_GRADIENT_SCALE) - 1), 1e-12);
    }
    for (int i = 0; i < COUNT; i++)
        actual[i] = (double)s->model->values[i];
    assert_error("SGD", "values", ref_relative_error(COUNT, actual, values), 1e-6);
    for (int i = 0; i < COUNT; i++)
        actual[i] = (double)s->model->momentum[i];
    assert_error("SGD", "momentum", ref_relative_error(COUNT, actual, momentum), 1e-6);
    free(sums);
    subject_destroy(s);
}

static void the_optimizer_is_pytorchs(void **state)
{
    (void)state;
    for (const char *const *isa = sn_kernels_available(); *isa; isa++)
        check_optimizer(sn_kernels_select(*isa));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_optimizer_is_pytorchs),
        cmocka_unit_test(a_step_is_pytorchs),
        cmocka_unit_test(a_step_with_gemm_is_pytorchs),
        cmocka_unit_test(twenty_steps_are_pytorchs),
        cmocka_unit_test(twenty_steps_with_gemm_are_pytorchs),
        cmocka_unit_test(the_first_workers_statistics_are_those_that_ddp_keeps),
    };
    if (sn_comm_start(&world) != SN_OK) return 2;
    fixture_read_inputs(&inputs);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sn_comm_finish(world);
    return failed;
}
