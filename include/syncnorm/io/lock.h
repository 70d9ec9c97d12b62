#ifndef SYNCNORM_IO_LOCK_H
#define SYNCNORM_IO_LOCK_H

/**
 * A lock on a run file, so that two jobs cannot write the same one: an fcntl() lock on .NAME.lock beside it. It works on
 * file systems shared over the network and ends with the process that holds it, however that ends. Not collective.
 */

#include "syncnorm/base/error.h"

typedef struct sn_lock sn_lock;

/** Locks `path` (the run file need not exist, its directory must). Waits up to `patience` seconds, saying so once, since the ranks of a
 *  killed job may take a second to go; then SN_ERROR_FILE. */
sn_status sn_lock_acquire(const char *path, double patience, sn_lock **lock);

/** Unlocks and removes the lock's file; NULL is fine. */
void sn_lock_release(sn_lock *lock);

#endif
