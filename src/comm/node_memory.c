/* A file that is unlinked as soon as all have mapped it. Not MPI's shared-memory windows: Open MPI's have pages that are not reserved, so that
   a file system that fills up later is a SIGBUS, and where a rank cannot make one, the others wait for it for ever. */

#include "node_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

static const char *directory(void)
{
    const char *chosen = getenv("SYNCNORM_SHARED_MEMORY");
    return chosen && *chosen ? chosen : "/dev/shm";
}

/* A new file of zeros whose room is reserved; -1, and errno. */
static int reserve(char *path, size_t bytes, size_t spare)
{
    struct rlimit limit;
    struct statvfs room;
    errno = EFBIG; /* said before it is a signal */
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < bytes) return -1;
    errno = ENOSPC;
    if (statvfs(directory(), &room) == 0 && (uint64_t)room.f_bavail * room.f_frsize < (uint64_t)bytes + spare)
        return -1;
    const int file = mkostemp(path, O_CLOEXEC);
    if (file < 0) return -1;
    int code;
    do
        code = posix_fallocate(file, 0, (off_t)bytes);
    while (code == EINTR);
    if (code == 0) return file;
    close(file);
    unlink(path);
    errno = code;
    return -1;
}

/* On the first rank. path[0] == '\0': there is none, and the reason is the error. */
static int make(size_t bytes, size_t spare, char *path)
{
    const bool fits = snprintf(path, PATH_SIZE, "%s/syncnorm-XXXXXX", directory()) < PATH_SIZE;
    errno = ENAMETOOLONG;
    const int file = fits ? reserve(path, bytes, spare) : -1;
    if (file >= 0) return file;
    path[0] = '\0';
    sn_fail(SN_ERROR_MEMORY,
            "out of memory: %zu MB for the ranks of %s in %s: %s; enlarge it, or name another directory in "
            "SYNCNORM_SHARED_MEMORY",
            ((bytes + spare) >> 20) + 1, sn_comm_host(), directory(), strerror(errno));
    return -1;
}

static void *map(int file, size_t bytes)
{
    void *base = file < 0 ? MAP_FAILED : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (file >= 0) close(file);
    return base;
}

sn_status sn_node_memory_create(const sn_team *node, size_t bytes, size_t spare, sn_node_memory *memory)
{
    char path[PATH_SIZE] = "";
    const bool first = node->rank == 0;
    const int made = first ? make(bytes, spare, path) : -1;
    MPI_Bcast(path, sizeof path, MPI_CHAR, 0, node->comm);
    void *base = map(first || !path[0] ? made : open(path, O_RDWR | O_CLOEXEC), bytes);
    int mapped = base != MAP_FAILED, all;
    MPI_Allreduce(&mapped, &all, 1, MPI_INT, MPI_MIN, node->comm);
    if (first && path[0]) unlink(path);
    *memory = (sn_node_memory){base, bytes};
    if (all) return SN_OK;
    if (mapped) sn_node_memory_free(memory);
    return sn_fail(SN_ERROR_MEMORY, "out of memory: %zu MB for the ranks of %s", (bytes >> 20) + 1,
                   sn_comm_host());
}

void sn_node_memory_publish(const sn_team *node)
{
    atomic_thread_fence(memory_order_seq_cst);
    MPI_Barrier(node->comm);
    atomic_thread_fence(memory_order_seq_cst);
}

void sn_node_memory_free(sn_node_memory *memory)
{
    munmap(memory->base, memory->bytes);
}
