/* How the ranks are divided among the runs. */

#include <limits.h>

#include "syncnorm/study/study.h"

int sn_study_teams(int ranks, size_t runs, int ranks_per_run, char *note, size_t note_size)
{
    note[0] = '\0';
    const int most = runs < (size_t)ranks ? (int)runs
                                          : ranks; /* a team without a run, a run without a rank: neither */
    if (ranks_per_run > ranks) {
        snprintf(note, note_size, "%d ranks per run were asked for, %d %s there: one team of all",
                 ranks_per_run, ranks, ranks == 1 ? "is" : "are");
        return 1;
    }
    const int size = ranks_per_run > 0 ? ranks_per_run : ranks / most;
    const int teams = ranks / size < most ? ranks / size : most;
    const int left = ranks - teams * size;
    if (left > 0)
        snprintf(note, note_size, "%d ranks make %d %s of %d, the %d left over joining %s", ranks, teams,
                 teams == 1 ? "team" : "teams", size, left, teams == 1 ? "it" : "them");
    return teams;
}

/* Makes a team of the first `size` free ranks, of one node (-1: of any); false when there are not as many. */
static bool form(const int *node, int ranks, int where, int size, int team, int *team_of)
{
    int there = 0;
    for (int r = 0; r < ranks; r++)
        there += team_of[r] < 0 && (where < 0 || node[r] == where);
    if (there < size) return false;
    for (int r = 0; r < ranks && size > 0; r++)
        if (team_of[r] < 0 && (where < 0 || node[r] == where)) {
            team_of[r] = team;
            size--;
        }
    return true;
}

/* The team for a rank that is left over: the smallest with a rank on its node, unless another is smaller by two. */
static int smallest(const int *node, int ranks, int teams, int rank, const int *team_of)
{
    int best = 0, best_cost = INT_MAX;
    for (int team = 0; team < teams; team++) {
        int size = 0;
        bool near = false;
        for (int r = 0; r < ranks; r++)
            if (team_of[r] == team) {
                size++;
                near |= node[r] == node[rank];
            }
        const int cost = 2 * size + (near ? 0 : 3);
        if (cost < best_cost) best = team, best_cost = cost;
    }
    return best;
}

void sn_study_assign(const int *node, int ranks, int teams, int ranks_per_run, int *team_of)
{
    const int each = ranks / teams, size = ranks_per_run > 0 && ranks_per_run < each ? ranks_per_run : each;
    int formed = 0;
    for (int r = 0; r < ranks; r++)
        team_of[r] = -1;
    for (int r = 0; r < ranks; r++) /* a node is named by its first rank */
        while (node[r] == r && formed < teams && form(node, ranks, r, size, formed, team_of))
            formed++;
    while (formed < teams && form(node, ranks, -1, size, formed, team_of))
        formed++;
    for (int r = 0; r < ranks; r++)
        if (team_of[r] < 0) team_of[r] = smallest(node, ranks, teams, r, team_of);
}
