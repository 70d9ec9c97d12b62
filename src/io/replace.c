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

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container.h"
#include "syncnorm/base/fault.h"

/* What a temporary file is called: .NAME, shortened so that the rest always fits, this mark, its owner. */
enum { NAME_SHOWN = 120 };
static const char mark[] = ".tmp-";

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
char *sn_file_resolve(const char *path)
{
    struct stat status;
    char *target = lstat(path, &status) == 0 && S_ISLNK(status.st_mode) ? realpath(path, NULL) : NULL;
    return target ? target : strdup(path);
}

static sn_status make_names(const char *path, replacement *names)
{
    names->path = sn_file_resolve(path);
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
        asprintf(&names->temporary, "%s/.%.*s%s%s", names->directory, NAME_SHOWN, name, mark, owner) < 0 ||
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

/* The entry of a directory that was made just now reaches the disk with its parent. */
static sn_status sync_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) return sync_directory(".");
    char *parent = strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (!parent) return sn_fail(SN_ERROR_MEMORY, "out of memory: names of files");
    const sn_status status = sync_directory(parent);
    free(parent);
    return status;
}

/* Another process may be making the same one. */
static sn_status make_directory(const char *path)
{
    if (mkdir(path, 0777) == 0) return sync_parent(path);
    if (errno == EEXIST) return SN_OK;
    struct stat there; /* e.g. EROFS for a directory that exists */
    const int code = errno;
    const bool exists = stat(path, &there) == 0 && S_ISDIR(there.st_mode);
    errno = code;
    return exists ? SN_OK : failed(path, "make the directory");
}

/* mkdir -p */
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
        status = make_directory(part);
        *end = kept;
    }
    free(part);
    return status;
}

static sn_status write_all(int file, const char *path, const sn_bytes *contents)
{
    size_t done = 0;
    while (done < contents->size) {
        const ssize_t wrote = write(file, contents->data + done, sn_fault_piece(contents->size - done));
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote == 0) errno = ENOSPC;
        if (wrote <= 0) return failed(path, "write the new file");
        done += (size_t)wrote;
        sn_fault("save.written");
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

/* Mode and group of the file that is replaced. A group that we are not in cannot be kept; then nor can what it may do. */
static sn_status keep_access(int file, const replacement *names)
{
    struct stat old, new;
    if (stat(names->path, &old) != 0) return errno == ENOENT ? SN_OK : failed(names->path, "examine it");
    const bool kept = fchown(file, (uid_t)-1, old.st_gid) == 0;
    if (fstat(file, &new) != 0) return failed(names->path, "examine the new file");
    const mode_t mode = old.st_mode & (kept || new.st_gid == old.st_gid ? 0777 : 0707);
    if (mode == (new.st_mode & 0777) || fchmod(file, mode) == 0) return SN_OK;
    return failed(names->path, "give the new file its mode");
}

static sn_status write_temporary(const replacement *names, const sn_bytes *contents)
{
    const int file = open(names->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0) return failed(names->path, "create the new file beside it");
    sn_fault("save.created");
    sn_status status = keep_access(file, names);
    if (status == SN_OK) status = write_all(file, names->path, contents);
    if (close(file) != 0 && status == SN_OK) status = failed(names->path, "close the new file");
    sn_fault("save.synced");
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
    sn_fault("save.linked");
    if (rename(names->spare, names->previous) != 0) return failed(names->path, "keep it as .prev");
    if (unlink(names->spare) != 0 && errno != ENOENT) return failed(names->spare, "remove it");
    return SN_OK;
}

/* Devices, pipes and directories stay what they are. */
static sn_status examine(const replacement *names, bool *there)
{
    struct stat current;
    *there = lstat(names->path, &current) == 0;
    if (!*there) return errno == ENOENT ? SN_OK : failed(names->path, "examine it");
    return S_ISREG(current.st_mode)
               ? SN_OK
               : sn_fail(SN_ERROR_FILE, "%s: not a regular file, which would be replaced", names->path);
}

/* The current file gets the name .prev; *moved when it lost its own by that. */
static sn_status keep_previous(const replacement *names, bool *moved)
{
    if (link(names->path, names->spare) == 0) return link_previous(names);
    if (!link_is_missing(errno) || rename(names->path, names->previous) != 0)
        return failed(names->path, "keep it as .prev");
    *moved = true;
    return SN_OK;
}

static sn_status put_in_place(const replacement *names, bool keep)
{
    bool moved = false, there;
    SN_TRY(examine(names, &there));
    if (there && keep) SN_TRY(keep_previous(names, &moved));
    sn_fault("save.kept");
    if (rename(names->temporary, names->path) == 0) {
        sn_fault("save.renamed");
        return SN_OK;
    }
    const sn_status status = failed(names->path, "rename the new file to it");
    if (moved && rename(names->previous, names->path) != 0)
        return status; /* .prev it stays, and a reader is told of it */
    return status;
}

sn_status sn_file_replace(const char *path, const sn_bytes *contents, bool keep)
{
    replacement names = {0};
    sn_status status = make_names(path, &names);
    if (status == SN_OK) status = make_directories(names.directory);
    if (status == SN_OK) {
        status = remove_temporaries(&names);
        if (status == SN_OK) status = write_temporary(&names, contents);
        if (status == SN_OK) status = put_in_place(&names, keep);
        if (status != SN_OK) (void)remove_temporaries(&names); /* the failure before is the one to tell */
    }
    if (status == SN_OK) status = sync_directory(names.directory);
    sn_fault("save.done");
    clear_names(&names);
    return status;
}

/* An empty temporary file, of a name that nobody else has: whoever tries may not have the lock yet. A killed process's is swept like
   its others. */
static sn_status try_temporary(const replacement *names)
{
    char *probe;
    if (asprintf(&probe, "%s.XXXXXX", names->temporary) < 0)
        return sn_fail(SN_ERROR_MEMORY, "out of memory: names of files");
    sn_status status = SN_OK;
    const int file = mkostemp(probe, O_CLOEXEC);
    if (file < 0) {
        status = failed(names->path, "create the new file beside it");
    } else {
        if (fsync(file) != 0) status = failed(names->path, "fsync the new file");
        if (close(file) != 0 && status == SN_OK) status = failed(names->path, "close the new file");
        (void)unlink(probe);
    }
    free(probe);
    return status;
}

/* What sn_file_replace will need, tried out with an empty file. */
sn_status sn_file_try_replace(const char *path)
{
    replacement names = {0};
    sn_status status = make_names(path, &names);
    if (status == SN_OK) status = make_directories(names.directory);
    bool there;
    if (status == SN_OK) status = examine(&names, &there);
    if (status == SN_OK) status = try_temporary(&names);
    clear_names(&names);
    return status;
}

/* Only the holder of the lock writes here: a temporary file with another owner is a dead process's. */
sn_status sn_file_sweep(const char *path)
{
    replacement names = {0};
    sn_status status = make_names(path, &names);
    const char *slash = status == SN_OK ? strrchr(names.path, '/') : NULL;
    const size_t length = status == SN_OK ? strlen(slash ? slash + 1 : names.path) : 0;
    DIR *directory = NULL;
    if (status == SN_OK && length <= NAME_SHOWN)
        directory = opendir(names.directory); /* else others' look alike */
    if (directory) {
        const char *temporary = strrchr(names.temporary, '/') + 1;
        const size_t prefix = 1 + length + strlen(mark);
        for (const struct dirent *entry; (entry = readdir(directory));)
            if (strncmp(entry->d_name, temporary, prefix) == 0)
                (void)unlinkat(dirfd(directory), entry->d_name, 0); /* disk space is all that depends on it */
        closedir(directory);
    }
    clear_names(&names);
    return status;
}
