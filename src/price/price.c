#include "syncnorm/price/price.h"

#include <math.h>

#include "syncnorm/base/samples.h"
#include "syncnorm/nn/norm.h"
#include "syncnorm/nn/replica.h"

enum { LONG_WORDS = 2048 }; /* as comm/sum.c */

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

static double ring(const sn_link *link, double bytes, int ends)
{
    return 2 * (ends - 1) * message(link, bytes / ends);
}

static double among(const sn_link *link, double bytes, int ends)
{
    return ends == 1 ? 0 : fmin(doubling(link, bytes, ends), ring(link, bytes, ends));
}

double sn_price_sum(const sn_machine *m, size_t words, int ranks)
{
    const int here = ranks < m->ranks_per_node ? ranks : m->ranks_per_node;
    const int nodes = (ranks + here - 1) / here;
    const double bytes = (double)(words * sizeof(int64_t));
    if (nodes == 1 && (here <= 2 || words < LONG_WORDS)) return among(&m->node, bytes, here);
    const double within = here == 1            ? 0
                          : words < LONG_WORDS ? 2 * doubling(&m->node, bytes, here)
                          : here > 1
                              ? 2 * rounds(here) * m->node.latency + 3 * here * bytes * m->node.per_byte
                              : 0;
    return within + among(&m->network, bytes, nodes);
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

sn_price sn_price_step(const sn_machine *m, const sn_price_work *work, int ranks)
{
    sn_network network;
    sn_price price = {.compute = sn_machine_step(m, work->norm, sn_share_of(work->batch, 0, ranks).count)};
    if (sn_network_build(work->norm, work->groups, &network) != SN_OK) return price;
    const sn_message_words words = sn_replica_message_words(&network, work->workers);
    const bool pools = sn_norm_pools_batch(work->norm);
    price.gradient = sn_price_sum(m, words.gradient + (pools && !work->synchronized ? words.running : 0),
                                  ranks);
    if (pools && work->synchronized) price.statistics = statistics(m, &network, ranks);
    price.waiting = price.compute * m->spread * sqrt(2 * log(ranks));
    return price;
}

double sn_price_total(sn_price price)
{
    return price.compute + price.statistics + price.gradient + price.waiting;
}
