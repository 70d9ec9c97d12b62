/* Whole training steps: forward, backward, sums across ranks, SGD, on made-up images. */

#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "syncnorm/base/memory.h"
#include "syncnorm/nn/optimizer.h"
#include "syncnorm/nn/replica.h"

enum { IMAGES = 1024 };

typedef struct work {
    const sn_kernels *kernels;
    sn_model *model;
    sn_replica *replica;
    sn_batch batch;
    sn_sgd sgd;
    sn_status status; /* of the last step: the same on every rank */
} work;

static void step(void *context)
{
    work *w = context;
    sn_step_sums sums;
    w->status = sn_replica_step(w->replica, w->model, &w->batch, NULL, &sums);
    if (w->status == SN_OK) sn_sgd_step(&w->sgd, w->kernels, w->model, sums.gradient, w->batch.total);
    w->batch.step++;
}

static sn_status create(const sn_bench *bench, const sn_network *network, const sn_convolution *convolution,
                        work *w)
{
    SN_TRY(sn_model_create(network, &w->model));
    sn_model_initialize(w->model, 1);
    const sn_replica_options options = {.team = bench->world,
                                        .network = network,
                                        .kernels = bench->kernels,
                                        .convolution = convolution,
                                        .batch = (uint32_t)bench->batch,
                                        .seed = 1,
                                        .dropout = 0.05};
    return sn_replica_create(&options, &w->replica);
}

/* Collective. */
static sn_status measure(const sn_bench *bench, sn_norm_kind norm, const sn_convolution *convolution,
                         sn_samples samples, const uint32_t *index, sn_timing *timing)
{
    sn_network network;
    SN_TRY(sn_network_build(norm, 2, &network));
    const sn_share share = sn_share_of((uint32_t)bench->batch, sn_team_rank(bench->world),
                                       sn_team_size(bench->world));
    work w = {.kernels = bench->kernels,
              .batch = {.samples = samples,
                        .index = index + share.first,
                        .first = share.first,
                        .count = share.count,
                        .total = (uint32_t)bench->batch},
              .sgd = {.learning_rate = 1e-3, .momentum = 0.9}}; /* small: the weights stay sane for ever */
    sn_status status = sn_team_agree(bench->world, create(bench, &network, convolution, &w));
    if (status == SN_OK) {
        *timing = sn_bench_measure(bench, true, step, &w);
        status = w.status;
    }
    sn_replica_destroy(w.replica);
    sn_model_destroy(w.model);
    return status;
}

/* Noise with labels: speed does not depend on what is in the images. */
static sn_status make_images(const sn_bench *bench, uint8_t **pixels, uint8_t **labels, uint32_t **index)
{
    SN_TRY(SN_ALLOCATE(*pixels, (size_t)IMAGES * SN_IMAGE_PIXELS, "the images"));
    SN_TRY(SN_ALLOCATE(*labels, IMAGES, "the labels"));
    SN_TRY(SN_ALLOCATE(*index, (size_t)bench->batch, "the batch"));
    for (size_t i = 0; i < (size_t)IMAGES * SN_IMAGE_PIXELS; i++)
        (*pixels)[i] = (uint8_t)(i * 2654435761u >> 24);
    for (uint32_t i = 0; i < IMAGES; i++)
        (*labels)[i] = (uint8_t)(i % SN_CLASSES);
    for (int i = 0; i < bench->batch; i++)
        (*index)[i] = (uint32_t)i % IMAGES;
    return SN_OK;
}

sn_status sn_bench_steps(const sn_bench *bench)
{
    const sn_convolution *const both[] = {bench->kernels->direct, sn_convolution_gemm()};
    const bool root = sn_team_is_root(bench->world);
    uint8_t *pixels = NULL, *labels = NULL;
    uint32_t *index = NULL;
    sn_status status = sn_team_agree(bench->world, make_images(bench, &pixels, &labels, &index));
    if (root && status == SN_OK)
        printf("\nWhole training steps, global batch %d, images/s (best, median)\n%-6s  %-13s  %s\n",
               bench->batch, "norm", "direct", "gemm");
    for (int norm = 0; norm < SN_NORM_KINDS && status == SN_OK; norm++) {
        if (root) printf("%-6s", sn_norm_types[norm].name);
        for (int c = 0; c < 2 && status == SN_OK; c++) {
            sn_timing timing = {1, 1};
            status = measure(bench, (sn_norm_kind)norm, both[c], (sn_samples){pixels, labels, IMAGES}, index,
                             &timing);
            if (root) printf("  %6.0f %6.0f", bench->batch / timing.best, bench->batch / timing.median);
        }
        if (root) printf("\n");
    }
    sn_free(pixels);
    sn_free(labels);
    sn_free(index);
    return status;
}
