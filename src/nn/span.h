#ifndef SYNCNORM_NN_SPAN_H
#define SYNCNORM_NN_SPAN_H

/* Passes over a span: blocks that go through the network together, layer by layer. A span is a closed set of statistics groups; where
   a norm looks at one sample at a time, a single block, which stays in cache from end to end. */

#include "batch_statistics.h"

/* Forward in training mode through all norms; violations of the statistics are counted in `violations` as message.h says. Collective when
   pooling->exchange. */
void sn_span_forward(const sn_pass *pass, const sn_pooling *pooling, sn_block *const *blocks, int count,
                     int64_t *violations);

/* Forward and backward. Collective when pooling->exchange. */
void sn_span_train(const sn_pass *pass, const sn_pooling *pooling, sn_block *const *blocks, int count,
                   const sn_sums *sums);

#endif
