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

enum { PATH_SIZE = 4096, SPARE_A_RANK = 8 << 20 };

/* NULL: none, so /dev/shm, where MPI has its own. */
static const char *chosen(void)
{
    const char *value = getenv("SYNCNORM_SHARED_MEMORY");
    return value && *value ? value : NULL;
}

static const char *directory(void)
{
    return chosen() ? chosen() : "/dev/shm";
}

/* Left free for what Open MPI takes there as it needs it, 4 MB a rank: without room for it, a SIGBUS. */
static size_t spare(void)
{
    return chosen() ? 0 : (size_t)sn_comm_ranks_here() * SPARE_A_RANK;
}

static bool has_spare(void)
{
    struct statvfs room;
    errno = ENOSPC;
    return statvfs(directory(), &room) != 0 || room.f_blocks == 0 || /* without a limit */
           (uint64_t)room.f_bavail * room.f_frsize >= spare();
}

/* 0 or errno. */
static int fill(int file, size_t bytes)
{
    struct rlimit limit;
    int code;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < bytes)
        return EFBIG; /* said before it is a signal */
    do
        code = posix_fallocate(file, 0, (off_t)bytes);
    while (code == EINTR);
    return code != 0 || has_spare() ? code : ENOSPC;
}

/* A new file of zeros whose room is reserved; -1, and errno. */
static int reserve(char *path, size_t bytes)
{
    const int file = mkostemp(path, O_CLOEXEC);
    if (file < 0) return -1;
    const int code = fill(file, bytes);
    if (code == 0) return file;
    close(file);
    unlink(path);
    errno = code;
    return -1;
}

static sn_status refuse(size_t bytes, int code)
{
    return sn_fail(
        SN_ERROR_MEMORY,
        "%zu MB that the ranks of %s share cannot be had in %s: %s; enlarge it, or name another directory in "
        "SYNCNORM_SHARED_MEMORY",
        ((bytes + spare()) >> 20) + 1, sn_comm_host(), directory(), strerror(code));
}

/* On the first rank. path[0] == '\0': there is none, and the reason is errno. */
static int make(size_t bytes, char *path)
{
    const bool fits = snprintf(path, PATH_SIZE, "%s/syncnorm-XXXXXX", directory()) < PATH_SIZE;
    errno = ENAMETOOLONG;
    const int file = fits ? reserve(path, bytes) : -1;
    if (file < 0) path[0] = '\0';
    return file;
}

static void *map(int file, size_t bytes)
{
    return file < 0 ? MAP_FAILED : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
}

sn_status sn_node_memory_create(const sn_team *node, size_t bytes, sn_node_memory *memory)
{
    char path[PATH_SIZE] = "";
    const bool first = node->rank == 0;
    int file = first ? make(bytes, path) : -1, code = errno;
    MPI_Bcast(path, sizeof path, MPI_CHAR, 0, node->comm);
    if (!first && path[0]) {
        file = open(path, O_RDWR | O_CLOEXEC);
        code = errno;
    }
    void *base = map(file, bytes);
    if (file >= 0 && base == MAP_FAILED) code = errno;
    if (file >= 0) close(file);
    struct {
        int code, rank;
    } mine = {base == MAP_FAILED ? code : 0, node->rank}, worst;
    MPI_Allreduce(&mine, &worst, 1, MPI_2INT, MPI_MAXLOC, node->comm);
    if (first && path[0]) unlink(path);
    *memory = (sn_node_memory){base, bytes};
    if (worst.code == 0) return SN_OK;
    if (base != MAP_FAILED) sn_node_memory_free(memory);
    return refuse(bytes, worst.code);
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
