#ifndef SYNCNORM_IO_LOCK_H
#define SYNCNORM_IO_LOCK_H

/**
 * A lock on a run file, so that two jobs cannot write the same one: an fcntl() lock on .NAME.lock beside it. It works on
 * file systems shared over the network and ends with the process that holds it, however that ends. Whoever may write into the directory
 * may take it. The lock's file stays: removing one that another host is about to lock would let two of them in. Not collective.
 */

#include <stdbool.h>

#include "syncnorm/base/error.h"

typedef struct sn_lock sn_lock;

/** Locks `path` (the run file need not exist, its directory must), without waiting: *busy tells that the error is another job's
 *  lock, which may be gone a moment later. Where the file system has no locks a warning says so and *lock is NULL. */
sn_status sn_lock_acquire(const char *path, sn_lock **lock, bool *busy);

/** Whether the lock still has its file. When the directory was removed it has not, and another job could lock a new one. NULL
 *  is held. */
bool sn_lock_is_held(const sn_lock *lock);

/** Unlocks; NULL is fine. */
void sn_lock_release(sn_lock *lock);

#endif
