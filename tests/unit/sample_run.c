#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sample_run.h"

static void set_all(sn_attributes *list, const char *text)
{
    assert_ok(sn_attributes_set_text(list, "text", text));
    assert_ok(sn_attributes_set_integer(list, "integer", INT64_MIN + 1));
    assert_ok(sn_attributes_set_real(list, "real", 0.1));
    assert_ok(sn_attributes_set_text(list, "empty", ""));
}

static void set_tensor(sn_tensors *list, const char *name, sn_type type, int rank, const size_t *shape)
{
    assert_ok(sn_tensors_set(list, name, type, rank, shape, NULL));
    const sn_tensor *tensor = sn_tensors_find(list, name);
    unsigned char *bytes = tensor->data;
    const size_t count = sn_tensor_count(tensor);
    for (size_t i = 0; i < count; i++) {
        if (type == SN_TYPE_F32)
            ((float *)tensor->data)[i] = (float)i * 0.37F - 1.0F;
        else if (type == SN_TYPE_F64)
            ((double *)tensor->data)[i] = (double)i / 3;
        else if (type == SN_TYPE_I32)
            ((int32_t *)tensor->data)[i] = (int32_t)i - 7;
        else if (type == SN_TYPE_I64)
            ((int64_t *)tensor->data)[i] = INT64_C(938) + (int64_t)i;
        else
            bytes[i] = (unsigned char)(i * 37);
    }
}

static void fill_model(sn_run *run)
{
    const size_t weight[] = {10, 1, 3, 3}, channels[] = {10}, head[] = {16, 10, 1, 1};
    for (int with_statistics = 1; with_statistics >= 0; with_statistics--) {
        sn_tensors *list = with_statistics ? &run->model : &run->optimizer;
        set_tensor(list, "conv1.weight", SN_TYPE_F32, 4, weight);
        set_tensor(list, "conv1.bias", SN_TYPE_F32, 1, channels);
        set_tensor(list, "norm1.weight", SN_TYPE_F32, 1, channels);
        set_tensor(list, "norm1.bias", SN_TYPE_F32, 1, channels);
        if (with_statistics) {
            set_tensor(list, "norm1.running_mean", SN_TYPE_F32, 1, channels);
            set_tensor(list, "norm1.running_var", SN_TYPE_F32, 1, channels);
            set_tensor(list, "norm1.num_batches_tracked", SN_TYPE_I64, 0, NULL);
        }
        set_tensor(list, "conv10.weight", SN_TYPE_F32, 4, head);
        set_tensor(list, "a.comes.last", SN_TYPE_F32, 1, channels);
    }
    char hex[33];
    sn_tensors_digest(&run->model, hex);
    assert_ok(sn_attributes_set_text(&run->model_attributes, "digest", hex));
}

static void fill_table(sn_table *table, const char *real, const char *units, size_t rows)
{
    assert_ok(sn_table_add_column(table, "step", SN_TYPE_I64, ""));
    assert_ok(sn_table_add_column(table, real, SN_TYPE_F64, units));
    assert_ok(sn_table_add_column(table, "accuracy", SN_TYPE_F64, "%"));
    for (size_t row = 0; row < rows; row++) {
        assert_ok(sn_table_add_row(table));
        sn_table_find(table, "step")->integer[row] = (int64_t)row + 1;
        sn_table_find(table, real)->real[row] = 2.3 / (double)(row + 1);
        sn_table_find(table, "accuracy")->real[row] = 100 - 1.0 / (double)(row + 1);
    }
}

void sample_run(sn_run *run, size_t epochs)
{
    *run = (sn_run){0};
    assert_ok(sn_attributes_set_text(&run->root, "format", SN_RUN_FORMAT));
    assert_ok(sn_attributes_set_integer(&run->root, "format_version", SN_RUN_FORMAT_VERSION));
    assert_ok(sn_attributes_set_text(&run->root, "syncnorm_version", "1.0.0"));
    assert_ok(sn_attributes_set_text(&run->root, "created", "2020-02-02T02:02:02Z"));
    assert_ok(sn_attributes_set_integer(&run->root, "complete", 0));
    set_all(&run->experiment, "bn");
    for (int i = 0; i < 40; i++) { /* more than HDF5 keeps in an object's header, not in the order of names */
        char name[24];
        snprintf(name, sizeof name, "option_%02d", i * 7 % 40);
        assert_ok(sn_attributes_set_integer(&run->experiment, name, i));
    }
    for (int i = 0; i < 12; i++) { /* "10" sorts before "2" */
        sn_attributes *entry;
        char host[24];
        snprintf(host, sizeof host, "node%d", i);
        assert_ok(sn_run_add_provenance(run, &entry));
        set_all(entry, "mpirun -np 2 syncnorm train --output \"Gr\xc3\xbc\xc3\x9f"
                       "e.h5\"");
        assert_ok(sn_attributes_set_text(entry, "hosts", host));
    }
    fill_model(run);
    assert_ok(sn_attributes_set_integer(&run->progress, "epoch", (int64_t)epochs));
    assert_ok(sn_attributes_set_integer(&run->progress, "samples", 60000 * (int64_t)epochs));
    fill_table(&run->epochs, "train_loss", "nats", epochs);
    fill_table(&run->steps, "loss", "nats", epochs * 938);
    const size_t none[] = {0, 28, 28}, some[] = {25}, images[] = {3, 28, 28}, square[] = {10, 10};
    set_tensor(&run->evaluation, "predictions", SN_TYPE_U8, 1, some);
    set_tensor(&run->evaluation, "confusion", SN_TYPE_I64, 2, square);
    set_tensor(&run->evaluation, "index", SN_TYPE_I32, 1, some);
    set_tensor(&run->evaluation, "misclassified/image", SN_TYPE_U8, 3, images);
    set_tensor(&run->evaluation, "misclassified/probability", SN_TYPE_F64, 1, some);
    set_tensor(&run->evaluation, "nothing/image", SN_TYPE_U8, 3, none);
    assert_ok(sn_attributes_set_real(&run->evaluation_attributes, "test_loss", 0.0271));
}

static void assert_same_attributes(const sn_attributes *a, const sn_attributes *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        const sn_attribute *x = &a->items[i], *y = &b->items[i];
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->type, y->type);
        if (x->type == SN_VALUE_TEXT) assert_string_equal(x->text, y->text);
        if (x->type == SN_VALUE_INTEGER) assert_true(x->integer == y->integer);
        if (x->type == SN_VALUE_REAL) assert_memory_equal(&x->real, &y->real, sizeof x->real);
    }
}

static void assert_same_tensors(const sn_tensors *a, const sn_tensors *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        const sn_tensor *x = &a->items[i], *y = &b->items[i];
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->type, y->type);
        assert_int_equal(x->rank, y->rank);
        assert_memory_equal(x->shape, y->shape, (size_t)x->rank * sizeof x->shape[0]);
        assert_memory_equal(x->data, y->data, sn_tensor_count(x) * sn_type_size(x->type));
    }
}

static void assert_same_table(const sn_table *a, const sn_table *b)
{
    assert_int_equal(a->rows, b->rows);
    assert_int_equal(a->column_count, b->column_count);
    for (size_t i = 0; i < a->column_count; i++) {
        assert_string_equal(a->columns[i].name, b->columns[i].name);
        assert_string_equal(a->columns[i].units, b->columns[i].units);
        assert_int_equal(a->columns[i].type, b->columns[i].type);
        if (a->rows > 0) assert_memory_equal(a->columns[i].data, b->columns[i].data, 8 * a->rows);
    }
}

void assert_same_run(const sn_run *a, const sn_run *b)
{
    assert_same_attributes(&a->root, &b->root);
    assert_same_attributes(&a->experiment, &b->experiment);
    assert_int_equal(a->provenance_count, b->provenance_count);
    for (size_t i = 0; i < a->provenance_count; i++)
        assert_same_attributes(&a->provenance[i], &b->provenance[i]);
    assert_same_attributes(&a->model_attributes, &b->model_attributes);
    assert_same_tensors(&a->model, &b->model);
    assert_same_tensors(&a->optimizer, &b->optimizer);
    assert_same_attributes(&a->progress, &b->progress);
    assert_same_table(&a->epochs, &b->epochs);
    assert_same_table(&a->steps, &b->steps);
    assert_same_tensors(&a->evaluation, &b->evaluation);
    assert_same_attributes(&a->evaluation_attributes, &b->evaluation_attributes);
}

void write_sample(const char *path, size_t epochs)
{
    sn_run run;
    sample_run(&run, epochs);
    assert_ok(sn_run_write(&run, path));
    sn_run_clear(&run);
}

size_t epochs_of(const char *path)
{
    sn_run run;
    sn_error_clear();
    if (sn_run_verify(path) != SN_OK || sn_run_read(path, &run) != SN_OK) return 0;
    const size_t epochs = run.epochs.rows;
    sn_run_clear(&run);
    return epochs;
}

unsigned char *slurp(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    unsigned char *data = malloc(*size + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, *size, file), *size);
    fclose(file);
    return data;
}

void spill(const char *path, const void *data, size_t size)
{
    unlink(path); /* overwriting makes some file systems wait for the disk */
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

int entries_with(const char *directory, const char *part)
{
    DIR *open = opendir(directory);
    assert_non_null(open);
    int count = 0;
    for (const struct dirent *entry; (entry = readdir(open));)
        count += strstr(entry->d_name, part) != NULL;
    closedir(open);
    return count;
}
