#ifndef SYNCNORM_TRAIN_EPOCH_TABLE_H
#define SYNCNORM_TRAIN_EPOCH_TABLE_H

/* The table /metrics/epoch: one list of columns from which it is created, checked and filled. */

#include "syncnorm/io/run_file.h"
#include "syncnorm/train/trainer.h"

/* The columns that an experiment has: those of batch statistics only with batch norm, of workers only with several. */
sn_status sn_epoch_table_create(const sn_experiment *experiment, sn_table *table);

/* Whether a table read from `path` has them. */
sn_status sn_epoch_table_check(const sn_experiment *experiment, const sn_table *table, const char *path);

sn_status sn_epoch_table_add(const sn_experiment *experiment, const sn_epoch_row *row, sn_table *table);

#endif
