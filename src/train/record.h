#ifndef SYNCNORM_TRAIN_RECORD_H
#define SYNCNORM_TRAIN_RECORD_H

/* The record of a run: what the root rank keeps to write into the run file. */

#include "epoch_table.h"
#include "progress.h"
#include "syncnorm/io/run_file.h"
#include "syncnorm/nn/model.h"
#include "syncnorm/train/evaluate.h"
#include "syncnorm/train/trainer.h"

typedef struct sn_provenance {
    const char *command_line, *chosen_from, *hosts, *isa; /* chosen_from: NULL if not said */
    int ranks;
} sn_provenance;

/* Attributes and empty tables of a run that starts now. */
sn_status sn_record_start(sn_run *run, const sn_experiment *experiment, const char *dataset,
                          const sn_provenance *provenance);

/* Goes on with a run read from its file: one provenance entry more, the length asked for now; the row of an epoch that was not
   finished is dropped, and the final evaluation of a shorter run. */
sn_status sn_record_resume(sn_run *run, const sn_experiment *experiment, const sn_provenance *provenance,
                           const sn_progress *progress);

/* Whether the tables of a run read from `path` have the columns that the functions below fill; of an epoch's, missing ones are added. */
sn_status sn_record_check(sn_run *run, const sn_experiment *experiment, const char *path);

sn_status sn_record_step(sn_run *run, double loss, double accuracy);

/* The final evaluation from the logits [count][10] of the test set (prefix "") or of the images held out ("validation_"); fills the misses of
   `result`. */
sn_status sn_record_evaluation(sn_run *run, sn_samples samples, const char *prefix, const float *logits,
                               const sn_evaluation *evaluation, sn_result *result);

/* What the workers' shards hold: [workers][classes] samples. */
sn_status sn_record_shards(sn_run *run, uint32_t workers, const int64_t (*counts)[SN_CLASSES]);

/* The evaluation with precise statistics, which are the running ones of `precise`. */
sn_status sn_record_precise(sn_run *run, const sn_model *precise, const sn_evaluation *evaluation);

/* Each worker's running statistics: datasets workers/loss and workers/accuracy, their means as a way called "workers", and the attribute
   worst_worker_accuracy. */
sn_status sn_record_workers(sn_run *run, const sn_evaluation *evaluations, uint32_t workers);

/* Another way to evaluate: attributes WAY_loss and WAY_accuracy. */
sn_status sn_record_way(sn_run *run, const char *way, const sn_evaluation *evaluation);

/* Brings model, optimizer and progress up to date and replaces the file. */
sn_status sn_record_save(sn_run *run, const sn_model *model, const sn_progress *progress, bool complete,
                         const char *path);

#endif
