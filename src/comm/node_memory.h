#ifndef SYNCNORM_COMM_NODE_MEMORY_H
#define SYNCNORM_COMM_NODE_MEMORY_H

/** Memory that the ranks of a node share, in an MPI shared-memory window. All are collective over them. */

#include "team_internal.h"

typedef struct sn_node_memory {
    MPI_Win window;
    void *base; /* zeroed */
} sn_node_memory;

/** SN_ERROR_MEMORY when there is none to be had, and why. */
sn_status sn_node_memory_create(const sn_team *node, size_t bytes, sn_node_memory *memory);

/** What each wrote before is there for all behind it. */
void sn_node_memory_publish(const sn_team *node, const sn_node_memory *memory);

void sn_node_memory_free(sn_node_memory *memory);

#endif
