#include "syncnorm/study/estimate.h"

#include "syncnorm/nn/replica.h"
#include "syncnorm/nn/shapes.h"

double sn_share_seconds(const sn_block_cost *cost, uint32_t samples)
{
    return cost->block * sn_share_blocks(samples);
}

static double largest_share_seconds(const sn_block_cost *cost, uint32_t total, int ranks)
{
    return sn_share_seconds(cost, sn_share_of(total, 0, ranks).count);
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

static double sums_seconds(const sn_experiment *e, uint32_t batch, int ranks)
{
    sn_network network;
    double seconds = SN_SUM_SECONDS, doublings = 0;
    for (int64_t reached = 1; reached < ranks; reached *= 2)
        doublings++;
    if (sn_network_build(e->norm, (int)e->groups, &network) != SN_OK) return 0; /* then nothing trains it */
    const sn_message_words words = sn_replica_message_words(&network, 1);
    seconds += SN_SUM_SECONDS_PER_BYTE * (double)(words.gradient * sizeof(int64_t));
    if (sn_norm_pools_batch(e->norm) && any_group_is_cut(group_size(e, batch, ranks), batch, ranks))
        seconds += 2 * SN_NORMS * SN_SUM_SECONDS; /* short messages, forward and backward */
    return doublings * seconds;
}

double sn_step_seconds(const sn_block_cost *cost, const sn_experiment *experiment, uint32_t batch, int ranks)
{
    return largest_share_seconds(cost, batch, ranks) + cost->update + sums_seconds(experiment, batch, ranks);
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
           (evaluations * largest_share_seconds(cost, data->test, ranks) +
            largest_share_seconds(cost, data->train, ranks)) /
               3;
}
