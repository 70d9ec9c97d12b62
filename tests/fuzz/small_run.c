#include "small_run.h"

#include "target.h"

static void fill_table(sn_table *table)
{
    CLAIM(sn_table_add_column(table, "step", SN_TYPE_I64, "") == SN_OK);
    CLAIM(sn_table_add_column(table, "loss", SN_TYPE_F64, "nats") == SN_OK);
    for (int row = 0; row < 3; row++)
        CLAIM(sn_table_add_row(table) == SN_OK);
}

static void fill_tensors(sn_run *run)
{
    const size_t weight[] = {2, 1, 3, 3}, channels[] = {2}, images[] = {1, 4, 4};
    CLAIM(sn_tensors_set(&run->model, "conv1.weight", SN_TYPE_F32, 4, weight, NULL) == SN_OK);
    CLAIM(sn_tensors_set(&run->model, "conv1.bias", SN_TYPE_F32, 1, channels, NULL) == SN_OK);
    CLAIM(sn_tensors_set(&run->model, "counter", SN_TYPE_I64, 0, NULL, NULL) == SN_OK);
    CLAIM(sn_tensors_set(&run->optimizer, "conv1.weight", SN_TYPE_F32, 4, weight, NULL) == SN_OK);
    CLAIM(sn_tensors_set(&run->evaluation, "predictions", SN_TYPE_U8, 1, channels, NULL) == SN_OK);
    CLAIM(sn_tensors_set(&run->evaluation, "misclassified/index", SN_TYPE_U8, 3, images, NULL) == SN_OK);
}

static void fill_attributes(sn_run *run)
{
    sn_attributes *entry;
    CLAIM(sn_run_add_provenance(run, &entry) == SN_OK);
    CLAIM(sn_attributes_set_text(entry, "hosts", "node1") == SN_OK);
    CLAIM(sn_attributes_set_integer(&run->root, "complete", 1) == SN_OK);
    CLAIM(sn_attributes_set_text(&run->experiment, "norm", "gn") == SN_OK);
    CLAIM(sn_attributes_set_real(&run->experiment, "lr", 0.01) == SN_OK);
    CLAIM(sn_attributes_set_text(&run->model_attributes, "digest", "0123") == SN_OK);
    CLAIM(sn_attributes_set_integer(&run->progress, "epoch", 3) == SN_OK);
    CLAIM(sn_attributes_set_real(&run->evaluation_attributes, "loss", 0.5) == SN_OK);
}

void small_run_image(sn_bytes *image)
{
    sn_run run = {0};
    fill_attributes(&run);
    fill_tensors(&run);
    fill_table(&run.epochs);
    fill_table(&run.steps);
    CLAIM(sn_image_write(&run, "small run", 0, image) == SN_OK);
    sn_run_clear(&run);
}
