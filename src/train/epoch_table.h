#ifndef SYNCNORM_TRAIN_EPOCH_TABLE_H
#define SYNCNORM_TRAIN_EPOCH_TABLE_H

/* The table /metrics/epoch: one list of columns from which it is created, completed and filled. */

#include "syncnorm/io/run_file.h"
#include "syncnorm/train/trainer.h"

/* Adds the columns that an experiment has and the table does not: those of batch statistics only with batch norm, of workers only with
   several. In rows of an older version they are unknown. SN_ERROR_FILE when a column is of another type. */
sn_status sn_epoch_table_complete(const sn_experiment *experiment, sn_table *table, const char *path);

sn_status sn_epoch_table_add(const sn_experiment *experiment, const sn_epoch_row *row, sn_table *table);

#endif
