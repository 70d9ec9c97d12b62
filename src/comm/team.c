#include "team_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process_internal.h"
#include "sum.h"
#include "syncnorm/comm/watchdog.h"

enum { TAG_PIECES = 1 };

void sn_team_enter(const sn_team *team, const char *waiting, size_t count)
{
    sn_watchdog_beat(waiting);
#ifndef NDEBUG
    if (team->size > 1) sn_team_check(team, waiting, count);
#else
    (void)team;
    (void)count;
#endif
}

void sn_team_leave(void)
{
    sn_watchdog_beat("computing");
}

void sn_team_adopt(MPI_Comm comm, sn_team **team)
{
    *team = calloc(1, sizeof **team);
    /* without memory for 16 bytes there is no way to agree on anything */
    if (!*team) sn_comm_out_of_memory();
    (*team)->comm = comm;
    MPI_Comm_rank(comm, &(*team)->rank);
    MPI_Comm_size(comm, &(*team)->size);
}

sn_status sn_comm_start(sn_team **world)
{
    MPI_Comm comm;
    sn_comm_initialize();
    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    sn_team_adopt(comm, world);
    return SN_OK;
}

void sn_comm_finish(sn_team *world)
{
    sn_team_destroy(world);
    MPI_Finalize();
}

sn_status sn_team_split(sn_team *parent, int color, sn_team **team)
{
    MPI_Comm comm;
    sn_team_enter(parent, SN_WAITING "a split", 0);
    MPI_Comm_split(parent->comm, color < 0 ? MPI_UNDEFINED : color, parent->rank, &comm);
    sn_team_leave();
    *team = NULL;
    if (comm != MPI_COMM_NULL) sn_team_adopt(comm, team);
    return SN_OK;
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
    sn_sum_forget(team->sums);
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

/* The ranks of the team on this rank's node. */
static MPI_Comm split_by_node(const sn_team *team)
{
    MPI_Comm here;
    MPI_Comm_split_type(team->comm, MPI_COMM_TYPE_SHARED, team->rank, MPI_INFO_NULL, &here);
    return here;
}

void sn_team_sum(sn_team *team, int64_t *values, size_t count)
{
    if (team->size > 1) {
        sn_team_enter(team, SN_WAITING "a sum", count);
        if (!team->sums) team->sums = sn_sum_arrange(team, split_by_node(team));
        sn_sum(team->sums, team, values, count);
    }
    sn_team_leave();
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
    sn_team_enter(team, SN_WAITING "a broadcast", bytes);
    MPI_Bcast(data, (int)bytes, MPI_BYTE, root, team->comm);
    sn_team_leave();
}

void sn_team_gather(sn_team *team, const void *mine, size_t bytes, void *all)
{
    sn_team_enter(team, SN_WAITING "a gathering on the root", bytes);
    MPI_Gather(mine, (int)bytes, MPI_BYTE, all, (int)bytes, MPI_BYTE, 0, team->comm);
    sn_team_leave();
}

void sn_team_gather_all(sn_team *team, const void *mine, size_t bytes, void *all)
{
    sn_team_enter(team, SN_WAITING "a gathering on all", bytes);
    MPI_Allgather(mine, (int)bytes, MPI_BYTE, all, (int)bytes, MPI_BYTE, team->comm);
    sn_team_leave();
}

/* Along a binomial tree, where each rank joins the pieces of the consecutive ranks behind it: MPI_Gatherv would open a connection from
   every rank to the root. */
void sn_team_gather_pieces(sn_team *team, const void *mine, size_t bytes, void *all)
{
    sn_team_enter(team, SN_WAITING "a gathering of pieces", 0);
    unsigned char *room = team->rank > 0 ? malloc(bytes + 1) : NULL, *joined = team->rank > 0 ? room : all;
    if (!room && team->rank > 0) sn_comm_out_of_memory();
    if (joined != mine && bytes > 0) memcpy(joined, mine, bytes);
    for (int step = 1; step < team->size; step *= 2) {
        if (team->rank & step) {
            MPI_Send(joined, (int)bytes, MPI_BYTE, team->rank - step, TAG_PIECES, team->comm);
            break;
        }
        if (team->rank + step >= team->size) continue;
        MPI_Status status;
        int more;
        MPI_Probe(team->rank + step, TAG_PIECES, team->comm, &status);
        MPI_Get_count(&status, MPI_BYTE, &more);
        if (team->rank > 0) joined = room = realloc(room, bytes + (size_t)more + 1);
        if (!room && team->rank > 0) sn_comm_out_of_memory();
        MPI_Recv(joined + bytes, more, MPI_BYTE, team->rank + step, TAG_PIECES, team->comm,
                 MPI_STATUS_IGNORE);
        bytes += (size_t)more;
    }
    free(room);
    sn_team_leave();
}

void sn_team_barrier(sn_team *team)
{
    sn_team_enter(team, SN_WAITING "a barrier", 0);
    MPI_Barrier(team->comm);
    sn_team_leave();
}

/* A node is known by the lowest of its ranks. */
void sn_team_nodes(sn_team *team, int *node)
{
    int lowest = team->rank;
    sn_team_enter(team, SN_WAITING "a look at the nodes", 0);
    MPI_Comm here = split_by_node(team);
    MPI_Bcast(&lowest, 1, MPI_INT, 0, here);
    MPI_Comm_free(&here);
    sn_team_gather_all(team, &lowest, sizeof lowest, node);
}

/* Whether it depends on the host, as what all ranks find alike does not. */
static bool is_about_a_host(sn_status status)
{
    return status == SN_ERROR_DATA || status == SN_ERROR_FILE || status == SN_ERROR_VERSION ||
           status == SN_ERROR_MEMORY;
}

/* The message, behind the name of the host where it was found if that is not clear. */
static void tell_host(sn_status status, const char *host, const char *message)
{
    const bool tell = sn_comm_several_hosts() &&
                      (is_about_a_host(status) || strcmp(host, sn_comm_host()) != 0);
    char text[SN_MESSAGE_SIZE];
    snprintf(text, sizeof text, "%.255s: %.*s", host, SN_MESSAGE_SIZE - 258, message);
    sn_error_set_message(tell && !strstr(message, host) ? text : message);
}

static sn_status agree(sn_team *team, sn_status mine)
{
    int first = mine == SN_OK ? team->size : team->rank;
    MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, team->comm);
    if (first == team->size) return SN_OK;
    struct {
        int status;
        char host[MPI_MAX_PROCESSOR_NAME], message[SN_MESSAGE_SIZE];
    } verdict = {.status = mine};
    snprintf(verdict.host, sizeof verdict.host, "%s", sn_comm_host());
    snprintf(verdict.message, sizeof verdict.message, "%s", sn_error_message());
    MPI_Bcast(&verdict, sizeof verdict, MPI_BYTE, first, team->comm);
    tell_host((sn_status)verdict.status, verdict.host, verdict.message);
    return (sn_status)verdict.status;
}

sn_status sn_team_agree(sn_team *team, sn_status mine)
{
    if (team->comm == MPI_COMM_NULL) return mine; /* alone */
    sn_team_enter(team, SN_WAITING "an agreement", 0);
    const sn_status agreed = agree(team, mine);
    sn_team_leave();
    return agreed;
}

bool sn_team_same(sn_team *team, const void *value, size_t bytes, int *differing)
{
    unsigned char *all = malloc((size_t)team->size * bytes);
    if (!all) sn_comm_out_of_memory();
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
