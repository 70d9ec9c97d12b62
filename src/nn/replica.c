/* The schedule of a step. pass() runs forward and backward over a span of blocks, layer by layer: all blocks at once where
   a norm pools over samples, one block at a time otherwise, so that a block stays in cache from end to end. */

#include "syncnorm/nn/replica.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "block.h"
#include "syncnorm/base/fixed_point.h"
#include "syncnorm/nn/dropout.h"
#include "syncnorm/nn/head.h"
#include "syncnorm/nn/norm.h"

enum { L = SN_LANES, IMAGE_HALO = 1 };

struct sn_replica {
    sn_team *team;
    const sn_network *network;
    const sn_kernels *kernels;
    const sn_convolution *convolution;
    uint64_t seed;
    double dropout;
    float pixel_value[256];
    sn_workspace work;

    /* One message for all that a step sums: gradient, loss, correct, extra, violations per tensor. */
    int64_t *message;
    size_t message_count;
    int64_t *loss, *correct, *extra, *violations;

    /* Messages of a synchronized norm, and the statistics they gave. */
    int64_t moments[SN_MAX_CHANNELS * SN_MOMENT_WORDS];
    int64_t norm_sums[2 * SN_MAX_CHANNELS];
    double mean[SN_NORMS * SN_MAX_CHANNELS], var[SN_NORMS * SN_MAX_CHANNELS]; /* [norm_channels] */
};

/* Violations are counted per parameter tensor, then per norm's statistics, then for the loss. */
static size_t violation_count(const sn_network *network)
{
    return (size_t)network->parameters.count + SN_NORMS + 1;
}

static bool pools_samples(const sn_replica *r)
{
    return r->network->norm == SN_NORM_BATCH;
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
    const int blocks = pools_samples(r) ? (int)((largest.count + L - 1) / L) : 1;
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

/* ---- what a stage reads ---- */

static const float *values_of(const sn_model *model, int parameter)
{
    return parameter < 0 ? NULL : model->values + model->network->parameters.items[parameter].offset;
}

static sn_affine affine_of(const sn_replica *r, const sn_model *model, const sn_block *block, int stage)
{
    const sn_stage *s = &r->network->stages[stage];
    return sn_norm_affine(&r->work.plans[stage].norm, &block->norms[stage], values_of(model, s->norm_weight),
                          values_of(model, s->norm_bias), s->out_size);
}

/* The padded input of a stage: the image, or what the stage before hands on, computed anew from its z. */
static sn_planes produce_input(const sn_replica *r, const sn_model *model, const sn_block *block, int stage)
{
    if (stage == 0) return block->image;
    const sn_stage_plan *before = &r->work.plans[stage - 1];
    const sn_planes input = r->work.plans[stage].input;
    const size_t halo = (size_t)r->network->stages[stage].padding;
    const sn_affine affine = affine_of(r, model, block, stage - 1);
    r->kernels->normalize(before->extent, &affine, sn_block_z(&r->work, block, stage - 1),
                          sn_planes_at(input, halo, halo));
    return input;
}

/* ---- forward ---- */

static void forward_stage(sn_replica *r, const sn_model *model, sn_block *block, int stage, bool measure)
{
    const sn_stage *s = &r->network->stages[stage];
    const sn_stage_plan *plan = &r->work.plans[stage];
    const sn_planes input = produce_input(r, model, block, stage);
    float *plane_sum = measure ? r->work.plane_sum : NULL;
    if (measure) memset(plane_sum, 0, (size_t)s->out_channels * L * sizeof(float));
    r->convolution->convolve(&plan->forward, values_of(model, s->weight), values_of(model, s->bias), input,
                             sn_block_z(&r->work, block, stage), plan->rows, s->norm, plane_sum,
                             r->work.conv_scratch);
    if (measure) sn_norm_measure(&plan->norm, r->kernels, block->z[stage], plane_sum, &block->norms[stage]);
}

static void fold(const sn_replica *r, const sn_model *model, sn_block *block, int stage)
{
    const sn_stage *s = &r->network->stages[stage];
    sn_norm_fold(&r->work.plans[stage].norm, values_of(model, s->norm_weight), values_of(model, s->norm_bias),
                 &block->norms[stage]);
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
            r->violations[r->network->parameters.count + stage] += sn_norm_message_add(
                norm, &blocks[b].norms[stage], blocks[b].mask, r->moments);
        sn_team_sum(r->team, r->moments, words);
        sn_norm_message_read(norm, r->moments, total, r->mean + offset, r->var + offset);
    }
    for (int b = 0; b < count; b++) {
        if (sn_norm_is_batch(norm))
            sn_norm_pool_given(norm, r->mean + offset, r->var + offset, &blocks[b].norms[stage]);
        else
            sn_norm_pool_samples(norm, &blocks[b].norms[stage]);
        fold(r, model, &blocks[b], stage);
    }
}

/* ---- backward ---- */

static float gradient_limit(uint32_t total)
{
    return (float)sn_fixed_limit(SN_GRADIENT_SCALE, total);
}

static void accumulate(sn_replica *r, const sn_block *block, int parameter, const float *lanes,
                       uint32_t total)
{
    const sn_parameter *p = &r->network->parameters.items[parameter];
    r->violations[parameter] += (int64_t)r->kernels->accumulate(
        p->count, lanes, block->mask, gradient_limit(total), r->message + p->offset);
}

/* Backward sums of a stage's norm, from the gradient that has reached its output. */
static void norm_sums(sn_replica *r, const sn_model *model, sn_block *block, int stage)
{
    const sn_stage_plan *plan = &r->work.plans[stage];
    if (plan->norm.kind == SN_NORM_NONE) return;
    sn_norm_state *state = &block->norms[stage];
    const size_t bytes = (size_t)plan->norm.channels * L * sizeof(float);
    memset(state->sum_g, 0, bytes);
    memset(state->sum_gz, 0, bytes);
    const sn_affine affine = affine_of(r, model, block, stage);
    r->kernels->norm_sums(plan->extent, &affine, sn_block_z(&r->work, block, stage),
                          sn_block_da(&r->work, block, stage), state->sum_g, state->sum_gz);
    sn_norm_finish_sums(&plan->norm, state);
}

/* The gradient of the norm's own parameters. Per element (layer norm) it is converted at once: lane-wise it would be 4 MB. */
static void norm_parameters_gradient(sn_replica *r, const sn_model *model, const sn_block *block, int stage,
                                     uint32_t total)
{
    const sn_stage *s = &r->network->stages[stage];
    const sn_stage_plan *plan = &r->work.plans[stage];
    const sn_norm_state *state = &block->norms[stage];
    if (s->norm_weight < 0) return;
    if (plan->norm.kind != SN_NORM_LAYER) {
        accumulate(r, block, s->norm_weight, state->sum_gz, total);
        accumulate(r, block, s->norm_bias, state->sum_g, total);
        return;
    }
    const sn_parameter *items = r->network->parameters.items;
    const sn_affine affine = affine_of(r, model, block, stage);
    r->violations[s->norm_weight] += (int64_t)r->kernels->element_gradient(
        plan->extent, &affine, sn_block_z(&r->work, block, stage), sn_block_da(&r->work, block, stage),
        block->mask, gradient_limit(total), r->message + items[s->norm_weight].offset,
        r->message + items[s->norm_bias].offset);
}

/* Pools the backward sums of a stage over the span. Collective with batch norm. */
static void settle_backward(sn_replica *r, const sn_model *model, sn_block *blocks, int count, int stage,
                            uint32_t total)
{
    const sn_stage *s = &r->network->stages[stage];
    const sn_norm *norm = &r->work.plans[stage].norm;
    const float *weight = values_of(model, s->norm_weight);
    for (int b = 0; b < count; b++)
        norm_parameters_gradient(r, model, &blocks[b], stage, total);
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

/* From dz: the gradients of the convolution's parameters and of its input, which becomes da of the stage before. */
static void conv_backward(sn_replica *r, const sn_model *model, sn_block *block, int stage,
                          const float *bias_lanes, bool input_is_there, uint32_t total)
{
    const sn_stage *s = &r->network->stages[stage];
    const sn_stage_plan *plan = &r->work.plans[stage];
    const size_t halo = stage > 0 ? (size_t)(s->kernel - 1 - s->padding) : 0;
    const sn_planes input = input_is_there && stage > 0 ? plan->input : produce_input(r, model, block, stage);
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

static void backward_stage(sn_replica *r, const sn_model *model, sn_block *block, int stage,
                           bool input_is_there, uint32_t total)
{
    const sn_stage *s = &r->network->stages[stage];
    const sn_stage_plan *plan = &r->work.plans[stage];
    const sn_norm_state *state = &block->norms[stage];
    const sn_norm_gradient gradient = {state->center, state->gain, state->slope, state->shift};
    const size_t halo = stage > 0 ? (size_t)(s->kernel - 1 - s->padding) : 0;
    const sn_affine affine = affine_of(r, model, block, stage);
    memset(r->work.bias_sum, 0, (size_t)s->out_channels * L * sizeof(float));
    r->kernels->norm_backward(plan->extent, &affine, &gradient, sn_block_z(&r->work, block, stage),
                              sn_block_da(&r->work, block, stage), sn_planes_at(plan->dz, halo, halo),
                              r->work.bias_sum);
    conv_backward(r, model, block, stage, r->work.bias_sum, input_is_there, total);
}

/* The head of one block: the last convolution, loss, and backward through both. */
static void head(sn_replica *r, const sn_model *model, sn_block *block, uint32_t total)
{
    enum { LAST = SN_STAGES - 1 };
    const int pixels = r->work.plans[LAST].norm.pixels;
    forward_stage(r, model, block, LAST, false);
    sn_head_result result;
    sn_head_logits(block->z[LAST], pixels, r->work.logits);
    sn_head_loss(r->work.logits, block->labels, r->work.dlogits, &result);
    const double limit = sn_fixed_limit(SN_LOSS_SCALE, total);
    for (int lane = 0; lane < block->count; lane++) {
        if (sn_fixed_in_range(result.loss[lane], limit))
            *r->loss += sn_fixed(result.loss[lane], SN_LOSS_SCALE);
        else
            r->violations[violation_count(r->network) - 1]++;
        *r->correct += result.prediction[lane] == block->labels[lane];
    }
    memset(r->work.bias_sum, 0, SN_CLASSES * L * sizeof(float));
    sn_head_backward(r->work.dlogits, pixels, r->work.plans[LAST].dz.data, r->work.bias_sum);
    conv_backward(r, model, block, LAST, r->work.bias_sum, true, total);
}

/* Forward and backward over a span of blocks, layer by layer. Collective with batch norm. */
static void pass(sn_replica *r, const sn_model *model, sn_block *blocks, int count, uint32_t total)
{
    for (int stage = 0; stage < SN_NORMS; stage++) {
        for (int b = 0; b < count; b++)
            forward_stage(r, model, &blocks[b], stage, r->network->norm != SN_NORM_NONE);
        settle_forward(r, model, blocks, count, stage, total);
    }
    for (int b = 0; b < count; b++) {
        head(r, model, &blocks[b], total);
        norm_sums(r, model, &blocks[b], SN_NORMS - 1);
    }
    for (int stage = SN_NORMS - 1; stage >= 0; stage--) {
        settle_backward(r, model, blocks, count, stage, total);
        for (int b = 0; b < count; b++) {
            backward_stage(r, model, &blocks[b], stage, count == 1, total);
            if (stage > 0) norm_sums(r, model, &blocks[b], stage - 1);
        }
    }
}

/* ---- blocks ---- */

static void load(const sn_replica *r, sn_block *block, sn_samples samples, const uint32_t *index,
                 uint32_t first, int count)
{
    const uint8_t *pixels[L] = {NULL};
    block->count = count;
    block->mask = (uint16_t)((1u << count) - 1);
    memset(block->labels, 0, sizeof block->labels);
    for (int lane = 0; lane < count; lane++) {
        const size_t sample = index ? index[lane] : first + (uint32_t)lane;
        pixels[lane] = samples.pixels + sample * SN_IMAGE_PIXELS;
        block->labels[lane] = samples.labels[sample];
    }
    r->kernels->load_pixels(pixels, r->pixel_value, sn_planes_at(block->image, IMAGE_HALO, IMAGE_HALO),
                            SN_IMAGE_SIZE, SN_IMAGE_SIZE);
}

static void keep_all(const sn_replica *r, sn_block *block)
{
    for (int stage = 0; stage < SN_NORMS; stage++)
        for (int i = 0; i < r->network->stages[stage].out_channels * L; i++)
            block->norms[stage].keep[i] = 1;
}

static void draw_dropout(const sn_replica *r, sn_block *block, uint32_t step, uint32_t position)
{
    keep_all(r, block);
    if (r->dropout == 0) return;
    for (int stage = 0; stage < SN_NORMS; stage++)
        for (int lane = 0; lane < block->count; lane++)
            sn_dropout_keep(r->seed, r->dropout, step, position + (uint32_t)lane, stage,
                            r->network->stages[stage].out_channels, L, block->norms[stage].keep + lane);
}

static int lanes_of_block(uint32_t count, uint32_t start)
{
    return count - start < L ? (int)(count - start) : L;
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
        sn_flip_weights(&r->work.plans[stage].forward, values_of(model, r->network->stages[stage].weight),
                        r->work.flipped[stage]);

    const int slots = pools_samples(r) ? r->work.block_count : 1;
    int filled = 0;
    for (uint32_t start = 0; start < batch->count; start += L) {
        sn_block *block = &r->work.blocks[filled++];
        load(r, block, batch->samples, batch->index + start, 0, lanes_of_block(batch->count, start));
        draw_dropout(r, block, batch->step, batch->first + start);
        if (filled == slots && !pools_samples(r)) {
            pass(r, model, r->work.blocks, filled, batch->total);
            filled = 0;
        }
    }
    if (pools_samples(r)) pass(r, model, r->work.blocks, filled, batch->total);

    sn_team_sum(r->team, r->message, r->message_count);
    SN_TRY(check_violations(r, batch));
    if (pools_samples(r)) update_running(r, model, batch->total);
    sums->gradient = r->message;
    sums->loss = *r->loss;
    sums->correct = *r->correct;
    memcpy(sums->extra, r->extra, sizeof sums->extra);
    return SN_OK;
}

/* ---- evaluation ---- */

/* Statistics of a stage in evaluation mode: running ones with batch norm, the sample's own otherwise. */
static void settle_evaluation(const sn_replica *r, const sn_model *model, sn_block *block, int stage)
{
    const sn_norm *norm = &r->work.plans[stage].norm;
    if (sn_norm_is_batch(norm)) {
        const int offset = r->network->stages[stage].channel_offset;
        double mean[SN_MAX_CHANNELS], var[SN_MAX_CHANNELS];
        for (int c = 0; c < norm->channels; c++) {
            mean[c] = (double)model->running_mean[offset + c];
            var[c] = (double)model->running_var[offset + c];
        }
        sn_norm_pool_given(norm, mean, var, &block->norms[stage]);
    } else {
        sn_norm_pool_samples(norm, &block->norms[stage]);
    }
    fold(r, model, block, stage);
}

void sn_replica_evaluate(sn_replica *replica, const sn_model *model, sn_samples samples, uint32_t first,
                         uint32_t count, float *logits, uint8_t *predictions, sn_evaluation_sums *sums)
{
    enum { LAST = SN_STAGES - 1 };
    sn_replica *r = replica;
    sn_block *block = &r->work.blocks[0];
    const bool measure = r->network->norm != SN_NORM_NONE && !pools_samples(r);
    const double limit = sn_fixed_limit(SN_LOSS_SCALE, samples.count);
    keep_all(r, block);
    *sums = (sn_evaluation_sums){0};
    for (uint32_t start = 0; start < count; start += L) {
        const int lanes = lanes_of_block(count, start);
        load(r, block, samples, NULL, first + start, lanes);
        for (int stage = 0; stage < SN_NORMS; stage++) {
            forward_stage(r, model, block, stage, measure);
            settle_evaluation(r, model, block, stage);
        }
        forward_stage(r, model, block, LAST, false);
        sn_head_result result;
        sn_head_logits(block->z[LAST], r->work.plans[LAST].norm.pixels, r->work.logits);
        sn_head_loss(r->work.logits, block->labels, NULL, &result);
        for (int lane = 0; lane < lanes; lane++) {
            const double loss = sn_fixed_in_range(result.loss[lane], limit) ? result.loss[lane] : limit;
            sums->loss += sn_fixed(loss, SN_LOSS_SCALE);
            sums->correct += result.prediction[lane] == block->labels[lane];
            if (predictions) predictions[start + (uint32_t)lane] = result.prediction[lane];
            if (logits)
                for (int k = 0; k < SN_CLASSES; k++)
                    logits[(start + (uint32_t)lane) * SN_CLASSES + (uint32_t)k] =
                        r->work.logits[k * L + lane];
        }
    }
}
