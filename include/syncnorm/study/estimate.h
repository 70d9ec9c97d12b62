#ifndef SYNCNORM_STUDY_ESTIMATE_H
#define SYNCNORM_STUDY_ESTIMATE_H

/** How long a run takes on so many ranks, from what blocks cost one rank. Pure functions. */

#include "syncnorm/dataset/dataset.h"
#include "syncnorm/price/machine.h"
#include "syncnorm/train/experiment.h"

/** Seconds of one rank, where sums are taken for those of one node; or a machine, for both. */
typedef struct sn_block_cost {
    double block;  /* training on a block of SN_LANES samples: the same for 1 sample as for all of them */
    double update; /* of each step, whatever the share */
    const sn_machine *machine; /* instead; NULL: none */
} sn_block_cost;

/** Seconds of training on a share of `samples`, 0 of none. The one place that knows the shapes a share is cut into. */
double sn_share_seconds(const sn_block_cost *cost, uint32_t samples);

/** Seconds of a training step on `batch` samples of the experiment's: the largest share, the update, the sums. SN_WORKERS_RANKS is
 *  `ranks`. */
double sn_step_seconds(const sn_block_cost *cost, const sn_experiment *experiment, uint32_t batch, int ranks);

/** Seconds of training on the last `images` of a run, evaluating after each epoch and at the end. Evaluating a block is taken for a third of
 *  training on it: forward alone. */
double sn_run_seconds(const sn_block_cost *cost, const sn_experiment *experiment,
                      const sn_dataset_facts *data, uint64_t images, int ranks);

#endif
