#include "syncnorm/nn/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "syncnorm/base/memory.h"
#include "syncnorm/base/random.h"

sn_status sn_model_create(const sn_network *network, sn_model **model)
{
    sn_model *m;
    *model = NULL;
    SN_TRY(SN_ALLOCATE(m, 1, "the model"));
    m->network = network;
    const size_t total = network->parameters.total, channels = (size_t)network->norm_channels;
    sn_status status = SN_ALLOCATE(m->values, total, "the parameters");
    if (status == SN_OK) status = SN_ALLOCATE(m->momentum, total, "the momentum");
    if (status == SN_OK && sn_norm_pools_batch(network->options.norm)) {
        status = SN_ALLOCATE(m->running_mean, channels, "the running mean");
        if (status == SN_OK) status = SN_ALLOCATE(m->running_var, channels, "the running variance");
    }
    if (status != SN_OK) {
        sn_model_destroy(m);
        return status;
    }
    *model = m;
    return SN_OK;
}

sn_status sn_model_copy(const sn_model *model, sn_model **copy)
{
    SN_TRY(sn_model_create(model->network, copy));
    sn_state_entry from[SN_STATE_MAX], to[SN_STATE_MAX];
    const int count = sn_model_state((sn_model *)model, from); /* only read through */
    sn_model_state(*copy, to);
    for (int i = 0; i < count; i++) {
        if (from[i].real) memcpy(to[i].real, from[i].real, from[i].count * sizeof *to[i].real);
        if (from[i].momentum)
            memcpy(to[i].momentum, from[i].momentum, from[i].count * sizeof *to[i].momentum);
    }
    (*copy)->batches_tracked = model->batches_tracked;
    return SN_OK;
}

void sn_model_destroy(sn_model *model)
{
    if (!model) return;
    sn_free(model->values);
    sn_free(model->momentum);
    sn_free(model->running_mean);
    sn_free(model->running_var);
    sn_free(model->workers_mean);
    sn_free(model->workers_var);
    sn_free(model);
}

sn_status sn_model_keep_workers(sn_model *model, uint32_t workers)
{
    const size_t channels = (size_t)model->network->norm_channels;
    SN_TRY(SN_ALLOCATE(model->workers_mean, workers * channels, "the workers' running means"));
    SN_TRY(SN_ALLOCATE(model->workers_var, workers * channels, "the workers' running variances"));
    model->workers = workers;
    for (uint32_t w = 0; w < workers; w++) {
        memcpy(model->workers_mean + w * channels, model->running_mean, channels * sizeof(float));
        memcpy(model->workers_var + w * channels, model->running_var, channels * sizeof(float));
    }
    return SN_OK;
}

void sn_model_take_worker(sn_model *model, const sn_model *from, uint32_t worker)
{
    const size_t channels = (size_t)model->network->norm_channels;
    memcpy(model->running_mean, from->workers_mean + worker * channels, channels * sizeof(float));
    memcpy(model->running_var, from->workers_var + worker * channels, channels * sizeof(float));
}

static void fill(float *values, size_t count, float value)
{
    for (size_t i = 0; i < count; i++)
        values[i] = value;
}

/* U(-bound, bound); `stream` tells weights from biases and stages apart */
static void fill_uniform(float *values, size_t count, double bound, uint64_t seed, uint32_t stream)
{
    for (size_t i = 0; i < count; i++) {
        const sn_random4 r = sn_random(seed, SN_PURPOSE_WEIGHT, (uint32_t)(i / 4), 0, stream);
        values[i] = (float)((2 * (double)sn_uniform(r.word[i % 4]) - 1) * bound);
    }
}

void sn_model_initialize(sn_model *model, uint64_t seed)
{
    const sn_network *network = model->network;
    const sn_parameter *items = network->parameters.items;
    for (int i = 0; i < SN_STAGES; i++) {
        const sn_stage *stage = &network->stages[i];
        const double bound = 1 / sqrt((double)(stage->in_channels * stage->kernel * stage->kernel));
        const sn_parameter *weight = &items[stage->weight], *bias = &items[stage->bias];
        fill_uniform(model->values + weight->offset, weight->count, bound, seed, 2 * (uint32_t)i);
        fill_uniform(model->values + bias->offset, bias->count, bound, seed, 2 * (uint32_t)i + 1);
        if (stage->norm_weight < 0) continue;
        fill(model->values + items[stage->norm_weight].offset, items[stage->norm_weight].count, 1);
        if (stage->norm_bias < 0) continue;
        fill(model->values + items[stage->norm_bias].offset, items[stage->norm_bias].count, 0);
    }
    memset(model->momentum, 0, network->parameters.total * sizeof *model->momentum);
    if (model->running_mean) {
        fill(model->running_mean, (size_t)network->norm_channels, 0);
        fill(model->running_var, (size_t)network->norm_channels, 1);
    }
    model->batches_tracked = 0;
}

static sn_state_entry *add_parameter(sn_state_entry *entry, sn_model *model, int index)
{
    const sn_parameter *p = &model->network->parameters.items[index];
    memcpy(entry->name, p->name, sizeof entry->name);
    entry->rank = p->rank;
    memcpy(entry->shape, p->shape, sizeof entry->shape);
    entry->count = p->count;
    entry->real = model->values + p->offset;
    entry->momentum = model->momentum + p->offset;
    return entry + 1;
}

static sn_state_entry *add_statistic(sn_state_entry *entry, int number, const char *what, float *values,
                                     int channels)
{
    snprintf(entry->name, sizeof entry->name, "norm%d.%s", number, what);
    entry->rank = 1;
    entry->shape[0] = entry->count = (size_t)channels;
    entry->real = values;
    return entry + 1;
}

int sn_model_state(sn_model *model, sn_state_entry entries[SN_STATE_MAX])
{
    memset(entries, 0, SN_STATE_MAX * sizeof *entries);
    sn_state_entry *e = entries;
    for (int i = 0; i < SN_STAGES; i++) {
        const sn_stage *stage = &model->network->stages[i];
        e = add_parameter(e, model, stage->weight);
        e = add_parameter(e, model, stage->bias);
        if (stage->norm_weight < 0) continue;
        e = add_parameter(e, model, stage->norm_weight);
        if (stage->norm_bias >= 0) e = add_parameter(e, model, stage->norm_bias);
        if (!model->running_mean) continue;
        e = add_statistic(e, i + 1, "running_mean", model->running_mean + stage->channel_offset,
                          stage->out_channels);
        e = add_statistic(e, i + 1, "running_var", model->running_var + stage->channel_offset,
                          stage->out_channels);
        snprintf(e->name, sizeof e->name, "norm%d.num_batches_tracked", i + 1);
        e->count = 1;
        e->integer = &model->batches_tracked;
        e++;
    }
    return (int)(e - entries);
}

sn_digest sn_model_digest(const sn_model *model)
{
    sn_state_entry entries[SN_STATE_MAX];
    const int count = sn_model_state((sn_model *)model, entries); /* only read through */
    sn_hasher *hasher = sn_hasher_create();
    if (!hasher) abort(); /* without 600 bytes nothing can go on */
    for (int i = 0; i < count; i++) {
        const sn_state_entry *e = &entries[i];
        if (e->real)
            sn_hasher_add(hasher, e->real, e->count * sizeof *e->real);
        else
            sn_hasher_add(hasher, e->integer, sizeof *e->integer);
    }
    return sn_hasher_finish(hasher);
}
