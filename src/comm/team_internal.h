#ifndef SYNCNORM_COMM_TEAM_INTERNAL_H
#define SYNCNORM_COMM_TEAM_INTERNAL_H

#include <mpi.h>

#define SN_TEAM_INSIDE /* calls from one collective to another are the outer one's */
#include "syncnorm/comm/team.h"

struct sn_team {
    MPI_Comm comm; /* a duplicate of ours: traffic cannot collide with anybody else's */
    int rank, size;
    struct sn_sum_way *sums; /* NULL before the first */
};

/* The team that a communicator of ours is. Not collective. */
void sn_team_adopt(MPI_Comm comm, sn_team **team);

/* Between these two lies every collective of a team, so that the watchdog hears of each, whichever it is. `waiting` is a string constant:
   what the rank is at. In debug builds the ranks see first that all of them are in the same collective with the same `count`, from the
   same line (check.c). */
#define SN_WAITING "waiting for the other ranks in "
void sn_team_enter(const sn_team *team, const char *waiting, size_t count);
void sn_team_leave(void);

#ifndef NDEBUG
void sn_team_at(const char *file, int line);
void sn_team_check(const sn_team *team, const char *waiting, size_t count);
#endif

#endif
