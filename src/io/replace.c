/*
 * Atomic replacement of a file. At every moment, whatever dies, a complete file has the name or the name with .prev:
 *
 *     write, fsync, close the temporary file         NAME old, NAME.prev older
 *     unlink NAME.prev, link NAME to NAME.prev       NAME old, NAME.prev old
 *     rename the temporary file to NAME              NAME new, NAME.prev old
 *     fsync the directory
 *
 * Where link(2) is not to be had (FAT, some network file systems) NAME is renamed to NAME.prev instead, so that for a moment
 * only NAME.prev is there.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container.h"

typedef struct replacement {
    char *path;      /* what is replaced: the target, where the name given is a symbolic link */
    char *directory; /* of path */
    char *previous;  /* path.prev */
    char *temporary; /* directory/.NAME.tmp-HOST-PID */
} replacement;

static sn_status failed(const char *path, const char *step)
{
    return sn_fail(SN_ERROR_FILE, "%s: cannot %s: %s", path, step, strerror(errno));
}

static void clear_names(replacement *names)
{
    free(names->path);
    free(names->directory);
    free(names->previous);
    free(names->temporary);
}

static sn_status make_names(const char *path, replacement *names)
{
    names->path = realpath(path, NULL);
    if (!names->path) names->path = strdup(path); /* not there yet */
    if (!names->path) return sn_fail(SN_ERROR_MEMORY, "out of memory: names of files");
    const char *slash = strrchr(names->path, '/');
    const char *name = slash ? slash + 1 : names->path;
    const int length = slash == names->path ? 1 : (int)(slash ? slash - names->path : 0);
    if (!name[0]) return sn_fail(SN_ERROR_FILE, "%s: not the name of a file", path);

    char host[65] = "host";
    if (gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
    host[sizeof host - 1] = '\0';
    names->directory = length ? strndup(names->path, (size_t)length) : strdup(".");
    if (!names->directory || asprintf(&names->previous, "%s.prev", names->path) < 0 ||
        asprintf(&names->temporary, "%s/.%.120s.tmp-%s-%ld", names->directory, name, host, (long)getpid()) <
            0)
        return sn_fail(SN_ERROR_MEMORY, "out of memory: names of files");
    return SN_OK;
}

/* A directory's entries reach the disk with it. Some file systems have no such call, and need none. */
static sn_status sync_directory(const char *path)
{
    const int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return failed(path, "open the directory");
    sn_status status = SN_OK;
    int code;
    do
        code = fsync(directory);
    while (code != 0 && errno == EINTR);
    if (code != 0 && errno != EINVAL && errno != ENOTSUP) status = failed(path, "fsync the directory");
    if (close(directory) != 0 && status == SN_OK) status = failed(path, "close the directory");
    return status;
}

/* mkdir -p; another rank may be making the same directories. */
static sn_status make_directories(const char *path)
{
    char *part = strdup(path);
    if (!part) return sn_fail(SN_ERROR_MEMORY, "out of memory: names of files");
    sn_status status = SN_OK;
    for (char *end = part; *end && status == SN_OK;) {
        end += strspn(end, "/");
        end += strcspn(end, "/");
        const char kept = *end;
        *end = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST) {
            struct stat there; /* e.g. EROFS for a directory that exists */
            const int code = errno;
            const bool exists = stat(part, &there) == 0 && S_ISDIR(there.st_mode);
            errno = code;
            if (!exists) status = failed(part, "make the directory");
        }
        *end = kept;
    }
    free(part);
    return status;
}

static sn_status write_all(int file, const char *path, const sn_bytes *contents)
{
    size_t done = 0;
    while (done < contents->size) {
        const ssize_t wrote = write(file, contents->data + done, contents->size - done);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote == 0) errno = ENOSPC;
        if (wrote <= 0) return failed(path, "write the new file");
        done += (size_t)wrote;
    }
    int code;
    do
        code = fsync(file);
    while (code != 0 && errno == EINTR);
    return code == 0 ? SN_OK : failed(path, "fsync the new file");
}

static sn_status write_temporary(const replacement *names, const sn_bytes *contents)
{
    /* One of this name was left behind by a process of this host that is no more. */
    if (unlink(names->temporary) != 0 && errno != ENOENT)
        return failed(names->path, "remove an old temporary file");
    const int file = open(names->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0) return failed(names->path, "create the new file beside it");
    sn_status status = write_all(file, names->path, contents);
    if (close(file) != 0 && status == SN_OK) status = failed(names->path, "close the new file");
    return status;
}

static bool link_is_missing(int code)
{
    return code == EPERM || code == ENOTSUP || code == ENOSYS || code == EMLINK;
}

/* The current file gets the name .prev; *moved when it lost its own by that. */
static sn_status keep_previous(const replacement *names, bool *moved)
{
    struct stat current;
    if (lstat(names->path, &current) != 0) return errno == ENOENT ? SN_OK : failed(names->path, "examine it");
    if (!S_ISREG(current.st_mode))
        return sn_fail(SN_ERROR_FILE, "%s: not a regular file, which it would replace", names->path);
    if (unlink(names->previous) != 0 && errno != ENOENT) return failed(names->previous, "remove it");
    if (link(names->path, names->previous) == 0) return SN_OK;
    if (!link_is_missing(errno) || rename(names->path, names->previous) != 0)
        return failed(names->path, "keep it as .prev");
    *moved = true;
    return SN_OK;
}

static sn_status put_in_place(const replacement *names)
{
    bool moved = false;
    SN_TRY(keep_previous(names, &moved));
    if (rename(names->temporary, names->path) == 0) return SN_OK;
    const sn_status status = failed(names->path, "rename the new file to it");
    if (moved && rename(names->previous, names->path) != 0)
        return status; /* .prev it stays, and a reader is told of it */
    return status;
}

sn_status sn_file_replace(const char *path, const sn_bytes *contents)
{
    replacement names = {0};
    sn_status status = make_names(path, &names);
    if (status == SN_OK) status = make_directories(names.directory);
    if (status == SN_OK) {
        status = write_temporary(&names, contents);
        if (status == SN_OK) status = put_in_place(&names);
        if (status != SN_OK) (void)unlink(names.temporary); /* the failure before it is the one to tell */
    }
    if (status == SN_OK) status = sync_directory(names.directory);
    clear_names(&names);
    return status;
}

/* What sn_file_replace will need, tried out with an empty file. */
sn_status sn_file_try_replace(const char *path)
{
    const sn_bytes nothing = {0};
    replacement names = {0};
    sn_status status = make_names(path, &names);
    if (status == SN_OK) status = make_directories(names.directory);
    if (status == SN_OK) status = write_temporary(&names, &nothing);
    if (status == SN_OK) {
        (void)unlink(names.temporary);
        struct stat current;
        if (lstat(names.path, &current) == 0 && !S_ISREG(current.st_mode))
            status = sn_fail(SN_ERROR_FILE, "%s: not a regular file, which a run file would replace",
                             names.path);
    }
    clear_names(&names);
    return status;
}
