#include "syncnorm/nn/weight_standardization.h"

#include <inttypes.h>
#include <math.h>

static const double EPSILON = 1e-5, LIMIT = 0x1p62;

/* The weights of one output channel. */
typedef struct channel {
    const float *weight;
    size_t count;
    double mean, scale; /* scale: 1 / sqrt(var + epsilon) */
} channel;

static channel channel_of(const sn_model *model, const sn_parameter *p, size_t index)
{
    channel c = {.count = p->count / p->shape[0]};
    c.weight = model->values + p->offset + index * c.count;
    double sum = 0, squares = 0;
    for (size_t i = 0; i < c.count; i++)
        sum += (double)c.weight[i];
    c.mean = sum / (double)c.count;
    for (size_t i = 0; i < c.count; i++) {
        const double d = (double)c.weight[i] - c.mean;
        squares += d * d;
    }
    c.scale = 1 / sqrt(squares / (double)c.count + EPSILON);
    return c;
}

static double standardized(const channel *c, size_t i)
{
    return ((double)c->weight[i] - c->mean) * c->scale;
}

void sn_standardize_weights(const sn_model *model, int stage, float *used)
{
    const sn_parameter *p = &model->network->parameters.items[model->network->stages[stage].weight];
    for (size_t k = 0; k < p->shape[0]; k++) {
        const channel c = channel_of(model, p, k);
        for (size_t i = 0; i < c.count; i++)
            used[k * c.count + i] = (float)standardized(&c, i);
    }
}

/* False where a value is out of range. */
static bool take_back(const channel *c, int64_t *gradient)
{
    double sum = 0, along = 0;
    for (size_t i = 0; i < c->count; i++) {
        sum += (double)gradient[i];
        along += (double)gradient[i] * standardized(c, i);
    }
    const double mean = sum / (double)c->count, slope = along / (double)c->count;
    for (size_t i = 0; i < c->count; i++) {
        const double g = ((double)gradient[i] - mean - standardized(c, i) * slope) * c->scale;
        if (!(fabs(g) <= LIMIT)) return false;
        gradient[i] = (int64_t)rint(g);
    }
    return true;
}

sn_status sn_standardized_gradient(const sn_model *model, int64_t *gradient, uint32_t step)
{
    const sn_network *network = model->network;
    for (int stage = 0; stage < SN_STAGES; stage++) {
        const sn_parameter *p = &network->parameters.items[network->stages[stage].weight];
        for (size_t k = 0; k < p->shape[0]; k++) {
            const channel c = channel_of(model, p, k);
            if (!take_back(&c, gradient + p->offset + k * c.count))
                return sn_fail(SN_ERROR_DIVERGED,
                               "training diverged at step %" PRIu32
                               ": the gradient of %s is out of range; try a smaller --lr",
                               step + 1, p->name);
        }
    }
    return SN_OK;
}
