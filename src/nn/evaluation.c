/* Evaluation: forward alone, block by block, with running statistics where there are any. */

#include "replica_internal.h"
#include "syncnorm/base/fixed_point.h"
#include "syncnorm/comm/watchdog.h"
#include "syncnorm/nn/head.h"

enum { PIECE = 4 * L }; /* samples of a rank between two questions whether to stop */

/* Statistics of a stage in evaluation mode: running ones with batch norm, the sample's own otherwise. */
static void settle_evaluation(const sn_replica *r, const sn_model *model, sn_block *block, int stage)
{
    const sn_norm *norm = &r->work.plans[stage].norm;
    if (sn_norm_pools_batch(norm->kind)) {
        const int offset = r->network->stages[stage].channel_offset;
        double mean[SN_MAX_CHANNELS], var[SN_MAX_CHANNELS];
        for (int c = 0; c < norm->channels; c++) {
            mean[c] = (double)model->running_mean[offset + c];
            var[c] = (double)model->running_var[offset + c];
        }
        sn_norm_pool_given(norm, mean, var, UINT16_MAX, &block->norms[stage]);
    } else {
        sn_norm_pool_samples(norm, &block->norms[stage]);
    }
    sn_fold(r, model, block, stage);
}

/* Forward in evaluation mode through the stages before `end`. */
static void forward_evaluation(sn_replica *r, const sn_model *model, sn_block *block, int end)
{
    const bool measure = sn_norm_types[r->network->norm].over != SN_OVER_NOTHING &&
                         !sn_replica_pools_samples(r);
    for (int stage = 0; stage < end; stage++) {
        sn_forward_stage(r, model, block, stage, measure);
        settle_evaluation(r, model, block, stage);
    }
}

/* The last convolution and the head of a block whose norms are settled; adds its samples to the sums. */
static void evaluate_head(sn_replica *r, const sn_model *model, sn_block *block, uint32_t total,
                          sn_head_result *result, sn_evaluation_sums *sums)
{
    const double limit = sn_fixed_limit(SN_LOSS_SCALE, total);
    sn_forward_stage(r, model, block, LAST_STAGE, false);
    sn_head_logits(block->z[LAST_STAGE], r->work.plans[LAST_STAGE].norm.pixels, r->work.logits);
    sn_head_loss(r->work.logits, block->labels, NULL, result);
    for (int lane = 0; lane < block->count; lane++) {
        const double loss = sn_fixed_in_range(result->loss[lane], limit) ? result->loss[lane] : limit;
        sums->loss += sn_fixed(loss, SN_LOSS_SCALE);
        sums->correct += result->prediction[lane] == block->labels[lane];
    }
}

void sn_replica_evaluate(sn_replica *replica, const sn_model *model, sn_samples samples, uint32_t first,
                         uint32_t count, float *logits, uint8_t *predictions, sn_evaluation_sums *sums)
{
    sn_replica *r = replica;
    sn_block *block = &r->work.blocks[0];
    sn_block_keep_all(r, block);
    *sums = (sn_evaluation_sums){0};
    for (uint32_t start = 0; start < count; start += L) {
        sn_watchdog_beat("evaluating");
        sn_block_load(r, block, samples, NULL, first + start, sn_lanes_from(count, start));
        forward_evaluation(r, model, block, SN_NORMS);
        sn_head_result result;
        evaluate_head(r, model, block, samples.count, &result, sums);
        for (uint32_t lane = 0; lane < (uint32_t)block->count; lane++) {
            if (predictions) predictions[start + lane] = result.prediction[lane];
            for (uint32_t k = 0; logits && k < SN_CLASSES; k++)
                logits[(start + lane) * SN_CLASSES + k] = r->work.logits[k * L + lane];
        }
    }
}

void sn_replica_evaluate_batch(sn_replica *replica, const sn_model *model, sn_samples samples, uint32_t first,
                               uint32_t count, sn_evaluation_sums *sums)
{
    sn_replica *r = replica;
    const sn_replica_costs costs = r->costs; /* of training: these sums are none of it */
    const sn_share share = sn_share_of(count, sn_team_rank(r->team), sn_team_size(r->team));
    const sn_batch batch = {.samples = samples, .first = share.first, .count = share.count, .total = count};
    sn_statistics_begin(r, &batch);
    int filled = 0;
    for (uint32_t start = 0; start < share.count; start += L) {
        sn_block *block = &r->work.blocks[filled++];
        sn_block_load(r, block, samples, NULL, first + share.first + start,
                      sn_lanes_from(share.count, start));
        sn_block_keep_all(r, block);
        sn_statistics_segments(r, block, share.first + start);
    }
    *sums = (sn_evaluation_sums){0};
    sn_watchdog_beat("evaluating");
    sn_forward_span(r, model, r->work.blocks, filled);
    for (int b = 0; b < filled; b++) {
        sn_head_result result;
        evaluate_head(r, model, &r->work.blocks[b], samples.count, &result, sums);
    }
    r->costs = costs;
}

/* A pass over the samples per norm, because a norm's input depends on the statistics of the norms before. */
sn_status sn_replica_population(sn_replica *replica, sn_model *model, sn_samples samples, const sn_stop *stop)
{
    sn_replica *r = replica;
    const sn_share share = sn_share_of(samples.count, sn_team_rank(r->team), sn_team_size(r->team));
    const sn_share largest = sn_share_of(samples.count, 0, sn_team_size(r->team)); /* the first is */
    sn_block *block = &r->work.blocks[0];
    sn_block_keep_all(r, block);
    for (int stage = 0; stage < SN_NORMS; stage++) {
        const sn_norm *norm = &r->work.plans[stage].norm;
        const int offset = r->network->stages[stage].channel_offset;
        const size_t words = (size_t)norm->channels * SN_MOMENT_WORDS;
        int64_t message[SN_MAX_CHANNELS * SN_MOMENT_WORDS + 1] = {0};
        for (uint32_t start = 0; start < largest.count; start += L) {
            if (start % PIECE == 0 && sn_team_stops(r->team, stop)) return SN_STOPPED;
            if (start >= share.count) continue;
            sn_watchdog_beat("measuring the population's statistics");
            sn_block_load(r, block, samples, NULL, share.first + start, sn_lanes_from(share.count, start));
            forward_evaluation(r, model, block, stage);
            sn_forward_stage(r, model, block, stage, true);
            message[words] += sn_norm_message_add(norm, &block->norms[stage], block->mask, message);
        }
        sn_team_sum(r->team, message, words + 1);
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
