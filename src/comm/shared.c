/* Node-shared memory in an MPI shared-memory window: one copy per node, not one per rank. */

#include <stdlib.h>
#include <string.h>

#include "team_internal.h"

struct sn_shared {
    MPI_Comm node;
    MPI_Win window;
};

sn_status sn_shared_create(sn_team *team, size_t bytes, sn_shared **shared, void **memory, bool *loader)
{
    sn_shared *s = calloc(1, sizeof *s);
    if (!s) MPI_Abort(team->comm, sn_exit_code(SN_ERROR_MEMORY));
    MPI_Comm_split_type(team->comm, MPI_COMM_TYPE_SHARED, team->rank, MPI_INFO_NULL, &s->node);
    int rank;
    MPI_Comm_rank(s->node, &rank);
    *loader = rank == 0;

    void *base = NULL;
    MPI_Comm_set_errhandler(s->node, MPI_ERRORS_RETURN);
    const int code = MPI_Win_allocate_shared(*loader ? (MPI_Aint)bytes : 0, 1, MPI_INFO_NULL, s->node, &base,
                                             &s->window);
    if (code != MPI_SUCCESS) {
        MPI_Comm_free(&s->node);
        free(s);
        *shared = NULL;
        *memory = NULL;
        return sn_fail(SN_ERROR_MEMORY, "out of memory: %zu MB of memory shared by the ranks of %s",
                       bytes >> 20, sn_comm_host());
    }
    MPI_Aint size;
    int unit;
    MPI_Win_shared_query(s->window, 0, &size, &unit, &base);
    MPI_Win_lock_all(MPI_MODE_NOCHECK, s->window);
    if (*loader) memset(base, 0, bytes);
    *memory = base;
    *shared = s;
    return SN_OK;
}

void sn_shared_publish(sn_shared *shared)
{
    MPI_Win_sync(shared->window);
    MPI_Barrier(shared->node);
    MPI_Win_sync(shared->window);
}

void sn_shared_destroy(sn_shared *shared)
{
    if (!shared) return;
    MPI_Win_unlock_all(shared->window);
    MPI_Win_free(&shared->window);
    MPI_Comm_free(&shared->node);
    free(shared);
}
