/* mismatch KIND: ranks of a team that are not in the same collective, each KIND in its way; in debug builds the job then ends. */

#include <string.h>

#include "syncnorm/comm/team.h"

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "";
    sn_team *world, *team;
    if (sn_comm_start(&world) != SN_OK) return 2;
    const int rank = sn_team_rank(world), last = sn_team_size(world) - 1;
    int64_t values[4] = {0};
    sn_team_sum(world, values, 4); /* all are in this one */
    if (strcmp(kind, "collective") == 0) {
        if (rank == last)
            sn_team_broadcast(world, values, 4, 0);
        else
            sn_team_sum(world, values, 4);
    } else if (strcmp(kind, "count") == 0) {
        sn_team_sum(world, values, rank == last ? 3 : 4);
    } else if (strcmp(kind, "line") == 0) {
        if (rank == last)
            sn_team_barrier(world);
        else
            sn_team_barrier(world);
    } else if (strcmp(kind, "team") ==
               0) { /* a team of the ranks but the first: ranks are told as those of all */
        sn_team_split(world, rank == 0 ? -1 : 0, &team);
        if (rank == last)
            sn_team_gather_all(team, &rank, sizeof rank, values);
        else if (team)
            (void)sn_team_agree(team, SN_OK);
        sn_team_destroy(team);
    } else if (strcmp(kind, "shared") == 0) {
        sn_shared *shared;
        void *memory;
        bool loader;
        if (sn_shared_create(world, 64, &shared, &memory, &loader) != SN_OK) return 2;
        if (rank == last)
            sn_shared_publish(shared);
        else
            sn_shared_destroy(shared);
    }
    sn_team_barrier(world); /* who was in none waits here for the end of the job */
    sn_comm_finish(world);
    return 0;
}
