#ifndef SYNCNORM_COMM_VIGIL_H
#define SYNCNORM_COMM_VIGIL_H

/**
 * The vigil: ranks that wait for others who work on something else, as in a study, cannot tell by their own progress whether those
 * are still there. So a thread of each rank gives the root a sign of life now and then, and the root takes it; a rank that gives
 * none, or a root that takes none, for too long ends the job. What a living rank is at is its own watchdog's business.
 */

#include "syncnorm/comm/team.h"

typedef struct sn_vigil sn_vigil;

/** After `timeout` seconds without a sign of life, and some for the watchdogs to speak first, the job ends with a line that names the
 *  rank and its host, exit code 1. timeout <= 0, or a team of one: *vigil is NULL. Collective over the team. */
sn_status sn_vigil_start(sn_team *team, double timeout, sn_vigil **vigil);

/** Collective; NULL is fine. */
void sn_vigil_end(sn_vigil *vigil);

#endif
