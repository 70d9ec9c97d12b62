#ifndef SYNCNORM_COMM_NODE_MEMORY_H
#define SYNCNORM_COMM_NODE_MEMORY_H

/** Memory that the ranks of a node share. All but the last are collective over them. */

#include "team_internal.h"

typedef struct sn_node_memory {
    void *base; /* zeroed */
    size_t bytes;
} sn_node_memory;

/** At least a byte. SN_ERROR_MEMORY on all, with the reason, when it cannot be had, or not without taking from MPI what it needs there. */
sn_status sn_node_memory_create(const sn_team *node, size_t bytes, sn_node_memory *memory);

/** What each wrote before is there for all behind it. */
void sn_node_memory_publish(const sn_team *node);

void sn_node_memory_free(sn_node_memory *memory);

#endif
