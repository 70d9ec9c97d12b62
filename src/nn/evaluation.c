/* Evaluation: forward alone, block by block, with running statistics where there are any. */

#include "replica_internal.h"
#include "syncnorm/base/fixed_point.h"
#include "syncnorm/comm/watchdog.h"
#include "syncnorm/nn/head.h"

enum { PIECE = 4 * SN_LANES }; /* samples of a rank between two questions whether to stop */

/* A block with samples of the batch, nothing dropped out. */
static sn_block *take_block(const sn_pass *pass, sn_workspace *work, const sn_batch *batch, uint32_t start,
                            sn_piece piece)
{
    sn_block *block = sn_workspace_take(work, piece.shape);
    sn_block_load(pass, block, batch, start, piece.count);
    sn_block_keep_all(pass, block);
    return block;
}

/* Statistics of a stage in evaluation mode: running ones with batch norm, the sample's own otherwise. */
static void settle_evaluation(const sn_pass *pass, sn_block *block, int stage)
{
    const sn_norm *norm = &sn_plan_of(pass->work, block, stage)->norm;
    const sn_model *model = pass->model;
    if (sn_norm_pools_batch(norm->kind)) {
        const int offset = pass->network->stages[stage].channel_offset;
        double mean[SN_MAX_CHANNELS], var[SN_MAX_CHANNELS];
        for (int c = 0; c < norm->channels; c++) {
            mean[c] = (double)model->running_mean[offset + c];
            var[c] = (double)model->running_var[offset + c];
        }
        sn_norm_pool_given(norm, mean, var, UINT16_MAX, &block->norms[stage]);
    } else {
        sn_norm_pool_samples(norm, &block->norms[stage]);
    }
    sn_fold(pass, block, stage);
}

/* Forward in evaluation mode through the stages before `end`. */
static void forward_evaluation(const sn_pass *pass, sn_block *block, int end)
{
    for (int stage = 0; stage < end; stage++) {
        const sn_norm *norm = &sn_plan_of(pass->work, block, stage)->norm;
        sn_forward_stage(pass, block, stage,
                         sn_norm_has_statistics(norm) && !sn_norm_pools_batch(norm->kind));
        settle_evaluation(pass, block, stage);
    }
}

/* The last convolution and the head of a block whose norms are settled; adds its samples, of `total`, to the sums. */
static void evaluate_head(const sn_pass *pass, sn_block *block, uint32_t total, sn_head_result *result,
                          sn_evaluation_sums *sums)
{
    const double limit = sn_fixed_limit(SN_LOSS_SCALE, total);
    const int samples = sn_shape_samples[block->shape];
    float *logits = pass->work->logits;
    sn_forward_stage(pass, block, LAST_STAGE, false);
    sn_head_logits(samples, block->z[LAST_STAGE], sn_plan_of(pass->work, block, LAST_STAGE)->norm.pixels,
                   logits);
    sn_head_loss(samples, logits, block->labels, NULL, result);
    for (int k = 0; k < block->count; k++) {
        const double loss = sn_fixed_in_range(result->loss[k], limit) ? result->loss[k] : limit;
        sums->loss += sn_fixed(loss, SN_LOSS_SCALE);
        sums->correct += result->prediction[k] == block->labels[k];
    }
}

void sn_replica_evaluate(sn_replica *replica, const sn_model *model, sn_samples samples, uint32_t first,
                         uint32_t count, float *logits, uint8_t *predictions, sn_evaluation_sums *sums)
{
    const sn_pass pass = sn_replica_pass(replica, model);
    const sn_batch batch = {.samples = samples, .offset = first, .count = count};
    sn_piece piece;
    sn_workspace_enter(&replica->work);
    sn_workspace_prepare(&replica->work, model, pass.convolution, count, false);
    *sums = (sn_evaluation_sums){0};
    for (uint32_t start = 0; start < count; start += (uint32_t)piece.count) {
        sn_watchdog_beat("evaluating");
        piece = sn_next_piece(count - start);
        sn_block *block = take_block(&pass, &replica->work, &batch, start, piece);
        forward_evaluation(&pass, block, SN_NORMS);
        sn_head_result result;
        evaluate_head(&pass, block, samples.count, &result, sums);
        for (int i = 0; i < block->count; i++) {
            const uint32_t sample = start + (uint32_t)i;
            if (predictions) predictions[sample] = result.prediction[i];
            for (int k = 0; logits && k < SN_CLASSES; k++)
                logits[sample * SN_CLASSES + (uint32_t)k] =
                    pass.work->logits[sn_lane(sn_shape_samples[block->shape], k, i)];
        }
        sn_workspace_give_back(&replica->work);
    }
    sn_workspace_leave(&replica->work);
}

void sn_replica_evaluate_batch(sn_replica *replica, const sn_model *model, sn_samples samples, uint32_t first,
                               uint32_t count, sn_evaluation_sums *sums)
{
    sn_replica *r = replica;
    sn_team *team = r->options.team;
    const sn_pass pass = sn_replica_pass(r, model);
    const sn_share share = sn_share_of(count, sn_team_rank(team), sn_team_size(team));
    const sn_batch batch = {
        .samples = samples, .offset = first, .first = share.first, .count = share.count, .total = count};
    sn_pooling pooling;
    sn_pooling_plan(&pooling, team, &r->statistics, &batch);
    sn_workspace_enter(&r->work);
    sn_watchdog_beat("evaluating");
    sn_workspace_prepare(&r->work, model, pass.convolution, share.count, false);
    int filled = 0;
    sn_piece piece;
    for (uint32_t start = 0; start < share.count; start += (uint32_t)piece.count) {
        piece = sn_next_piece(share.count - start);
        sn_block *block = r->work.blocks[filled++] = take_block(&pass, &r->work, &batch, start, piece);
        sn_pooling_segments(&pooling, block, share.first + start);
    }
    *sums = (sn_evaluation_sums){0};
    sn_span_forward(&pass, &pooling, r->work.blocks, filled,
                    sn_message_section(&r->message, SN_SECTION_VIOLATIONS)); /* which the next step clears */
    for (int b = 0; b < filled; b++) {
        sn_head_result result;
        evaluate_head(&pass, r->work.blocks[b], samples.count, &result, sums);
    }
    sn_workspace_give_back(&r->work);
    sn_workspace_leave(&r->work);
}

/* Adds the moments of a norm's input over samples start ... start + PIECE - 1 of this rank's share; returns violations. */
static int64_t add_population(sn_replica *r, const sn_pass *pass, const sn_batch *batch, uint32_t start,
                              int stage, int64_t *message)
{
    const uint32_t end = batch->count - start > PIECE ? start + PIECE : batch->count;
    int64_t violations = 0;
    sn_piece piece;
    sn_workspace_enter(&r->work);
    sn_workspace_prepare(&r->work, pass->model, pass->convolution, end - start, false);
    for (; start < end; start += (uint32_t)piece.count) {
        sn_watchdog_beat("measuring the population's statistics");
        piece = sn_next_piece(end - start);
        sn_block *block = take_block(pass, &r->work, batch, start, piece);
        forward_evaluation(pass, block, stage);
        sn_forward_stage(pass, block, stage, true);
        violations += sn_norm_message_add(&sn_plan_of(pass->work, block, stage)->norm, &block->norms[stage],
                                          block->mask, message);
        sn_workspace_give_back(&r->work);
    }
    sn_workspace_leave(&r->work);
    return violations;
}

/* A pass over the samples per norm, because a norm's input depends on the statistics of the norms before. */
sn_status sn_replica_population(sn_replica *replica, sn_model *model, sn_samples samples, const sn_stop *stop)
{
    sn_replica *r = replica;
    sn_team *team = r->options.team;
    const sn_pass pass = sn_replica_pass(r, model);
    const sn_share share = sn_share_of(samples.count, sn_team_rank(team), sn_team_size(team));
    const sn_share largest = sn_share_of(samples.count, 0, sn_team_size(team)); /* the first is */
    const sn_batch batch = {.samples = samples, .first = share.first, .count = share.count};
    for (int stage = 0; stage < SN_NORMS; stage++) {
        const sn_norm *norm = &r->work.shapes[SN_SHAPE_16].plans[stage].norm;
        const int offset = r->options.network->stages[stage].channel_offset;
        const size_t words = (size_t)norm->channels * SN_MOMENT_WORDS;
        int64_t message[SN_MAX_CHANNELS * SN_MOMENT_WORDS + 1] = {0};
        for (uint32_t start = 0; start < largest.count; start += PIECE) {
            if (sn_team_stops(team, stop)) return SN_STOPPED;
            if (start < share.count)
                message[words] += add_population(r, &pass, &batch, start, stage, message);
        }
        sn_team_sum(team, message, words + 1);
        if (message[words])
            return sn_fail(SN_ERROR_DIVERGED,
                           "precise statistics of norm%d: a mean or variance is out of range or not a number",
                           stage + 1);
        double mean[SN_MAX_CHANNELS], var[SN_MAX_CHANNELS];
        sn_norm_message_read(norm, message, samples.count, mean, var);
        for (int c = 0; c < norm->channels; c++) {
            model->running_mean[offset + c] = (float)mean[c];
            model->running_var[offset + c] = (float)var[c];
        }
    }
    return SN_OK;
}
