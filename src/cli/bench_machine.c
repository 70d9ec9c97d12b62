/* The machine as reports price it (price/machine.h): how fast ranks exchange messages, within a node and between nodes, from the exact sums that
   training makes; and how far the ranks' speeds lie apart. */

#include <math.h>
#include <stdio.h>

#include "bench.h"
#include "syncnorm/base/memory.h"
#include "syncnorm/base/missing.h"
#include "syncnorm/nn/network.h"
#include "syncnorm/price/price.h"

enum { FEW_WORDS = 16, SHARE = 16 };

/* A link no faster than this part of the fastest has been measured, not assumed. */
#define RESOLVED 10

/* Among the ranks of `team`, NULL on those outside. The link is known on its root. Collective over the team. */
static sn_status measure(const sn_bench *bench, sn_team *team, bool network, size_t words, sn_link *link)
{
    *link = (sn_link){SN_MISSING, SN_MISSING, 0};
    if (!team || sn_team_size(team) == 1) return SN_OK;
    sn_bench here = *bench;
    here.world = team;
    int64_t *values = NULL;
    const sn_status status = sn_team_agree(team, SN_ALLOCATE(values, words, "the message"));
    if (status == SN_OK) {
        const size_t lengths[] = {FEW_WORDS, words};
        const double seconds[] = {sn_bench_sum(&here, values, lengths[0]).median,
                                  sn_bench_sum(&here, values, lengths[1]).median};
        *link = sn_price_link(network, sn_team_size(team), lengths, seconds);
    }
    sn_free(values);
    return status;
}

static sn_status measure_links(const sn_bench *bench, int *nodes, sn_link *node, sn_link *network)
{
    sn_network layers;
    sn_team *here = NULL, *firsts = NULL;
    const int rank = sn_team_rank(bench->world);
    SN_TRY(sn_network_build((sn_network_options){SN_NORM_LAYER, 2, false}, &layers));
    const size_t words = sn_replica_message_words(&layers, 1).gradient;
    sn_status status = sn_team_split(bench->world, nodes[rank], &here);
    if (status == SN_OK) status = sn_team_split(bench->world, nodes[rank] == rank ? 0 : -1, &firsts);
    status = sn_team_agree(bench->world, status);
    if (status == SN_OK) status = measure(bench, here, false, words, node);
    status = sn_team_agree(bench->world, status);
    if (status == SN_OK) status = measure(bench, firsts, true, words, network);
    status = sn_team_agree(bench->world, status);
    sn_team_destroy(here);
    sn_team_destroy(firsts);
    return status;
}

/* Of this rank alone, while the others are at work, too. */
static sn_status measure_step(const sn_bench *bench, double *seconds)
{
    sn_team *alone = NULL;
    sn_training t;
    SN_TRY(sn_team_alone(&alone));
    sn_status status = sn_training_create(bench->kernels, alone, SN_NORM_GROUP, bench->kernels->direct, SHARE,
                                          NULL, &t);
    if (status == SN_OK) {
        *seconds = sn_bench_measure(bench, false, sn_training_step, &t).median;
        status = t.status;
        sn_training_destroy(&t);
    }
    sn_team_destroy(alone);
    return status;
}

/* On the root: of the ranks' step times, over their mean. */
static double spread_of(const double *seconds, int ranks)
{
    double mean = 0, squares = 0;
    for (int r = 0; r < ranks; r++)
        mean += seconds[r] / ranks;
    for (int r = 0; r < ranks; r++)
        squares += (seconds[r] - mean) * (seconds[r] - mean);
    return ranks > 1 ? sqrt(squares / (ranks - 1)) / mean : 0;
}

static void tell(const char *what, sn_link link)
{
    if (isnan(link.latency)) return;
    printf("%-14s %7.2f µs, ", what, 1e6 * link.latency);
    if (link.per_byte > RESOLVED / SN_LINK_FASTEST)
        printf("%6.2f GB/s\n", 1e-9 / link.per_byte);
    else
        printf("a bandwidth lost in the noise: take more --repetitions\n");
}

static void add_link(json_t *figures, const char *name, sn_link link)
{
    if (!isnan(link.latency))
        json_object_set_new(
            figures, name,
            json_pack("{sf sf}", "latency_seconds", link.latency, "bytes_per_second", 1 / link.per_byte));
}

/* What a node has most of. */
static int most_on_a_node(const int *nodes, int ranks)
{
    int most = 0;
    for (int first = 0; first < ranks; first++) {
        int count = 0;
        for (int r = first; r < ranks; r++)
            count += nodes[r] == first;
        if (count > most) most = count;
    }
    return most;
}

sn_status sn_bench_machine(const sn_bench *bench)
{
    sn_team *world = bench->world;
    const int ranks = sn_team_size(world);
    int *nodes = NULL;
    double *steps = NULL;
    sn_link node = {SN_MISSING, SN_MISSING, 0}, network = {SN_MISSING, SN_MISSING, 0};
    sn_status status = SN_ALLOCATE(nodes, (size_t)ranks, "the nodes");
    if (status == SN_OK) status = SN_ALLOCATE(steps, (size_t)ranks, "the step times");
    double mine = 0;
    if (status == SN_OK) status = measure_step(bench, &mine);
    status = sn_team_agree(world, status);
    if (status == SN_OK) {
        sn_team_nodes(world, nodes);
        sn_team_gather(world, &mine, sizeof mine, steps);
        status = measure_links(bench, nodes, &node, &network);
    }
    if (status == SN_OK && sn_team_is_root(world) && ranks > 1) {
        printf("\nMessages between ranks, as the sums have them\n");
        tell("within a node", node);
        tell("between nodes", network);
        printf("step times of the ranks lie %.1f %% apart\n", 100 * spread_of(steps, ranks));
    }
    if (status == SN_OK && bench->figures) {
        json_object_set_new(bench->figures, "ranks_per_node", json_integer(most_on_a_node(nodes, ranks)));
        json_object_set_new(bench->figures, "spread", json_real(spread_of(steps, ranks)));
        add_link(bench->figures, "node", node);
        add_link(bench->figures, "network", network);
    }
    sn_free(nodes);
    sn_free(steps);
    return status;
}
