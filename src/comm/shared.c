/* Node-shared memory in an MPI shared-memory window: one copy per node, not one per rank. */

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "team_internal.h"

struct sn_shared {
    sn_team *node; /* its ranks of the team */
    MPI_Win window;
};

/* Open MPI puts windows into files in this directory. When it is full, MPI_Win_allocate_shared fails on the rank that
   creates the file and never returns on the others: so look first. */
static sn_status check_space(const sn_team *node, size_t bytes)
{
    if (node->size == 1) return SN_OK; /* plain memory */
    const char *directory = getenv("OMPI_MCA_osc_sm_backing_directory");
    if (!directory || !directory[0]) directory = "/dev/shm";
    const size_t needed = bytes + bytes / 8 + (1 << 20); /* Open MPI wants 5 % more, and some for itself */
    struct statvfs space;
    uint64_t available = UINT64_MAX; /* where nothing can be learned, let MPI try */
    if (node->rank == 0 && statvfs(directory, &space) == 0)
        available = (uint64_t)space.f_bavail * space.f_frsize;
    MPI_Bcast(&available, 1, MPI_UINT64_T, 0, node->comm);
    if (available >= needed) return SN_OK;
    return sn_fail(SN_ERROR_MEMORY,
                   "out of memory: %s on %s has %zu MB free, %zu MB are needed; enlarge it, or name another "
                   "directory in OMPI_MCA_osc_sm_backing_directory",
                   directory, sn_comm_host(), (size_t)(available >> 20), (needed >> 20) + 1);
}

sn_status sn_shared_create(sn_team *team, size_t bytes, sn_shared **shared, void **memory, bool *loader)
{
    sn_shared *s = calloc(1, sizeof *s);
    if (!s) sn_comm_out_of_memory();
    MPI_Comm here;
    sn_team_enter(team, SN_WAITING "a making of shared memory", bytes);
    MPI_Comm_split_type(team->comm, MPI_COMM_TYPE_SHARED, team->rank, MPI_INFO_NULL, &here);
    sn_team_adopt(here, &s->node);
    *loader = s->node->rank == 0;
    *shared = NULL;
    *memory = NULL;

    void *base = NULL;
    MPI_Comm_set_errhandler(here, MPI_ERRORS_RETURN);
    sn_status status = check_space(s->node, bytes);
    if (status == SN_OK && MPI_Win_allocate_shared(*loader ? (MPI_Aint)bytes : 0, 1, MPI_INFO_NULL, here,
                                                   &base, &s->window) != MPI_SUCCESS)
        status = sn_fail(SN_ERROR_MEMORY, "out of memory: %zu MB of memory shared by the ranks of %s",
                         bytes >> 20, sn_comm_host());
    sn_team_leave();
    if (status != SN_OK) {
        sn_team_destroy(s->node);
        free(s);
        return status;
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
    sn_team_barrier(shared->node);
    MPI_Win_sync(shared->window);
}

void sn_shared_destroy(sn_shared *shared)
{
    if (!shared) return;
    sn_team_enter(shared->node, SN_WAITING "an end of shared memory", 0);
    MPI_Win_unlock_all(shared->window);
    MPI_Win_free(&shared->window);
    sn_team_leave();
    sn_team_destroy(shared->node);
    free(shared);
}
