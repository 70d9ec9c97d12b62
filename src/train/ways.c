#include "syncnorm/train/ways.h"

#include <math.h>

const sn_way sn_way_rows[SN_WAYS] = {
    [SN_WAY_RUNNING] = {"loss", "accuracy", "Test set, running statistics", "running"},
    [SN_WAY_PRECISE] = {"precise_loss", "precise_accuracy", "Test set, precise statistics", "precise"},
    [SN_WAY_BATCH] = {"batch_loss", "batch_accuracy", "Test set, batch statistics", "batch"},
    [SN_WAY_TRAIN] = {"train_loss", "train_accuracy", "Training set, running statistics", "training set"},
};

void sn_ways_read(const sn_attributes *evaluation, sn_ways *ways)
{
    for (int w = 0; w < SN_WAYS; w++) {
        ways->loss[w] = sn_attributes_number(evaluation, sn_way_rows[w].loss);
        ways->accuracy[w] = sn_attributes_number(evaluation, sn_way_rows[w].accuracy);
    }
}

void sn_ways_print(const sn_ways *ways, FILE *out)
{
    if (isnan(ways->loss[SN_WAY_PRECISE])) return;
    fputc('\n', out);
    for (int w = 0; w < SN_WAYS; w++)
        if (!isnan(ways->loss[w]))
            fprintf(out, "%s: Average loss: %.4f, Accuracy: %.2f%%\n", sn_way_rows[w].label, ways->loss[w],
                    ways->accuracy[w]);
}
