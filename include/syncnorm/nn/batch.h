#ifndef SYNCNORM_NN_BATCH_H
#define SYNCNORM_NN_BATCH_H

/** A global batch as a rank sees it. */

#include <stdbool.h>
#include <stdint.h>

#include "syncnorm/base/samples.h"

/** The positions of a global batch divided into consecutive parts: part p has positions start[p] ... start[p + 1] - 1, perhaps none. */
typedef struct sn_partition {
    const uint32_t *start; /* [parts + 1] */
    uint32_t parts;        /* 0: one part, the whole batch */
} sn_partition;

/** This rank's share of a global batch: count samples at positions first ... of the total. */
typedef struct sn_batch {
    sn_samples samples;
    const uint32_t *index; /* [count] into samples; NULL: they are samples[offset + position] */
    uint32_t offset;
    uint32_t first, count; /* positions in the global batch; count 0: this rank only joins the sums */
    uint32_t total;        /* samples of the global batch */
    uint32_t step;         /* global step: with the position, it selects the dropout masks */
    sn_partition groups;   /* statistics groups: what batch norm pools over */
    sn_partition workers;  /* virtual workers */
    bool observe; /* batch norm: tell in sn_step_sums of the statistics and how far the workers disagree */
} sn_batch;

#endif
