/* Training on made-up images, which the parts of bench share. */

#include <string.h>

#include "bench.h"
#include "syncnorm/base/memory.h"
#include "syncnorm/dataset/sampler.h"

enum { IMAGES = 1024 };

typedef struct sn_noise {
    uint8_t *pixels, *labels;
    uint32_t *index;
    sn_sampler *sampler;
    uint32_t step;
} noise;

static sn_status make_noise(uint32_t batch, noise *n)
{
    SN_TRY(SN_ALLOCATE(n->pixels, (size_t)IMAGES * SN_IMAGE_PIXELS, "the images"));
    SN_TRY(SN_ALLOCATE(n->labels, IMAGES, "the labels"));
    SN_TRY(SN_ALLOCATE(n->index, batch, "the batch"));
    for (size_t i = 0; i < (size_t)IMAGES * SN_IMAGE_PIXELS; i++)
        n->pixels[i] = (uint8_t)(i * 2654435761u >> 24);
    for (uint32_t i = 0; i < IMAGES; i++)
        n->labels[i] = (uint8_t)(i % SN_CLASSES);
    const sn_sampler_options options = {.samples = {n->pixels, n->labels, IMAGES, NULL},
                                        .batch = batch < IMAGES ? batch : IMAGES,
                                        .seed = 1,
                                        .shuffle = true};
    return sn_sampler_create(&options, &n->sampler);
}

static void free_noise(noise *n)
{
    if (!n) return;
    sn_sampler_destroy(n->sampler);
    sn_free(n->pixels);
    sn_free(n->labels);
    sn_free(n->index);
    sn_free(n);
}

static sn_status create(sn_team *team, sn_norm_kind norm, const sn_convolution *convolution, uint32_t batch,
                        sn_training *t)
{
    SN_TRY(SN_ALLOCATE(t->noise, 1, "the images"));
    SN_TRY(make_noise(batch, t->noise));
    SN_TRY(sn_network_build((sn_network_options){norm, 2, false}, &t->network));
    SN_TRY(sn_model_create(&t->network, &t->model));
    sn_model_initialize(t->model, 1);
    const sn_replica_options options = {.team = team,
                                        .network = &t->network,
                                        .kernels = t->kernels,
                                        .convolution = convolution,
                                        .batch = batch,
                                        .seed = 1,
                                        .dropout = 0.05,
                                        .clock = t->clock};
    return sn_replica_create(&options, &t->replica);
}

sn_status sn_training_create(const sn_kernels *kernels, sn_team *team, sn_norm_kind norm,
                             const sn_convolution *convolution, uint32_t batch, sn_phase_clock *clock,
                             sn_training *t)
{
    memset(t, 0, sizeof *t);
    t->kernels = kernels;
    t->clock = clock;
    t->sgd = (sn_sgd){.learning_rate = 1e-3, .momentum = 0.9}; /* small: the weights stay sane for ever */
    const sn_status status = sn_team_agree(team, create(team, norm, convolution, batch, t));
    if (status != SN_OK) {
        sn_training_destroy(t);
        return status;
    }
    const sn_share share = sn_share_of(batch, sn_team_rank(team), sn_team_size(team));
    t->batch = (sn_batch){.samples = {t->noise->pixels, t->noise->labels, IMAGES, NULL},
                          .index = t->noise->index,
                          .first = share.first,
                          .count = share.count,
                          .total = batch};
    return SN_OK;
}

void sn_training_destroy(sn_training *t)
{
    sn_replica_destroy(t->replica);
    sn_model_destroy(t->model);
    free_noise(t->noise);
    memset(t, 0, sizeof *t);
}

/* The samples of the next batch; batches larger than there are images repeat them. */
static void choose(sn_training *t)
{
    noise *n = t->noise;
    if (t->batch.total > IMAGES) {
        for (uint32_t i = 0; i < t->batch.count; i++)
            n->index[i] = (t->batch.first + i) % IMAGES;
        return;
    }
    const uint32_t steps = IMAGES / t->batch.total; /* whole batches of an epoch */
    sn_sampler_positions(n->sampler, n->step / steps, n->step % steps, t->batch.first, t->batch.count,
                         n->index);
    n->step++;
}

void sn_training_step(void *training)
{
    sn_training *t = training;
    sn_step_sums sums;
    sn_phase_begin(t->clock, SN_PHASE_SAMPLER);
    choose(t);
    sn_phase_begin(t->clock, SN_PHASE_REST);
    t->status = sn_replica_step(t->replica, t->model, &t->batch, NULL, &sums);
    sn_phase_begin(t->clock, SN_PHASE_OPTIMIZER);
    if (t->status == SN_OK) sn_sgd_step(&t->sgd, t->kernels, t->model, sums.gradient, t->batch.total);
    sn_phase_begin(t->clock, SN_PHASE_REST);
    t->batch.step++;
}
