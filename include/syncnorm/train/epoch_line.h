#ifndef SYNCNORM_TRAIN_EPOCH_LINE_H
#define SYNCNORM_TRAIN_EPOCH_LINE_H

#include <stddef.h>

#include "syncnorm/train/trainer.h"

/** One finished epoch in one line without its end: losses in nats, accuracies in percent, training images/s. `epochs` is
 *  the length that was asked for. Not collective. */
void sn_epoch_line(const sn_epoch_row *row, uint32_t epochs, char *line, size_t size);

#endif
