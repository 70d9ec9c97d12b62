#include "syncnorm/train/ways.h"

#include <math.h>

const sn_way sn_way_rows[SN_WAYS] = {
    [SN_WAY_RUNNING] = {"loss", "accuracy", "running statistics", "running"},
    [SN_WAY_PRECISE] = {"precise_loss", "precise_accuracy", "precise statistics", "precise"},
    [SN_WAY_BATCH] = {"batch_loss", "batch_accuracy", "batch statistics", "batch"},
    [SN_WAY_TRAIN] = {"train_loss", "train_accuracy", "running statistics", "training set"},
};

void sn_ways_read(const sn_attributes *evaluation, sn_ways *ways)
{
    for (int w = 0; w < SN_WAYS; w++) {
        ways->loss[w] = sn_attributes_number(evaluation, sn_way_rows[w].loss);
        ways->accuracy[w] = sn_attributes_number(evaluation, sn_way_rows[w].accuracy);
    }
    ways->workers_accuracy = sn_attributes_number(evaluation, "workers_accuracy");
    ways->worst_worker = sn_attributes_number(evaluation, "worst_worker_accuracy");
    const double loss = sn_attributes_number(evaluation, "validation_loss");
    ways->held_out = isnan(ways->loss[SN_WAY_RUNNING]) && !isnan(loss);
    if (!ways->held_out) return;
    ways->loss[SN_WAY_RUNNING] = loss;
    ways->accuracy[SN_WAY_RUNNING] = sn_attributes_number(evaluation, "validation_accuracy");
}

void sn_ways_print(const sn_ways *ways, FILE *out)
{
    const bool several = !isnan(ways->loss[SN_WAY_PRECISE]), workers = !isnan(ways->workers_accuracy);
    const char *held_out = ways->held_out ? "Validation" : "Test";
    if (several || workers) fputc('\n', out);
    for (int w = 0; w < SN_WAYS && several; w++)
        if (!isnan(ways->loss[w]))
            fprintf(out, "%s set, %s: Average loss: %.4f, Accuracy: %.2f%%\n",
                    w == SN_WAY_TRAIN ? "Training" : held_out, sn_way_rows[w].statistics, ways->loss[w],
                    ways->accuracy[w]);
    if (workers)
        fprintf(out,
                "%s set, each worker's running statistics: Accuracy: %.2f%% on average, %.2f%% at worst\n",
                held_out, ways->workers_accuracy, ways->worst_worker);
}
