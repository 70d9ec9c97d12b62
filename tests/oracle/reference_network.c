#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference.h"

/* conv, ReLU, norm, dropout, pool: ten times, the last time conv alone. */
static const struct {
    ref_conv conv;
    bool pool;
} stages[REF_STAGES] = {
    {{1, 10, 28, 3, 1}, false}, {{10, 16, 28, 3, 1}, true},  {{16, 8, 14, 1, 0}, false},
    {{8, 16, 14, 3, 1}, false}, {{16, 16, 14, 3, 1}, false}, {{16, 16, 14, 3, 1}, true},
    {{16, 8, 7, 1, 0}, false},  {{8, 10, 7, 3, 0}, false},   {{10, 16, 5, 3, 0}, false},
    {{16, 10, 3, 1, 0}, false},
};

static int planes_pixels(int stage)
{
    return ref_conv_output_size(&stages[stage].conv) * ref_conv_output_size(&stages[stage].conv);
}

static int add_parameter(ref_network *network, const char *layer, int number, const char *kind, size_t count)
{
    ref_parameter *p = &network->parameters[network->parameter_count];
    snprintf(p->name, sizeof p->name, "%s%d.%s", layer, number, kind);
    p->offset = network->total;
    p->count = count;
    network->total += count;
    return network->parameter_count++;
}

void ref_network_build(sn_norm_kind kind, int groups, ref_network *network)
{
    *network = (ref_network){.kind = kind, .groups = groups};
    int channels = 0;
    for (int k = 0; k < REF_STAGES; k++) {
        const ref_conv *c = &stages[k].conv;
        network->stages[k].weight = add_parameter(network, "conv", k + 1, "weight",
                                                  (size_t)c->out * c->in * c->kernel * c->kernel);
        network->stages[k].bias = add_parameter(network, "conv", k + 1, "bias", c->out);
        network->stages[k].norm_weight = network->stages[k].norm_bias = -1;
        network->stages[k].first_channel = channels;
        channels += c->out;
        if (k == REF_STAGES - 1 || kind == SN_NORM_NONE) continue;
        const size_t count = ref_norm_parameters(
            &(ref_norm){.kind = kind, .channels = c->out, .pixels = planes_pixels(k)});
        network->stages[k].norm_weight = add_parameter(network, "norm", k + 1, "weight", count);
        if (kind == SN_NORM_RMS) continue; /* torch.nn.RMSNorm has none */
        network->stages[k].norm_bias = add_parameter(network, "norm", k + 1, "bias", count);
    }
}

typedef struct activations {
    const double *input;   /* of the convolution */
    double *used;          /* its weights, standardized; NULL: the parameters as they are */
    double *convolved, *z; /* before and after ReLU */
    double *mean, *var;    /* of the norm's sets */
    double *normalized;    /* y, before dropout */
    double *dropped;       /* after dropout */
    double *output;        /* after the pool (== dropped without) */
    int *choice;
    ref_norm norm;
} activations;

struct ref_pass {
    const ref_network *network;
    const double *parameters;
    ref_batch batch;
    activations stages[REF_STAGES];
    double *logits;
};

static const double *parameter(const ref_pass *pass, int index)
{
    return index < 0 ? NULL : pass->parameters + pass->network->parameters[index].offset;
}

/* The weights of an output channel, seen as a layer's activations of a sample, without affine parameters. */
static ref_norm standardization(int stage)
{
    const ref_conv *c = &stages[stage].conv;
    return (ref_norm){
        .kind = SN_NORM_LAYER, .n = c->out, .channels = 1, .pixels = c->in * c->kernel * c->kernel};
}

enum { CHANNELS_MOST = 16, CHANNEL_WEIGHTS_MOST = 144 };

static const double *ones(void)
{
    static double values[CHANNEL_WEIGHTS_MOST];
    for (int i = 0; i < CHANNEL_WEIGHTS_MOST; i++)
        values[i] = 1;
    return values;
}

static double *standardize(int stage, const double *weight)
{
    const ref_norm norm = standardization(stage);
    const double zeros[CHANNEL_WEIGHTS_MOST] = {0};
    double mean[CHANNELS_MOST], var[CHANNELS_MOST];
    double *used = ref_doubles((size_t)norm.n * norm.pixels);
    ref_norm_moments(&norm, weight, mean, var);
    ref_norm_forward(&norm, mean, var, ones(), zeros, weight, used);
    return used;
}

/* From the gradient of the standardized weights to that of the raw ones, in place. */
static void standardize_backward(int stage, const double *weight, double *gradient)
{
    const ref_norm norm = standardization(stage);
    double mean[CHANNELS_MOST], var[CHANNELS_MOST], unused[2][CHANNEL_WEIGHTS_MOST];
    double *raw = ref_doubles((size_t)norm.n * norm.pixels);
    ref_norm_moments(&norm, weight, mean, var);
    ref_norm_backward(&norm, mean, var, ones(), weight, gradient, raw, unused[0], unused[1]);
    memcpy(gradient, raw, sizeof *raw * (size_t)norm.n * norm.pixels);
    free(raw);
}

static double keep(const ref_pass *pass, int stage, size_t element)
{
    if (!pass->batch.keep) return 1;
    const int pixels = planes_pixels(stage), channels = stages[stage].conv.out;
    const size_t sample = element / pixels / channels, channel = element / pixels % channels;
    return pass->batch
        .keep[sample * REF_NORM_CHANNELS + pass->network->stages[stage].first_channel + channel];
}

static size_t stage_elements(const ref_pass *pass, int stage)
{
    return (size_t)pass->batch.n * stages[stage].conv.out * planes_pixels(stage);
}

static bool evaluating(const ref_pass *pass)
{
    return pass->batch.running_mean != NULL;
}

static void statistics(ref_pass *pass, int k)
{
    activations *a = &pass->stages[k];
    const int sets = ref_norm_sets(&a->norm);
    a->mean = ref_doubles(sets);
    a->var = ref_doubles(sets);
    if (a->norm.kind == SN_NORM_BATCH && evaluating(pass)) {
        const int first = pass->network->stages[k].first_channel;
        memcpy(a->mean, pass->batch.running_mean + first, sizeof(double) * a->norm.channels);
        memcpy(a->var, pass->batch.running_var + first, sizeof(double) * a->norm.channels);
    } else {
        ref_norm_moments(&a->norm, a->z, a->mean, a->var);
    }
}

static void stage_forward(ref_pass *pass, int k)
{
    activations *a = &pass->stages[k];
    const ref_conv *conv = &stages[k].conv;
    const ref_network *net = pass->network;
    const int n = pass->batch.n;
    const size_t count = stage_elements(pass, k);
    const double *weight = parameter(pass, net->stages[k].weight);
    if (net->weight_standardization) weight = a->used = standardize(k, weight);
    a->convolved = ref_doubles(count);
    ref_conv_forward(conv, n, weight, parameter(pass, net->stages[k].bias), a->input, a->convolved);
    if (k == REF_STAGES - 1) return;

    a->z = ref_doubles(count);
    ref_relu_forward(count, a->convolved, a->z);
    a->norm = (ref_norm){.kind = net->kind,
                         .groups = net->groups,
                         .n = n,
                         .channels = conv->out,
                         .pixels = planes_pixels(k),
                         .statistics_group = evaluating(pass) ? NULL : pass->batch.statistics_group};
    statistics(pass, k);
    a->normalized = ref_doubles(count);
    ref_norm_forward(&a->norm, a->mean, a->var, parameter(pass, net->stages[k].norm_weight),
                     parameter(pass, net->stages[k].norm_bias), a->z, a->normalized);
    a->dropped = ref_doubles(count);
    for (size_t j = 0; j < count; j++)
        a->dropped[j] = keep(pass, k, j) * a->normalized[j];
    a->output = a->dropped;
    if (stages[k].pool) {
        a->output = ref_doubles(count / 4);
        a->choice = calloc(count / 4, sizeof *a->choice);
        if (!a->choice) abort();
        ref_pool_forward(n * conv->out, ref_conv_output_size(conv), a->dropped, a->output, a->choice);
    }
}

ref_pass *ref_forward(const ref_network *network, const double *parameters, const ref_batch *batch)
{
    ref_pass *pass = calloc(1, sizeof *pass);
    if (!pass) abort();
    pass->network = network;
    pass->parameters = parameters;
    pass->batch = *batch;
    for (int k = 0; k < REF_STAGES; k++) {
        pass->stages[k].input = k ? pass->stages[k - 1].output : batch->images;
        stage_forward(pass, k);
    }
    pass->logits = ref_doubles((size_t)batch->n * REF_CLASSES);
    ref_average_forward(batch->n * REF_CLASSES, planes_pixels(REF_STAGES - 1),
                        pass->stages[REF_STAGES - 1].convolved, pass->logits);
    return pass;
}

const double *ref_logits(const ref_pass *pass)
{
    return pass->logits;
}

/* From the gradient of the stage's output to that of the convolution's, which it returns. */
static double *through_norm(const ref_pass *pass, int k, const double *doutput, double *gradient)
{
    const activations *a = &pass->stages[k];
    const ref_network *net = pass->network;
    const size_t count = stage_elements(pass, k);
    double *d = ref_doubles(count), *dz = ref_doubles(count);
    if (stages[k].pool)
        ref_pool_backward(pass->batch.n * a->norm.channels, ref_conv_output_size(&stages[k].conv), a->choice,
                          doutput, d);
    else
        memcpy(d, doutput, sizeof *d * count);
    for (size_t j = 0; j < count; j++)
        d[j] *= keep(pass, k, j);
    const int weight = net->stages[k].norm_weight, bias = net->stages[k].norm_bias;
    ref_norm_backward(&a->norm, a->mean, a->var, parameter(pass, weight), a->z, d, dz,
                      weight < 0 ? NULL : gradient + net->parameters[weight].offset,
                      bias < 0 ? NULL : gradient + net->parameters[bias].offset);
    ref_relu_backward(count, a->convolved, dz, d);
    free(dz);
    return d;
}

void ref_backward(const ref_pass *pass, const double *dlogits, double *gradient)
{
    const ref_network *net = pass->network;
    const int n = pass->batch.n;
    double *d = ref_doubles(stage_elements(pass, REF_STAGES - 1));
    ref_average_backward(n * REF_CLASSES, planes_pixels(REF_STAGES - 1), dlogits, d);
    for (int k = REF_STAGES - 1; k >= 0; k--) {
        const ref_conv *conv = &stages[k].conv;
        if (k < REF_STAGES - 1) {
            double *through = through_norm(pass, k, d, gradient);
            free(d);
            d = through;
        }
        double *dx = ref_doubles((size_t)n * conv->in * conv->size * conv->size);
        const double *raw = parameter(pass, net->stages[k].weight), *used = pass->stages[k].used;
        double *dweight = gradient + net->parameters[net->stages[k].weight].offset;
        ref_conv_backward(conv, n, used ? used : raw, pass->stages[k].input, d, dx, dweight,
                          gradient + net->parameters[net->stages[k].bias].offset);
        if (used) standardize_backward(k, raw, dweight);
        free(d);
        d = dx;
    }
    free(d);
}

void ref_update_running(const ref_pass *pass, double running_mean[REF_NORM_CHANNELS],
                        double running_var[REF_NORM_CHANNELS])
{
    int samples = 0;
    for (int s = 0; s < pass->batch.n; s++)
        samples += !pass->batch.statistics_group || pass->batch.statistics_group[s] == 0;
    for (int k = 0; k < REF_NORMS; k++) {
        const activations *a = &pass->stages[k];
        const double count = (double)samples * a->norm.pixels;
        for (int c = 0; c < a->norm.channels; c++) {
            const int at = pass->network->stages[k].first_channel + c;
            running_mean[at] = 0.9 * running_mean[at] + 0.1 * a->mean[c];
            running_var[at] = 0.9 * running_var[at] + 0.1 * a->var[c] * count / (count - 1);
        }
    }
}

double ref_kink_distance(const ref_pass *pass)
{
    double least = HUGE_VAL;
    for (int k = 0; k < REF_NORMS; k++) {
        const activations *a = &pass->stages[k];
        for (size_t j = 0; j < stage_elements(pass, k); j++)
            least = fmin(least, fabs(a->convolved[j]));
        if (!stages[k].pool) continue;
        const int size = ref_conv_output_size(&stages[k].conv);
        for (size_t j = 0; j < stage_elements(pass, k); j++) {
            const size_t plane = j / (size * size);
            const int h = (int)(j / size % size), w = (int)(j % size);
            const double lead = a->output[(plane * (size / 2) + h / 2) * (size / 2) + w / 2] - a->dropped[j];
            if (lead > 1e-12) least = fmin(least, lead);
        }
    }
    return least;
}

void ref_pass_free(ref_pass *pass)
{
    for (int k = 0; k < REF_STAGES; k++) {
        activations *a = &pass->stages[k];
        if (a->output != a->dropped) free(a->output);
        free(a->used);
        free(a->convolved);
        free(a->z);
        free(a->mean);
        free(a->var);
        free(a->normalized);
        free(a->dropped);
        free(a->choice);
    }
    free(pass->logits);
    free(pass);
}

void ref_normalize_images(size_t count, const uint8_t *pixels, double *x)
{
    for (size_t j = 0; j < count; j++)
        x[j] = (pixels[j] / 255.0 - 0.1307) / 0.3081;
}

double ref_relative_error(size_t count, const double *a, const double *b)
{
    double difference = 0, norm = 0;
    for (size_t j = 0; j < count; j++) {
        difference += (a[j] - b[j]) * (a[j] - b[j]);
        norm += b[j] * b[j];
    }
    return difference == 0 ? 0 : sqrt(difference / norm);
}

double ref_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ z >> 31) >> 11) * 0x1p-52 - 1;
}
