#include "syncnorm/dataset/sampler.h"

#include "syncnorm/base/memory.h"
#include "syncnorm/base/random.h"

static const uint32_t no_epoch = UINT32_MAX;

/* An epoch is one order of all samples, cut into batches: position p of step t is order[t * batch + p]. */
struct sn_sampler {
    sn_sampler_options options;
    uint32_t epoch;  /* whose order is held */
    uint32_t *order; /* [samples] */
};

sn_status sn_sampler_create(const sn_sampler_options *options, sn_sampler **sampler)
{
    *sampler = NULL;
    if (options->batch == 0) return sn_fail(SN_ERROR_USAGE, "the batch size must be at least 1");
    if (options->samples == 0) return sn_fail(SN_ERROR_DATA, "the training set is empty");
    sn_sampler *s;
    SN_TRY(SN_ALLOCATE(s, 1, "the sampler"));
    s->options = *options;
    s->epoch = no_epoch;
    sn_status status = SN_ALLOCATE(s->order, options->samples, "the order of the training samples");
    if (status != SN_OK) {
        sn_free(s);
        return status;
    }
    *sampler = s;
    return SN_OK;
}

void sn_sampler_destroy(sn_sampler *sampler)
{
    if (!sampler) return;
    sn_free(sampler->order);
    sn_free(sampler);
}

uint32_t sn_sampler_steps(const sn_sampler *sampler)
{
    const sn_sampler_options *o = &sampler->options;
    return o->samples / o->batch + (o->samples % o->batch != 0);
}

uint32_t sn_sampler_batch(const sn_sampler *sampler, uint32_t step)
{
    const sn_sampler_options *o = &sampler->options;
    const uint64_t first = (uint64_t)step * o->batch;
    if (first >= o->samples) return 0;
    const uint32_t left = o->samples - (uint32_t)first;
    return left < o->batch ? left : o->batch;
}

static void order_epoch(sn_sampler *sampler, uint32_t epoch)
{
    const sn_sampler_options *o = &sampler->options;
    if (sampler->epoch == epoch) return;
    if (o->shuffle)
        sn_permutation(o->seed, SN_PURPOSE_SHUFFLE, epoch, o->samples, sampler->order);
    else
        for (uint32_t i = 0; i < o->samples; i++)
            sampler->order[i] = i;
    sampler->epoch = epoch;
}

void sn_sampler_positions(sn_sampler *sampler, uint32_t epoch, uint32_t step, uint32_t first, uint32_t count,
                          uint32_t *samples)
{
    order_epoch(sampler, epoch);
    const uint32_t *batch = sampler->order + (size_t)step * sampler->options.batch;
    for (uint32_t i = 0; i < count; i++)
        samples[i] = batch[first + i];
}
