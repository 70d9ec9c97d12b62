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

/* The holder removes the file when it is done: what we locked may have lost its name since we opened it. */
static bool still_there(int file, const char *path)
{
    struct stat ours, named;
    return fstat(file, &ours) == 0 && stat(path, &named) == 0 && ours.st_ino == named.st_ino &&
           ours.st_dev == named.st_dev;
}

/* 1: locked, 0: somebody else has it, -1: errno */
static int try_lock(sn_lock *lock)
{
    const int file = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0) return -1;
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
        (void)unlink(lock->path);
    } else {
        status = sn_fail(SN_ERROR_FILE, "%s: cannot lock it: %s", path, strerror(code));
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
    if (sn_lock_is_held(lock))
        (void)unlink(lock->path); /* while it is locked; one left behind does no harm */
    close(lock->file);
    free(lock->path);
    free(lock);
}
