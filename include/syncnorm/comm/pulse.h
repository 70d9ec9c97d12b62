#ifndef SYNCNORM_COMM_PULSE_H
#define SYNCNORM_COMM_PULSE_H

/**
 * The pulse: what the ranks of a job tell each other beside their teams' work, at any time and without the others taking part. A thread of
 * each rank talks to its few neighbours in a tree (member, team's root, the world's root), whatever the rank itself is at:
 *
 *   - signs of life. Ranks that wait for others who work on something else cannot tell by their own progress whether those are still
 *     there; a neighbour that gives no sign, or takes none, ends the job. What a living rank is at is its own watchdog's business;
 *   - that somebody was asked to stop;
 *   - numbers, each given once: the runs of a study;
 *   - notes, of which the world's root reads the latest of each rank: a study's progress.
 */

#include <stdbool.h>

#include "syncnorm/comm/team.h"

typedef struct sn_pulse sn_pulse;

enum { SN_PULSE_NOTE_MOST = 2048 };

/** `team` is this rank's, of those that `world` is divided into. After `timeout` seconds without a sign of life, and some for the watchdogs
 *  to speak first, the job ends with a line that names the rank and its host, exit code 1; <= 0: never. Notes have `note_bytes` (0 to
 *  SN_PULSE_NOTE_MOST). SN_ERROR_FAILED where MPI supports no threads. Collective over the world. */
sn_status sn_pulse_start(sn_team *world, sn_team *team, double timeout, size_t note_bytes, sn_pulse **pulse);

/** Asks all ranks to stop; again does nothing. Not collective. */
void sn_pulse_stop(sn_pulse *pulse);

/** Whether anybody asked. Costs nothing. Not collective. */
bool sn_pulse_stops(const sn_pulse *pulse);

/** The next number, 0 first; each is given once. Sleeps until it is there, some hundredths of a second. Not collective. */
int64_t sn_pulse_take(sn_pulse *pulse);

/** Replaces this rank's note. Never waits. Not collective. */
void sn_pulse_note(sn_pulse *pulse, const void *note);

/** Copies the latest note of a rank, zeroes when it has told nothing yet. On the world's root; not collective. */
void sn_pulse_read(sn_pulse *pulse, int rank, void *note);

/** Waits, asleep, until all ranks are here: then everything that was told before has arrived. Calls meanwhile(context) (NULL: nothing)
 *  some hundred times a second. Once for each pulse. Collective over the world. */
void sn_pulse_rest(sn_pulse *pulse, void (*meanwhile)(void *context), void *context);

/** Collective over the world; NULL is fine. */
void sn_pulse_end(sn_pulse *pulse);

#endif
