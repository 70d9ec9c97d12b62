#include "node_memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

/* Bytes that a new file in `directory` can have; where nothing can be learned, let MPI try. */
static uint64_t room_in(const char *directory)
{
    struct statvfs space;
    struct rlimit limit;
    uint64_t room = UINT64_MAX;
    if (statvfs(directory, &space) == 0) room = (uint64_t)space.f_bavail * space.f_frsize;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < room) room = limit.rlim_cur;
    return room;
}

/* Open MPI puts windows into files in this directory. Where that does not work, MPI_Win_allocate_shared fails on the rank that
   creates the file and never returns on the others: so look first. */
static sn_status check_space(const sn_team *node, size_t bytes)
{
    if (node->size == 1) return SN_OK; /* plain memory */
    const char *directory = getenv("OMPI_MCA_osc_sm_backing_directory");
    if (!directory || !directory[0]) directory = "/dev/shm";
    const size_t needed = bytes + bytes / 8 + (1 << 20); /* Open MPI wants 5 % more, and some for itself */
    uint64_t room = node->rank == 0 ? room_in(directory) : 0;
    MPI_Bcast(&room, 1, MPI_UINT64_T, 0, node->comm);
    if (room >= needed) return SN_OK;
    return sn_fail(
        SN_ERROR_MEMORY,
        "out of memory: %s on %s has room for a file of %zu MB (free space, ulimit -f), %zu MB are needed; "
        "enlarge it, or name another directory in OMPI_MCA_osc_sm_backing_directory",
        directory, sn_comm_host(), (size_t)(room >> 20), (needed >> 20) + 1);
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
