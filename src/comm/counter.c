/* A counter on the team's root that anybody advances by one-sided MPI_Fetch_and_op: no rank has to answer. */

#include <stdlib.h>

#include "team_internal.h"

struct sn_counter {
    MPI_Win window;
    int64_t *value;
};

sn_status sn_counter_create(sn_team *team, sn_counter **counter)
{
    sn_counter *c = calloc(1, sizeof *c);
    if (!c) sn_comm_abort(sn_exit_code(SN_ERROR_MEMORY));
    MPI_Win_allocate(team->rank == 0 ? sizeof(int64_t) : 0, sizeof(int64_t), MPI_INFO_NULL, team->comm,
                     &c->value, &c->window);
    MPI_Win_lock_all(0, c->window);
    if (team->rank == 0) {
        *c->value = 0;
        MPI_Win_sync(c->window);
    }
    MPI_Barrier(team->comm);
    *counter = c;
    return SN_OK;
}

int64_t sn_counter_take(sn_counter *counter)
{
    const int64_t one = 1;
    int64_t taken = 0;
    MPI_Fetch_and_op(&one, &taken, MPI_INT64_T, 0, 0, MPI_SUM, counter->window);
    MPI_Win_flush(0, counter->window);
    return taken;
}

void sn_counter_destroy(sn_counter *counter)
{
    if (!counter) return;
    MPI_Win_unlock_all(counter->window);
    MPI_Win_free(&counter->window);
    free(counter);
}
