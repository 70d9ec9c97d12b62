/* Backward: of the head, of a stage, and what both add to the message of exact sums. */

#include <string.h>

#include "message.h"
#include "pass.h"
#include "syncnorm/base/fixed_point.h"
#include "syncnorm/nn/head.h"

/* Of a parameter with one or more values a channel. */
static void accumulate(const sn_pass *pass, const sn_block *block, int parameter, const float *lanes,
                       const sn_sums *sums)
{
    const sn_parameter *p = &pass->network->parameters.items[parameter];
    const size_t each = p->count / p->shape[0];
    const sn_sums_shape shape = {sn_shape_samples[block->shape], (int)p->shape[0], each, each};
    sn_phase_begin(pass->clock, SN_PHASE_EXACT_SUMS);
    sums->violations[parameter] += (int64_t)pass->kernels->accumulate(
        shape, lanes, block->mask, sums->gradient_limit, sums->gradient + p->offset);
}

/* Backward sums of a stage's norm, from the gradient that has reached its output. */
static void backward_sums(const sn_pass *pass, sn_block *block, int stage)
{
    const sn_stage_plan *plan = sn_plan_of(pass->work, block, stage);
    sn_phase_begin(pass->clock, SN_PHASE_NORM_BACKWARD);
    if (!sn_norm_has_statistics(&plan->norm)) return;
    sn_norm_state *state = &block->norms[stage];
    const size_t bytes = sn_channel_bytes(&plan->norm);
    memset(state->sum_g, 0, bytes);
    memset(state->sum_gz, 0, bytes);
    const sn_affine affine = sn_affine_of(pass, block, stage);
    pass->kernels->norm_sums(plan->extent, &affine, sn_block_z(pass->work, block, stage),
                             sn_block_da(pass->work, block, stage), state->sum_g, state->sum_gz);
    sn_norm_finish_sums(&plan->norm, state);
}

/* The gradient of the norm's own parameters. Per element (layer norm) it is converted at once: lane-wise it would be 4 MB. */
void sn_backward_norm_parameters(const sn_pass *pass, const sn_block *block, int stage, const sn_sums *sums)
{
    const sn_stage *s = &pass->network->stages[stage];
    const sn_stage_plan *plan = sn_plan_of(pass->work, block, stage);
    const sn_norm_state *state = &block->norms[stage];
    if (s->norm_weight < 0) return;
    if (!sn_norm_is_per_element(&plan->norm)) {
        accumulate(pass, block, s->norm_weight, state->sum_gz, sums);
        accumulate(pass, block, s->norm_bias, state->sum_g, sums);
        return;
    }
    const sn_parameter *items = pass->network->parameters.items;
    const sn_affine affine = sn_affine_of(pass, block, stage);
    sn_phase_begin(pass->clock, SN_PHASE_EXACT_SUMS);
    sums->violations[s->norm_weight] += (int64_t)pass->kernels->element_gradient(
        plan->extent, &affine, sn_block_z(pass->work, block, stage), sn_block_da(pass->work, block, stage),
        block->mask, sums->gradient_limit, sums->gradient + items[s->norm_weight].offset,
        s->norm_bias < 0 ? NULL : sums->gradient + items[s->norm_bias].offset);
}

/* From dz: the gradient of the convolution's input, which becomes da of the stage before, and that stage's backward sums. */
static void input_gradient(const sn_pass *pass, sn_block *block, int stage)
{
    const sn_stage_plan *plan = sn_plan_of(pass->work, block, stage);
    if (stage == 0) return;
    sn_phase_begin(pass->clock, SN_PHASE_INPUT_GRADIENT);
    pass->convolution->convolve(&plan->backward, plan->flipped, NULL, plan->dz,
                                sn_block_da(pass->work, block, stage - 1), plan->backward_rows, false, NULL,
                                pass->work->conv_scratch);
    backward_sums(pass, block, stage - 1);
}

/* From dz and the input: the gradients of the convolution's parameters. */
static void weight_gradient(const sn_pass *pass, sn_block *block, int stage, const float *bias_lanes,
                            bool input_is_there, const sn_sums *sums)
{
    const sn_stage *s = &pass->network->stages[stage];
    const sn_stage_plan *plan = sn_plan_of(pass->work, block, stage);
    const size_t halo = stage > 0 ? (size_t)(s->kernel - 1 - s->padding) : 0;
    const sn_planes input = input_is_there && stage > 0 ? plan->input : sn_produce_input(pass, block, stage);
    float *lanes = pass->work->weight_lanes;
    sn_phase_begin(pass->clock, SN_PHASE_WEIGHT_GRADIENT);
    memset(lanes, 0, sn_channel_bytes(&plan->norm) * (size_t)(s->in_channels * s->kernel * s->kernel));
    pass->convolution->weight_gradient(&plan->forward, input, sn_planes_at(plan->dz, halo, halo), plan->rows,
                                       lanes, pass->work->conv_scratch);
    accumulate(pass, block, s->weight, lanes, sums);
    accumulate(pass, block, s->bias, bias_lanes, sums);
}

/* The sums of the stage before and the input of this one are both made from the z before: one after the other, while it is in cache. */
static void conv_backward(const sn_pass *pass, sn_block *block, int stage, const float *bias_lanes,
                          bool input_is_there, const sn_sums *sums)
{
    input_gradient(pass, block, stage);
    weight_gradient(pass, block, stage, bias_lanes, input_is_there, sums);
}

void sn_backward_stage(const sn_pass *pass, sn_block *block, int stage, bool input_is_there,
                       const sn_sums *sums)
{
    const sn_stage *s = &pass->network->stages[stage];
    const sn_stage_plan *plan = sn_plan_of(pass->work, block, stage);
    const sn_norm_state *state = &block->norms[stage];
    const sn_norm_gradient gradient = {state->center, state->gain, state->slope, state->shift};
    const size_t halo = stage > 0 ? (size_t)(s->kernel - 1 - s->padding) : 0;
    const sn_affine affine = sn_affine_of(pass, block, stage);
    sn_phase_begin(pass->clock, SN_PHASE_NORM_BACKWARD);
    memset(pass->work->bias_sum, 0, sn_channel_bytes(&plan->norm));
    pass->kernels->norm_backward(plan->extent, &affine, &gradient, sn_block_z(pass->work, block, stage),
                                 sn_block_da(pass->work, block, stage), sn_planes_at(plan->dz, halo, halo),
                                 pass->work->bias_sum);
    conv_backward(pass, block, stage, pass->work->bias_sum, input_is_there, sums);
}

/* The head of one block: the last convolution, loss, and backward through both. */
void sn_backward_head(const sn_pass *pass, sn_block *block, const sn_sums *sums)
{
    const sn_stage_plan *plan = sn_plan_of(pass->work, block, LAST_STAGE);
    const int pixels = plan->norm.pixels, samples = plan->norm.samples;
    sn_forward_stage(pass, block, LAST_STAGE, false);
    sn_head_result result;
    sn_phase_begin(pass->clock, SN_PHASE_HEAD);
    sn_head_logits(samples, block->z[LAST_STAGE], pixels, pass->work->logits);
    sn_head_loss(samples, pass->work->logits, block->labels, pass->work->dlogits, &result);
    for (int k = 0; k < block->count; k++) {
        if (sn_fixed_in_range(result.loss[k], sums->loss_limit))
            *sums->loss += sn_fixed(result.loss[k], SN_LOSS_SCALE);
        else
            sums->violations[sn_violation_of_loss(pass->network)]++;
        *sums->correct += result.prediction[k] == block->labels[k];
    }
    memset(pass->work->bias_sum, 0, sn_channel_bytes(&plan->norm));
    sn_head_backward(samples, pass->work->dlogits, pixels, plan->dz.data, pass->work->bias_sum);
    conv_backward(pass, block, LAST_STAGE, pass->work->bias_sum, true, sums);
}
