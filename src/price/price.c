#include "syncnorm/price/price.h"

#include <math.h>

#include "syncnorm/base/missing.h"
#include "syncnorm/base/samples.h"
#include "syncnorm/comm/rounds.h"
#include "syncnorm/comm/team.h"
#include "syncnorm/nn/norm.h"
#include "syncnorm/nn/replica.h"

static int rounds(int ranks)
{
    int count = 0;
    for (int64_t reached = 1; reached < ranks; reached *= 2)
        count++;
    return count;
}

static double message(const sn_link *link, double bytes)
{
    return link->latency + bytes * link->per_byte;
}

static double doubling(const sn_link *link, double bytes, int ends)
{
    return rounds(ends) * message(link, bytes);
}

static double between(const sn_link *link, double bytes, int ends)
{
    if (ends == 1) return 0;
    const sn_rounds rounds = sn_rounds_plan(ends);
    const bool scattered = sn_rounds_scatter(&rounds, (size_t)bytes);
    const double waited = rounds.count * link->latency + (rounds.messages - rounds.count) * link->overhead;
    return (scattered ? 2 : 1) * waited + sn_rounds_moved(&rounds, scattered) * bytes * link->per_byte +
           (rounds.core < ends ? 2 * message(link, bytes) : 0);
}

/* What a node of several ranks does before and behind the sum between nodes. */
static double within(const sn_link *link, size_t words, double bytes, int here)
{
    if (here == 1) return 0;
    if (words < SN_SUM_LONG_WORDS) return 2 * doubling(link, bytes, here);
    return 2 * rounds(here) * link->latency + 3 * bytes * link->per_byte;
}

double sn_price_sum(const sn_machine *m, size_t words, int ranks)
{
    if (ranks == 1) return 0; /* of nothing that need be known */
    const int here = ranks < m->ranks_per_node ? ranks : m->ranks_per_node;
    const int nodes = (ranks - 1) / here + 1;
    const double bytes = (double)(words * sizeof(int64_t));
    if (nodes == 1 && (here <= 2 || words < SN_SUM_LONG_WORDS)) return doubling(&m->node, bytes, here);
    return within(&m->node, words, bytes, here) + between(&m->network, bytes, nodes);
}

static double over(sn_link link, bool network, int ends, size_t words)
{
    sn_machine machine = {.ranks_per_node = network ? 1 : ends};
    *(network ? &machine.network : &machine.node) = link;
    return sn_price_sum(&machine, words, ends);
}

sn_link sn_price_link(bool network, int ends, const size_t words[2], const double seconds[2])
{
    const double few = fmin(seconds[0], seconds[1]);
    double low = 1.0 / SN_LINK_FASTEST, high = 1 / SN_LINK_SLOWEST;
    sn_link link = {.latency = few / over((sn_link){.latency = 1}, network, ends, words[0])};
    for (int i = 0; i < 100; i++) { /* the price grows with per_byte */
        link.per_byte = (low + high) / 2;
        *(over(link, network, ends, words[1]) < seconds[1] ? &low : &high) = link.per_byte;
    }
    link.per_byte = high;
    return link;
}

bool sn_price_scope_is_cut(uint32_t scope, uint32_t batch, int ranks)
{
    for (int rank = 1; rank < ranks; rank++) {
        const uint32_t first = sn_share_of(batch, rank, ranks).first;
        if (first < batch && first % scope != 0) return true;
    }
    return false;
}

static double statistics(const sn_machine *m, const sn_network *network, int ranks)
{
    double seconds = 0;
    for (int s = 0; s < SN_STAGES; s++) {
        const size_t channels = (size_t)network->stages[s].out_channels;
        if (network->stages[s].norm)
            seconds += sn_price_sum(m, SN_MOMENT_WORDS * channels, ranks) +
                       sn_price_sum(m, 2 * channels, ranks);
    }
    return seconds;
}

/* Of `ranks` normal deviates the greatest, as expected: the integral of 1 - F^ranks over x > 0, less that of F^ranks over x < 0, by the trapezoidal rule,
   which is exact to 1e-9 on smooth functions that vanish at both ends. */
static double greatest(int ranks)
{
    const double step = 0.125;
    const int steps = 64;
    double sum = 0;
    for (int i = 0; i <= steps; i++) {
        const double x = i * step / sqrt(2);
        sum += (i > 0 ? 1 : 0.5) * (1 - pow(erfc(-x) / 2, ranks) - pow(erfc(x) / 2, ranks));
    }
    return step * sum;
}

sn_price sn_price_step(const sn_machine *m, const sn_price_work *work, int ranks)
{
    sn_network network;
    sn_price price = {.compute = sn_machine_step(m, work->norm, sn_share_of(work->batch, 0, ranks).count)};
    if (sn_network_build((sn_network_options){work->norm, work->groups, false}, &network) != SN_OK)
        return (sn_price){.compute = SN_MISSING};
    const sn_message_words words = sn_replica_message_words(&network, 1);
    const bool pools = sn_norm_pools_batch(work->norm), several = pools && work->scope < work->batch;
    price.gradient = sn_price_sum(m, words.gradient + (several ? words.running : 0), ranks);
    if (pools && sn_price_scope_is_cut(work->scope, work->batch, ranks))
        price.statistics = statistics(m, &network, ranks);
    if (m->spread > 0)
        price.waiting = price.compute * m->spread *
                        greatest(ranks < (int)work->batch ? ranks : (int)work->batch);
    return price;
}

double sn_price_total(sn_price price)
{
    return price.compute + price.statistics + price.gradient + price.waiting;
}
