#ifndef SYNCNORM_TRAIN_WAYS_H
#define SYNCNORM_TRAIN_WAYS_H

/** The four ways in which the final weights of a run with --precise-bn are evaluated, as its file has them. Not collective. */

#include <stdio.h>

#include "syncnorm/io/run_file.h"

enum {
    SN_WAY_RUNNING, /* test set, running statistics: the way of every run */
    SN_WAY_PRECISE, /* test set, statistics of the whole training set */
    SN_WAY_BATCH,   /* test set, each batch by its own statistics */
    SN_WAY_TRAIN,   /* training set in evaluation mode, running statistics */
    SN_WAYS
};

/** Attributes of /evaluation, and what a way is called, by itself and in short. */
typedef struct sn_way {
    const char *loss, *accuracy, *label, *heading;
} sn_way;

extern const sn_way sn_way_rows[SN_WAYS];

typedef struct sn_ways {
    double loss[SN_WAYS];     /* mean cross-entropy, nats; NaN: not evaluated so */
    double accuracy[SN_WAYS]; /* percent; NaN likewise */
} sn_ways;

/** From the attributes of /evaluation. */
void sn_ways_read(const sn_attributes *evaluation, sn_ways *ways);

/** A line per way; nothing for a run without --precise-bn. */
void sn_ways_print(const sn_ways *ways, FILE *out);

#endif
