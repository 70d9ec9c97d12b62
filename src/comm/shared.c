/* Memory of the nodes of a team: one copy per node; where a node has no room for memory that its ranks share, a copy per rank. */

#include <stdio.h>
#include <stdlib.h>

#include "node_memory.h"
#include "syncnorm/base/available_memory.h"
#include "syncnorm/base/memory.h"

struct sn_shared {
    sn_team *node; /* its ranks of the team */
    sn_node_memory memory;
    void *copy;                   /* NULL: the memory is shared */
    char reason[SN_MESSAGE_SIZE]; /* why it is not; "" where a rank has nobody to share it with */
};

/* Whether the ranks of the node can have a copy each: the first decides. */
static bool copies_fit(const sn_team *node, size_t bytes)
{
    int fit = node->rank > 0 || sn_available_memory("") / (uint64_t)node->size > bytes;
    MPI_Bcast(&fit, 1, MPI_INT, 0, node->comm);
    return fit;
}

/* The same on all ranks of the node. */
static sn_status take_copies(sn_shared *s, size_t bytes)
{
    const sn_status status = sn_allocate(&s->copy, bytes, 1, "what the ranks of a node could share");
    int taken = status == SN_OK, all;
    MPI_Allreduce(&taken, &all, 1, MPI_INT, MPI_MIN, s->node->comm);
    if (all) return SN_OK;
    sn_free(s->copy);
    return status != SN_OK
               ? status
               : sn_fail(SN_ERROR_MEMORY, "out of memory: a copy for each rank of %s", sn_comm_host());
}

static sn_status take(sn_shared *s, size_t bytes)
{
    s->memory.bytes = bytes;
    if (s->node->size == 1) return take_copies(s, bytes);
    const sn_status status = sn_node_memory_create(s->node, bytes, &s->memory);
    if (status == SN_OK || !copies_fit(s->node, bytes)) return status;
    snprintf(s->reason, sizeof s->reason, "%s", sn_error_message());
    sn_error_clear();
    s->memory = (sn_node_memory){NULL, bytes};
    return take_copies(s, bytes);
}

sn_status sn_shared_create(sn_team *team, size_t bytes, sn_shared **shared, void **memory, bool *loader)
{
    sn_shared *s = calloc(1, sizeof *s);
    if (!s) sn_comm_out_of_memory();
    MPI_Comm here;
    sn_team_enter(team, SN_WAITING "a making of shared memory", bytes);
    MPI_Comm_split_type(team->comm, MPI_COMM_TYPE_SHARED, team->rank, MPI_INFO_NULL, &here);
    sn_team_adopt(here, &s->node);
    const sn_status status = take(s, bytes);
    sn_team_leave();
    *loader = s->node->rank == 0;
    *shared = NULL;
    *memory = NULL;
    if (status != SN_OK) {
        sn_team_destroy(s->node);
        free(s);
        return status;
    }
    *memory = s->copy ? s->copy : s->memory.base;
    *shared = s;
    return SN_OK;
}

const char *sn_shared_why_copied(const sn_shared *shared)
{
    return shared->node->rank == 0 ? shared->reason : "";
}

static void send_copies(const sn_team *node, char *copy, size_t bytes)
{
    const size_t most = 1 << 30; /* MPI counts in int */
    for (size_t sent = 0; sent < bytes; sent += most)
        MPI_Bcast(copy + sent, (int)(bytes - sent < most ? bytes - sent : most), MPI_BYTE, 0, node->comm);
}

void sn_shared_publish(sn_shared *shared)
{
    sn_team_enter(shared->node, SN_WAITING "a publishing of shared memory", 0);
    if (shared->copy)
        send_copies(shared->node, shared->copy, shared->memory.bytes);
    else
        sn_node_memory_publish(shared->node);
    sn_team_leave();
}

void sn_shared_destroy(sn_shared *shared)
{
    if (!shared) return;
    sn_team_enter(shared->node, SN_WAITING "an end of shared memory", 0);
    if (!shared->copy) sn_node_memory_free(&shared->memory);
    sn_free(shared->copy);
    sn_team_leave();
    sn_team_destroy(shared->node);
    free(shared);
}
