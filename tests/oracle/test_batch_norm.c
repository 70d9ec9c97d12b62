/* Synchronized batch norm where it is hard: constant channels, a mean far from 0, few samples, ranks without samples. N ranks
   give the bits of one rank with the whole batch; unsynchronized statistics do not. At any number of ranks. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "norm_layer.h"
#include "subject.h"
#include "syncnorm/base/fixed_point.h"

static sn_team *world, *alone;

/* ---- one norm, its samples spread over the ranks ---- */

/* This rank's share of n samples, as the trainer gives it, or with everything but the first sample on the second rank. */
static sn_share share_of(int n, bool lopsided)
{
    const int rank = sn_team_rank(world), size = sn_team_size(world);
    if (!lopsided || size == 1) return sn_share_of((uint32_t)n, rank, size);
    if (rank == 0) return (sn_share){0, n > 0};
    return rank == 1 ? (sn_share){1, (uint32_t)n - 1} : (sn_share){(uint32_t)n, 0};
}

static bool same_bits(size_t count, const double *a, const double *b)
{
    return memcmp(a, b, count * sizeof *a) == 0;
}

/* Runs the layer over all ranks; checks that the bits are those of the whole batch on this rank alone, and gives that. */
static norm_layer_result run_everywhere(const norm_layer *layer, bool lopsided)
{
    const sn_kernels *kernels = sn_kernels_select(NULL);
    const sn_share share = share_of(layer->n, lopsided);
    const size_t channels = (size_t)layer->channels;
    const size_t z = norm_layer_elements(layer) / (size_t)layer->n,
                 y = norm_layer_outputs(layer) / (size_t)layer->n;
    norm_layer_result spread = norm_layer_run(layer, kernels, world, (int)share.first, (int)share.count);
    norm_layer_result whole = norm_layer_run(layer, kernels, NULL, 0, layer->n);
    assert_true(same_bits(channels, spread.mean, whole.mean));
    assert_true(same_bits(channels, spread.var, whole.var));
    assert_true(same_bits(share.count * y, spread.y + share.first * y, whole.y + share.first * y));
    assert_true(same_bits(share.count * z, spread.dz + share.first * z, whole.dz + share.first * z));
    assert_true(same_bits(channels, spread.dweight, whole.dweight));
    assert_true(same_bits(channels, spread.dbias, whole.dbias));
    norm_layer_result_free(&spread);
    return whole;
}

static void assert_close(const char *what, size_t count, const double *a, const double *b, double tolerance)
{
    const double error = ref_relative_error(count, a, b);
    if (!(error <= tolerance)) fail_msg("%s: relative error %.3g, more than %.3g", what, error, tolerance);
}

static void assert_reference(const norm_layer *layer, const norm_layer_result *actual, double tolerance)
{
    norm_layer_result expected = norm_layer_reference(layer);
    assert_close("output", norm_layer_outputs(layer), actual->y, expected.y, tolerance);
    assert_close("input gradient", norm_layer_elements(layer), actual->dz, expected.dz, tolerance);
    assert_close("weight gradient", (size_t)layer->channels, actual->dweight, expected.dweight, tolerance);
    assert_close("bias gradient", (size_t)layer->channels, actual->dbias, expected.dbias, tolerance);
    norm_layer_result_free(&expected);
}

static void ranks_share_a_batch_to_the_bit(void **state)
{
    (void)state;
    const int ranks = sn_team_size(world);
    const int counts[] = {1, ranks > 1 ? ranks - 1 : 1, ranks, 2 * ranks + 1, 16 * ranks + 3};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (int lopsided = 0; lopsided < 2; lopsided++) {
            norm_layer layer = norm_layer_random(SN_NORM_BATCH, counts[i], 5, 6, i % 2, i + 1);
            norm_layer_result result = run_everywhere(&layer, lopsided);
            assert_reference(&layer, &result, 2e-6);
            norm_layer_result_free(&result);
            norm_layer_free(&layer);
        }
}

/* Weight 1, bias 0, nothing dropped: the output is x-hat. */
static norm_layer plain_layer(int n, int size, uint64_t seed)
{
    norm_layer layer = norm_layer_random(SN_NORM_BATCH, n, 4, size, false, seed);
    for (int c = 0; c < layer.channels; c++) {
        layer.weight[c] = 1;
        layer.bias[c] = 0;
    }
    for (int j = 0; j < n * layer.channels; j++)
        layer.keep[j] = 1;
    return layer;
}

static double normal(uint64_t *random)
{
    double sum = 0;
    for (int i = 0; i < 12; i++)
        sum += ref_random(random) / 2;
    return sum;
}

static void a_mean_of_1000_costs_no_accuracy(void **state)
{
    (void)state;
    static const int counts[] = {64, 17, 1};
    static const double means[] = {1000, 10000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        for (size_t m = 0; m < sizeof means / sizeof *means; m++) {
            uint64_t random = 10 + i;
            norm_layer layer = plain_layer(counts[i], 28, i);
            for (size_t j = 0; j < norm_layer_elements(&layer); j++)
                layer.z[j] = (double)(float)(means[m] + normal(&random));
            norm_layer_result actual = run_everywhere(&layer, false), expected = norm_layer_reference(&layer);
            assert_close("x-hat", norm_layer_outputs(&layer), actual.y, expected.y, 1e-6);
            assert_close("input gradient", norm_layer_elements(&layer), actual.dz, expected.dz, 2e-6);
            assert_close("variance", (size_t)layer.channels, actual.var, expected.var, 1e-6);
            for (int c = 0; c < layer.channels; c++)
                assert_true(fabs(actual.mean[c] - expected.mean[c]) < 1e-6);
            norm_layer_result_free(&actual);
            norm_layer_result_free(&expected);
            norm_layer_free(&layer);
        }
}

static void constant_planes_that_differ_between_samples(void **state)
{
    (void)state;
    norm_layer layer = plain_layer(33, 14, 3);
    for (size_t j = 0; j < norm_layer_elements(&layer); j++)
        layer.z[j] = 1000 + (j / 196 / 4 % 2 ? 1 : -1); /* by sample */
    norm_layer_result actual = run_everywhere(&layer, false), expected = norm_layer_reference(&layer);
    assert_close("x-hat", norm_layer_outputs(&layer), actual.y, expected.y, 1e-6);
    assert_close("variance", (size_t)layer.channels, actual.var, expected.var, 1e-6);
    norm_layer_result_free(&actual);
    norm_layer_result_free(&expected);
    norm_layer_free(&layer);
}

static void a_constant_channel_has_variance_0(void **state)
{
    (void)state;
    static const double values[] = {0, 0.3, 7, 1234.567}; /* of the four channels */
    norm_layer layer = plain_layer(21, 14, 4);
    for (size_t j = 0; j < norm_layer_elements(&layer); j++)
        layer.z[j] = (double)(float)values[j / 196 % 4];
    norm_layer_result actual = run_everywhere(&layer, true);
    for (int c = 0; c < 4; c++) {
        assert_true(fabs(actual.mean[c] - (double)(float)values[c]) <= 1e-9 * (1 + values[c]));
        assert_true(actual.var[c] >= 0 && actual.var[c] < 1e-9);
    }
    for (size_t j = 0; j < norm_layer_outputs(&layer); j++)
        assert_true(fabs(actual.y[j]) < 1e-5);
    /* its gradient is that of its mean taken away: the loss cannot change by moving the whole channel */
    norm_layer_result expected = norm_layer_reference(&layer);
    assert_close("input gradient", norm_layer_elements(&layer), actual.dz, expected.dz, 1e-5);
    norm_layer_result_free(&actual);
    norm_layer_result_free(&expected);
    norm_layer_free(&layer);
}

/* ---- the whole network ---- */

enum { IMAGES = 64 };
static uint8_t pixels[IMAGES][784], labels[IMAGES];

static sn_samples samples(void)
{
    return (sn_samples){.pixels = pixels[0], .labels = labels, .count = IMAGES};
}

static void draw_images(void)
{
    uint64_t random = 20;
    for (int i = 0; i < IMAGES; i++) {
        labels[i] = (uint8_t)(i * 3 % 10);
        for (int p = 0; p < 784; p++)
            pixels[i][p] = p / 28 < 4 ? 0 : (uint8_t)(127.5 * (1 + ref_random(&random)));
    }
}

typedef struct outcome {
    uint64_t hash; /* of gradient, loss, correct, running statistics */
    double loss;
    int64_t gradient[16];
    double mean[REF_NORM_CHANNELS], var[REF_NORM_CHANNELS];
} outcome;

/* As initialized, but for a channel that is constant and one that is dead. */
static void set_hard_weights(subject *s, uint64_t seed)
{
    sn_model_initialize(s->model, seed);
    float *weight = s->model->values + s->network.parameters.items[s->network.stages[1].weight].offset;
    float *bias = s->model->values + s->network.parameters.items[s->network.stages[1].bias].offset;
    memset(weight, 0, 2 * 90 * sizeof *weight);
    bias[0] = 0.75f;
    bias[1] = -1;
}

static outcome step_over(sn_team *team, const char *convolution, uint32_t total, const uint32_t *index,
                         uint64_t seed, double dropout)
{
    const subject_options options = {.kind = SN_NORM_BATCH,
                                     .convolution = convolution,
                                     .batch = total > 0 ? total : 1,
                                     .seed = 5,
                                     .dropout = dropout};
    subject *s = subject_create(team, &options);
    set_hard_weights(s, seed);
    const sn_step_sums sums = subject_step(s, samples(), total, index, 3);
    outcome o = {.loss = (double)sums.loss / SN_LOSS_SCALE / total};
    subject_running(s, o.mean, o.var);
    memcpy(o.gradient, sums.gradient, sizeof o.gradient);
    const size_t count = s->network.parameters.total;
    int64_t *all = malloc((count + 2) * sizeof *all);
    if (!all) abort();
    memcpy(all, sums.gradient, count * sizeof *all);
    all[count] = sums.loss;
    all[count + 1] = sums.correct;
    o.hash = sn_digest_of(all, (count + 2) * sizeof *all).low ^ sn_digest_of(o.mean, sizeof o.mean).low * 3 ^
             sn_digest_of(o.var, sizeof o.var).low * 5;
    free(all);
    subject_destroy(s);
    return o;
}

static void index_of(uint32_t first, uint32_t index[IMAGES])
{
    for (uint32_t i = 0; i < IMAGES; i++)
        index[i] = (first + i * 5) % IMAGES;
}

static void a_step_over_ranks_is_a_step_alone(void **state)
{
    (void)state;
    const uint32_t ranks = (uint32_t)sn_team_size(world);
    const uint32_t totals[] = {1, ranks > 1 ? ranks - 1 : 1, ranks, ranks + 1, 37, IMAGES};
    static const char *const convolutions[] = {"direct", "gemm"};
    uint32_t index[IMAGES];
    index_of(3, index);
    for (size_t i = 0; i < sizeof totals / sizeof *totals; i++)
        for (int c = 0; c < 2; c++) {
            const outcome spread = step_over(world, convolutions[c], totals[i], index, i + 1, 0.1);
            const outcome whole = step_over(alone, convolutions[c], totals[i], index, i + 1, 0.1);
            if (spread.hash != whole.hash)
                fail_msg("%s, batch of %u over %u ranks: loss %.17g, alone %.17g", convolutions[c],
                         (unsigned)totals[i], (unsigned)ranks, spread.loss, whole.loss);
        }
}

static void a_hard_step_is_the_references(void **state)
{
    (void)state;
    /* With one sample many channels are constant: each such norm multiplies rounding errors by 1 / sqrt(epsilon) = 316. */
    static const struct {
        uint32_t total;
        double running, gradient; /* tolerances */
    } cases[] = {{1, 2e-5, 1e-3}, {5, 2e-6, 2e-5}, {37, 1e-6, 2e-5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const uint32_t total = cases[i].total;
        const int n = (int)total;
        const subject_options options = {.kind = SN_NORM_BATCH, .convolution = "direct", .batch = total};
        subject *s = subject_create(world, &options);
        const size_t count = s->reference.total;
        double *weights = ref_doubles(count), *actual = ref_doubles(count), *expected = ref_doubles(count);
        double *images = ref_doubles((size_t)n * 784), *dlogits = ref_doubles((size_t)n * REF_CLASSES);
        double mean[REF_NORM_CHANNELS] = {0}, var[REF_NORM_CHANNELS];
        double actual_mean[REF_NORM_CHANNELS], actual_var[REF_NORM_CHANNELS];
        uint32_t index[IMAGES];
        uint8_t y[IMAGES];
        index_of(7, index);
        for (int j = 0; j < n; j++) {
            ref_normalize_images(784, pixels[index[j]], images + (size_t)j * 784);
            y[j] = labels[index[j]];
        }
        /* the first weights that keep off the kinks (make_fixtures.py has the reason) */
        ref_pass *pass = NULL;
        for (uint64_t seed = 1; !pass || !(ref_kink_distance(pass) > 1e-6); seed++) {
            assert_true(seed < 100);
            if (pass) ref_pass_free(pass);
            set_hard_weights(s, seed);
            subject_get_weights(s, weights);
            pass = ref_forward(&s->reference, weights, &(ref_batch){.n = n, .images = images});
        }
        for (int c = 0; c < REF_NORM_CHANNELS; c++)
            var[c] = 1;
        ref_update_running(pass, mean, var);
        ref_cross_entropy(n, REF_CLASSES, ref_logits(pass), y, NULL, dlogits);
        for (int j = 0; j < n * REF_CLASSES; j++)
            dlogits[j] /= n;
        ref_backward(pass, dlogits, expected);
        ref_pass_free(pass);

        const sn_step_sums sums = subject_step(s, samples(), total, index, 0);
        subject_gradient(s, &sums, total, actual);
        subject_running(s, actual_mean, actual_var);
        assert_close("running mean", REF_NORM_CHANNELS, actual_mean, mean, cases[i].running);
        assert_close("running variance", REF_NORM_CHANNELS, actual_var, var, cases[i].running);
        assert_close("gradient", count, actual, expected, cases[i].gradient);
        const int constant = s->reference.stages[1].first_channel;
        assert_true(fabs(actual_mean[constant] - 0.075) < 1e-7 && fabs(actual_var[constant] - 0.9) < 1e-6);
        assert_true(actual_mean[constant + 1] == 0 && fabs(actual_var[constant + 1] - 0.9) < 1e-6);
        free(weights), free(actual), free(expected), free(images), free(dlogits);
        subject_destroy(s);
    }
}

/* The negative control: each rank with the statistics of its own share. */
static void unsynchronized_statistics_differ(void **state)
{
    (void)state;
    const int ranks = sn_team_size(world);
    if (ranks == 1) skip();
    uint32_t index[IMAGES];
    index_of(0, index);
    const sn_share share = sn_share_of(IMAGES, sn_team_rank(world), ranks);
    const outcome synchronized = step_over(world, "direct", IMAGES, index, 1, 0);
    const outcome mine = step_over(alone, "direct", share.count, index + share.first, 1, 0);
    int64_t sums[16];
    memcpy(sums, mine.gradient, sizeof sums);
    sn_team_sum(world, sums, 16);
    double a[16], b[16];
    for (int i = 0; i < 16; i++) {
        a[i] = (double)sums[i];
        b[i] = (double)synchronized.gradient[i];
    }
    assert_true(ref_relative_error(16, a, b) > 1e-3);
    assert_true(ref_relative_error(REF_NORM_CHANNELS, mine.mean, synchronized.mean) > 1e-4);
    assert_true(ref_relative_error(REF_NORM_CHANNELS, mine.var, synchronized.var) > 1e-5);
    bool same = sn_team_same(world, mine.mean, sizeof mine.mean, NULL);
    assert_false(same);
    same = sn_team_same(world, synchronized.mean, sizeof synchronized.mean, NULL);
    assert_true(same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_share_a_batch_to_the_bit),
        cmocka_unit_test(a_mean_of_1000_costs_no_accuracy),
        cmocka_unit_test(constant_planes_that_differ_between_samples),
        cmocka_unit_test(a_constant_channel_has_variance_0),
        cmocka_unit_test(a_step_over_ranks_is_a_step_alone),
        cmocka_unit_test(a_hard_step_is_the_references),
        cmocka_unit_test(unsynchronized_statistics_differ),
    };
    if (sn_comm_start(&world) != SN_OK || sn_team_split(world, sn_team_rank(world), &alone) != SN_OK)
        return 2;
    draw_images();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sn_team_destroy(alone);
    sn_comm_finish(world);
    return failed;
}
