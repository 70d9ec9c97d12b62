/*
 * Atomic replacement of a file. At every moment, whatever dies, a complete file has the name or the name with .prev:
 *
 *     write, fsync, close a temporary file             NAME old, NAME.prev older
 *     link NAME to a spare name, rename it to .prev    NAME old, NAME.prev old
 *     rename the temporary file to NAME                NAME new, NAME.prev old
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
    char *spare;     /* temporary.prev */
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
    free(names->spare);
}

/* Through a symbolic link it is the target that is replaced. A link to nothing, or any trouble, shows up when writing. */
static char *resolve(const char *path)
{
    struct stat status;
    char *target = lstat(path, &status) == 0 && S_ISLNK(status.st_mode) ? realpath(path, NULL) : NULL;
    return target ? target : strdup(path);
}

static sn_status make_names(const char *path, replacement *names)
{
    names->path = resolve(path);
    if (!names->path) return sn_fail(SN_ERROR_MEMORY, "out of memory: names of files");
    const char *slash = strrchr(names->path, '/');
    const char *name = slash ? slash + 1 : names->path;
    const int length = slash == names->path ? 1 : (int)(slash ? slash - names->path : 0);
    if (!name[0]) return sn_fail(SN_ERROR_FILE, "\"%s\" is not the name of a file", path);

    char owner[96], host[65] = "";
    (void)gethostname(host, sizeof host - 1); /* without it the process number must do */
    snprintf(owner, sizeof owner, "%s-%ld", host, (long)getpid());
    names->directory = length ? strndup(names->path, (size_t)length) : strdup(".");
    if (!names->directory || asprintf(&names->previous, "%s.prev", names->path) < 0 ||
        asprintf(&names->temporary, "%s/.%.120s.tmp-%s", names->directory, name, owner) < 0 ||
        asprintf(&names->spare, "%s.prev", names->temporary) < 0)
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

/* What a process of this host and number that is no more may have left behind, and what we leave after a failure. */
static sn_status remove_temporaries(const replacement *names)
{
    sn_status status = SN_OK;
    if (unlink(names->temporary) != 0 && errno != ENOENT) status = failed(names->temporary, "remove it");
    if (unlink(names->spare) != 0 && errno != ENOENT) status = failed(names->spare, "remove it");
    return status;
}

static sn_status write_temporary(const replacement *names, const sn_bytes *contents)
{
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

/* A second name for the current file, then atomically .prev. The rename does nothing, and leaves the spare name, where .prev
 * is the current file already: somebody died between this and the next step. */
static sn_status link_previous(const replacement *names)
{
    if (rename(names->spare, names->previous) != 0) return failed(names->path, "keep it as .prev");
    if (unlink(names->spare) != 0 && errno != ENOENT) return failed(names->spare, "remove it");
    return SN_OK;
}

/* The current file gets the name .prev; *moved when it lost its own by that. */
static sn_status keep_previous(const replacement *names, bool *moved)
{
    struct stat current;
    if (lstat(names->path, &current) != 0) return errno == ENOENT ? SN_OK : failed(names->path, "examine it");
    if (!S_ISREG(current.st_mode))
        return sn_fail(SN_ERROR_FILE, "%s: not a regular file, which it would replace", names->path);
    if (link(names->path, names->spare) == 0) return link_previous(names);
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
        status = remove_temporaries(&names);
        if (status == SN_OK) status = write_temporary(&names, contents);
        if (status == SN_OK) status = put_in_place(&names);
        if (status != SN_OK) (void)remove_temporaries(&names); /* the failure before is the one to tell */
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
