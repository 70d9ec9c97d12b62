#ifndef SYNCNORM_TRAIN_EPOCH_LINE_H
#define SYNCNORM_TRAIN_EPOCH_LINE_H

#include <stddef.h>

#include "syncnorm/train/trainer.h"

/** What a run is judged by: the evaluation on the test set, or else that on the images held out; *set becomes the word for it, "test" or
 *  "validation". */
static inline const sn_evaluation *sn_epoch_score(const sn_epoch_row *row, const char **set)
{
    const bool test = row->test.count > 0;
    *set = test ? "test" : "validation";
    return test ? &row->test : &row->validation;
}

/** One finished epoch in one line without its end: losses in nats, accuracies in percent, training images/s. `epochs` is
 *  the length that was asked for. Not collective. */
void sn_epoch_line(const sn_epoch_row *row, uint32_t epochs, char *line, size_t size);

#endif
