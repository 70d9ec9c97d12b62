#include "syncnorm/study/estimate.h"

#include <limits.h>

#include "syncnorm/nn/replica.h"
#include "syncnorm/nn/shapes.h"
#include "syncnorm/price/price.h"

/* Where nothing is measured: without MPI it cannot be. */
static const sn_machine one_node = {.ranks_per_node = INT_MAX, .node = {2e-6, 0.25e-9, 0}};

double sn_share_seconds(const sn_block_cost *cost, uint32_t samples)
{
    return cost->block * sn_share_blocks(samples);
}

static double largest_share_seconds(const sn_block_cost *cost, const sn_experiment *e, uint32_t total,
                                    int ranks)
{
    const uint32_t samples = sn_share_of(total, 0, ranks).count;
    return cost->machine ? sn_machine_step(cost->machine, e->norm, samples) : sn_share_seconds(cost, samples);
}

/* Samples of a statistics group; of uneven workers, about. */
static uint32_t group_size(const sn_experiment *e, uint32_t batch, int ranks)
{
    const uint32_t workers = e->workers == SN_WORKERS_RANKS ? (uint32_t)ranks : e->workers;
    const uint32_t size = e->bn_scope == SN_SCOPE_SYNC     ? batch
                          : e->bn_scope == SN_SCOPE_WORKER ? batch / workers
                                                           : e->bn_scope;
    return size ? size : 1;
}

/* Sums and waiting of a step. */
static double sums_seconds(const sn_block_cost *cost, const sn_experiment *e, uint32_t batch, int ranks)
{
    const sn_price_work work = {
        .norm = e->norm, .groups = (int)e->groups, .batch = batch, .scope = group_size(e, batch, ranks)};
    const sn_price price = sn_price_step(cost->machine ? cost->machine : &one_node, &work, ranks);
    return price.statistics + price.gradient + price.waiting;
}

double sn_step_seconds(const sn_block_cost *cost, const sn_experiment *experiment, uint32_t batch, int ranks)
{
    return largest_share_seconds(cost, experiment, batch, ranks) + cost->update +
           sums_seconds(cost, experiment, batch, ranks);
}

/* Training on `images`, of which the last batch is short. */
static double training_seconds(const sn_block_cost *cost, const sn_experiment *e, uint64_t images, int ranks)
{
    const uint32_t rest = (uint32_t)(images % e->batch);
    const uint64_t whole = images / e->batch;
    double seconds = (double)whole * sn_step_seconds(cost, e, e->batch, ranks);
    if (rest) seconds += sn_step_seconds(cost, e, rest, ranks);
    return seconds;
}

double sn_run_seconds(const sn_block_cost *cost, const sn_experiment *experiment,
                      const sn_dataset_facts *data, uint64_t images, int ranks)
{
    const uint32_t train = sn_experiment_images(experiment, data->train);
    const uint32_t examined = experiment->validation + (sn_experiment_tests(experiment) ? data->test : 0);
    const uint64_t epochs = images / train, part = images % train;
    const double evaluations = (double)(epochs + (part > 0)); /* also after a part of an epoch */
    return (double)epochs * training_seconds(cost, experiment, train, ranks) +
           training_seconds(cost, experiment, part, ranks) +
           (evaluations * largest_share_seconds(cost, experiment, examined, ranks) +
            largest_share_seconds(cost, experiment, train, ranks)) /
               3;
}
