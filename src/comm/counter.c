/* A counter on the team's root. A thread there answers the others, so that no rank has to take time off its training.

   One-sided MPI_Fetch_and_op would need no thread where it is a matter of hardware. Over TCP Open MPI 4.1 has it answered by the
   root's next MPI call, which may be a whole run away, and between nodes without RDMA its MPI_Win_allocate fails outright. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "team_internal.h"

enum { TAG_TAKE = 1, TAG_NUMBER = 2 };

struct sn_counter {
    MPI_Comm comm; /* of its own: the thread hears nothing else */
    int rank, size;
    _Atomic int64_t next; /* on the root */
    atomic_bool stop;
    pthread_t server;
};

/* Looks 500 times a second: nobody takes numbers more often than a run ends, and a look costs less than 1 us. */
static void *serve(void *argument)
{
    sn_counter *counter = argument;
    while (!counter->stop) {
        int asked;
        MPI_Status request;
        MPI_Iprobe(MPI_ANY_SOURCE, TAG_TAKE, counter->comm, &asked, &request);
        if (asked) {
            MPI_Recv(NULL, 0, MPI_BYTE, request.MPI_SOURCE, TAG_TAKE, counter->comm, MPI_STATUS_IGNORE);
            const int64_t taken = counter->next++;
            MPI_Send(&taken, 1, MPI_INT64_T, request.MPI_SOURCE, TAG_NUMBER, counter->comm);
        } else {
            nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        }
    }
    return NULL;
}

static sn_status start_server(sn_counter *counter)
{
    int provided;
    MPI_Query_thread(&provided);
    if (provided < MPI_THREAD_MULTIPLE)
        return sn_fail(SN_ERROR_FAILED,
                       "this MPI library does not support threads (MPI_THREAD_MULTIPLE), which "
                       "handing out runs to several teams needs");
    const int code = sn_comm_thread(&counter->server, serve, counter);
    if (code) return sn_fail(SN_ERROR_FAILED, "cannot start the thread of a counter: %s", strerror(code));
    return SN_OK;
}

sn_status sn_counter_create(sn_team *team, sn_counter **counter)
{
    *counter = NULL;
    sn_counter *c = calloc(1, sizeof *c);
    if (!c) sn_comm_abort(sn_exit_code(SN_ERROR_MEMORY));
    MPI_Comm_dup(team->comm, &c->comm);
    c->rank = team->rank;
    c->size = team->size;
    sn_status status = SN_OK;
    if (c->rank == 0 && c->size > 1) status = start_server(c);
    status = sn_team_agree(team, status);
    if (status != SN_OK) {
        MPI_Comm_free(&c->comm);
        free(c);
        return status;
    }
    *counter = c;
    return SN_OK;
}

int64_t sn_counter_take(sn_counter *counter)
{
    if (counter->rank == 0) return counter->next++;
    int64_t taken;
    MPI_Send(NULL, 0, MPI_BYTE, 0, TAG_TAKE, counter->comm);
    MPI_Recv(&taken, 1, MPI_INT64_T, 0, TAG_NUMBER, counter->comm, MPI_STATUS_IGNORE);
    return taken;
}

void sn_counter_destroy(sn_counter *counter)
{
    if (!counter) return;
    MPI_Barrier(counter->comm); /* nobody will ask any more */
    if (counter->rank == 0 && counter->size > 1) {
        counter->stop = true;
        pthread_join(counter->server, NULL);
    }
    MPI_Comm_free(&counter->comm);
    free(counter);
}
