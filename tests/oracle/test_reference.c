/* The double-precision reference is right: its gradients are the slopes of its forward functions, through the statistics of
   every norm, and it computes what PyTorch computes. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "fixture.h"
#include "reference.h"

static double *random_doubles(size_t count, uint64_t *state)
{
    double *x = ref_doubles(count);
    for (size_t j = 0; j < count; j++)
        x[j] = ref_random(state);
    return x;
}

static double dot(size_t count, const double *a, const double *b)
{
    double sum = 0;
    for (size_t j = 0; j < count; j++)
        sum += a[j] * b[j];
    return sum;
}

/* A scalar function of everything it points to, for central differences. */
typedef double (*scalar)(const void *context);

static void assert_slopes(scalar f, const void *context, size_t count, double *x, const double *gradient)
{
    const double h = 1e-5;
    double *slopes = ref_doubles(count);
    for (size_t j = 0; j < count; j++) {
        const double kept = x[j];
        x[j] = kept + h;
        const double above = f(context);
        x[j] = kept - h;
        const double below = f(context);
        x[j] = kept;
        slopes[j] = (above - below) / (2 * h);
    }
    const double error = ref_relative_error(count, gradient, slopes);
    if (!(error < 1e-7)) fail_msg("relative error of a gradient: %g", error);
    assert_true(dot(count, slopes, slopes) > 0);
    free(slopes);
}

/* ---- layers ---- */

typedef struct conv_case {
    ref_conv conv;
    int n;
    size_t outputs;
    double *x, *weight, *bias, *dy;
} conv_case;

static double conv_scalar(const void *context)
{
    const conv_case *c = context;
    double *y = ref_doubles(c->outputs);
    ref_conv_forward(&c->conv, c->n, c->weight, c->bias, c->x, y);
    const double value = dot(c->outputs, y, c->dy);
    free(y);
    return value;
}

static void convolution_gradients_are_slopes(void **state)
{
    (void)state;
    static const ref_conv shapes[] = {{2, 3, 5, 3, 1}, {3, 2, 5, 3, 0}, {4, 3, 3, 1, 0}};
    uint64_t random = 1;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        conv_case c = {.conv = shapes[i], .n = 2};
        const int size = ref_conv_output_size(&c.conv), k = c.conv.kernel;
        c.outputs = (size_t)c.n * c.conv.out * size * size;
        const size_t inputs = (size_t)c.n * c.conv.in * c.conv.size * c.conv.size,
                     weights = (size_t)c.conv.out * c.conv.in * k * k;
        c.x = random_doubles(inputs, &random);
        c.weight = random_doubles(weights, &random);
        c.bias = random_doubles(c.conv.out, &random);
        c.dy = random_doubles(c.outputs, &random);
        double *dx = ref_doubles(inputs), *dweight = ref_doubles(weights), *dbias = ref_doubles(c.conv.out);
        ref_conv_backward(&c.conv, c.n, c.weight, c.x, c.dy, dx, dweight, dbias);
        assert_slopes(conv_scalar, &c, inputs, c.x, dx);
        assert_slopes(conv_scalar, &c, weights, c.weight, dweight);
        assert_slopes(conv_scalar, &c, c.conv.out, c.bias, dbias);
        free(c.x), free(c.weight), free(c.bias), free(c.dy), free(dx), free(dweight), free(dbias);
    }
}

typedef struct norm_case {
    ref_norm norm;
    double *x, *weight, *bias, *dy;
} norm_case;

static size_t norm_elements(const ref_norm *norm)
{
    return (size_t)norm->n * norm->channels * norm->pixels;
}

static double norm_scalar(const void *context)
{
    const norm_case *c = context;
    const size_t count = norm_elements(&c->norm);
    double *mean = ref_doubles(ref_norm_sets(&c->norm)), *var = ref_doubles(ref_norm_sets(&c->norm));
    double *y = ref_doubles(count);
    ref_norm_moments(&c->norm, c->x, mean, var);
    ref_norm_forward(&c->norm, mean, var, c->weight, c->bias, c->x, y);
    const double value = dot(count, y, c->dy);
    free(mean), free(var), free(y);
    return value;
}

static void norm_gradients_are_slopes_through_the_statistics(void **state)
{
    (void)state;
    static const int scattered[] = {0, 2, 0, 2, 1};
    static const ref_norm norms[] = {
        {SN_NORM_GROUP, 2, 5, 4, 6, NULL},    {SN_NORM_GROUP, 4, 5, 4, 6, NULL},
        {SN_NORM_LAYER, 0, 5, 4, 6, NULL},    {SN_NORM_RMS, 0, 5, 4, 6, NULL},
        {SN_NORM_BATCH, 0, 5, 4, 6, NULL},    {SN_NORM_BATCH, 0, 5, 4, 6, scattered},
        {SN_NORM_INSTANCE, 0, 5, 4, 6, NULL},
    };
    uint64_t random = 2;
    for (size_t i = 0; i < sizeof norms / sizeof *norms; i++) {
        norm_case c = {.norm = norms[i]};
        const size_t count = norm_elements(&c.norm), parameters = ref_norm_parameters(&c.norm);
        c.x = random_doubles(count, &random);
        c.weight = random_doubles(parameters, &random);
        const bool biased = c.norm.kind != SN_NORM_RMS;
        c.bias = biased ? random_doubles(parameters, &random) : NULL;
        c.dy = random_doubles(count, &random);
        double *mean = ref_doubles(ref_norm_sets(&c.norm)), *var = ref_doubles(ref_norm_sets(&c.norm));
        double *dx = ref_doubles(count), *dweight = ref_doubles(parameters), *dbias = ref_doubles(parameters);
        ref_norm_moments(&c.norm, c.x, mean, var);
        ref_norm_backward(&c.norm, mean, var, c.weight, c.x, c.dy, dx, dweight, biased ? dbias : NULL);
        assert_slopes(norm_scalar, &c, count, c.x, dx);
        assert_slopes(norm_scalar, &c, parameters, c.weight, dweight);
        if (biased) assert_slopes(norm_scalar, &c, parameters, c.bias, dbias);
        free(c.x), free(c.weight), free(c.bias), free(c.dy);
        free(mean), free(var), free(dx), free(dweight), free(dbias);
    }
}

static void constant_gradient_proves_nothing_for_batch_norm(void **state)
{
    (void)state;
    uint64_t random = 3;
    const ref_norm norm = {SN_NORM_BATCH, 0, 4, 2, 9, NULL};
    double *x = random_doubles(72, &random), mean[8], var[8], weight[2] = {1.5, -2}, dweight[2], dbias[2];
    double dy[72], dx[72];
    for (int j = 0; j < 72; j++)
        dy[j] = 1;
    ref_norm_moments(&norm, x, mean, var);
    ref_norm_backward(&norm, mean, var, weight, x, dy, dx, dweight, dbias);
    for (int j = 0; j < 72; j++)
        assert_true(fabs(dx[j]) < 1e-12);
    free(x);
}

static void pooling_takes_the_first_of_equals(void **state)
{
    (void)state;
    const double x[16] = {0, 0, 1, 2, 0, 0, 2, 2, -1, -2, 3, 3, -1, -1, 3, 4};
    const int chosen[4] = {0, 3, 8, 15};
    const double dy[4] = {10, 20, 30, 40};
    double y[4], dx[16];
    int choice[4];
    ref_pool_forward(1, 4, x, y, choice);
    ref_pool_backward(1, 4, choice, dy, dx);
    for (int j = 0; j < 4; j++) {
        assert_int_equal(choice[j], chosen[j]);
        assert_true(y[j] == x[chosen[j]] && dx[chosen[j]] == dy[j]);
        dx[chosen[j]] = 0;
    }
    for (int j = 0; j < 16; j++)
        assert_true(dx[j] == 0);
}

typedef struct loss_case {
    double *logits;
    const uint8_t *labels;
} loss_case;

static double loss_scalar(const void *context)
{
    const loss_case *c = context;
    return ref_cross_entropy(3, 10, c->logits, c->labels, NULL, NULL);
}

static void cross_entropy_gradient_is_its_slope(void **state)
{
    (void)state;
    uint64_t random = 4;
    static const uint8_t labels[3] = {0, 9, 4};
    double *logits = random_doubles(30, &random), dlogits[30];
    ref_cross_entropy(3, 10, logits, labels, NULL, dlogits);
    assert_slopes(loss_scalar, &(loss_case){logits, labels}, 30, logits, dlogits);
    free(logits);
}

/* ---- the whole network ---- */

/* Along a random direction in each parameter tensor, for a random gradient of the logits, with dropout masks. */
static void network_gradients_are_slopes(void **state)
{
    (void)state;
    static const sn_norm_kind kinds[] = {SN_NORM_GROUP,    SN_NORM_LAYER, SN_NORM_BATCH,
                                         SN_NORM_INSTANCE, SN_NORM_NONE,  SN_NORM_RMS};
    enum { N = 3 };
    static const int statistics_group[N] = {0, 1, 0};
    uint64_t random = 5;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        ref_network network;
        ref_network_build(kinds[i], 2, &network);
        double *images = random_doubles((size_t)N * 784, &random), *dlogits = random_doubles(N * 10, &random);
        double *parameters = random_doubles(network.total, &random), *gradient = ref_doubles(network.total);
        double *keep = random_doubles((size_t)N * REF_NORM_CHANNELS, &random);
        for (int j = 0; j < N * REF_NORM_CHANNELS; j++)
            keep[j] = keep[j] < -0.7 ? 0 : 1 / 0.85;
        for (int k = 0; k < REF_STAGES; k++) { /* keep activations of order 1 without a norm */
            const ref_parameter *weight = &network.parameters[network.stages[k].weight];
            for (size_t j = 0; j < weight->count; j++)
                parameters[weight->offset + j] *= 0.3;
        }
        const ref_batch batch = {
            .n = N, .images = images, .keep = keep, .statistics_group = i % 2 ? NULL : statistics_group};
        ref_pass *pass = ref_forward(&network, parameters, &batch);
        ref_backward(pass, dlogits, gradient);
        ref_pass_free(pass);
        for (int p = 0; p < network.parameter_count; p++) {
            const ref_parameter *parameter = &network.parameters[p];
            double *x = parameters + parameter->offset, *kept = ref_doubles(parameter->count);
            double *direction = random_doubles(parameter->count, &random), values[2];
            const double h = 1e-7; /* small enough to cross no kink */
            memcpy(kept, x, sizeof *kept * parameter->count);
            for (int side = 0; side < 2; side++) {
                for (size_t j = 0; j < parameter->count; j++)
                    x[j] = kept[j] + (side ? -h : h) * direction[j];
                pass = ref_forward(&network, parameters, &batch);
                values[side] = dot(N * 10, ref_logits(pass), dlogits);
                ref_pass_free(pass);
            }
            memcpy(x, kept, sizeof *kept * parameter->count);
            const double slope = (values[0] - values[1]) / (2 * h);
            const double expected = dot(parameter->count, gradient + parameter->offset, direction);
            const double size = sqrt(
                dot(parameter->count, gradient + parameter->offset, gradient + parameter->offset) *
                dot(parameter->count, direction, direction) / parameter->count);
            if (!(fabs(slope - expected) <= 1e-6 * size + 1e-8))
                fail_msg("norm %d, %s: slope %.12g, gradient %.12g", kinds[i], parameter->name, slope,
                         expected);
            free(kept), free(direction);
        }
        free(images), free(dlogits), free(parameters), free(gradient), free(keep);
    }
}

/* ---- against PyTorch ---- */

static const struct {
    const char *name;
    sn_norm_kind kind;
    bool weight_standardization;
} norms[] = {{"gn", SN_NORM_GROUP, false},  {"ln", SN_NORM_LAYER, false},   {"rms", SN_NORM_RMS, false},
             {"bn", SN_NORM_BATCH, false},  {"gn-ws", SN_NORM_GROUP, true}, {"ln-ws", SN_NORM_LAYER, true},
             {"rms-ws", SN_NORM_RMS, true}, {"bn-ws", SN_NORM_BATCH, true}};

static void assert_close(const char *what, double error, double tolerance)
{
    if (!(error <= tolerance)) fail_msg("%s: relative error %g, more than %g", what, error, tolerance);
}

static void assert_step_is_pytorchs(const char *norm, sn_norm_kind kind, bool weight_standardization,
                                    int batch_size)
{
    const fixture f = fixture_open(norm, batch_size);
    static fixture_inputs inputs;
    fixture_read_inputs(&inputs);
    ref_network network;
    ref_network_build(kind, 2, &network);
    network.weight_standardization = weight_standardization;
    double *weights = ref_doubles(network.total), *gradient = ref_doubles(network.total);
    double *expected = ref_doubles(network.total), *images = ref_doubles((size_t)batch_size * 784);
    double *dlogits = ref_doubles((size_t)batch_size * 10), loss;
    uint32_t *order = malloc(sizeof *order * FIXTURE_STEPS * batch_size);
    uint8_t labels[FIXTURE_IMAGES];
    fixture_read_weights(norm, &network, weights);
    fixture_read_order(batch_size, order);
    fixture_gather(&inputs, batch_size, order, images, labels);

    ref_pass *pass = ref_forward(&network, weights, &(ref_batch){.n = batch_size, .images = images});
    assert_true(ref_kink_distance(pass) >= 2e-6);
    const double mean_loss = ref_cross_entropy(batch_size, 10, ref_logits(pass), labels, NULL, dlogits) /
                             batch_size;
    for (int j = 0; j < batch_size * 10; j++)
        dlogits[j] /= batch_size;
    ref_backward(pass, dlogits, gradient);
    fixture_read(&f, "step/loss", 1, &loss);
    assert_close("loss", ref_relative_error(1, &mean_loss, &loss), 1e-13);
    for (int i = 0; i < network.parameter_count; i++) {
        const ref_parameter *p = &network.parameters[i];
        char path[64];
        if (weight_standardization && strncmp(p->name, "conv", 4) != 0) continue;
        snprintf(path, sizeof path, "step/gradient/%s", p->name);
        fixture_read(&f, path, p->count, expected);
        assert_close(path, ref_relative_error(p->count, gradient + p->offset, expected), 2e-12);
    }

    double mean[REF_NORM_CHANNELS] = {0}, var[REF_NORM_CHANNELS];
    ref_batch all = {.n = FIXTURE_IMAGES, .images = inputs.images[0]};
    if (kind == SN_NORM_BATCH) {
        double expected_mean[REF_NORM_CHANNELS], expected_var[REF_NORM_CHANNELS];
        for (int c = 0; c < REF_NORM_CHANNELS; c++)
            var[c] = 1;
        ref_update_running(pass, mean, var);
        fixture_read_running(&f, "step/running", &network, expected_mean, expected_var);
        assert_close("running mean", ref_relative_error(REF_NORM_CHANNELS, mean, expected_mean), 1e-13);
        assert_close("running variance", ref_relative_error(REF_NORM_CHANNELS, var, expected_var), 1e-13);
        all.running_mean = mean;
        all.running_var = var;
    }
    ref_pass_free(pass);
    pass = ref_forward(&network, weights, &all);
    fixture_read(&f, "step/logits", FIXTURE_IMAGES * 10, expected);
    assert_close("evaluation", ref_relative_error(FIXTURE_IMAGES * 10, ref_logits(pass), expected), 1e-12);
    ref_pass_free(pass);
    free(weights), free(gradient), free(expected), free(images), free(dlogits), free(order);
    fixture_close(&f);
}

static void a_step_is_what_pytorch_computes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof norms / sizeof *norms; i++)
        for (int b = norms[i].weight_standardization; b < FIXTURE_BATCHES; b++)
            assert_step_is_pytorchs(norms[i].name, norms[i].kind, norms[i].weight_standardization,
                                    fixture_batches[b]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolution_gradients_are_slopes),
        cmocka_unit_test(norm_gradients_are_slopes_through_the_statistics),
        cmocka_unit_test(constant_gradient_proves_nothing_for_batch_norm),
        cmocka_unit_test(pooling_takes_the_first_of_equals),
        cmocka_unit_test(cross_entropy_gradient_is_its_slope),
        cmocka_unit_test(network_gradients_are_slopes),
        cmocka_unit_test(a_step_is_what_pytorch_computes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
