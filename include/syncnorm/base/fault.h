#ifndef SYNCNORM_BASE_FAULT_H
#define SYNCNORM_BASE_FAULT_H

/**
 * Fault injection, for tests alone: without the CMake option SYNCNORM_FAULTS nothing of it is in the program.
 *
 *     SYNCNORM_FAULT="POINT ACTION [PASSAGE [RANK]]"
 *
 * strikes when rank RANK (default: any) comes by POINT for the PASSAGE-th time (default: the first). Actions: `kill` (SIGKILL to
 * this process), `orphan` (SIGKILL to the launcher, then wait for what becomes of this process), `stop` (SIGSTOP to this
 * process), `strike` (what the point itself does about it). Points are named where they are: grep for sn_fault(.
 */

#include <stdbool.h>
#include <stddef.h>

#ifdef SYNCNORM_FAULTS

/** A point: acts, and returns true when the action is `strike`. Not collective. */
bool sn_fault(const char *point);

/** Which rank this is, of all. */
void sn_fault_rank(int rank);

/** $SYNCNORM_FAULT_PATIENCE in place of the usual seconds. */
double sn_fault_patience(double usual);

/** How much of so many bytes is written at once: not all, so that there are moments in the middle. */
static inline size_t sn_fault_piece(size_t bytes)
{
    return bytes < 1 << 15 ? bytes : 1 << 15;
}

#else

static inline bool sn_fault(const char *point)
{
    (void)point;
    return false;
}

static inline void sn_fault_rank(int rank)
{
    (void)rank;
}

static inline double sn_fault_patience(double usual)
{
    return usual;
}

static inline size_t sn_fault_piece(size_t bytes)
{
    return bytes;
}

#endif
#endif
