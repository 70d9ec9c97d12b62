#ifndef SYNCNORM_STUDY_PLAN_H
#define SYNCNORM_STUDY_PLAN_H

/** A plan: the experiments that a study carries out, no two of the same name. Not collective. */

#include <stddef.h>

#include "syncnorm/train/experiment.h"

/** An option of the experiment as it was given: `value` may be a list where sn_plan_takes_list() says so. */
typedef struct sn_plan_option {
    const char *name;
    const char *value; /* NULL for a flag */
} sn_plan_option;

typedef struct sn_plan {
    sn_experiment *experiments; /* resolved, in the order of the lists, the last list fastest */
    size_t count;
} sn_plan;

enum { SN_PLAN_RUNS_MAX = 10000 };

/** True of the options that take lists: "gn,ln,bn"; of numbers also ranges, "1-5,8". */
bool sn_plan_takes_list(const char *option);

/**
 * The product of the lists, over the options as given (the last of a name counts): experiments or norms, then seeds. Without
 * --experiment and --norm, the three experiments of the published study. Runs of the same name are merged.
 * SN_ERROR_USAGE with one line: what sn_experiment_set() and _resolve() refuse, lists elsewhere, more than
 * SN_PLAN_RUNS_MAX runs.
 */
sn_status sn_plan_create(const sn_plan_option *options, size_t count, sn_plan *plan);

void sn_plan_clear(sn_plan *plan);

#endif
