#include "span.h"

/* Blocks take turns from either end, so that each pass begins with the block that the one before ended with and that is still in cache. */
static sn_block *turn(sn_block *const *blocks, int count, int pass, int b)
{
    return blocks[pass % 2 ? count - 1 - b : b];
}

static bool pools_batch(const sn_pass *pass)
{
    return sn_norm_pools_batch(pass->network->options.norm);
}

/* Statistics of a stage over the span. */
static void settle_forward(const sn_pass *pass, const sn_pooling *pooling, sn_block *const *blocks, int count,
                           int stage, int64_t *violations)
{
    sn_phase_begin(pass->clock, SN_PHASE_STATISTICS);
    if (pools_batch(pass))
        sn_statistics_forward(pooling, pass, blocks, count, stage,
                              &violations[sn_violation_of_norm(pass->network, stage)]);
    for (int b = 0; b < count; b++) {
        if (!pools_batch(pass))
            sn_norm_pool_samples(&sn_plan_of(pass->work, blocks[b], stage)->norm, &blocks[b]->norms[stage]);
        sn_fold(pass, blocks[b], stage);
    }
}

void sn_span_forward(const sn_pass *pass, const sn_pooling *pooling, sn_block *const *blocks, int count,
                     int64_t *violations)
{
    for (int stage = 0; stage < SN_NORMS; stage++) {
        const bool measure = sn_norm_types[pass->network->options.norm].over != SN_OVER_NOTHING;
        for (int b = 0; b < count; b++)
            sn_forward_stage(pass, turn(blocks, count, stage, b), stage, measure);
        settle_forward(pass, pooling, blocks, count, stage, violations);
    }
}

/* Pools the backward sums of a stage over the span. */
static void settle_backward(const sn_pass *pass, const sn_pooling *pooling, sn_block *const *blocks,
                            int count, int stage, const sn_sums *sums)
{
    sn_phase_begin(pass->clock, SN_PHASE_STATISTICS);
    if (pools_batch(pass)) {
        sn_statistics_backward(pooling, pass, blocks, count, stage, sums);
        return;
    }
    const float *weight = sn_values_of(pass->model, pass->network->stages[stage].norm_weight);
    for (int b = 0; b < count; b++) {
        sn_backward_norm_parameters(pass, blocks[b], stage, sums);
        sn_phase_begin(pass->clock, SN_PHASE_STATISTICS);
        sn_norm_gradient_samples(&sn_plan_of(pass->work, blocks[b], stage)->norm, weight,
                                 &blocks[b]->norms[stage]);
    }
}

void sn_span_train(const sn_pass *pass, const sn_pooling *pooling, sn_block *const *blocks, int count,
                   const sn_sums *sums)
{
    sn_span_forward(pass, pooling, blocks, count, sums->violations);
    for (int b = 0; b < count; b++)
        sn_backward_head(pass, turn(blocks, count, SN_NORMS, b), sums);
    for (int stage = SN_NORMS - 1; stage >= 0; stage--) {
        settle_backward(pass, pooling, blocks, count, stage, sums);
        for (int b = 0; b < count; b++)
            sn_backward_stage(pass, turn(blocks, count, stage, b), stage, count == 1, sums);
    }
}
