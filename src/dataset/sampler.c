#include "syncnorm/dataset/sampler.h"

#include "syncnorm/base/memory.h"
#include "syncnorm/base/random.h"

static const uint32_t no_epoch = UINT32_MAX;

struct sn_sampler {
    sn_samples set;
    uint32_t batch, workers;
    uint64_t seed;
    bool shuffle;
    uint32_t *shards; /* [samples], worker after worker */
    uint32_t epoch;   /* whose order is held */
    uint32_t *order;  /* [samples]: each worker's shard in the epoch's order, worker after worker */
    uint32_t *start;  /* [workers + 1] scratch */
};

sn_status sn_sampler_create(const sn_sampler_options *options, sn_sampler **sampler)
{
    *sampler = NULL;
    if (options->batch == 0) return sn_fail(SN_ERROR_USAGE, "the batch size must be at least 1");
    if (options->samples.count == 0) return sn_fail(SN_ERROR_DATA, "the training set is empty");
    sn_sampler *s;
    SN_TRY(SN_ALLOCATE(s, 1, "the sampler"));
    s->set = options->samples;
    s->batch = options->batch;
    s->workers = options->workers ? options->workers : 1;
    s->seed = options->seed;
    s->shuffle = options->shuffle;
    s->epoch = no_epoch;
    sn_status status = SN_ALLOCATE(s->order, s->set.count, "the order of the training samples");
    if (status == SN_OK) status = SN_ALLOCATE(s->shards, s->set.count, "the shards");
    if (status == SN_OK) status = SN_ALLOCATE(s->start, (size_t)s->workers + 1, "the workers");
    if (status == SN_OK)
        status = sn_shards_divide(options->samples, s->workers, &options->shards, s->seed, s->shards);
    if (status != SN_OK) {
        sn_sampler_destroy(s);
        return status;
    }
    *sampler = s;
    return SN_OK;
}

void sn_sampler_destroy(sn_sampler *sampler)
{
    if (!sampler) return;
    sn_free(sampler->order);
    sn_free(sampler->shards);
    sn_free(sampler->start);
    sn_free(sampler);
}

uint32_t sn_sampler_steps(const sn_sampler *sampler)
{
    return sampler->set.count / sampler->batch + (sampler->set.count % sampler->batch != 0);
}

uint32_t sn_sampler_batch(const sn_sampler *sampler, uint32_t step)
{
    const uint64_t first = (uint64_t)step * sampler->batch;
    if (first >= sampler->set.count) return 0;
    const uint32_t left = sampler->set.count - (uint32_t)first;
    return left < sampler->batch ? left : sampler->batch;
}

void sn_sampler_classes(const sn_sampler *sampler, int64_t (*counts)[SN_CLASSES])
{
    for (uint32_t w = 0; w < sampler->workers; w++) {
        const sn_share shard = sn_share_of(sampler->set.count, (int)w, (int)sampler->workers);
        for (int k = 0; k < SN_CLASSES; k++)
            counts[w][k] = 0;
        for (uint32_t i = 0; i < shard.count; i++)
            counts[w][sn_sample_label(sampler->set, sampler->shards[shard.first + i])]++;
    }
}

/* How many of the epoch's first `taken` samples are worker w's. */
static uint32_t taken_by(const sn_sampler *sampler, uint32_t taken, uint32_t w)
{
    return sn_share_of(taken, (int)w, (int)sampler->workers).count;
}

void sn_sampler_workers(const sn_sampler *sampler, uint32_t step, uint32_t *start)
{
    const uint32_t before = step * sampler->batch;
    const uint32_t after = before + sn_sampler_batch(sampler, step);
    start[0] = 0;
    for (uint32_t w = 0; w < sampler->workers; w++)
        start[w + 1] = start[w] + taken_by(sampler, after, w) - taken_by(sampler, before, w);
}

static void order_epoch(sn_sampler *sampler, uint32_t epoch)
{
    if (sampler->epoch == epoch) return;
    for (uint32_t w = 0; w < sampler->workers; w++) {
        const sn_share shard = sn_share_of(sampler->set.count, (int)w, (int)sampler->workers);
        uint32_t *order = sampler->order + shard.first;
        const uint32_t *samples = sampler->shards + shard.first;
        if (sampler->shuffle)
            sn_permutation(sampler->seed, SN_PURPOSE_SHUFFLE, epoch * sampler->workers + w, shard.count,
                           order);
        for (uint32_t i = 0; i < shard.count; i++)
            order[i] = samples[sampler->shuffle ? order[i] : i];
    }
    sampler->epoch = epoch;
}

void sn_sampler_positions(sn_sampler *sampler, uint32_t epoch, uint32_t step, uint32_t first, uint32_t count,
                          uint32_t *samples)
{
    if (count == 0) return;
    order_epoch(sampler, epoch);
    sn_sampler_workers(sampler, step, sampler->start);
    const uint32_t before = step * sampler->batch;
    uint32_t w = 0;
    for (uint32_t p = first; p < first + count; p++) {
        while (p >= sampler->start[w + 1])
            w++;
        const sn_share shard = sn_share_of(sampler->set.count, (int)w, (int)sampler->workers);
        samples[p - first] =
            sampler->order[shard.first + taken_by(sampler, before, w) + (p - sampler->start[w])];
    }
}
