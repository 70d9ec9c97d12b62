#include "syncnorm/io/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container.h"
#include "syncnorm/base/log.h"

struct sn_lock {
    int file;
    char *path; /* of the lock's own file */
};

/* directory/.NAME.lock; of the target, where `path` is a symbolic link */
static char *lock_path(const char *path)
{
    char *target = sn_file_resolve(path), *name = NULL;
    if (!target) return NULL;
    const char *slash = strrchr(target, '/');
    const int directory = slash ? (int)(slash - target) + 1 : 0;
    if (asprintf(&name, "%.*s.%s.lock", directory, target, target + directory) < 0) name = NULL;
    free(target);
    return name;
}

/* The directory may have been removed, and the file with it: another job can then have made and locked a new one. */
static bool still_there(int file, const char *path)
{
    struct stat ours, named;
    return fstat(file, &ours) == 0 && stat(path, &named) == 0 && ours.st_ino == named.st_ino &&
           ours.st_dev == named.st_dev;
}

/* Whoever may write into the directory may take the lock, whatever umask its file was made under. Only its owner can see to that, and
   where he cannot, it is no trouble of his. */
static void open_to_directory(int file, const char *path)
{
    struct stat mine, directory;
    const char *slash = strrchr(path, '/');
    char *name = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    if (name && stat(name, &directory) == 0 && fstat(file, &mine) == 0 && mine.st_uid == geteuid()) {
        const mode_t writers = directory.st_mode & (S_IWGRP | S_IWOTH);
        const mode_t mode = S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH |
                            writers; /* it is empty: anybody may read it */
        if (mine.st_gid != directory.st_gid && fchown(file, (uid_t)-1, directory.st_gid) != 0) errno = 0;
        if ((mine.st_mode & mode) != mode && fchmod(file, mine.st_mode | mode) != 0) errno = 0;
    }
    free(name);
}

/* A lock that another user made, when the directory was not yet for others to write into, and that nobody holds: a new one takes its
   place. Whoever opened the old one meanwhile finds that it is no longer there. */
static int replace_foreign(const char *path)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    const int old = open(path, O_RDONLY | O_CLOEXEC);
    if (old < 0) {
        if (errno == ENOENT) errno = EACCES; /* it is the directory that may not be written into */
        return -1;
    }
    const bool free_to_take = fcntl(old, F_GETLK, &whole) == 0 && whole.l_type == F_UNLCK;
    close(old);
    if (!free_to_take) {
        errno = EAGAIN;
        return -1;
    }
    char *fresh;
    if (asprintf(&fresh, "%s.XXXXXX", path) < 0) return -1;
    int file = mkostemp(fresh, O_CLOEXEC);
    if (file >= 0 && rename(fresh, path) != 0) {
        const int code = errno;
        (void)unlink(fresh);
        close(file);
        file = -1;
        errno = code;
    }
    free(fresh);
    return file;
}

static int open_lock(const char *path)
{
    const int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    return file < 0 && errno == EACCES ? replace_foreign(path) : file;
}

/* 1: locked, 0: somebody else has it, -1: errno */
static int try_lock(sn_lock *lock)
{
    const int file = open_lock(lock->path);
    if (file < 0) return errno == EAGAIN ? 0 : -1;
    open_to_directory(file, lock->path);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(file, F_SETLK, &whole) == 0) {
        if (still_there(file, lock->path)) {
            lock->file = file;
            return 1;
        }
        close(file);
        return 0;
    }
    const int code = errno;
    close(file);
    errno = code;
    return code == EACCES || code == EAGAIN ? 0 : -1;
}

/* Some file systems of clusters are mounted without locks: that must not keep anybody from working. */
static bool locks_are_missing(int code)
{
    return code == ENOSYS || code == ENOLCK || code == ENOTSUP || code == EINVAL;
}

sn_status sn_lock_acquire(const char *path, sn_lock **result, bool *busy)
{
    *result = NULL;
    *busy = false;
    sn_lock *lock = calloc(1, sizeof *lock);
    if (!lock || !(lock->path = lock_path(path))) {
        free(lock);
        return sn_fail(SN_ERROR_MEMORY, "out of memory: the lock of %s", path);
    }
    const int locked = try_lock(lock);
    if (locked == 1) {
        *result = lock;
        return SN_OK;
    }
    const int code = errno;
    sn_status status = SN_OK;
    *busy = locked == 0;
    if (*busy) {
        status = sn_fail(SN_ERROR_FILE,
                         "%s: another job is writing it: wait for it, or choose another --output", path);
    } else if (locks_are_missing(code)) {
        sn_log_warning("%s: no locks on this file system (%s): nothing keeps another job from writing it too",
                       path, strerror(code));
    } else {
        status = sn_fail(SN_ERROR_FILE, "%s: cannot lock it with %s: %s", path, lock->path, strerror(code));
    }
    free(lock->path);
    free(lock);
    return status;
}

bool sn_lock_is_held(const sn_lock *lock)
{
    return !lock || still_there(lock->file, lock->path);
}

void sn_lock_release(sn_lock *lock)
{
    if (!lock) return;
    close(lock->file);
    free(lock->path);
    free(lock);
}
