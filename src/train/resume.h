#ifndef SYNCNORM_TRAIN_RESUME_H
#define SYNCNORM_TRAIN_RESUME_H

/* Going on from a run file: which generation, whether it is the same experiment, and what it says of where the run stood. */

#include "record.h"

/*
 * On the root: reads what is at `path` into `run` (empty when the run starts afresh; *found tells). Where only
 * the generation before is good, it becomes the newest; a damaged one is kept as NAME.h5.damaged. Errors: a damaged file without a good generation before, nothing to go on from with `require`, a run of another experiment.
 */
sn_status sn_resume_find(const char *path, sn_resume mode, const sn_experiment *experiment, sn_run *run,
                         bool *found);

/* On the root: model and progress from the run found. */
sn_status sn_resume_load(sn_run *run, const sn_experiment *experiment, const char *path, sn_model *model,
                         sn_progress *progress);

/* Whether the run was written as complete: evaluated at the length that was asked for then. */
bool sn_resume_complete(const sn_run *run);

/* The result of a run that was complete already, from its file. */
void sn_resume_result(const sn_run *run, sn_result *result);

#endif
