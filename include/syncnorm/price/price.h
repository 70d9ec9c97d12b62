#ifndef SYNCNORM_PRICE_PRICE_H
#define SYNCNORM_PRICE_PRICE_H

/**
 * What a training step costs on a machine, by a model of few terms. Bits do not depend on the machine, so price is all that does. Pure functions.
 *
 *     compute     the step of the largest share
 *     sums        of P ranks on n nodes with r on each, as comm/sum.c goes about them:
 *                 a node's, short:  2 log2(r) (latency + B per_byte)
 *                 a node's, long:   2 log2(r) latency + 3 B per_byte: written, added up by parts, read
 *                 between nodes:    the less of log2(n) (latency + B per_byte), recursive doubling, and
 *                                   2 (n - 1) latency + 2 (n - 1) / n B per_byte, a ring
 *     waiting     compute * spread * sqrt(2 ln P): what the slowest of P is expected to take beyond the mean
 *
 * After LogGP (Alexandrov et al., 1995) and Thakur, Rabenseifner and Gropp, "Optimization of Collective Communication Operations in MPICH"
 * (2005). log2 is rounded up.
 */

#include <stdbool.h>
#include <stddef.h>

#include "syncnorm/price/machine.h"

/** Seconds of an exact sum of `words` 64-bit integers over so many ranks, those of a node next to each other. */
double sn_price_sum(const sn_machine *machine, size_t words, int ranks);

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
