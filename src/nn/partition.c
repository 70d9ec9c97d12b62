#include "partition.h"

/* The part that has the position: binary search for the last that starts at or before it. */
static uint32_t part_of(sn_partition partition, uint32_t position)
{
    uint32_t low = 0, high = partition.parts; /* start[low] <= position < start[high] */
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (partition.start[middle] <= position)
            low = middle;
        else
            high = middle;
    }
    return low;
}

void sn_segments_of(sn_partition partition, uint32_t first, int count, sn_segments *segments)
{
    segments->count = 0;
    for (int lane = 0; lane < count;) {
        const uint32_t part = part_of(partition, first + (uint32_t)lane);
        const uint32_t end = partition.start[part + 1] - first;
        const int stop = end < (uint32_t)count ? (int)end : count;
        const unsigned mask = (1u << stop) - (1u << lane);
        const unsigned rest = stop == count ? (1u << SN_LANES) - (1u << lane) : mask;
        segments->items[segments->count++] = (sn_segment){part, (uint16_t)mask, (uint16_t)rest};
        lane = stop;
    }
}

bool sn_partition_divides(sn_partition partition, uint32_t position)
{
    return position >= partition.start[partition.parts] ||
           partition.start[part_of(partition, position)] == position;
}

bool sn_partition_crosses_ranks(sn_partition partition, int size)
{
    const uint32_t total = partition.start[partition.parts];
    for (int rank = 1; rank < size; rank++)
        if (!sn_partition_divides(partition, sn_share_of(total, rank, size).first)) return true;
    return false;
}

bool sn_partition_crosses_parts(sn_partition partition, sn_partition other)
{
    for (uint32_t k = 1; k < other.parts; k++)
        if (!sn_partition_divides(partition, other.start[k])) return true;
    return false;
}
