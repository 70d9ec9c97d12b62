#ifndef SYNCNORM_STUDY_PROGRESS_H
#define SYNCNORM_STUDY_PROGRESS_H

/* How a study's progress comes to whoever watches it: the teams' roots tell theirs by the pulse, the world's root shows it when its own
   run steps or while it waits. Nobody waits for anybody. */

#include "syncnorm/comm/pulse.h"
#include "syncnorm/study/study.h"

typedef struct progress {
    const sn_study *setup;
    sn_pulse *pulse;
    bool shown;            /* somebody watches */
    bool tells, shows;     /* a team's root, if so; the world's */
    int teams, *roots;     /* [teams]: world ranks, on the world's root */
    sn_team_progress mine; /* of this rank's team */
    sn_team_progress *all; /* [teams], on the world's root */
    double started, told;  /* clock */
    bool pending;          /* there is news that was not told yet */
    bool fresh;            /* the run at hand has made no step yet */
    double epoch_steps;    /* of a whole epoch of the run at hand */
    double length;         /* of that run, in epochs */
    uint64_t steps;        /* that it ends at; 0: with its epochs */
    uint32_t batch;
} progress;

/* Collective over the world. */
sn_status progress_create(sn_team *world, sn_team *team, sn_pulse *pulse, const sn_study *setup,
                          const int *team_of, int teams, progress *p);

void progress_destroy(progress *p);

/* A run begins, an epoch, a step is done, a run is over (`failure`: why it failed, where it did). On a team's root. */
void progress_run(progress *p, uint32_t run, const sn_experiment *experiment);
void progress_epoch(progress *p, uint32_t epoch, uint32_t steps);
void progress_step(progress *p, uint32_t batch, double loss, double accuracy);
void progress_end(progress *p, sn_status status, const char *failure);

/* Shows what is known of all teams. On the world's root. */
void progress_show(progress *p);

/* While this rank waits for the others. */
void progress_idle(void *progress);

#endif
