#ifndef SYNCNORM_COMM_TEAM_INTERNAL_H
#define SYNCNORM_COMM_TEAM_INTERNAL_H

#include <mpi.h>
#include <pthread.h>

#include "syncnorm/comm/team.h"

struct sn_team {
    MPI_Comm comm; /* a duplicate of ours: traffic cannot collide with anybody else's */
    int rank, size;
};

/* A thread that hears no signals: those are for the one that trains. 0 or an errno. Not collective. */
int sn_comm_thread(pthread_t *thread, void *(*body)(void *argument), void *argument);

#endif
