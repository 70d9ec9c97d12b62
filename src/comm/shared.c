/* Memory of the nodes of a team: one copy per node, not one per rank. */

#include <stdlib.h>

#include "node_memory.h"

enum { SPARE = 1 << 20 };

struct sn_shared {
    sn_team *node; /* its ranks of the team */
    sn_node_memory memory;
};

sn_status sn_shared_create(sn_team *team, size_t bytes, sn_shared **shared, void **memory, bool *loader)
{
    sn_shared *s = calloc(1, sizeof *s);
    if (!s) sn_comm_out_of_memory();
    MPI_Comm here;
    sn_team_enter(team, SN_WAITING "a making of shared memory", bytes);
    MPI_Comm_split_type(team->comm, MPI_COMM_TYPE_SHARED, team->rank, MPI_INFO_NULL, &here);
    sn_team_adopt(here, &s->node);
    const sn_status status = sn_node_memory_create(s->node, bytes, bytes / 8 + SPARE, &s->memory);
    sn_team_leave();
    *loader = s->node->rank == 0;
    *shared = NULL;
    *memory = NULL;
    if (status != SN_OK) {
        sn_team_destroy(s->node);
        free(s);
        return status;
    }
    *memory = s->memory.base;
    *shared = s;
    return SN_OK;
}

void sn_shared_publish(sn_shared *shared)
{
    sn_team_enter(shared->node, SN_WAITING "a publishing of shared memory", 0);
    sn_node_memory_publish(shared->node);
    sn_team_leave();
}

void sn_shared_destroy(sn_shared *shared)
{
    if (!shared) return;
    sn_team_enter(shared->node, SN_WAITING "an end of shared memory", 0);
    sn_node_memory_free(&shared->memory);
    sn_team_leave();
    sn_team_destroy(shared->node);
    free(shared);
}
