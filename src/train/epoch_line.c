#include "syncnorm/train/epoch_line.h"

#include <stdio.h>

void sn_epoch_line(const sn_epoch_row *row, uint32_t epochs, char *line, size_t size)
{
    const struct {
        const char *set;
        const sn_evaluation *evaluation;
    } scores[] = {{"validation", &row->validation}, {"test", &row->test}};
    size_t used = (size_t)snprintf(line, size, "Epoch %u/%u: train loss %.4f, accuracy %.2f%%; ", row->epoch,
                                   epochs, row->train_loss, row->train_accuracy);
    for (int i = 0; i < 2 && used < size; i++) {
        const sn_evaluation *e = scores[i].evaluation;
        if (e->count == 0) continue;
        used += (size_t)snprintf(line + used, size - used, "%s loss %.4f, accuracy %lld/%u (%.2f%%); ",
                                 scores[i].set, e->loss, (long long)e->correct, e->count, e->accuracy);
    }
    if (used < size) snprintf(line + used, size - used, "%.0f images/s", row->images_per_second);
}
