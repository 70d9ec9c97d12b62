#ifndef SYNCNORM_COMM_WATCHDOG_H
#define SYNCNORM_COMM_WATCHDOG_H

/**
 * The watchdog: a thread on every rank that ends the job when nothing has finished for too long. A lost link or a stopped rank
 * would otherwise be a silent hang. Not collective.
 */

#include <stdint.h>

#include "syncnorm/base/error.h"

/** Starts the thread: after `timeout` seconds without a beat it prints rank, host, in training epoch and step, and what the rank was doing, and aborts
 *  the job with exit code 1; a few seconds later on ranks other than 0, so that one line tells it all. timeout <= 0 does nothing, nor does
 *  starting it again. */
sn_status sn_watchdog_start(double timeout, int rank);
void sn_watchdog_stop(void);

/** A sign of life: what the rank does from now on (a string constant). Every collective of a team gives two, as it begins and ends. */
void sn_watchdog_beat(const char *doing);

/** Signs of life so far. */
uint64_t sn_watchdog_beats(void);

/** Where a run is, for the message: epoch (1-based) and global step. */
void sn_watchdog_at(uint32_t epoch, uint64_t step);

#endif
