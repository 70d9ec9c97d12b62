/* A whole file into memory, whatever is at the path. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container.h"

static sn_status failed(const char *path, const char *step)
{
    return sn_fail(SN_ERROR_FILE, "%s: cannot %s: %s", path, step, strerror(errno));
}

static sn_status read_all(int file, const char *path, sn_bytes *contents)
{
    size_t used = 0;
    while (used < contents->size) {
        const ssize_t got = read(file, contents->data + used, contents->size - used);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed(path, "read it");
        if (got == 0) return sn_fail(SN_ERROR_FILE, "%s: it became shorter while being read", path);
        used += (size_t)got;
    }
    return SN_OK;
}

static sn_status load_open(int file, const char *path, size_t most, sn_bytes *contents)
{
    struct stat status;
    if (fstat(file, &status) != 0) return failed(path, "examine it");
    if (S_ISDIR(status.st_mode)) return sn_fail(SN_ERROR_FILE, "%s: a directory, not a file", path);
    if (!S_ISREG(status.st_mode)) return sn_fail(SN_ERROR_FILE, "%s: not a regular file", path);
    if ((size_t)status.st_size > most)
        return sn_fail(SN_ERROR_FILE, "%s: %lld MB, too large", path, (long long)status.st_size >> 20);
    contents->size = (size_t)status.st_size;
    contents->data = malloc(contents->size + 1); /* an empty file has an address too */
    if (!contents->data)
        return sn_fail(SN_ERROR_MEMORY, "%s: out of memory: %zu MB", path, contents->size >> 20);
    return read_all(file, path, contents);
}

sn_status sn_file_load(const char *path, size_t most, sn_bytes *contents)
{
    *contents = (sn_bytes){0};
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a fifo must not keep us waiting */
    if (file < 0) return failed(path, "open it");
    sn_status status = load_open(file, path, most, contents);
    if (close(file) != 0 && status == SN_OK) status = failed(path, "close it");
    if (status != SN_OK) {
        free(contents->data);
        *contents = (sn_bytes){0};
    }
    return status;
}
