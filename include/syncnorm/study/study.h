#ifndef SYNCNORM_STUDY_STUDY_H
#define SYNCNORM_STUDY_STUDY_H

/**
 * A study: the runs of a plan, carried out side by side by teams of ranks. A team takes the next run when it is free;
 * nothing is collective over the world while runs go on. A run's result does not depend on its team.
 */

#include <stdio.h>

#include "syncnorm/comm/team.h"
#include "syncnorm/dataset/dataset.h"
#include "syncnorm/study/plan.h"
#include "syncnorm/train/trainer.h"

typedef struct sn_study {
    const sn_plan *plan;       /* resolved */
    const sn_dataset *dataset; /* opened over the world */
    const char *directory;     /* of the run files: DIRECTORY/NAME.h5 */
    int ranks_per_run;         /* 0: as many as there are for each run, at least 1 */
    sn_execution execution;    /* of every run; `output` is not read, max_seconds is for the whole study */
    FILE *out;                 /* a line per finished epoch, from each team's root; NULL: none */
} sn_study;

/** How a run of the plan ended. */
typedef struct sn_outcome {
    uint32_t run;                  /* in the plan */
    sn_status status;              /* SN_STOPPED also for a run that was never begun because of a stop */
    char message[SN_MESSAGE_SIZE]; /* of a failure */
    int ranks;                     /* of its team */
    sn_result result;
} sn_outcome;

/**
 * How `ranks` ranks are divided: teams of `ranks_per_run` (0: ranks / runs, at least 1), not more than there are runs; ranks that
 * are left over join the teams, whose sizes then differ by at most one. `team_of(rank)` is sn_study_team(). One line
 * in `note` ("" if there is nothing to say) when it is not what was asked for. Returns the number of teams. Not collective.
 */
int sn_study_teams(int ranks, size_t runs, int ranks_per_run, char *note, size_t note_size);

/** The team of a rank: consecutive ranks, so that a team stays on as few nodes as possible. Not collective. */
int sn_study_team(int rank, int ranks, int teams);

/** Fills in the digest of the initial model, which the names of runs with --init have in them; SN_ERROR_FILE when it cannot be
 *  read. Collective over the world. */
sn_status sn_study_resolve(sn_team *world, sn_plan *plan);

/**
 * Carries the plan out. On the world's root `outcomes` (plan->count of them, caller's) is filled in the order of the plan. SN_OK
 * when every run is complete; SN_STOPPED when asked to stop; else SN_ERROR_FAILED with a message: a failed run does not
 * stop the others. Collective over the world.
 */
sn_status sn_study_run(sn_team *world, const sn_study *study, sn_outcome *outcomes);

/** The comparison: a table of the outcomes, and the failures named. */
void sn_study_print(const sn_study *study, const sn_outcome *outcomes, FILE *out);

#endif
