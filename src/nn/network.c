#include "syncnorm/nn/network.h"

#include <stdio.h>
#include <string.h>

/* in, out, kernel, padding, pool */
static const struct {
    int in, out, kernel, padding;
    bool pool;
} architecture[SN_STAGES] = {
    {1, 10, 3, 1, false},  {10, 16, 3, 1, true},  {16, 8, 1, 0, false}, {8, 16, 3, 1, false},
    {16, 16, 3, 1, false}, {16, 16, 3, 1, true},  {16, 8, 1, 0, false}, {8, 10, 3, 0, false},
    {10, 16, 3, 0, false}, {16, 10, 1, 0, false},
};

_Static_assert(SN_PARAMETERS_MAX >= 2 * SN_STAGES + 2 * SN_NORMS, "weights and biases of all layers");

int sn_parameter_find(const sn_parameter_table *table, const char *name)
{
    for (int i = 0; i < table->count; i++)
        if (strcmp(table->items[i].name, name) == 0) return i;
    return -1;
}

static int add_parameter(sn_parameter_table *table, const char *layer, int number, const char *what, int rank,
                         const size_t *shape)
{
    sn_parameter *p = &table->items[table->count];
    snprintf(p->name, sizeof p->name, "%s%d.%s", layer, number, what);
    p->rank = rank;
    p->offset = table->total;
    p->count = 1;
    for (int i = 0; i < rank; i++) {
        p->shape[i] = shape[i];
        p->count *= shape[i];
    }
    table->total += p->count;
    return table->count++;
}

static void add_norm_parameters(sn_network *network, sn_stage *stage, int number)
{
    const size_t channels = (size_t)stage->out_channels, size = (size_t)stage->out_size;
    const size_t shape[] = {channels, size, size};
    const sn_norm_parameters affine = sn_norm_types[network->options.norm].affine;
    const int rank = affine == SN_AFFINE_CHANNEL ? 1 : 3;
    if (affine == SN_AFFINE_NONE) return;
    stage->norm_weight = add_parameter(&network->parameters, "norm", number, "weight", rank, shape);
    if (affine == SN_AFFINE_ELEMENT_WEIGHT) return;
    stage->norm_bias = add_parameter(&network->parameters, "norm", number, "bias", rank, shape);
}

sn_status sn_network_build(sn_network_options options, sn_network *network)
{
    memset(network, 0, sizeof *network);
    network->options = options;
    int size = 28;
    for (int i = 0; i < SN_STAGES; i++) {
        sn_stage *stage = &network->stages[i];
        stage->in_channels = architecture[i].in;
        stage->out_channels = architecture[i].out;
        stage->kernel = architecture[i].kernel;
        stage->padding = architecture[i].padding;
        stage->relu = stage->norm = i < SN_NORMS;
        stage->pool = architecture[i].pool;
        stage->in_size = size;
        stage->out_size = size + 2 * stage->padding - stage->kernel + 1;
        const size_t out = (size_t)stage->out_channels, kernel = (size_t)stage->kernel;
        const size_t shape[] = {out, (size_t)stage->in_channels, kernel, kernel};
        stage->weight = add_parameter(&network->parameters, "conv", i + 1, "weight", 4, shape);
        stage->bias = add_parameter(&network->parameters, "conv", i + 1, "bias", 1, shape);
        stage->norm_weight = stage->norm_bias = -1;
        if (stage->norm) {
            if (sn_norm_types[options.norm].over == SN_OVER_GROUP &&
                (options.groups < 1 || stage->out_channels % options.groups != 0))
                return sn_fail(SN_ERROR_USAGE,
                               "--groups %d does not divide the %d channels of layer %d: use 1 or 2",
                               options.groups, stage->out_channels, i + 1);
            add_norm_parameters(network, stage, i + 1);
            stage->channel_offset = network->norm_channels;
            network->norm_channels += stage->out_channels;
        }
        size = sn_stage_handed_size(stage);
    }
    return SN_OK;
}

int sn_stage_handed_size(const sn_stage *stage)
{
    return stage->pool ? stage->out_size / 2 : stage->out_size;
}
