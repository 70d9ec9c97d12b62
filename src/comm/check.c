/* Debug builds alone: ranks of a team that are in different collectives would wait for each other, or take each other's bytes for what they
   are not. */

#include "team_internal.h"

#ifndef NDEBUG

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *file = "?";
static int line;

void sn_team_at(const char *at_file, int at_line)
{
    file = at_file;
    line = at_line;
}

typedef struct place {
    char collective[48], file[112];
    int64_t line, count;
} place;

void sn_team_check(const sn_team *team, const char *waiting, size_t count)
{
    const size_t length = strlen(file), most = sizeof((place *)0)->file - 1;
    place mine = {.line = line, .count = (int64_t)count}, *all = calloc((size_t)team->size, sizeof *all);
    int *ranks = calloc((size_t)team->size, sizeof *ranks), rank = sn_comm_rank();
    if (!all || !ranks) sn_comm_out_of_memory();
    snprintf(mine.collective, sizeof mine.collective, "%s", waiting + strlen(SN_WAITING));
    snprintf(mine.file, sizeof mine.file, "%s", length > most ? file + length - most : file);
    MPI_Allgather(&mine, sizeof mine, MPI_BYTE, all, sizeof mine, MPI_BYTE, team->comm);
    MPI_Allgather(&rank, 1, MPI_INT, ranks, 1, MPI_INT, team->comm);
    int other = 1;
    while (other < team->size && memcmp(&all[0], &all[other], sizeof *all) == 0)
        other++;
    if (other < team->size) {
        const place *a = &all[0], *b = &all[other];
        if (team->rank == 0)
            sn_comm_give_up(
                "the ranks of a team are not in the same collective: rank %d in %s (count %lld) at %s:%lld, "
                "rank %d in %s (count %lld) at %s:%lld",
                ranks[0], a->collective, (long long)a->count, a->file, (long long)a->line, ranks[other],
                b->collective, (long long)b->count, b->file, (long long)b->line);
        MPI_Barrier(team->comm); /* until the root has said it and ended the job */
    }
    free(all);
    free(ranks);
}

#endif
