/* The layer table of the torchsummary package (sksq96/pytorch-summary), computed from the network. */

#include "syncnorm/nn/summary.h"

#include <stdint.h>
#include <string.h>

#include "syncnorm/base/thousands.h"

/* torchsummary's column widths are those of the format "{:>20}  {:>25} {:>15}" */
#define ROW "%s%20s  %25s %15s\n"

typedef struct table {
    const sn_network *network;
    const char *indent;
    FILE *out;
    int layers;
    int64_t parameters, outputs; /* elements, summed over the layers */
} table;

static void rule(const table *t, char character)
{
    char line[65];
    memset(line, character, 64);
    line[64] = '\0';
    fprintf(t->out, "%s%s\n", t->indent, line);
}

static void layer(table *t, const char *type, int channels, int size, int64_t parameters)
{
    char name[32], shape[48], count[SN_THOUSANDS_SIZE];
    snprintf(name, sizeof name, "%s-%d", type, ++t->layers);
    snprintf(shape, sizeof shape, "[-1, %d, %d, %d]", channels, size, size);
    fprintf(t->out, ROW, t->indent, name, shape, sn_thousands(parameters, count));
    t->parameters += parameters;
    t->outputs += (int64_t)channels * size * size;
}

/* elements of one entry of the parameters table; 0 where a layer has none */
static int64_t elements(const table *t, int parameter)
{
    return parameter < 0 ? 0 : (int64_t)t->network->parameters.items[parameter].count;
}

static void stage(table *t, const sn_stage *s)
{
    const int channels = s->out_channels, size = s->out_size;
    layer(t, "Conv2d", channels, size, elements(t, s->weight) + elements(t, s->bias));
    if (s->relu) layer(t, "ReLU", channels, size, 0);
    if (s->norm) {
        layer(t, sn_norm_types[t->network->options.norm].pytorch, channels, size,
              elements(t, s->norm_weight) + elements(t, s->norm_bias));
        layer(t, "Dropout2d", channels, size, 0);
    }
    if (s->pool) layer(t, "MaxPool2d", channels, sn_stage_handed_size(s), 0);
}

void sn_summary_print(const sn_network *network, const char *indent, FILE *out)
{
    table t = {.network = network, .indent = indent, .out = out};
    rule(&t, '-');
    fprintf(out, ROW, indent, "Layer (type)", "Output Shape", "Param #");
    rule(&t, '=');
    for (int i = 0; i < SN_STAGES; i++)
        stage(&t, &network->stages[i]);
    layer(&t, "AvgPool2d", network->stages[SN_STAGES - 1].out_channels, 1, 0);
    rule(&t, '=');

    /* torchsummary counts float32: every output twice, for its gradient */
    const int input_size = network->stages[0].in_size;
    const double megabyte = 1024 * 1024, input = 4.0 * input_size * input_size / megabyte;
    const double passes = 2 * 4.0 * (double)t.outputs / megabyte;
    const double parameters = 4.0 * (double)t.parameters / megabyte;
    char count[SN_THOUSANDS_SIZE];
    sn_thousands(t.parameters, count);
    fprintf(out, "%sTotal params: %s\n%sTrainable params: %s\n%sNon-trainable params: 0\n", indent, count,
            indent, count, indent);
    rule(&t, '-');
    fprintf(out, "%sInput size (MB): %.2f\n", indent, input);
    fprintf(out, "%sForward/backward pass size (MB): %.2f\n", indent, passes);
    fprintf(out, "%sParams size (MB): %.2f\n", indent, parameters);
    fprintf(out, "%sEstimated Total Size (MB): %.2f\n", indent, input + passes + parameters);
    rule(&t, '-');
}
