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
 *
 *     SYNCNORM_FAULT_SEED="SEED PERIOD [RANK]"
 *
 * makes about one in PERIOD of the calls where errors come from fail (memory, files, HDF5), on rank RANK (default: all) once MPI has
 * started: which ones is a function of the seed, the rank and the number of the call, so the same command fails again in the same way.
 * $SYNCNORM_FAULT_NOTES is a file that gets a line "RANK NUMBER FUNCTION" for each.
 */

#include <stdbool.h>
#include <stddef.h>

#ifdef SYNCNORM_FAULTS

/** A point: acts, and returns true when the action is `strike`. Not collective. */
bool sn_fault(const char *point);

/** A place where errors come from: true when it is to fail now. Not collective. */
bool sn_fault_random(const char *origin);

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

static inline bool sn_fault_random(const char *origin)
{
    (void)origin;
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
