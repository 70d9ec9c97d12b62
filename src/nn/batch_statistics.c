/* Batch norm in training: statistics per group of positions, exchanged where a group lies on several ranks, and what is
   learnt from them on the way (running statistics, how far the workers disagree). */

#include <math.h>
#include <string.h>

#include "replica_internal.h"
#include "syncnorm/base/fixed_point.h"

__extension__ typedef unsigned __int128 uint128;

/* Per channel, added up over the groups by the rank that has a group's first position: n * mean in units of 2^-32, and n * unbiased
   variance in units of 2^-40 as two limbs of 45 bits. */
enum { RUNNING_MEAN, RUNNING_VAR_LOW, RUNNING_VAR_HIGH, VAR_LIMB = 45 };

static const double MEAN_SCALE = 0x1p32, VAR_SCALE = 0x1p40, VAR_LIMIT = 0x1p45;

void sn_statistics_begin(sn_replica *r, const sn_batch *batch)
{
    r->share_first = batch->first;
    r->whole[0] = 0;
    r->whole[1] = batch->total;
    const sn_partition whole = {r->whole, 1};
    r->groups = batch->groups.parts ? batch->groups : whole;
    r->workers = batch->workers.parts ? batch->workers : whole;
    r->exchange = sn_partition_crosses_ranks(r->groups, batch->total, sn_team_size(r->team));
    r->counts = r->workers.parts > 1 ? sn_partition_crosses_parts(r->groups, r->workers, batch->total)
                                     : r->groups.parts < batch->total;
}

void sn_statistics_segments(const sn_replica *r, sn_block *block, uint32_t first)
{
    sn_segments_of(r->groups, first, block->count, &block->groups);
    sn_segments_of(r->workers, first, block->count, &block->workers);
}

static void add(int64_t *sum, const int64_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sum[i] += values[i];
}

/* One exact sum over the team, counted among the costs of the statistics. */
static void exchange(sn_replica *r, int64_t *values, size_t count, size_t floats)
{
    if (r->counts) {
        r->costs.statistics_calls++;
        r->costs.statistics_bytes += (int64_t)(count * sizeof *values);
        r->costs.statistics_bytes_float32 += (int64_t)(floats * sizeof(float));
    }
    if (!r->exchange) return;
    const double begun = sn_clock();
    sn_team_sum(r->team, values, count);
    r->costs.statistics_seconds += sn_clock() - begun;
}

/* ---- forward ---- */

static void add_running(sn_replica *r, const sn_norm *norm, int offset, uint32_t samples, const double *mean,
                        const double *var)
{
    const double values = (double)samples * norm->pixels;
    const double unbias = values > 1 ? values / (values - 1) : 1;
    for (int c = 0; c < norm->channels; c++) {
        int64_t *words = r->running + (offset + c) * SN_RUNNING_WORDS;
        const double unbiased = var[c] * unbias;
        if (!(unbiased < VAR_LIMIT)) continue; /* a violation counted the moments that led here */
        const uint128 v = (uint128)rint(unbiased * VAR_SCALE) * samples;
        words[RUNNING_MEAN] += sn_fixed(mean[c], MEAN_SCALE) * samples;
        words[RUNNING_VAR_LOW] += (int64_t)(v & (((uint128)1 << VAR_LIMB) - 1));
        words[RUNNING_VAR_HIGH] += (int64_t)(v >> VAR_LIMB);
    }
}

/* Means of a block's samples, summed per worker. */
static void add_workers(sn_replica *r, const sn_norm *norm, const sn_block *block, int stage, int offset)
{
    for (int s = 0; s < block->workers.count; s++) {
        const sn_segment *segment = &block->workers.items[s];
        int64_t moments[SN_MAX_CHANNELS * SN_MOMENT_WORDS] = {0};
        (void)sn_norm_message_add(norm, &block->norms[stage], segment->mask,
                                  moments); /* violations are counted already */
        int64_t *sums = r->worker_means + (size_t)segment->part * (size_t)r->network->norm_channels + offset;
        for (int c = 0; c < norm->channels; c++)
            sums[c] += moments[c * SN_MOMENT_WORDS];
    }
}

void sn_statistics_forward(sn_replica *r, sn_block *blocks, int count, int stage)
{
    const sn_norm *norm = &r->work.plans[stage].norm;
    const int offset = r->network->stages[stage].channel_offset;
    const size_t words = (size_t)norm->channels * SN_MOMENT_WORDS;
    const sn_partition groups = r->groups;
    memset(r->moments, 0, groups.parts * words * sizeof *r->moments);
    for (int b = 0; b < count; b++) {
        for (int s = 0; s < blocks[b].groups.count; s++) {
            const sn_segment *segment = &blocks[b].groups.items[s];
            r->violations[sn_violation_of_norm(r->network, stage)] += sn_norm_message_add(
                norm, &blocks[b].norms[stage], segment->mask, r->moments + segment->part * words);
        }
        if (r->workers.parts > 1) add_workers(r, norm, &blocks[b], stage, offset);
    }
    for (uint32_t g = 0; g < groups.parts; g++)
        add(r->batch_moments + (size_t)offset * SN_MOMENT_WORDS, r->moments + g * words, words);

    exchange(r, r->moments, groups.parts * words, groups.parts * (2 * (size_t)norm->channels + 1));

    /* groups come in order: each is read once */
    double mean[SN_MAX_CHANNELS], var[SN_MAX_CHANNELS];
    uint32_t read = UINT32_MAX;
    for (int b = 0; b < count; b++)
        for (int s = 0; s < blocks[b].groups.count; s++) {
            const sn_segment *segment = &blocks[b].groups.items[s];
            const uint32_t g = segment->part;
            if (g != read) {
                sn_norm_message_read(norm, r->moments + g * words, sn_part_count(groups, g), mean, var);
                if (groups.start[g] >= r->share_first)
                    add_running(r, norm, offset, sn_part_count(groups, g), mean, var);
                read = g;
            }
            sn_norm_pool_given(norm, mean, var, segment->cover, &blocks[b].norms[stage]);
        }
}

/* ---- backward ---- */

/* The sums of dy and dy * xhat that the groups pool are, added up, the gradients of bias and weight. */
void sn_statistics_backward(sn_replica *r, const sn_model *model, sn_block *blocks, int count, int stage,
                            float limit)
{
    const sn_stage *s = &r->network->stages[stage];
    const sn_norm *norm = &r->work.plans[stage].norm;
    const sn_parameter *items = r->network->parameters.items;
    const size_t channels = (size_t)norm->channels;
    const sn_partition groups = r->groups;
    memset(r->norm_sums, 0, groups.parts * 2 * channels * sizeof *r->norm_sums);
    for (int b = 0; b < count; b++) {
        const sn_norm_state *state = &blocks[b].norms[stage];
        for (int k = 0; k < blocks[b].groups.count; k++) {
            const sn_segment *segment = &blocks[b].groups.items[k];
            int64_t *sums = r->norm_sums + segment->part * 2 * channels;
            r->violations[s->norm_bias] += (int64_t)r->kernels->accumulate(channels, state->sum_g,
                                                                           segment->mask, limit, sums);
            r->violations[s->norm_weight] += (int64_t)r->kernels->accumulate(
                channels, state->sum_gz, segment->mask, limit, sums + channels);
        }
    }
    for (uint32_t g = 0; g < groups.parts; g++) {
        add(r->message + items[s->norm_bias].offset, r->norm_sums + g * 2 * channels, channels);
        add(r->message + items[s->norm_weight].offset, r->norm_sums + g * 2 * channels + channels, channels);
    }

    exchange(r, r->norm_sums, groups.parts * 2 * channels, groups.parts * 2 * channels);

    for (int b = 0; b < count; b++)
        for (int k = 0; k < blocks[b].groups.count; k++) {
            const sn_segment *segment = &blocks[b].groups.items[k];
            const int64_t *sums = r->norm_sums + segment->part * 2 * channels;
            sn_norm_gradient_batch(norm, sn_values_of(model, s->norm_weight), sums, sums + channels,
                                   sn_part_count(groups, segment->part), segment->cover,
                                   &blocks[b].norms[stage]);
        }
}

/* ---- after the step's sum ---- */

/* Running statistics of several groups merge by count, as the mean over what each would have tracked. */
static void update_running(const sn_replica *r, sn_model *model, uint32_t total)
{
    const double n = total;
    for (int c = 0; c < r->network->norm_channels; c++) {
        const int64_t *words = r->running + c * SN_RUNNING_WORDS;
        const double mean = (double)words[RUNNING_MEAN] / MEAN_SCALE / n;
        const uint128 v = ((uint128)words[RUNNING_VAR_HIGH] << VAR_LIMB) + (uint128)words[RUNNING_VAR_LOW];
        const double var = (double)v / VAR_SCALE / n;
        const double keep = 1 - SN_RUNNING_MOMENTUM;
        model->running_mean[c] = (float)(keep * (double)model->running_mean[c] + SN_RUNNING_MOMENTUM * mean);
        model->running_var[c] = (float)(keep * (double)model->running_var[c] + SN_RUNNING_MOMENTUM * var);
    }
    model->batches_tracked++;
}

/* Of one channel: the variance of the workers' means, as a share of the variance of all values. */
static double between_share(const sn_replica *r, int channel, double mean, double var, uint32_t total)
{
    double between = 0;
    for (uint32_t w = 0; w < r->workers.parts; w++) {
        const uint32_t samples = sn_part_count(r->workers, w);
        if (samples == 0) continue;
        const int64_t sum = r->worker_means[(size_t)w * (size_t)r->network->norm_channels + (size_t)channel];
        const double d = (double)sum / MEAN_SCALE / samples - mean;
        between += samples * (d * d);
    }
    return var > 0 ? between / total / var : 0;
}

void sn_statistics_finish(sn_replica *r, sn_model *model, uint32_t total, sn_step_sums *sums)
{
    update_running(r, model, total);
    for (int stage = 0; stage < SN_NORMS; stage++) {
        const sn_norm *norm = &r->work.plans[stage].norm;
        const int offset = r->network->stages[stage].channel_offset;
        sn_norm_message_read(norm, r->batch_moments + (size_t)offset * SN_MOMENT_WORDS, total,
                             r->mean + offset, r->var + offset);
        double share = 0;
        for (int c = offset; r->workers.parts > 1 && c < offset + norm->channels; c++)
            share += between_share(r, c, r->mean[c], r->var[c], total);
        sums->between_share[stage] = share / norm->channels;
    }
    sums->mean = r->mean;
    sums->var = r->var;
}
