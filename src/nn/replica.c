/* The schedule of a step. pass() runs forward and backward over a span of blocks, layer by layer: all blocks at once where
   a norm pools over samples, one block at a time otherwise, so that a block stays in cache from end to end. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "replica_internal.h"
#include "syncnorm/base/fixed_point.h"

static size_t violation_count(const sn_network *network)
{
    return sn_violation_of_loss(network) + 1;
}

static sn_status allocate(sn_replica *r, const sn_replica_options *options)
{
    const size_t total = r->network->parameters.total;
    const size_t channels = sn_replica_pools_samples(r) ? (size_t)r->network->norm_channels : 0;
    const size_t groups = options->groups ? options->groups : 1,
                 workers = options->workers ? options->workers : 1;
    size_t used = 0;
    const struct {
        int64_t **part;
        size_t words;
    } layout[] = {
        {&r->message, total}, /* the gradient comes first */
        {&r->loss, 1},
        {&r->correct, 1},
        {&r->extra, SN_STEP_EXTRA},
        {&r->violations, violation_count(r->network)},
        {&r->batch_moments, channels * SN_MOMENT_WORDS},
        {&r->running, channels * SN_RUNNING_WORDS},
        {&r->worker_means, workers * channels},
    };
    enum { PARTS = sizeof layout / sizeof *layout };
    for (int i = 0; i < PARTS; i++)
        used += layout[i].words;
    int64_t *message;
    SN_TRY(SN_ALLOCATE(message, used, "the gradient"));
    for (int i = 0; i < PARTS; i++) {
        *layout[i].part = message;
        message += layout[i].words;
    }
    if (channels > 0) {
        SN_TRY(SN_ALLOCATE(r->moments, groups * SN_MAX_CHANNELS * SN_MOMENT_WORDS, "the statistics groups"));
        SN_TRY(SN_ALLOCATE(r->norm_sums, groups * SN_MAX_CHANNELS * 2, "the statistics groups"));
    }
    const sn_share largest = sn_share_of(options->batch, 0, sn_team_size(options->team));
    const int blocks = sn_replica_pools_samples(r) ? (int)((largest.count + L - 1) / L) : 1;
    return sn_workspace_create(r->network, r->convolution, blocks ? blocks : 1, &r->work);
}

sn_status sn_replica_create(const sn_replica_options *options, sn_replica **replica)
{
    sn_replica *r;
    *replica = NULL;
    SN_TRY(SN_ALLOCATE(r, 1, "the replica"));
    r->team = options->team;
    r->network = options->network;
    r->kernels = options->kernels;
    r->convolution = options->convolution;
    r->seed = options->seed;
    r->dropout = options->dropout;
    for (int i = 0; i < 256; i++)
        r->pixel_value[i] = (float)((i / 255.0 - 0.1307) / 0.3081);

    const sn_status status = allocate(r, options);
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
    sn_free(replica->message);
    sn_free(replica->moments);
    sn_free(replica->norm_sums);
    sn_free(replica);
}

/* Statistics of a stage over the span. Collective with synchronized batch norm. */
static void settle_forward(sn_replica *r, const sn_model *model, sn_block *blocks, int count, int stage)
{
    if (sn_replica_pools_samples(r)) sn_statistics_forward(r, blocks, count, stage);
    for (int b = 0; b < count; b++) {
        if (!sn_replica_pools_samples(r))
            sn_norm_pool_samples(&r->work.plans[stage].norm, &blocks[b].norms[stage]);
        sn_fold(r, model, &blocks[b], stage);
    }
}

/* Pools the backward sums of a stage over the span. Collective with synchronized batch norm. */
static void settle_backward(sn_replica *r, const sn_model *model, sn_block *blocks, int count, int stage,
                            uint32_t total)
{
    if (sn_replica_pools_samples(r)) {
        sn_statistics_backward(r, model, blocks, count, stage, sn_gradient_limit(total));
        return;
    }
    const float *weight = sn_values_of(model, r->network->stages[stage].norm_weight);
    for (int b = 0; b < count; b++) {
        sn_backward_norm_parameters(r, model, &blocks[b], stage, total);
        sn_norm_gradient_samples(&r->work.plans[stage].norm, weight, &blocks[b].norms[stage]);
    }
}

/* Forward through all norms. Collective with synchronized batch norm. */
void sn_forward_span(sn_replica *r, const sn_model *model, sn_block *blocks, int count)
{
    for (int stage = 0; stage < SN_NORMS; stage++) {
        for (int b = 0; b < count; b++)
            sn_forward_stage(r, model, &blocks[b], stage,
                             sn_norm_types[r->network->norm].over != SN_OVER_NOTHING);
        settle_forward(r, model, blocks, count, stage);
    }
}

/* Forward and backward over a span of blocks, layer by layer. Collective with batch norm. */
static void pass(sn_replica *r, const sn_model *model, sn_block *blocks, int count, uint32_t total)
{
    sn_forward_span(r, model, blocks, count);
    for (int b = 0; b < count; b++) {
        sn_backward_head(r, model, &blocks[b], total);
        sn_backward_sums(r, model, &blocks[b], SN_NORMS - 1);
    }
    for (int stage = SN_NORMS - 1; stage >= 0; stage--) {
        settle_backward(r, model, blocks, count, stage, total);
        for (int b = 0; b < count; b++) {
            sn_backward_stage(r, model, &blocks[b], stage, count == 1, total);
            if (stage > 0) sn_backward_sums(r, model, &blocks[b], stage - 1);
        }
    }
}

/* ---- the step ---- */

static sn_status check_violations(const sn_replica *r, const sn_batch *batch)
{
    const sn_parameter_table *table = &r->network->parameters;
    for (size_t i = 0; i < violation_count(r->network); i++) {
        if (r->violations[i] == 0) continue;
        char what[64];
        if (i < (size_t)table->count)
            snprintf(what, sizeof what, "the gradient of %s", table->items[i].name);
        else if (i < (size_t)table->count + SN_NORMS)
            snprintf(what, sizeof what, "the batch statistics of norm%zu", i - (size_t)table->count + 1);
        else
            snprintf(what, sizeof what, "the loss");
        return sn_fail(SN_ERROR_DIVERGED,
                       "training diverged at step %" PRIu32 ": %s is out of range or not a number in %" PRId64
                       " values; try a smaller --lr",
                       batch->step + 1, what, r->violations[i]);
    }
    return SN_OK;
}

/* The one sum of a step. */
static void sum_message(sn_replica *r)
{
    const double begun = sn_clock();
    sn_team_sum(r->team, r->message, r->message_count);
    if (sn_team_size(r->team) > 1) r->costs.gradient_seconds += sn_clock() - begun;
    r->costs.gradient_calls++;
    r->costs.gradient_bytes += (int64_t)(r->message_count * sizeof *r->message);
    r->costs.gradient_bytes_float32 += (int64_t)(r->network->parameters.total * sizeof(float));
}

const sn_replica_costs *sn_replica_costs_of(const sn_replica *replica)
{
    return &replica->costs;
}

sn_status sn_replica_step(sn_replica *replica, sn_model *model, const sn_batch *batch, const int64_t *extra,
                          sn_step_sums *sums)
{
    sn_replica *r = replica;
    sn_statistics_begin(r, batch);
    r->message_count = (size_t)(r->worker_means - r->message);
    if (sn_replica_pools_samples(r) && r->workers.parts > 1)
        r->message_count += r->workers.parts * (size_t)r->network->norm_channels;
    memset(r->message, 0, r->message_count * sizeof *r->message);
    if (extra) memcpy(r->extra, extra, SN_STEP_EXTRA * sizeof *extra);
    for (int stage = 1; stage < SN_STAGES; stage++)
        sn_flip_weights(&r->work.plans[stage].forward, sn_values_of(model, r->network->stages[stage].weight),
                        r->work.flipped[stage]);

    const int slots = sn_replica_pools_samples(r) ? r->work.block_count : 1;
    int filled = 0;
    for (uint32_t start = 0; start < batch->count; start += L) {
        sn_block *block = &r->work.blocks[filled++];
        sn_block_load(r, block, batch->samples, batch->index + start, 0, sn_lanes_from(batch->count, start));
        sn_block_draw_dropout(r, block, batch->step, batch->first + start);
        sn_statistics_segments(r, block, batch->first + start);
        if (filled == slots && !sn_replica_pools_samples(r)) {
            pass(r, model, r->work.blocks, filled, batch->total);
            filled = 0;
        }
    }
    if (sn_replica_pools_samples(r)) pass(r, model, r->work.blocks, filled, batch->total);

    sum_message(r);
    SN_TRY(check_violations(r, batch));
    *sums = (sn_step_sums){0};
    if (sn_replica_pools_samples(r)) sn_statistics_finish(r, model, batch->total, sums);
    sums->gradient = r->message;
    sums->loss = *r->loss;
    sums->correct = *r->correct;
    memcpy(sums->extra, r->extra, sizeof sums->extra);
    return SN_OK;
}
