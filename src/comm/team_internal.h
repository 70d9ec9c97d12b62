#ifndef SYNCNORM_COMM_TEAM_INTERNAL_H
#define SYNCNORM_COMM_TEAM_INTERNAL_H

#include <mpi.h>

#include "syncnorm/comm/team.h"

struct sn_team {
    MPI_Comm comm; /* a duplicate of ours: traffic cannot collide with anybody else's */
    int rank, size;
};

#endif
