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

    const size_t total = r->network->parameters.total;
    r->message_count = total + 2 + SN_STEP_EXTRA + violation_count(r->network);
    const sn_share largest = sn_share_of(options->batch, 0, sn_team_size(options->team));
    const int blocks = sn_replica_pools_samples(r) ? (int)((largest.count + L - 1) / L) : 1;
    sn_status status = SN_ALLOCATE(r->message, r->message_count, "the gradient");
    if (status == SN_OK)
        status = sn_workspace_create(r->network, r->convolution, blocks ? blocks : 1, &r->work);
    if (status != SN_OK) {
        sn_replica_destroy(r);
        return status;
    }
    r->loss = r->message + total;
    r->correct = r->loss + 1;
    r->extra = r->correct + 1;
    r->violations = r->extra + SN_STEP_EXTRA;
    *replica = r;
    return SN_OK;
}

void sn_replica_destroy(sn_replica *replica)
{
    if (!replica) return;
    sn_workspace_destroy(&replica->work);
    sn_free(replica->message);
    sn_free(replica);
}

/* Statistics of a stage over the span, in training. Collective with batch norm. */
static void settle_forward(sn_replica *r, const sn_model *model, sn_block *blocks, int count, int stage,
                           uint32_t total)
{
    const sn_norm *norm = &r->work.plans[stage].norm;
    const int offset = r->network->stages[stage].channel_offset;
    if (sn_norm_is_batch(norm)) {
        const size_t words = (size_t)norm->channels * SN_MOMENT_WORDS;
        memset(r->moments, 0, words * sizeof *r->moments);
        for (int b = 0; b < count; b++)
            r->violations[sn_violation_of_norm(r->network, stage)] += sn_norm_message_add(
                norm, &blocks[b].norms[stage], blocks[b].mask, r->moments);
        sn_team_sum(r->team, r->moments, words);
        sn_norm_message_read(norm, r->moments, total, r->mean + offset, r->var + offset);
    }
    for (int b = 0; b < count; b++) {
        if (sn_norm_is_batch(norm))
            sn_norm_pool_given(norm, r->mean + offset, r->var + offset, &blocks[b].norms[stage]);
        else
            sn_norm_pool_samples(norm, &blocks[b].norms[stage]);
        sn_fold(r, model, &blocks[b], stage);
    }
}

/* Pools the backward sums of a stage over the span. Collective with batch norm. */
static void settle_backward(sn_replica *r, const sn_model *model, sn_block *blocks, int count, int stage,
                            uint32_t total)
{
    const sn_stage *s = &r->network->stages[stage];
    const sn_norm *norm = &r->work.plans[stage].norm;
    const float *weight = sn_values_of(model, s->norm_weight);
    for (int b = 0; b < count; b++)
        sn_backward_norm_parameters(r, model, &blocks[b], stage, total);
    if (sn_norm_is_batch(norm)) {
        /* what is pooled are the gradients of bias and weight, so far this rank's */
        const sn_parameter *items = r->network->parameters.items;
        const size_t channels = (size_t)norm->channels;
        int64_t *sum_dy = r->norm_sums, *sum_dy_xhat = r->norm_sums + channels;
        memcpy(sum_dy, r->message + items[s->norm_bias].offset, channels * sizeof *sum_dy);
        memcpy(sum_dy_xhat, r->message + items[s->norm_weight].offset, channels * sizeof *sum_dy);
        sn_team_sum(r->team, r->norm_sums, 2 * channels);
        for (int b = 0; b < count; b++)
            sn_norm_gradient_batch(norm, weight, sum_dy, sum_dy_xhat, total, &blocks[b].norms[stage]);
    } else {
        for (int b = 0; b < count; b++)
            sn_norm_gradient_samples(norm, weight, &blocks[b].norms[stage]);
    }
}

/* Forward and backward over a span of blocks, layer by layer. Collective with batch norm. */
static void pass(sn_replica *r, const sn_model *model, sn_block *blocks, int count, uint32_t total)
{
    for (int stage = 0; stage < SN_NORMS; stage++) {
        for (int b = 0; b < count; b++)
            sn_forward_stage(r, model, &blocks[b], stage, r->network->norm != SN_NORM_NONE);
        settle_forward(r, model, blocks, count, stage, total);
    }
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

static void update_running(const sn_replica *r, sn_model *model, uint32_t total)
{
    for (int stage = 0; stage < SN_NORMS; stage++) {
        const sn_stage *s = &r->network->stages[stage];
        const double values = (double)total * r->work.plans[stage].norm.pixels;
        const double unbias = values > 1 ? values / (values - 1) : 1;
        for (int c = s->channel_offset; c < s->channel_offset + s->out_channels; c++) {
            const double keep = 1 - SN_RUNNING_MOMENTUM;
            model->running_mean[c] = (float)(keep * (double)model->running_mean[c] +
                                             SN_RUNNING_MOMENTUM * r->mean[c]);
            model->running_var[c] = (float)(keep * (double)model->running_var[c] +
                                            SN_RUNNING_MOMENTUM * (r->var[c] * unbias));
        }
    }
    model->batches_tracked++;
}

sn_status sn_replica_step(sn_replica *replica, sn_model *model, const sn_batch *batch, const int64_t *extra,
                          sn_step_sums *sums)
{
    sn_replica *r = replica;
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
        if (filled == slots && !sn_replica_pools_samples(r)) {
            pass(r, model, r->work.blocks, filled, batch->total);
            filled = 0;
        }
    }
    if (sn_replica_pools_samples(r)) pass(r, model, r->work.blocks, filled, batch->total);

    sn_team_sum(r->team, r->message, r->message_count);
    SN_TRY(check_violations(r, batch));
    if (sn_replica_pools_samples(r)) update_running(r, model, batch->total);
    sums->gradient = r->message;
    sums->loss = *r->loss;
    sums->correct = *r->correct;
    memcpy(sums->extra, r->extra, sizeof sums->extra);
    return SN_OK;
}
