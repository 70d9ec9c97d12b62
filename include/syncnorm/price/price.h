#ifndef SYNCNORM_PRICE_PRICE_H
#define SYNCNORM_PRICE_PRICE_H

/**
 * What a training step costs on a machine, by a model of few terms. Bits do not depend on the machine, so price is all that does. Pure functions.
 *
 *     compute     the step of the largest share
 *     sums        of P ranks on n nodes with r on each, as comm/sum.c goes about them:
 *                 a node's alone:   short, or of two ranks: log2(r) (latency + B per_byte)
 *                 a node's, short:  2 log2(r) (latency + B per_byte)
 *                 a node's, long:   2 log2(r) latency + 3 B per_byte: written, added up by parts, read
 *                 between nodes:    in the rounds of comm/rounds.h with radices k
 *                                   whole:      sum of latency + (k - 2) overhead + (k - 1) B per_byte
 *                                   scattered:  2 sum of latency + (k - 2) overhead; 2 (n - 1) / n B per_byte,
 *                                   with n those that have a place in the rounds; else there and back once more
 *     waiting     compute * spread * m(P), what the slowest of the P ranks with samples takes beyond the mean: m(P), the expected greatest of P
 *                 normal deviates. Once a step, however many sums: ranks differ, and the slowest is the same in all of them
 *
 * After LogGP (Alexandrov et al., 1995). log2 is rounded up.
 */

#include <stdbool.h>
#include <stddef.h>

#include "syncnorm/price/machine.h"

/** Seconds of an exact sum of `words` 64-bit integers over so many ranks, those of a node next to each other. */
double sn_price_sum(const sn_machine *machine, size_t words, int ranks);

/** The link of which sums of two lengths took that long on `ends` ranks of a node, or of as many nodes with one rank each: what sn_price_sum() says of
 *  it. Timings that contradict one another, more words in less time, give the latency of the shorter time, and a link
 *  of SN_LINK_FASTEST. overhead is 0. */
sn_link sn_price_link(bool network, int ends, const size_t words[2], const double seconds[2]);

/** What is trained. */
typedef struct sn_price_work {
    sn_norm_kind norm;
    int groups;     /* of group norm */
    uint32_t batch; /* global */
    uint32_t scope; /* samples that batch statistics are over, from 1; the batch or more: all of it */
} sn_price_work;

/** Seconds of a step. */
typedef struct sn_price {
    double compute, statistics, gradient, waiting;
} sn_price;

/** Whether a group of `scope` samples of a batch lies on several ranks, so that its statistics are summed across them. */
bool sn_price_scope_is_cut(uint32_t scope, uint32_t batch, int ranks);

/** NaN compute where the machine knows nothing of the norm. */
sn_price sn_price_step(const sn_machine *machine, const sn_price_work *work, int ranks);

double sn_price_total(sn_price price);

#endif
