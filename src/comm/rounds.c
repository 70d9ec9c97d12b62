#include "syncnorm/comm/rounds.h"

enum {
    MESSAGES_A_ROUND = 4,     /* that are sent and received in the time of a latency */
    LATENCY_BYTES = 24 << 10, /* moved in the time of a latency: 18 KB of InfiniBand, 31 KB of 10 GbE */
};

static int price(const sn_rounds *r, int ranks)
{
    const int outside = r->core < ranks ? 2 : 0; /* messages one after the other */
    return MESSAGES_A_ROUND * (r->count + outside) + r->messages + outside;
}

/* `begun`, and then radices, descending, whose product is `rest`; the best of all in `best`. */
static void factor(int rest, int most, int ranks, sn_rounds *begun, sn_rounds *best)
{
    if (rest == 1) {
        if (best->core == 0 || price(begun, ranks) < price(best, ranks)) *best = *begun;
        return;
    }
    for (int radix = most < rest ? most : rest; radix >= 2; radix--) {
        if (rest % radix) continue;
        begun->radix[begun->count++] = radix;
        begun->messages += radix - 1;
        factor(rest / radix, radix, ranks, begun, best);
        begun->messages -= radix - 1;
        begun->count--;
    }
}

sn_rounds sn_rounds_plan(int ranks)
{
    sn_rounds best = {0};
    for (int core = ranks; 2 * core > ranks; core--) /* each of the core has at most one other */
        factor(core, SN_RADIX_MOST, ranks, &(sn_rounds){.core = core}, &best);
    return best;
}

double sn_rounds_moved(const sn_rounds *r, bool scattered)
{
    return scattered ? 2 - 2.0 / r->core : r->messages;
}

bool sn_rounds_scatter(const sn_rounds *r, size_t bytes)
{
    const double saved = sn_rounds_moved(r, false) - sn_rounds_moved(r, true);
    return (double)bytes * saved > (double)r->count * LATENCY_BYTES;
}
