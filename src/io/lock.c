#include "syncnorm/io/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "syncnorm/base/log.h"

struct sn_lock {
    int file;
    char *path; /* of the lock's own file */
};

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* directory/.NAME.lock */
static char *lock_path(const char *path)
{
    const char *slash = strrchr(path, '/');
    const int directory = slash ? (int)(slash - path) + 1 : 0;
    char *name;
    return asprintf(&name, "%.*s.%s.lock", directory, path, path + directory) < 0 ? NULL : name;
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

sn_status sn_lock_acquire(const char *path, double patience, sn_lock **result)
{
    *result = NULL;
    sn_lock *lock = calloc(1, sizeof *lock);
    if (!lock || !(lock->path = lock_path(path))) {
        free(lock);
        return sn_fail(SN_ERROR_MEMORY, "out of memory: the lock of %s", path);
    }
    const double until = seconds() + patience;
    bool said = false;
    int locked;
    while ((locked = try_lock(lock)) == 0 && seconds() < until) {
        if (!said)
            sn_log_note("%s: another job is writing it; waiting up to %.0f s for it to end", path, patience);
        said = true;
        const struct timespec pause = {.tv_nsec = 200000000};
        nanosleep(&pause, NULL);
    }
    if (locked == 1) {
        *result = lock;
        return SN_OK;
    }
    const sn_status status = locked == 0
                                 ? sn_fail(SN_ERROR_FILE,
                                           "%s: another job is writing it; choose another --output", path)
                                 : sn_fail(SN_ERROR_FILE, "%s: cannot lock it: %s", path, strerror(errno));
    free(lock->path);
    free(lock);
    return status;
}

void sn_lock_release(sn_lock *lock)
{
    if (!lock) return;
    (void)unlink(lock->path); /* while it is still locked; a file left behind does no harm */
    close(lock->file);
    free(lock->path);
    free(lock);
}
