#ifndef SYNCNORM_COMM_BELL_H
#define SYNCNORM_COMM_BELL_H

/**
 * A bell that any rank may ring and any rank may hear, at any time, without the others taking part: teams that have nothing
 * else to do with each other learn that one of them was asked to stop.
 */

#include <stdbool.h>

#include "syncnorm/comm/team.h"

typedef struct sn_bell sn_bell;

/** Collective over the team. */
void sn_bell_create(sn_team *team, sn_bell **bell);

/** Rings for everybody; again does nothing. Not collective. */
void sn_bell_ring(sn_bell *bell);

/** Whether anybody rang. It never waits: less than a microsecond. Not collective. */
bool sn_bell_rang(sn_bell *bell);

/** Collective; NULL is fine. */
void sn_bell_destroy(sn_bell *bell);

#endif
