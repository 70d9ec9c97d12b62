#ifndef SYNCNORM_COMM_ROUNDS_H
#define SYNCNORM_COMM_ROUNDS_H

/**
 * The rounds in which ranks on different nodes add up a message. Not collective.
 *
 * In a round of radix r, groups of r ranks exchange r - 1 messages each way at once: latency is paid once for what takes log2(r) rounds of pairs. Short
 * messages go whole in every round (recursive multiplying; Ruefenacht, Bull and Booth, "Generalisation of recursive doubling for AllReduce",
 * 2017); long ones are scattered, each rank adding up a part, and gathered again, in twice the rounds (Rabenseifner, 2004, with these radices).
 */

#include <stdbool.h>
#include <stddef.h>

enum { SN_ROUNDS_MOST = 31, SN_RADIX_MOST = 16 };

typedef struct sn_rounds {
    int core; /* of the ranks: their number is the product of the radices. Each other one gives its message to one of these and takes the sum from it. */
    int count, radix[SN_ROUNDS_MOST];
    int messages; /* that a rank of the core sends in them: radix - 1 in each */
} sn_rounds;

/** For that many ranks, from 1: the rounds of the least latency, when to send and receive a message takes a quarter of it. */
sn_rounds sn_rounds_plan(int ranks);

/** Whether messages of so many bytes on a link are scattered: beyond what a link moves in the time of its latency a byte saved counts for more than a round. */
bool sn_rounds_scatter(const sn_rounds *rounds, size_t bytes);

/** What a rank sends in them, whole or scattered, over the size of the message. */
double sn_rounds_moved(const sn_rounds *rounds, bool scattered);

#endif
