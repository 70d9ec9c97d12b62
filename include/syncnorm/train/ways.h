#ifndef SYNCNORM_TRAIN_WAYS_H
#define SYNCNORM_TRAIN_WAYS_H

/** The ways in which the final weights of a run are evaluated, as its file has them: four with --precise-bn; with --running-stats all also with each
 *  worker's running statistics. Not collective. */

#include <stdbool.h>
#include <stdio.h>

#include "syncnorm/io/run_file.h"

enum {
    SN_WAY_RUNNING, /* running statistics: the way of every run */
    SN_WAY_PRECISE, /* statistics of all images trained on */
    SN_WAY_BATCH,   /* each batch by its own statistics */
    SN_WAY_TRAIN, /* on the images trained on, in evaluation mode, running statistics; the others on the test set, or on the images held out */
    SN_WAYS
};

/** Attributes of /evaluation, and what a way is called, by its statistics and in short. */
typedef struct sn_way {
    const char *loss, *accuracy, *statistics, *heading;
} sn_way;

extern const sn_way sn_way_rows[SN_WAYS];

typedef struct sn_ways {
    double loss[SN_WAYS];                  /* mean cross-entropy, nats; NaN: not evaluated so */
    double accuracy[SN_WAYS];              /* percent; NaN likewise */
    double workers_accuracy, worst_worker; /* percent: mean and least over the workers; NaN likewise */
    bool held_out;                         /* on images held out, not on the test set */
} sn_ways;

/** From the attributes of /evaluation. */
void sn_ways_read(const sn_attributes *evaluation, sn_ways *ways);

/** A line per way, and one for the workers; nothing for a run with neither. */
void sn_ways_print(const sn_ways *ways, FILE *out);

#endif
