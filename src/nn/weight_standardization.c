/* A channel's sums are chains, which wait for themselves: those of all channels go side by side. */

#include "syncnorm/nn/weight_standardization.h"

#include <inttypes.h>
#include <math.h>

static const double EPSILON = 1e-5, LIMIT = 0x1p62;

/* The weights of a stage, [channels][each]. */
typedef struct weights {
    const sn_parameter *parameter;
    const float *values;
    size_t channels, each;
} weights;

static weights weights_of(const sn_model *model, int stage)
{
    const sn_parameter *p = &model->network->parameters.items[model->network->stages[stage].weight];
    return (weights){p, model->values + p->offset, p->shape[0], p->count / p->shape[0]};
}

static void measure(const weights *w, sn_weight_moments *moments)
{
    double sum[SN_MAX_CHANNELS] = {0}, squares[SN_MAX_CHANNELS] = {0};
    for (size_t i = 0; i < w->each; i++)
        for (size_t c = 0; c < w->channels; c++)
            sum[c] += (double)w->values[c * w->each + i];
    for (size_t c = 0; c < w->channels; c++)
        moments->mean[c] = sum[c] / (double)w->each;
    for (size_t i = 0; i < w->each; i++)
        for (size_t c = 0; c < w->channels; c++) {
            const double d = (double)w->values[c * w->each + i] - moments->mean[c];
            squares[c] += d * d;
        }
    for (size_t c = 0; c < w->channels; c++)
        moments->scale[c] = 1 / sqrt(squares[c] / (double)w->each + EPSILON);
}

static double standardized(const weights *w, const sn_weight_moments *moments, size_t c, size_t i)
{
    return ((double)w->values[c * w->each + i] - moments->mean[c]) * moments->scale[c];
}

void sn_standardize_weights(const sn_model *model, int stage, sn_weight_moments *moments, float *used)
{
    const weights w = weights_of(model, stage);
    measure(&w, moments);
    for (size_t c = 0; c < w.channels; c++)
        for (size_t i = 0; i < w.each; i++)
            used[c * w.each + i] = (float)standardized(&w, moments, c, i);
}

/* False where a value is out of range. */
static bool take_back(const weights *w, const sn_weight_moments *moments, int64_t *gradient)
{
    double sum[SN_MAX_CHANNELS] = {0}, along[SN_MAX_CHANNELS] = {0};
    for (size_t i = 0; i < w->each; i++)
        for (size_t c = 0; c < w->channels; c++) {
            const double g = (double)gradient[c * w->each + i];
            sum[c] += g;
            along[c] += g * standardized(w, moments, c, i);
        }
    for (size_t c = 0; c < w->channels; c++) {
        const double mean = sum[c] / (double)w->each, slope = along[c] / (double)w->each;
        int64_t *own = gradient + c * w->each;
        for (size_t i = 0; i < w->each; i++) {
            const double g = ((double)own[i] - mean - standardized(w, moments, c, i) * slope) *
                             moments->scale[c];
            if (!(fabs(g) <= LIMIT)) return false;
            own[i] = llrint(g);
        }
    }
    return true;
}

sn_status sn_standardized_gradient(const sn_model *model, const sn_weight_moments *moments, int64_t *gradient,
                                   uint32_t step)
{
    for (int stage = 0; stage < SN_STAGES; stage++) {
        const weights w = weights_of(model, stage);
        if (!take_back(&w, &moments[stage], gradient + w.parameter->offset))
            return sn_fail(SN_ERROR_DIVERGED,
                           "training diverged at step %" PRIu32
                           ": the gradient of %s is out of range; try a smaller --lr",
                           step + 1, w.parameter->name);
    }
    return SN_OK;
}
