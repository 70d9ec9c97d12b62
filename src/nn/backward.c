/* Backward: of the head, of a stage, and what both add to the message of exact sums. */

#include <string.h>

#include "replica_internal.h"
#include "syncnorm/base/fixed_point.h"
#include "syncnorm/nn/head.h"

float sn_gradient_limit(uint32_t total)
{
    return (float)sn_fixed_limit(SN_GRADIENT_SCALE, total);
}

static void accumulate(sn_replica *r, const sn_block *block, int parameter, const float *lanes,
                       uint32_t total)
{
    const sn_parameter *p = &r->network->parameters.items[parameter];
    r->violations[parameter] += (int64_t)r->kernels->accumulate(
        p->count, lanes, block->mask, sn_gradient_limit(total), r->message + p->offset);
}

/* Backward sums of a stage's norm, from the gradient that has reached its output. */
void sn_backward_sums(sn_replica *r, const sn_model *model, sn_block *block, int stage)
{
    const sn_stage_plan *plan = &r->work.plans[stage];
    if (!sn_norm_has_statistics(&plan->norm)) return;
    sn_norm_state *state = &block->norms[stage];
    const size_t bytes = (size_t)plan->norm.channels * L * sizeof(float);
    memset(state->sum_g, 0, bytes);
    memset(state->sum_gz, 0, bytes);
    const sn_affine affine = sn_affine_of(r, model, block, stage);
    r->kernels->norm_sums(plan->extent, &affine, sn_block_z(&r->work, block, stage),
                          sn_block_da(&r->work, block, stage), state->sum_g, state->sum_gz);
    sn_norm_finish_sums(&plan->norm, state);
}

/* The gradient of the norm's own parameters. Per element (layer norm) it is converted at once: lane-wise it would be 4 MB. */
void sn_backward_norm_parameters(sn_replica *r, const sn_model *model, const sn_block *block, int stage,
                                 uint32_t total)
{
    const sn_stage *s = &r->network->stages[stage];
    const sn_stage_plan *plan = &r->work.plans[stage];
    const sn_norm_state *state = &block->norms[stage];
    if (s->norm_weight < 0) return;
    if (!sn_norm_is_per_element(&plan->norm)) {
        accumulate(r, block, s->norm_weight, state->sum_gz, total);
        accumulate(r, block, s->norm_bias, state->sum_g, total);
        return;
    }
    const sn_parameter *items = r->network->parameters.items;
    const sn_affine affine = sn_affine_of(r, model, block, stage);
    r->violations[s->norm_weight] += (int64_t)r->kernels->element_gradient(
        plan->extent, &affine, sn_block_z(&r->work, block, stage), sn_block_da(&r->work, block, stage),
        block->mask, sn_gradient_limit(total), r->message + items[s->norm_weight].offset,
        r->message + items[s->norm_bias].offset);
}

/* From dz: the gradients of the convolution's parameters and of its input, which becomes da of the stage before. */
static void conv_backward(sn_replica *r, const sn_model *model, sn_block *block, int stage,
                          const float *bias_lanes, bool input_is_there, uint32_t total)
{
    const sn_stage *s = &r->network->stages[stage];
    const sn_stage_plan *plan = &r->work.plans[stage];
    const size_t halo = stage > 0 ? (size_t)(s->kernel - 1 - s->padding) : 0;
    const sn_planes input = input_is_there && stage > 0 ? plan->input
                                                        : sn_produce_input(r, model, block, stage);
    float *lanes = r->work.weight_lanes;
    memset(lanes, 0, r->network->parameters.items[s->weight].count * L * sizeof(float));
    r->convolution->weight_gradient(&plan->forward, input, sn_planes_at(plan->dz, halo, halo), plan->rows,
                                    lanes, r->work.conv_scratch);
    accumulate(r, block, s->weight, lanes, total);
    accumulate(r, block, s->bias, bias_lanes, total);
    if (stage == 0) return;
    r->convolution->convolve(&plan->backward, r->work.flipped[stage], NULL, plan->dz,
                             sn_block_da(&r->work, block, stage - 1), plan->backward_rows, false, NULL,
                             r->work.conv_scratch);
}

void sn_backward_stage(sn_replica *r, const sn_model *model, sn_block *block, int stage, bool input_is_there,
                       uint32_t total)
{
    const sn_stage *s = &r->network->stages[stage];
    const sn_stage_plan *plan = &r->work.plans[stage];
    const sn_norm_state *state = &block->norms[stage];
    const sn_norm_gradient gradient = {state->center, state->gain, state->slope, state->shift};
    const size_t halo = stage > 0 ? (size_t)(s->kernel - 1 - s->padding) : 0;
    const sn_affine affine = sn_affine_of(r, model, block, stage);
    memset(r->work.bias_sum, 0, (size_t)s->out_channels * L * sizeof(float));
    r->kernels->norm_backward(plan->extent, &affine, &gradient, sn_block_z(&r->work, block, stage),
                              sn_block_da(&r->work, block, stage), sn_planes_at(plan->dz, halo, halo),
                              r->work.bias_sum);
    conv_backward(r, model, block, stage, r->work.bias_sum, input_is_there, total);
}

/* The head of one block: the last convolution, loss, and backward through both. */
void sn_backward_head(sn_replica *r, const sn_model *model, sn_block *block, uint32_t total)
{
    const int pixels = r->work.plans[LAST_STAGE].norm.pixels;
    sn_forward_stage(r, model, block, LAST_STAGE, false);
    sn_head_result result;
    sn_head_logits(block->z[LAST_STAGE], pixels, r->work.logits);
    sn_head_loss(r->work.logits, block->labels, r->work.dlogits, &result);
    const double limit = sn_fixed_limit(SN_LOSS_SCALE, total);
    for (int lane = 0; lane < block->count; lane++) {
        if (sn_fixed_in_range(result.loss[lane], limit))
            *r->loss += sn_fixed(result.loss[lane], SN_LOSS_SCALE);
        else
            r->violations[sn_violation_of_loss(r->network)]++;
        *r->correct += result.prediction[lane] == block->labels[lane];
    }
    memset(r->work.bias_sum, 0, SN_CLASSES * L * sizeof(float));
    sn_head_backward(r->work.dlogits, pixels, r->work.plans[LAST_STAGE].dz.data, r->work.bias_sum);
    conv_backward(r, model, block, LAST_STAGE, r->work.bias_sum, true, total);
}
