#ifndef SYNCNORM_TRAIN_PROGRESS_H
#define SYNCNORM_TRAIN_PROGRESS_H

/* Where the run stands: enough, with the model, to go on to the bit. It is stored under labels, so that it may grow: what an older file
   does not have is 0. */

#include "diagnostics.h"
#include "syncnorm/base/fixed_point.h"

typedef struct sn_progress {
    uint32_t epoch;         /* epochs finished */
    uint32_t batch;         /* steps taken in the epoch at work */
    uint64_t step;          /* steps taken in all */
    uint64_t samples;       /* samples seen in all */
    uint64_t epoch_samples; /* ... and of the epoch at work: */
    sn_int128 epoch_loss;   /* sum of cross-entropies, units of 2^-32: below 2^62 a step, 2^32 steps */
    double epoch_penalty;   /* sum over samples of the penalty */
    uint64_t epoch_correct;
    double epoch_seconds;
    double last_batch_loss;
    sn_diagnostics diagnostics; /* of the epoch at work */
    sn_costs costs;             /* of the epoch at work, as far as they were added up */
} sn_progress;

/* A new epoch begins. */
void sn_progress_begin_epoch(sn_progress *progress);

sn_status sn_progress_save(const sn_progress *progress, sn_run *run);

/* Of a run read from `path`; empties run->partial, whose labels may be older ones. SN_ERROR_FILE when it is no place to go on from. */
sn_status sn_progress_load(sn_run *run, const char *path, sn_progress *progress);

#endif
