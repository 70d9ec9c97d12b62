#include "syncnorm/train/epoch_line.h"

#include <stdio.h>

void sn_epoch_line(const sn_epoch_row *row, uint32_t epochs, char *line, size_t size)
{
    snprintf(line, size,
             "Epoch %u/%u: train loss %.4f, accuracy %.2f%%; test loss %.4f, accuracy %lld/%u (%.2f%%); "
             "%.0f images/s",
             row->epoch, epochs, row->train_loss, row->train_accuracy, row->test_loss,
             (long long)row->test_correct, row->test_count, row->test_accuracy, row->images_per_second);
}
