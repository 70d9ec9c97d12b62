#include "syncnorm/study/estimate.h"

#include "syncnorm/nn/replica.h"
#include "syncnorm/nn/shapes.h"
#include "syncnorm/price/price.h"

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

/* True when a statistics group of `size` samples lies on several ranks. */
static bool any_group_is_cut(uint32_t size, uint32_t batch, int ranks)
{
    for (int rank = 1; rank < ranks; rank++) {
        const uint32_t first = sn_share_of(batch, rank, ranks).first;
        if (first < batch && first % size != 0) return true;
    }
    return false;
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

static bool sums_statistics(const sn_experiment *e, uint32_t batch, int ranks)
{
    return sn_norm_pools_batch(e->norm) && any_group_is_cut(group_size(e, batch, ranks), batch, ranks);
}

/* Sums and waiting of a step on a machine. */
static double machine_seconds(const sn_machine *machine, const sn_experiment *e, uint32_t batch, int ranks)
{
    const sn_price_work work = {.norm = e->norm,
                                .groups = (int)e->groups,
                                .batch = batch,
                                .workers = e->workers == SN_WORKERS_RANKS ? (uint32_t)ranks : e->workers,
                                .synchronized = sums_statistics(e, batch, ranks)};
    sn_price price = sn_price_step(machine, &work, ranks);
    return sn_price_total(price) - price.compute;
}

static double sums_seconds(const sn_experiment *e, uint32_t batch, int ranks)
{
    sn_network network;
    double seconds = SN_SUM_SECONDS, doublings = 0;
    for (int64_t reached = 1; reached < ranks; reached *= 2)
        doublings++;
    if (sn_network_build(e->norm, (int)e->groups, &network) != SN_OK) return 0; /* then nothing trains it */
    const sn_message_words words = sn_replica_message_words(&network, 1);
    seconds += SN_SUM_SECONDS_PER_BYTE * (double)(words.gradient * sizeof(int64_t));
    if (sums_statistics(e, batch, ranks))
        seconds += 2 * SN_NORMS * SN_SUM_SECONDS; /* short messages, forward and backward */
    return doublings * seconds;
}

double sn_step_seconds(const sn_block_cost *cost, const sn_experiment *experiment, uint32_t batch, int ranks)
{
    return largest_share_seconds(cost, experiment, batch, ranks) + cost->update +
           (cost->machine ? machine_seconds(cost->machine, experiment, batch, ranks)
                          : sums_seconds(experiment, batch, ranks));
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
    const uint64_t epochs = images / data->train, part = images % data->train;
    const double evaluations = (double)(epochs + (part > 0)); /* also after a part of an epoch */
    return (double)epochs * training_seconds(cost, experiment, data->train, ranks) +
           training_seconds(cost, experiment, part, ranks) +
           (evaluations * largest_share_seconds(cost, experiment, data->test, ranks) +
            largest_share_seconds(cost, experiment, data->train, ranks)) /
               3;
}
