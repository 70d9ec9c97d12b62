#include "subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "syncnorm/base/fixed_point.h"
#include "syncnorm/nn/dropout.h"

static void demand(sn_status status)
{
    if (status == SN_OK) return;
    fprintf(stderr, "subject: %s\n", sn_error_message());
    exit(2);
}

static const sn_parameter *parameter_named(const subject *s, const ref_parameter *wanted)
{
    const int i = sn_parameter_find(&s->network.parameters, wanted->name);
    if (i < 0 || s->network.parameters.items[i].count != wanted->count) {
        fprintf(stderr, "subject: no %s of %zu elements\n", wanted->name, wanted->count);
        exit(2);
    }
    return &s->network.parameters.items[i];
}

subject *subject_create(sn_team *team, const subject_options *options)
{
    subject *s = calloc(1, sizeof *s);
    if (!s) abort();
    const sn_kernels *kernels = sn_kernels_select(options->isa);
    if (!kernels) abort();
    s->team = team;
    s->group = options->group;
    ref_network_build(options->kind, 2, &s->reference);
    s->reference.weight_standardization = options->weight_standardization;
    demand(sn_network_build((sn_network_options){options->kind, 2, options->weight_standardization},
                            &s->network));
    if (s->network.parameters.total != s->reference.total) abort();
    demand(sn_model_create(&s->network, &s->model));
    sn_model_initialize(s->model, 1);
    demand(sn_team_agree(
        team, sn_replica_create(&(sn_replica_options){.team = team,
                                                      .network = &s->network,
                                                      .kernels = kernels,
                                                      .convolution = strcmp(options->convolution, "gemm") == 0
                                                                         ? sn_convolution_gemm()
                                                                         : kernels->direct,
                                                      .batch = options->batch,
                                                      .seed = options->seed,
                                                      .dropout = options->dropout,
                                                      .groups = options->batch,
                                                      .workers = options->batch,
                                                      .running = options->running},
                                &s->replica)));
    return s;
}

void subject_destroy(subject *s)
{
    sn_replica_destroy(s->replica);
    sn_model_destroy(s->model);
    free(s);
}

void subject_set_weights(subject *s, const double *weights)
{
    for (int i = 0; i < s->reference.parameter_count; i++) {
        const ref_parameter *from = &s->reference.parameters[i];
        const sn_parameter *to = parameter_named(s, from);
        for (size_t j = 0; j < from->count; j++)
            s->model->values[to->offset + j] = (float)weights[from->offset + j];
    }
}

void subject_get_weights(const subject *s, double *weights)
{
    for (int i = 0; i < s->reference.parameter_count; i++) {
        const ref_parameter *to = &s->reference.parameters[i];
        const sn_parameter *from = parameter_named(s, to);
        for (size_t j = 0; j < to->count; j++)
            weights[to->offset + j] = (double)s->model->values[from->offset + j];
    }
}

sn_step_sums subject_step(subject *s, sn_samples samples, uint32_t total, const uint32_t *index,
                          uint32_t step)
{
    const sn_share share = sn_share_of(total, sn_team_rank(s->team), sn_team_size(s->team));
    sn_partition groups = {NULL, 0};
    if (s->group > 0) {
        if (total > SUBJECT_BATCH_MOST) abort();
        groups = (sn_partition){s->start, (total + s->group - 1) / s->group};
        for (uint32_t g = 0; g < groups.parts; g++)
            s->start[g] = g * s->group;
        s->start[groups.parts] = total;
    }
    sn_step_sums sums;
    demand(sn_replica_step(s->replica, s->model,
                           &(sn_batch){.samples = samples,
                                       .index = index + share.first,
                                       .first = share.first,
                                       .count = share.count,
                                       .total = total,
                                       .step = step,
                                       .groups = groups,
                                       .workers = groups},
                           NULL, &sums));
    return sums;
}

void subject_gradient(const subject *s, const sn_step_sums *sums, uint32_t total, double *gradient)
{
    for (int i = 0; i < s->reference.parameter_count; i++) {
        const ref_parameter *to = &s->reference.parameters[i];
        const sn_parameter *from = parameter_named(s, to);
        for (size_t j = 0; j < to->count; j++)
            gradient[to->offset + j] = (double)sums->gradient[from->offset + j] / SN_GRADIENT_SCALE / total;
    }
}

void subject_running(const subject *s, double mean[REF_NORM_CHANNELS], double var[REF_NORM_CHANNELS])
{
    for (int c = 0; c < REF_NORM_CHANNELS; c++) {
        mean[c] = (double)s->model->running_mean[c];
        var[c] = (double)s->model->running_var[c];
    }
}

void subject_keep(const subject *s, const subject_options *options, uint32_t total, uint32_t step,
                  double *keep)
{
    for (uint32_t position = 0; position < total; position++)
        for (int k = 0; k < REF_NORMS; k++) {
            const int first = s->reference.stages[k].first_channel;
            const int channels = s->reference.stages[k + 1].first_channel - first;
            float drawn[SN_MAX_CHANNELS];
            sn_dropout_keep(options->seed, options->dropout, step, position, k, channels, 1, drawn);
            for (int c = 0; c < channels; c++)
                keep[position * REF_NORM_CHANNELS + first + c] = (double)drawn[c];
        }
}
