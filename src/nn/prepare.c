/* Parameters as the kernels of each shape read them, made anew whenever the model may have changed. */

#include "block.h"

/* `channels` x `count` values as the kernels read them. */
static const float *packed(const float *values, int samples, int channels, size_t count, float *room)
{
    if (!room || !values) return values;
    sn_pack(samples, channels, count, values, room);
    return room;
}

static void prepare_stage(const sn_model *model, const float *weight, bool packs, bool backward, int index,
                          sn_stage_plan *plan)
{
    const sn_stage *s = &model->network->stages[index];
    const int samples = plan->norm.samples, out = s->out_channels;
    sn_conv_shape flipped = plan->forward;
    plan->weight = packed(weight, samples, out, (size_t)(s->in_channels * s->kernel * s->kernel),
                          plan->room.weight);
    plan->bias = packed(sn_values_of(model, s->bias), samples, out, 1, plan->room.bias);
    plan->norm_weight = packed(sn_values_of(model, s->norm_weight), samples, out, (size_t)plan->norm.pixels,
                               plan->room.norm_weight);
    plan->norm_bias = packed(sn_values_of(model, s->norm_bias), samples, out, (size_t)plan->norm.pixels,
                             plan->room.norm_bias);
    plan->flipped = plan->room.flipped;
    if (!backward || index == 0) return;
    if (!packs) flipped.samples = SN_LANES;
    sn_flip_weights(&flipped, weight, plan->room.flipped);
}

void sn_workspace_prepare(sn_workspace *workspace, const sn_model *model, const sn_convolution *convolution,
                          uint32_t samples, bool backward)
{
    bool prepared[SN_SHAPES] = {false};
    const float *weight[SN_STAGES];
    sn_piece piece;
    for (int i = 0; i < SN_STAGES; i++) {
        weight[i] = sn_values_of(model, model->network->stages[i].weight);
        if (!model->network->options.weight_standardization) continue;
        sn_standardize_weights(model, i, &workspace->weight_moments[i], workspace->standardized[i]);
        weight[i] = workspace->standardized[i];
    }
    for (uint32_t left = samples; left > 0; left -= (uint32_t)piece.count) {
        piece = sn_next_piece(left);
        for (int i = 0; i < SN_STAGES && !prepared[piece.shape]; i++)
            prepare_stage(model, weight[i], convolution->packed, backward, i,
                          &workspace->shapes[piece.shape].plans[i]);
        prepared[piece.shape] = true;
    }
}
