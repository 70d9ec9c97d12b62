#include "node_memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

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

sn_status sn_node_memory_create(const sn_team *node, size_t bytes, sn_node_memory *memory)
{
    const bool first = node->rank == 0;
    MPI_Comm_set_errhandler(node->comm, MPI_ERRORS_RETURN);
    SN_TRY(check_space(node, bytes));
    if (MPI_Win_allocate_shared(first ? (MPI_Aint)bytes : 0, 1, MPI_INFO_NULL, node->comm, &memory->base,
                                &memory->window) != MPI_SUCCESS)
        return sn_fail(SN_ERROR_MEMORY, "out of memory: %zu MB of memory shared by the ranks of %s",
                       bytes >> 20, sn_comm_host());
    MPI_Aint size;
    int unit;
    MPI_Win_shared_query(memory->window, 0, &size, &unit, &memory->base);
    MPI_Win_lock_all(MPI_MODE_NOCHECK, memory->window);
    if (first) memset(memory->base, 0, bytes);
    return SN_OK;
}

void sn_node_memory_publish(const sn_team *node, const sn_node_memory *memory)
{
    MPI_Win_sync(memory->window);
    MPI_Barrier(node->comm);
    MPI_Win_sync(memory->window);
}

void sn_node_memory_free(sn_node_memory *memory)
{
    MPI_Win_unlock_all(memory->window);
    MPI_Win_free(&memory->window);
}
