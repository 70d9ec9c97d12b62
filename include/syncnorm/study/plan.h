#ifndef SYNCNORM_STUDY_PLAN_H
#define SYNCNORM_STUDY_PLAN_H

/** A plan: the experiments that a study carries out, no two of the same name. Not collective. */

#include <stddef.h>

#include "syncnorm/train/experiment.h"

/** An option of the experiment as it was given: `value` may be a list where the experiment's table says so. */
typedef struct sn_plan_option {
    const char *name;
    const char *value; /* NULL for a flag */
} sn_plan_option;

typedef struct sn_plan {
    sn_experiment *experiments; /* resolved, in the order of the lists, the last list fastest */
    size_t count;
} sn_plan;

enum { SN_PLAN_RUNS_MAX = 10000 };

/**
 * The product of the lists ("gn,ln,bn"; of integers also ranges, "1-5,8"), over the options as given (the last of a name counts), in the
 * order of the experiment's table. Without --experiment and --norm, the three experiments of the published study. `ranks` is what
 * --workers ranks stands for; 0: not known. Runs that are the same experiment, and so of the same name, are merged: --bn-scope says
 * nothing to a run with group norm.
 * SN_ERROR_USAGE with one line: what sn_experiment_set() and _resolve() refuse in any run, options that mean nothing to all
 * of them, lists of what takes one value, more than SN_PLAN_RUNS_MAX runs.
 */
sn_status sn_plan_create(const sn_plan_option *options, size_t count, int ranks, sn_plan *plan);

void sn_plan_clear(sn_plan *plan);

#endif
