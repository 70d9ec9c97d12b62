/* What about the way the ranks were started costs time, said before it does. */

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli.h"
#include "syncnorm/base/memory.h"
#include "syncnorm/comm/process.h"

/* Of a rank. */
typedef struct seat {
    cpu_set_t allowed; /* empty where the kernel does not say */
    int processors;    /* that the job may use on its host */
    int node;          /* the lowest rank there */
    char host[256];
} seat;

static seat seat_of(int node)
{
    seat s = {.node = node};
    cpu_set_t job; /* of the launcher's process on this host */
    if (sched_getaffinity(0, sizeof s.allowed, &s.allowed) != 0) CPU_ZERO(&s.allowed);
    if (sched_getaffinity(getppid(), sizeof job, &job) == 0) s.processors = CPU_COUNT(&job);
    snprintf(s.host, sizeof s.host, "%s", sn_comm_host());
    return s;
}

/* Who asks for that knows that they share. */
static bool gives_way(void)
{
    const char *yields = getenv("OMPI_MCA_mpi_yield_when_idle");
    return yields && atoi(yields) != 0;
}

/* The ranks on the node of `first`, in order. */
static void judge_node(const seat *seats, int ranks, int first)
{
    cpu_set_t all;
    CPU_ZERO(&all);
    int here = 0;
    for (int r = first; r < ranks; r++) {
        if (seats[r].node != first) continue;
        CPU_OR(&all, &all, &seats[r].allowed);
        here++;
    }
    const int allowed = CPU_COUNT(&all);
    const seat *s = &seats[first];
    if (allowed == 0 || allowed >= here) return;
    if (allowed < s->processors)
        sn_log_warning(
            "%d ranks on %s are bound to %d of %d processors and wait for each other: bind each to a core of "
            "its own "
            "(mpirun --bind-to core, srun --cpu-bind=cores; several mpiruns side by side: --bind-to none)",
            here, s->host, allowed, s->processors);
    else if (!gives_way())
        sn_log_warning("%d ranks on %s share %d processor%s: fewer are faster; if it is meant, "
                       "OMPI_MCA_mpi_yield_when_idle=1 lets those "
                       "that wait give way",
                       here, s->host, allowed, allowed == 1 ? "" : "s");
}

sn_status sn_cli_advise_on_launch(sn_team *world)
{
    const int ranks = sn_team_size(world), rank = sn_team_rank(world);
    const bool root = sn_team_is_root(world);
    int *nodes = NULL;
    seat *seats = NULL;
    sn_status status = SN_ALLOCATE(nodes, (size_t)ranks, "the nodes");
    if (status == SN_OK && root) status = SN_ALLOCATE(seats, (size_t)ranks, "the binding of the ranks");
    status = sn_team_agree(world, status);
    if (status == SN_OK) {
        sn_team_nodes(world, nodes);
        const seat mine = seat_of(nodes[rank]);
        sn_team_gather(world, &mine, sizeof mine, seats);
        for (int r = 0; root && r < ranks; r++)
            if (nodes[r] == r) judge_node(seats, ranks, r);
    }
    sn_free(nodes);
    sn_free(seats);
    return status;
}
