/* The schedule of a step: the rank's share in spans of blocks, one message, what is read from it. */

#include <string.h>

#include "replica_internal.h"
#include "syncnorm/base/fixed_point.h"
#include "syncnorm/base/memory.h"

static bool pools_batch(const sn_replica *r)
{
    return sn_norm_pools_batch(r->options.network->options.norm);
}

static uint32_t at_least_one(uint32_t parts)
{
    return parts ? parts : 1;
}

/* Samples of the largest share; the first is. */
static uint32_t largest_share(const sn_replica_options *o)
{
    return sn_share_of(o->batch, 0, sn_team_size(o->team)).count;
}

/* Running statistics that are kept apart. */
static uint32_t tracked(const sn_replica_options *o)
{
    return o->running == SN_RUNNING_ALL ? at_least_one(o->workers) : 1;
}

size_t sn_replica_bytes(const sn_replica_options *o)
{
    const sn_message_words words = sn_replica_message_words(o->network, at_least_one(o->workers));
    const size_t pooled = sn_norm_pools_batch(o->network->options.norm)
                              ? at_least_one(o->groups) * (size_t)SN_MAX_CHANNELS * (SN_MOMENT_WORDS + 2)
                              : 0;
    const size_t message = words.gradient + tracked(o) * words.running + words.instrument;
    /* the message twice: there is a slot for it in memory of the node */
    return (2 * message + pooled) * sizeof(int64_t) +
           sn_workspace_bytes(o->network, o->convolution, largest_share(o),
                              !sn_norm_pools_batch(o->network->options.norm));
}

static sn_status allocate(sn_replica *r)
{
    const sn_replica_options *o = &r->options;
    SN_TRY(sn_message_create(o->network, at_least_one(o->workers), tracked(o), &r->message));
    if (pools_batch(r)) SN_TRY(sn_statistics_create(at_least_one(o->groups), &r->statistics));
    return sn_workspace_create(o->network, o->convolution, largest_share(o), !pools_batch(r), &r->work);
}

sn_status sn_replica_create(const sn_replica_options *options, sn_replica **replica)
{
    sn_replica *r;
    *replica = NULL;
    SN_TRY(SN_ALLOCATE(r, 1, "the replica"));
    r->options = *options;
    const sn_status status = allocate(r);
    if (status != SN_OK) {
        sn_replica_destroy(r);
        return status;
    }
    *replica = r;
    return SN_OK;
}

void sn_replica_destroy(sn_replica *replica)
{
    if (!replica) return;
    sn_workspace_destroy(&replica->work);
    sn_message_destroy(&replica->message);
    sn_statistics_destroy(&replica->statistics);
    sn_free(replica);
}

const sn_replica_costs *sn_replica_costs_of(const sn_replica *replica)
{
    return &replica->costs;
}

/* ---- the step ---- */

static sn_sums sums_of(const sn_message *message, uint32_t total)
{
    return (sn_sums){.gradient = sn_message_section(message, SN_SECTION_GRADIENT),
                     .violations = sn_message_section(message, SN_SECTION_VIOLATIONS),
                     .loss = sn_message_section(message, SN_SECTION_LOSS),
                     .correct = sn_message_section(message, SN_SECTION_CORRECT),
                     .gradient_limit = (float)sn_fixed_limit(SN_GRADIENT_SCALE, total),
                     .loss_limit = sn_fixed_limit(SN_LOSS_SCALE, total)};
}

/* Forward and backward over the rank's share. Collective when pooling->exchange. */
static void train_share(sn_replica *r, const sn_pass *pass, const sn_pooling *pooling, const sn_batch *batch,
                        const sn_sums *sums)
{
    int filled = 0;
    sn_piece piece;
    sn_workspace_enter(&r->work);
    sn_phase_begin(pass->clock, SN_PHASE_PARAMETERS);
    sn_workspace_prepare(&r->work, pass->model, pass->convolution, batch->count, true);
    for (uint32_t start = 0; start < batch->count; start += (uint32_t)piece.count) {
        const uint32_t position = batch->first + start;
        piece = sn_next_piece(batch->count - start);
        sn_block *block = r->work.blocks[filled++] = sn_workspace_take(&r->work, piece.shape);
        sn_block_load(pass, block, batch, start, piece.count);
        sn_block_draw_dropout(pass, block, r->options.seed, r->options.dropout, batch->step, position);
        sn_pooling_segments(pooling, block, position);
        if (pools_batch(r) && !sn_pooling_divides(pooling, position + (uint32_t)block->count)) continue;
        sn_span_train(pass, pooling, r->work.blocks, filled, sums);
        sn_workspace_give_back(&r->work);
        filled = 0;
    }
    if (pooling->exchange && pools_batch(r)) sn_span_train(pass, pooling, r->work.blocks, filled, sums);
    sn_workspace_give_back(&r->work);
    sn_workspace_leave(&r->work);
}

/* One exact sum over the team. */
static void sum_sections(sn_replica *r, sn_section first, sn_section last, double *seconds)
{
    sn_team *team = r->options.team;
    sn_phase_begin(r->options.clock, SN_PHASE_RANKS);
    const double begun = sn_clock();
    sn_team_sum(team, sn_message_section(&r->message, first), sn_message_words_of(&r->message, first, last));
    if (sn_team_size(team) > 1) *seconds += sn_clock() - begun;
    sn_phase_begin(r->options.clock, SN_PHASE_REST);
}

static void count(sn_traffic *traffic, int64_t calls, size_t words, size_t floats)
{
    traffic->calls += calls;
    traffic->bytes += (int64_t)(words * sizeof(int64_t));
    traffic->bytes_float32 += (int64_t)(floats * sizeof(float));
}

/* What the messages of this step are by nature, whatever the ranks. */
static void count_costs(sn_replica *r, const sn_pooling *pooling)
{
    const sn_network *network = r->options.network;
    const sn_message *m = &r->message;
    sn_traffic *sums = r->costs.sums;
    count(&sums[SN_TRAFFIC_GRADIENT], 1, sn_message_words_of(m, SN_SECTION_GRADIENT, SN_SECTION_VIOLATIONS),
          network->parameters.total);
    if (!pools_batch(r)) return;
    const size_t channels = (size_t)network->norm_channels, groups = pooling->groups.parts;
    if (sn_pooling_exchanges_by_nature(pooling)) /* float32 would send a count, too */
        count(&sums[SN_TRAFFIC_STATISTICS], 2 * (int64_t)SN_NORMS, groups * channels * (SN_MOMENT_WORDS + 2),
              groups * (channels * 4 + SN_NORMS));
    if (groups > 1)
        count(&sums[SN_TRAFFIC_RUNNING], 0, sn_message_words_of(m, SN_SECTION_RUNNING, SN_SECTION_RUNNING),
              channels * 2 * tracked(&r->options));
    if (pooling->observe)
        count(&sums[SN_TRAFFIC_INSTRUMENT], 1, sn_message_words_of(m, SN_SECTION_MOMENTS, SN_SECTION_WORKERS),
              channels * (pooling->workers.parts > 1 ? pooling->workers.parts + 2 : 2));
}

sn_status sn_replica_step(sn_replica *replica, sn_model *model, const sn_batch *batch, const int64_t *extra,
                          sn_step_sums *sums)
{
    sn_replica *r = replica;
    const sn_pass pass = sn_replica_pass(r, model);
    const sn_sums parts = sums_of(&r->message, batch->total);
    sn_pooling pooling;
    sn_pooling_plan(&pooling, r->options.team, &r->statistics, batch);
    pooling.learnt = &r->message;
    pooling.running = r->options.running;
    pooling.observe = batch->observe && pools_batch(r);
    const sn_section last = pooling.observe ? SN_SECTION_WORKERS : SN_SECTION_RUNNING;
    memset(r->message.words, 0, r->message.start[last + 1] * sizeof *r->message.words);
    if (extra)
        memcpy(sn_message_section(&r->message, SN_SECTION_EXTRA), extra, SN_STEP_EXTRA * sizeof *extra);

    r->statistics.seconds = 0;
    train_share(r, &pass, &pooling, batch, &parts);
    r->costs.sums[SN_TRAFFIC_STATISTICS].seconds += r->statistics.seconds;
    sum_sections(r, SN_SECTION_GRADIENT,
                 sn_pooling_sends_running(&pooling) ? SN_SECTION_RUNNING : SN_SECTION_VIOLATIONS,
                 &r->costs.sums[SN_TRAFFIC_GRADIENT].seconds);
    if (pooling.observe)
        sum_sections(r, SN_SECTION_MOMENTS, SN_SECTION_WORKERS,
                     &r->costs.sums[SN_TRAFFIC_INSTRUMENT].seconds);
    count_costs(r, &pooling);

    SN_TRY(sn_message_check(&r->message, pass.network, batch->step));
    if (pass.network->options.weight_standardization)
        SN_TRY(sn_standardized_gradient(model, r->work.weight_moments, parts.gradient, batch->step));
    *sums = (sn_step_sums){.gradient = parts.gradient, .loss = *parts.loss, .correct = *parts.correct};
    memcpy(sums->extra, sn_message_section(&r->message, SN_SECTION_EXTRA), sizeof sums->extra);
    if (pools_batch(r)) sn_statistics_update_running(&pooling, model);
    if (pooling.observe) sn_statistics_tell(&pooling, &pass, sums);
    return SN_OK;
}
