#include "syncnorm/comm/team.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "syncnorm/base/fault.h"
#include "syncnorm/base/floating_point.h"
#include "syncnorm/base/memory.h"
#include "syncnorm/comm/watchdog.h"
#include "team_internal.h"

static int world_rank;

int sn_comm_thread(pthread_t *thread, void *(*body)(void *argument), void *argument)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int code = pthread_create(thread, NULL, body, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

static sn_status adopt(MPI_Comm comm, sn_team **team)
{
    *team = calloc(1, sizeof **team);
    /* without memory for 16 bytes there is no way to agree on anything */
    if (!*team) sn_comm_abort(sn_exit_code(SN_ERROR_MEMORY));
    (*team)->comm = comm;
    MPI_Comm_rank(comm, &(*team)->rank);
    MPI_Comm_size(comm, &(*team)->size);
    return SN_OK;
}

sn_status sn_comm_start(sn_team **world)
{
    /* Ranks of a node copy through shared memory. Open MPI's default, reading each other's memory, takes twice as long for
       our messages (82 KB: 25 us against 11 on two cores) and where containers forbid it fills the terminal with errors. */
    setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 0);
    /* hwloc looks for X displays of NVIDIA on ten hosts "localhost:N"; without /etc/hosts that takes 5 to 17 s */
    setenv("HWLOC_COMPONENTS", "-gl", 0);
    int provided;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &provided); /* counter.c; costs 0.2 us per collective */
    sn_floating_point_set();
    MPI_Comm_rank(MPI_COMM_WORLD, &world_rank);
    sn_fault_rank(world_rank);
    MPI_Comm comm;
    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    return adopt(comm, world);
}

void sn_comm_finish(sn_team *world)
{
    sn_team_destroy(world);
    MPI_Finalize();
}

void sn_comm_abort(int exit_code)
{
    MPI_Abort(MPI_COMM_WORLD, exit_code);
    abort();
}

int sn_comm_rank(void)
{
    return world_rank;
}

const char *sn_comm_library(void)
{
    static char name[MPI_MAX_LIBRARY_VERSION_STRING];
    if (!name[0]) {
        int length;
        MPI_Get_library_version(name, &length);
        name[strcspn(name, ",\n")] = '\0';
        char *version = strstr(name, " v");
        if (version) memmove(version + 1, version + 2, strlen(version + 2) + 1);
    }
    return name;
}

const char *sn_comm_host(void)
{
    static char name[MPI_MAX_PROCESSOR_NAME];
    int length;
    if (!name[0]) MPI_Get_processor_name(name, &length);
    return name;
}

sn_status sn_team_split(sn_team *parent, int color, sn_team **team)
{
    *team = NULL;
    MPI_Comm comm;
    MPI_Comm_split(parent->comm, color < 0 ? MPI_UNDEFINED : color, parent->rank, &comm);
    return comm == MPI_COMM_NULL ? SN_OK : adopt(comm, team);
}

sn_status sn_team_alone(sn_team **team)
{
    *team = calloc(1, sizeof **team);
    if (!*team) return sn_fail(SN_ERROR_MEMORY, "out of memory: a team");
    (*team)->comm = MPI_COMM_NULL;
    (*team)->size = 1;
    return SN_OK;
}

void sn_team_destroy(sn_team *team)
{
    if (!team) return;
    if (team->comm != MPI_COMM_NULL) MPI_Comm_free(&team->comm);
    free(team);
}

int sn_team_rank(const sn_team *team)
{
    return team->rank;
}

int sn_team_size(const sn_team *team)
{
    return team->size;
}

bool sn_team_is_root(const sn_team *team)
{
    return team->rank == 0;
}

void sn_team_sum(sn_team *team, int64_t *values, size_t count)
{
    if (team->size > 1) {
        sn_watchdog_beat("waiting for the other ranks in a sum");
        MPI_Allreduce(MPI_IN_PLACE, values, (int)count, MPI_INT64_T, MPI_SUM, team->comm);
    }
    sn_watchdog_beat("computing");
}

bool sn_team_stops(sn_team *team, const sn_stop *stop)
{
    if (!stop) return false;
    int64_t asked = stop->asked(stop->context);
    sn_team_sum(team, &asked, 1);
    return asked > 0;
}

void sn_team_broadcast(sn_team *team, void *data, size_t bytes, int root)
{
    sn_watchdog_beat("waiting for what a rank hands out");
    MPI_Bcast(data, (int)bytes, MPI_BYTE, root, team->comm);
}

void sn_team_gather(sn_team *team, const void *mine, size_t bytes, void *all)
{
    sn_watchdog_beat("gathering from the other ranks");
    MPI_Gather(mine, (int)bytes, MPI_BYTE, all, (int)bytes, MPI_BYTE, 0, team->comm);
}

void sn_team_gather_all(sn_team *team, const void *mine, size_t bytes, void *all)
{
    sn_watchdog_beat("gathering from the other ranks");
    MPI_Allgather(mine, (int)bytes, MPI_BYTE, all, (int)bytes, MPI_BYTE, team->comm);
}

void sn_team_gather_pieces(sn_team *team, const void *mine, size_t bytes, void *all)
{
    sn_watchdog_beat("gathering from the other ranks");
    int *counts = NULL, *offsets = NULL;
    const int mine_count = (int)bytes;
    if (team->rank == 0) {
        counts = malloc(2 * (size_t)team->size * sizeof *counts);
        if (!counts) sn_comm_abort(sn_exit_code(SN_ERROR_MEMORY));
        offsets = counts + team->size;
    }
    MPI_Gather(&mine_count, 1, MPI_INT, counts, 1, MPI_INT, 0, team->comm);
    if (team->rank == 0)
        for (int r = 0, offset = 0; r < team->size; offset += counts[r++])
            offsets[r] = offset;
    const void *piece = team->rank == 0 && mine == all ? MPI_IN_PLACE : mine;
    MPI_Gatherv(piece, mine_count, MPI_BYTE, all, counts, offsets, MPI_BYTE, 0, team->comm);
    free(counts);
}

void sn_team_barrier(sn_team *team)
{
    sn_watchdog_beat("waiting for the other ranks at a barrier");
    MPI_Barrier(team->comm);
}

void sn_team_rest(sn_team *team, void (*meanwhile)(void *context), void *context)
{
    MPI_Request all_here;
    int done = 0;
    MPI_Ibarrier(team->comm, &all_here);
    for (;;) {
        MPI_Test(&all_here, &done, MPI_STATUS_IGNORE);
        if (done) return;
        if (meanwhile) meanwhile(context);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
}

/* A node is known by the lowest of its ranks. */
void sn_team_nodes(sn_team *team, int *node)
{
    MPI_Comm here;
    int lowest = team->rank;
    MPI_Comm_split_type(team->comm, MPI_COMM_TYPE_SHARED, team->rank, MPI_INFO_NULL, &here);
    MPI_Bcast(&lowest, 1, MPI_INT, 0, here);
    MPI_Comm_free(&here);
    sn_team_gather_all(team, &lowest, sizeof lowest, node);
}

sn_status(sn_team_agree)(sn_team *team, sn_status mine)
{
    sn_watchdog_beat("waiting for the other ranks to agree");
    int first = mine == SN_OK ? team->size : team->rank;
    MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, team->comm);
    if (first == team->size) return SN_OK;
    struct {
        int status;
        char message[SN_MESSAGE_SIZE];
    } verdict = {.status = mine};
    snprintf(verdict.message, sizeof verdict.message, "%s", sn_error_message());
    MPI_Bcast(&verdict, sizeof verdict, MPI_BYTE, first, team->comm);
    sn_error_set_message(verdict.message);
    return (sn_status)verdict.status;
}

bool sn_team_same(sn_team *team, const void *value, size_t bytes, int *differing)
{
    unsigned char *all = malloc((size_t)team->size * bytes);
    if (!all) sn_comm_abort(sn_exit_code(SN_ERROR_MEMORY));
    sn_team_gather_all(team, value, bytes, all);
    int most = 0, majority = 0;
    for (int r = 0; r < team->size && 2 * most < team->size; r++) {
        int votes = 0;
        for (int q = 0; q < team->size; q++)
            votes += memcmp(all + (size_t)r * bytes, all + (size_t)q * bytes, bytes) == 0;
        if (votes > most) most = votes, majority = r;
    }
    if (differing)
        for (int r = 0; r < team->size; r++)
            differing[r] = memcmp(all + (size_t)majority * bytes, all + (size_t)r * bytes, bytes) != 0;
    free(all);
    return most == team->size;
}

double sn_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
