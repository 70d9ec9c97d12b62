#include "syncnorm/price/price.h"

#include <math.h>

#include "syncnorm/base/samples.h"
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

static double ring(const sn_link *link, double bytes, int ends)
{
    return 2 * (ends - 1) * message(link, bytes / ends);
}

static double among(const sn_link *link, double bytes, int ends)
{
    return ends == 1 ? 0 : fmin(doubling(link, bytes, ends), ring(link, bytes, ends));
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
    const int here = ranks < m->ranks_per_node ? ranks : m->ranks_per_node;
    const int nodes = (ranks - 1) / here + 1;
    const double bytes = (double)(words * sizeof(int64_t));
    if (nodes == 1 && (here <= 2 || words < SN_SUM_LONG_WORDS)) return among(&m->node, bytes, here);
    return within(&m->node, words, bytes, here) + among(&m->network, bytes, nodes);
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

sn_price sn_price_step(const sn_machine *m, const sn_price_work *work, int ranks)
{
    sn_network network;
    sn_price price = {.compute = sn_machine_step(m, work->norm, sn_share_of(work->batch, 0, ranks).count)};
    if (sn_network_build(work->norm, work->groups, &network) != SN_OK) return price;
    const sn_message_words words = sn_replica_message_words(&network, 1);
    const bool pools = sn_norm_pools_batch(work->norm), several = pools && work->scope < work->batch;
    price.gradient = sn_price_sum(m, words.gradient + (several ? words.running : 0), ranks);
    if (pools && sn_price_scope_is_cut(work->scope, work->batch, ranks))
        price.statistics = statistics(m, &network, ranks);
    if (m->spread > 0) price.waiting = price.compute * m->spread * sqrt(2 * log(ranks));
    return price;
}

double sn_price_total(sn_price price)
{
    return price.compute + price.statistics + price.gradient + price.waiting;
}
