#ifndef SYNCNORM_NN_PARTITION_H
#define SYNCNORM_NN_PARTITION_H

/* Partitions of the global batch (into statistics groups, into workers) as the samples of a block see them. */

#include <stdint.h>

#include "syncnorm/kernels/kernels.h"
#include "syncnorm/nn/batch.h"

/* The samples of a block whose positions lie in one part. */
typedef struct sn_segment {
    uint32_t part;
    uint16_t mask;
    uint16_t cover; /* the same, for the last segment also the places behind the block's last sample */
} sn_segment;

typedef struct sn_segments {
    int count;
    sn_segment items[SN_LANES];
} sn_segments;

/* The segments of a block of `count` samples at positions first, first + 1 ... */
void sn_segments_of(sn_partition partition, uint32_t first, int count, sn_segments *segments);

/* True when a part lies on more than one of `size` ranks, each with its share of the positions. */
bool sn_partition_crosses_ranks(sn_partition partition, int size);

/* True when a part lies in more than one of the parts of `other`. */
bool sn_partition_crosses_parts(sn_partition partition, sn_partition other);

/* True when a part starts there, or the last ends. */
bool sn_partition_divides(sn_partition partition, uint32_t position);

/* Samples of a part. */
static inline uint32_t sn_part_count(sn_partition partition, uint32_t part)
{
    return partition.start[part + 1] - partition.start[part];
}

#endif
