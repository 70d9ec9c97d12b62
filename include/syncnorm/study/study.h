#ifndef SYNCNORM_STUDY_STUDY_H
#define SYNCNORM_STUDY_STUDY_H

/**
 * A study: the runs of a plan, carried out side by side by teams of ranks. A team takes the next run when it is free;
 * nothing is collective over the world while runs go on. A run's result does not depend on its team.
 */

#include <stdio.h>

#include "syncnorm/comm/team.h"
#include "syncnorm/dataset/dataset.h"
#include "syncnorm/price/machine.h"
#include "syncnorm/study/plan.h"
#include "syncnorm/train/trainer.h"

/** What a team is at, as its root last told. */
typedef struct sn_team_progress {
    int32_t run;             /* in the plan; -1: none, or none any more */
    int32_t ranks;           /* of the team */
    uint32_t epoch, epochs;  /* at work (1-based; 0: not yet), of the run */
    uint32_t batch, batches; /* done in this epoch, of the epoch */
    double loss, accuracy;   /* of the last batch; so far this epoch, percent */
    int32_t done, failed;    /* runs that the team is through with, failed ones included */
    double worked, left;     /* epochs trained in this study; left of the run at hand */
    double samples;          /* of a whole epoch, batches times their size; 0: not yet known */
    char failure[192];       /* of the last run that failed: its name and why */
} sn_team_progress;

/** Who watches a study. With `update` set, errors of runs are told to it, and not on standard error. */
typedef struct sn_study_watcher {
    void *context;
    /* some times a second while runs go on; must not call MPI */
    void (*update)(void *context, const sn_team_progress *teams, int count, double seconds);
} sn_study_watcher;

typedef struct sn_study {
    const sn_plan *plan;       /* resolved */
    const sn_dataset *dataset; /* opened over the world */
    const char *directory;     /* of the run files: DIRECTORY/NAME.h5 */
    int ranks_per_run;         /* 0: as many as there are for each run, at least 1 */
    sn_execution execution;    /* of every run; `output` is not read, max_seconds is for the whole study */
    FILE *out;                 /* a line per finished epoch and run, from each team's root; NULL: none */
    sn_study_watcher watcher;  /* on every rank alike, but called on the world's root alone */
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
 * are left over join the teams. One line
 * in `note` ("" if there is nothing to say) when it is not what was asked for. Returns the number of teams. Not collective.
 */
int sn_study_teams(int ranks, size_t runs, int ranks_per_run, char *note, size_t note_size);

/** team_of[r] (ranks of them) becomes the team of rank r. Teams have ranks_per_run ranks (0: as many as there are), and then those that
 *  are left over. node[r] is the lowest rank on the node of r (sn_team_nodes()): teams stay within a
 *  node where they can, and are of consecutive ranks otherwise. Not collective. */
void sn_study_assign(const int *node, int ranks, int teams, int ranks_per_run, int *team_of);

/** Fills in the digest of the initial model, which the names of runs with --init have in them; SN_ERROR_FILE when it cannot be
 *  read. Collective over the world. */
sn_status sn_study_resolve(sn_team *world, sn_plan *plan);

/**
 * Carries the plan out. On the world's root `outcomes` (plan->count of them, caller's) is filled in the order of the plan. SN_OK
 * when every run is complete; SN_STOPPED when asked to stop; else SN_ERROR_FAILED with a message: a failed run does not
 * stop the others. Collective over the world.
 */
sn_status sn_study_run(sn_team *world, const sn_study *study, sn_outcome *outcomes);

typedef struct sn_rehearsal {
    const sn_plan *plan;
    const char *directory; /* of the run files: what is done already */
    const char *data; /* directory of the data set; NULL: the one to be found, or else as if it were MNIST */
    int ranks, ranks_per_run;
    double rate;               /* images/s of one rank; 0: measured, a few steps of each norm */
    const sn_machine *machine; /* where it would run; NULL: here, or at that rate */
} sn_rehearsal;

/** Prints what sn_study_run() would do: its runs, what is done of them, which team is likely to train them, an estimate of the time.
 *  Needs no MPI. SN_ERROR_DATA and SN_ERROR_FILE when the data set that is named or the file of --init cannot be read. Not collective. */
sn_status sn_study_rehearse(const sn_rehearsal *rehearsal, FILE *out);

/** The comparison: a table of the outcomes, and the failures named. */
void sn_study_print(const sn_study *study, const sn_outcome *outcomes, FILE *out);

#endif
