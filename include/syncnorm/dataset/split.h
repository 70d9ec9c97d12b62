#ifndef SYNCNORM_DATASET_SPLIT_H
#define SYNCNORM_DATASET_SPLIT_H

/**
 * The split: training images that are held out, to choose settings by without looking at the test set. A function of (labels, count held
 * out, seed) alone. Not collective.
 */

#include <stdint.h>

#include "syncnorm/base/error.h"
#include "syncnorm/base/samples.h"

/** Two selections of one training set, each in the set's order; together they are all of it. */
typedef struct sn_split {
    sn_samples kept, held_out;
    uint32_t *index; /* what both point into; NULL: nothing is held out */
} sn_split;

/**
 * Holds out `count` of the training samples, fewer than there are: of each class as many as of any other, as far as the classes have them (where
 * `count` does not divide, one more of the first classes), chosen at random. count 0: `kept` is `train`.
 */
sn_status sn_split_create(sn_samples train, uint32_t count, uint64_t seed, sn_split *split);
void sn_split_destroy(sn_split *split);

#endif
