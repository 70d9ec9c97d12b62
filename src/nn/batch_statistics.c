/* Sums are exact integers: how samples lie in blocks, spans and ranks changes no bit of them. */

#include "batch_statistics.h"

#include <math.h>
#include <string.h>

#include "syncnorm/base/fixed_point.h"
#include "syncnorm/base/memory.h"
#include "syncnorm/base/missing.h"

/* Per channel, added up over the groups by the rank that has a group's first position: n * mean in units of 2^-32, and n * unbiased
   variance in units of 2^-40 as two limbs of 45 bits. */
enum { RUNNING_MEAN, RUNNING_VAR_LOW, RUNNING_VAR_HIGH, VAR_LIMB = 45 };

static const double MEAN_SCALE = 0x1p32, VAR_SCALE = 0x1p40, VAR_LIMIT = 0x1p45;

sn_status sn_statistics_create(uint32_t groups, sn_statistics *statistics)
{
    SN_TRY(SN_ALLOCATE(statistics->moments, (size_t)groups * SN_MAX_CHANNELS * SN_MOMENT_WORDS,
                       "the statistics groups"));
    return SN_ALLOCATE(statistics->norm_sums, (size_t)groups * SN_MAX_CHANNELS * 2, "the statistics groups");
}

void sn_statistics_destroy(sn_statistics *statistics)
{
    sn_free(statistics->moments);
    sn_free(statistics->norm_sums);
}

/* ---- the plan ---- */

void sn_pooling_plan(sn_pooling *p, sn_team *team, sn_statistics *statistics, const sn_batch *batch)
{
    *p = (sn_pooling){
        .team = team, .statistics = statistics, .whole = {0, batch->total}, .first = batch->first};
    const sn_partition whole = {p->whole, 1};
    p->groups = batch->groups.parts ? batch->groups : whole;
    p->workers = batch->workers.parts ? batch->workers : whole;
    p->exchange = sn_partition_crosses_ranks(p->groups, sn_team_size(team));
}

void sn_pooling_segments(const sn_pooling *p, sn_block *block, uint32_t first)
{
    sn_segments_of(p->groups, first, block->count, &block->groups);
    sn_segments_of(p->workers, first, block->count, &block->workers);
}

bool sn_pooling_divides(const sn_pooling *p, uint32_t position)
{
    return !p->exchange && sn_partition_divides(p->groups, position);
}

bool sn_pooling_exchanges_by_nature(const sn_pooling *p)
{
    return p->workers.parts > 1 ? sn_partition_crosses_parts(p->groups, p->workers)
                                : p->groups.parts < p->whole[1];
}

bool sn_pooling_sends_running(const sn_pooling *p)
{
    return p->groups.parts > 1 || !p->exchange;
}

/* The groups that a span is about: its own, which are nobody else's; or all, when ranks sum together. */
typedef struct range {
    uint32_t first, end;
} range;

static range groups_of(const sn_pooling *p, sn_block *const *blocks, int count)
{
    if (p->exchange) return (range){0, p->groups.parts};
    if (count == 0) return (range){0, 0};
    const sn_segments *last = &blocks[count - 1]->groups;
    return (range){blocks[0]->groups.items[0].part, last->items[last->count - 1].part + 1};
}

/* One exact sum over the team. */
static void exchange(const sn_pooling *p, const sn_pass *pass, int64_t *values, size_t count)
{
    if (!p->exchange) return;
    sn_phase_begin(pass->clock, SN_PHASE_RANKS);
    const double begun = sn_clock();
    sn_team_sum(p->team, values, count);
    p->statistics->seconds += sn_clock() - begun;
    sn_phase_begin(pass->clock, SN_PHASE_STATISTICS);
}

/* A stage's norm, whatever the shape of a block; and for a block. */
static const sn_norm *norm_of(const sn_pass *pass, int stage)
{
    return &pass->work->shapes[SN_SHAPE_16].plans[stage].norm;
}

static const sn_norm *norm_for(const sn_pass *pass, const sn_block *block, int stage)
{
    return &sn_plan_of(pass->work, block, stage)->norm;
}

/* ---- forward ---- */

/* Where what group g of a stage teaches goes; NULL: nowhere. */
static int64_t *running_of(const sn_pooling *p, const sn_pass *pass, int stage, uint32_t g)
{
    if (!p->learnt || (p->running == SN_RUNNING_WORKER0 && g > 0)) return NULL;
    const size_t first = p->running == SN_RUNNING_ALL ? g * (size_t)pass->network->norm_channels : 0;
    return sn_message_section(p->learnt, SN_SECTION_RUNNING) +
           (first + (size_t)pass->network->stages[stage].channel_offset) * SN_RUNNING_WORDS;
}

static void add_running(int64_t *running, const sn_norm *norm, uint32_t samples, const double *mean,
                        const double *var)
{
    if (!running) return;
    const double values = (double)samples * norm->pixels;
    const double unbias = values > 1 ? values / (values - 1) : 1;
    for (int c = 0; c < norm->channels; c++) {
        int64_t *words = running + c * SN_RUNNING_WORDS;
        const double unbiased = var[c] * unbias;
        if (!(unbiased < VAR_LIMIT)) continue; /* a violation counted the moments that led here */
        const sn_uint128 v = (sn_uint128)rint(unbiased * VAR_SCALE) * samples;
        words[RUNNING_MEAN] += sn_fixed(mean[c], MEAN_SCALE) * samples;
        words[RUNNING_VAR_LOW] += (int64_t)(v & (((sn_uint128)1 << VAR_LIMB) - 1));
        words[RUNNING_VAR_HIGH] += (int64_t)(v >> VAR_LIMB);
    }
}

/* Means of a block's samples, summed per worker [workers][norm_channels]. */
static void add_workers(int64_t *workers, const sn_pass *pass, const sn_block *block, int stage)
{
    const sn_norm *norm = norm_for(pass, block, stage);
    for (int s = 0; s < block->workers.count; s++) {
        const sn_segment *segment = &block->workers.items[s];
        int64_t moments[SN_MAX_CHANNELS * SN_MOMENT_WORDS] = {0};
        (void)sn_norm_message_add(norm, &block->norms[stage], segment->mask,
                                  moments); /* violations are counted already */
        int64_t *sums = workers + (size_t)segment->part * (size_t)pass->network->norm_channels +
                        pass->network->stages[stage].channel_offset;
        for (int c = 0; c < norm->channels; c++)
            sums[c] += moments[c * SN_MOMENT_WORDS];
    }
}

/* Gives the samples of a span their groups' statistics, and the running statistics what they learn. Of one group that ranks
   summed together every rank learns; of others, the rank that has the first position. */
static void hand_out(const sn_pooling *p, const sn_pass *pass, sn_block *const *blocks, int count, int stage)
{
    const sn_norm *norm = norm_of(pass, stage);
    const size_t words = (size_t)norm->channels * SN_MOMENT_WORDS;
    const sn_partition groups = p->groups;
    double mean[SN_MAX_CHANNELS], var[SN_MAX_CHANNELS];
    uint32_t read = UINT32_MAX; /* groups come in order: each is read once */
    if (groups.parts == 1 && (p->exchange || count > 0)) {
        sn_norm_message_read(norm, p->statistics->moments, sn_part_count(groups, 0), mean, var);
        add_running(running_of(p, pass, stage, 0), norm, sn_part_count(groups, 0), mean, var);
        read = 0;
    }
    for (int b = 0; b < count; b++)
        for (int s = 0; s < blocks[b]->groups.count; s++) {
            const sn_segment *segment = &blocks[b]->groups.items[s];
            const uint32_t g = segment->part;
            if (g != read) {
                sn_norm_message_read(norm, p->statistics->moments + g * words, sn_part_count(groups, g), mean,
                                     var);
                if (groups.start[g] >= p->first)
                    add_running(running_of(p, pass, stage, g), norm, sn_part_count(groups, g), mean, var);
                read = g;
            }
            sn_norm_pool_given(norm_for(pass, blocks[b], stage), mean, var, segment->cover,
                               &blocks[b]->norms[stage]);
        }
}

void sn_statistics_forward(const sn_pooling *p, const sn_pass *pass, sn_block *const *blocks, int count,
                           int stage, int64_t *violations)
{
    const sn_norm *norm = norm_of(pass, stage);
    const size_t words = (size_t)norm->channels * SN_MOMENT_WORDS;
    const range groups = groups_of(p, blocks, count);
    int64_t *moments = p->statistics->moments, *first = moments + groups.first * words;
    const size_t all = (groups.end - groups.first) * words;
    memset(first, 0, all * sizeof *first);
    for (int b = 0; b < count; b++)
        for (int s = 0; s < blocks[b]->groups.count; s++) {
            const sn_segment *segment = &blocks[b]->groups.items[s];
            *violations += sn_norm_message_add(norm_for(pass, blocks[b], stage), &blocks[b]->norms[stage],
                                               segment->mask, moments + segment->part * words);
        }
    if (p->observe) {
        int64_t *whole = sn_message_section(p->learnt, SN_SECTION_MOMENTS) +
                         pass->network->stages[stage].channel_offset * SN_MOMENT_WORDS;
        for (size_t i = 0; i < all; i++)
            whole[i % words] += first[i];
        for (int b = 0; b < count && p->workers.parts > 1; b++)
            add_workers(sn_message_section(p->learnt, SN_SECTION_WORKERS), pass, blocks[b], stage);
    }
    exchange(p, pass, first, all);
    hand_out(p, pass, blocks, count, stage);
}

/* ---- backward ---- */

/* The sums of dy and dy * xhat that the groups pool are, added up, the gradients of bias and weight. */
void sn_statistics_backward(const sn_pooling *p, const sn_pass *pass, sn_block *const *blocks, int count,
                            int stage, const sn_sums *sums)
{
    const sn_stage *s = &pass->network->stages[stage];
    const sn_norm *norm = norm_of(pass, stage);
    const sn_parameter *items = pass->network->parameters.items;
    const size_t channels = (size_t)norm->channels, words = 2 * channels;
    const range groups = groups_of(p, blocks, count);
    int64_t *norm_sums = p->statistics->norm_sums, *first = norm_sums + groups.first * words;
    const size_t all = (groups.end - groups.first) * words;
    memset(first, 0, all * sizeof *first);
    for (int b = 0; b < count; b++) {
        const sn_norm_state *state = &blocks[b]->norms[stage];
        const sn_sums_shape shape = {sn_shape_samples[blocks[b]->shape], norm->channels, 1, 1};
        for (int k = 0; k < blocks[b]->groups.count; k++) {
            const sn_segment *segment = &blocks[b]->groups.items[k];
            int64_t *group = norm_sums + segment->part * words;
            sums->violations[s->norm_bias] += (int64_t)pass->kernels->accumulate(
                shape, state->sum_g, segment->mask, sums->gradient_limit, group);
            sums->violations[s->norm_weight] += (int64_t)pass->kernels->accumulate(
                shape, state->sum_gz, segment->mask, sums->gradient_limit, group + channels);
        }
    }
    for (size_t i = 0; i < all; i++) {
        const size_t k = i % words;
        sums->gradient[k < channels ? items[s->norm_bias].offset + k
                                    : items[s->norm_weight].offset + k - channels] += first[i];
    }
    exchange(p, pass, first, all);
    for (int b = 0; b < count; b++)
        for (int k = 0; k < blocks[b]->groups.count; k++) {
            const sn_segment *segment = &blocks[b]->groups.items[k];
            const int64_t *group = norm_sums + segment->part * words;
            sn_norm_gradient_batch(norm_for(pass, blocks[b], stage),
                                   sn_values_of(pass->model, s->norm_weight), group, group + channels,
                                   sn_part_count(p->groups, segment->part), segment->cover,
                                   &blocks[b]->norms[stage]);
        }
}

/* ---- after the step's sum ---- */

/* Over n samples, of all channels: words [norm_channels][SN_RUNNING_WORDS]. */
static void move_running(const int64_t *words, double n, int channels, float *mean, float *var)
{
    const double keep = 1 - SN_RUNNING_MOMENTUM;
    for (int c = 0; c < channels; c++, words += SN_RUNNING_WORDS) {
        const sn_uint128 v = ((sn_uint128)words[RUNNING_VAR_HIGH] << VAR_LIMB) +
                             (sn_uint128)words[RUNNING_VAR_LOW];
        const double new_mean = (double)words[RUNNING_MEAN] / MEAN_SCALE / n,
                     new_var = (double)v / VAR_SCALE / n;
        mean[c] = (float)(keep * (double)mean[c] + SN_RUNNING_MOMENTUM * new_mean);
        var[c] = (float)(keep * (double)var[c] + SN_RUNNING_MOMENTUM * new_var);
    }
}

/* Each worker by itself; leaves the sums over all of them in the place of the first's. */
static void move_workers(const sn_pooling *p, int64_t *running, sn_model *model)
{
    const int channels = model->network->norm_channels;
    const size_t words = (size_t)channels * SN_RUNNING_WORDS;
    for (uint32_t w = 0; w < p->groups.parts; w++) {
        const uint32_t samples = sn_part_count(p->groups, w);
        if (samples == 0) continue; /* it had no batch */
        move_running(running + w * words, samples, channels, model->workers_mean + w * (size_t)channels,
                     model->workers_var + w * (size_t)channels);
    }
    for (size_t i = words; i < p->groups.parts * words; i++)
        running[i % words] += running[i];
}

/* Running statistics of several groups merge by count, as the mean over what each would have tracked. */
void sn_statistics_update_running(const sn_pooling *p, sn_model *model)
{
    int64_t *running = sn_message_section(p->learnt, SN_SECTION_RUNNING);
    if (p->running == SN_RUNNING_ALL) move_workers(p, running, model);
    const uint32_t samples = p->running == SN_RUNNING_WORKER0 ? sn_part_count(p->groups, 0) : p->whole[1];
    if (samples == 0) return;
    move_running(running, samples, model->network->norm_channels, model->running_mean, model->running_var);
    model->batches_tracked++;
}

/* Of one channel: the variance of the workers' means as a share of that of all values; and what is left of it when what the samples'
   own means (of variance `spread`) put there by chance is taken off, as in a one-way analysis of variance with random effects. */
typedef struct between {
    double share, corrected;
} between;

/* Sums by worker lie `stride` words apart. */
static between between_workers(sn_partition workers, const int64_t *sum, size_t stride, double mean,
                               double var, double spread)
{
    double squares = 0;
    uint32_t there = 0;
    const double n = workers.start[workers.parts];
    for (uint32_t w = 0; w < workers.parts; w++) {
        const uint32_t samples = sn_part_count(workers, w);
        if (samples == 0) continue;
        const double d = (double)sum[w * stride] / MEAN_SCALE / samples - mean;
        squares += samples * (d * d);
        there++;
    }
    const double corrected = n > there ? 0 : SN_MISSING; /* a sample each: nothing within */
    if (!(var > 0)) return (between){0, corrected};
    if (!(n > there)) return (between){squares / n / var, corrected};
    const double within = fmax(n * spread - squares, 0) / (n - there);
    const double chance = (there - 1) * within;
    return (between){squares / n / var, (squares - chance) / n / var};
}

void sn_statistics_tell(const sn_pooling *p, const sn_pass *pass, sn_step_sums *sums)
{
    const size_t stride = (size_t)pass->network->norm_channels;
    const int64_t *moments = sn_message_section(p->learnt, SN_SECTION_MOMENTS);
    double *mean = p->statistics->mean, *var = p->statistics->var;
    for (int stage = 0; stage < SN_NORMS; stage++) {
        const sn_norm *norm = norm_of(pass, stage);
        const int first = pass->network->stages[stage].channel_offset;
        sn_norm_message_read(norm, moments + first * SN_MOMENT_WORDS, p->whole[1], mean + first, var + first);
        double spread[SN_MAX_CHANNELS];
        between sum = {0, 0};
        sn_norm_message_spread(norm, moments + first * SN_MOMENT_WORDS, p->whole[1], spread);
        for (int c = 0; p->workers.parts > 1 && c < norm->channels; c++) {
            const between is = between_workers(p->workers,
                                               sn_message_section(p->learnt, SN_SECTION_WORKERS) + first + c,
                                               stride, mean[first + c], var[first + c], spread[c]);
            sum.share += is.share;
            sum.corrected += is.corrected;
        }
        sums->between_share[stage] = sum.share / norm->channels;
        sums->between_share_corrected[stage] = sum.corrected / norm->channels;
    }
    sums->mean = mean;
    sums->var = var;
}
