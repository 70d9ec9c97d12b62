#ifndef SYNCNORM_CLI_STUDY_DISPLAY_H
#define SYNCNORM_CLI_STUDY_DISPLAY_H

/** The whole study on a terminal: a line per team with its run and progress, and one with runs done and the time left. Below
 *  what was printed before, redrawn in place; on the world's root alone. */

#include "options.h"
#include "syncnorm/study/study.h"

typedef struct sn_study_display {
    const sn_plan *plan;
    FILE *out;
    int drawn;    /* lines on the screen */
    int *told;    /* failures of each team that were told; NULL: of none */
    size_t begun; /* with --steps: runs that were, epochs of those ahead, for so many samples of an epoch */
    double ahead, samples;
} sn_study_display;

/** Whether there is a terminal to draw on; known to the world's root. */
bool sn_study_display_wanted(sn_cli_progress when, FILE *out);

/** The watcher that draws; `display` must outlive it. */
sn_study_watcher sn_study_display_watcher(sn_study_display *display);

/** Takes the display off the screen, with what it holds: the table follows. */
void sn_study_display_finish(sn_study_display *display);

#endif
