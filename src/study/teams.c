/* How the ranks are divided among the runs. */

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

int sn_study_team(int rank, int ranks, int teams)
{
    int team = 0;
    while (team + 1 < teams) {
        const sn_share share = sn_share_of((uint32_t)ranks, team, teams);
        if ((uint32_t)rank < share.first + share.count) break;
        team++;
    }
    return team;
}
