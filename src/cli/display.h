#ifndef SYNCNORM_CLI_DISPLAY_H
#define SYNCNORM_CLI_DISPLAY_H

/** What the user sees of one run on standard output: an observer of the trainer. */

#include <stdbool.h>
#include <stdio.h>

#include "options.h"
#include "syncnorm/train/trainer.h"

typedef struct sn_display {
    bool bar;    /* redraw a line (a terminal, or --progress always) */
    bool silent; /* -q */
    bool started;
    FILE *out;
    uint32_t epochs;    /* asked for */
    uint64_t last_step; /* of the run, with --steps; else 0 */
    uint32_t epoch;     /* at work, 1-based */
    uint32_t steps;     /* of this epoch */
    int drawn;          /* columns of the bar on the screen; 0: none */
    double drawn_at;    /* seconds into the epoch */
    uint32_t batch;     /* last step seen */
    double loss, accuracy, seconds;
} sn_display;

/** Decides by `when`, -q and whether standard output is a terminal with a width. */
void sn_display_start(sn_display *display, sn_cli_progress when, bool silent, FILE *out);

/** The observer that draws; `display` must outlive it. */
sn_observer sn_display_observer(sn_display *display);

/** The end of a run that was complete before it began, which the observer is not told of. Else nothing. */
void sn_display_complete(sn_display *display, const sn_result *result);

/** Ends a line that was left half drawn (an error, a stop request), so that a message starts on its own. */
void sn_display_finish(sn_display *display);

#endif
