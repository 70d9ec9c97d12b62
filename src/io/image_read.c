/* Image in: a run out of an HDF5 image, and the weights out of anybody's. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"

enum { CORE_INCREMENT = 1 << 20 };

static hid_t open_image(sn_scope *scope, const void *image, size_t size, const char *path)
{
    char name[SN_IMAGE_NAME];
    sn_image_name(path, name);
    const hid_t access = SN_H5_ID(scope, H5Pcreate(H5P_FILE_ACCESS));
    SN_H5(scope, H5Pset_fapl_core(access, CORE_INCREMENT, false));
    SN_H5(scope, H5Pset_file_image(access, (void *)image, size));
    return SN_H5_ID(scope, H5Fopen(name, H5F_ACC_RDONLY, access));
}

static hid_t open_group(sn_scope *scope, hid_t root, const char *name)
{
    H5L_info_t info = {0};
    if (SN_H5(scope, H5Lexists(root, name, H5P_DEFAULT)) == 0) sn_scope_fail(scope, "there is no such group");
    SN_H5(scope, H5Lget_info(root, name, &info, H5P_DEFAULT));
    if (scope->status == SN_OK && info.type != H5L_TYPE_HARD)
        sn_scope_fail(scope, "a link to something elsewhere, not a group");
    return SN_H5_ID(scope, H5Gopen2(root, name, H5P_DEFAULT));
}

/* The format's name and version decide whether the rest can be understood at all. */
static sn_status read_root(hid_t root, sn_attributes *attributes)
{
    sn_scope scope = sn_scope_open("read", root, NULL);
    SN_H5_TRY(&scope, sn_read_attributes(root, attributes));
    if (scope.status == SN_OK) {
        const sn_attribute *format = sn_attributes_find(attributes, "format");
        const sn_attribute *version = sn_attributes_find(attributes, "format_version");
        if (!format || format->type != SN_VALUE_TEXT || strcmp(format->text, SN_RUN_FORMAT) != 0)
            sn_scope_fail(&scope, "not a run file: no attribute format \"%s\"", SN_RUN_FORMAT);
        else if (!version || version->type != SN_VALUE_INTEGER)
            sn_scope_fail(&scope, "not a run file: no attribute format_version");
        else if (version->integer != SN_RUN_FORMAT_VERSION) {
            sn_scope_fail(&scope, "format version %lld; this syncnorm reads version %d",
                          (long long)version->integer, SN_RUN_FORMAT_VERSION);
            scope.status = SN_ERROR_VERSION;
        }
    }
    return sn_scope_close(&scope);
}

static sn_status read_part_attributes(hid_t root, const char *name, sn_attributes *attributes)
{
    sn_scope scope = sn_scope_open("read", root, name);
    const hid_t group = open_group(&scope, root, name);
    SN_H5_TRY(&scope, sn_read_attributes(group, attributes));
    return sn_scope_close(&scope);
}

static sn_status read_part_tensors(hid_t root, const char *name, size_t *budget, sn_tensors *tensors)
{
    sn_scope scope = sn_scope_open("read", root, name);
    const hid_t group = open_group(&scope, root, name);
    SN_H5_TRY(&scope, sn_read_tensors(group, "", 1, SN_LOAD_EXACT, budget, tensors));
    return sn_scope_close(&scope);
}

static sn_status read_units(hid_t group, const char *column, const char **units, sn_attributes *attributes)
{
    sn_scope scope = sn_scope_open("read", group, column);
    const hid_t set = SN_H5_ID(&scope, H5Dopen2(group, column, H5P_DEFAULT));
    SN_H5_TRY(&scope, sn_read_attributes(set, attributes));
    const sn_attribute *found = sn_attributes_find(attributes, "units");
    if (!found || found->type != SN_VALUE_TEXT)
        sn_scope_fail(&scope, "a column without units");
    else if (strlen(found->text) >= sizeof((sn_column *)NULL)->units)
        sn_scope_fail(&scope, "a column whose units are too long");
    else
        *units = found->text;
    return sn_scope_close(&scope);
}

/* A column without rows, whose values stay in `values` until all columns are there. */
static sn_status read_column(hid_t group, const sn_tensor *values, sn_table *table)
{
    const char *units = "";
    sn_attributes attributes = {0};
    sn_status status = read_units(group, values->name, &units, &attributes);
    if (status == SN_OK) status = sn_table_add_column(table, values->name, values->type, units);
    sn_attributes_clear(&attributes);
    return status;
}

static sn_status fill_table(const sn_tensors *columns, sn_table *table)
{
    const size_t rows = columns->count > 0 ? columns->items[0].shape[0] : 0;
    for (size_t row = 0; row < rows; row++)
        SN_TRY(sn_table_add_row(table));
    for (size_t i = 0; i < columns->count && rows > 0; i++)
        memcpy(table->columns[i].data, columns->items[i].data, rows * sn_type_size(columns->items[i].type));
    return SN_OK;
}

static sn_status check_columns(sn_scope *scope, const sn_tensors *columns)
{
    for (size_t i = 0; i < columns->count; i++) {
        const sn_tensor *column = &columns->items[i];
        scope->name = column->name;
        if (column->rank != 1) return sn_scope_fail(scope, "a column of %d dimensions", column->rank);
        if (column->type != SN_TYPE_F64 && column->type != SN_TYPE_I64)
            return sn_scope_fail(scope, "a column that is neither float64 nor int64");
        if (column->shape[0] != columns->items[0].shape[0])
            return sn_scope_fail(scope, "%zu rows, but %s has %zu", column->shape[0], columns->items[0].name,
                                 columns->items[0].shape[0]);
    }
    return SN_OK;
}

static sn_status read_part_table(hid_t root, const char *name, size_t *budget, sn_table *table)
{
    sn_tensors columns = {0};
    sn_scope scope = sn_scope_open("read", root, name);
    const hid_t group = open_group(&scope, root, name);
    SN_H5_TRY(&scope, sn_read_tensors(group, "", 0, SN_LOAD_EXACT, budget, &columns));
    scope.where = group;
    SN_H5_TRY(&scope, check_columns(&scope, &columns));
    for (size_t i = 0; i < columns.count; i++)
        SN_H5_TRY(&scope, read_column(group, &columns.items[i], table));
    SN_H5_TRY(&scope, fill_table(&columns, table));
    sn_tensors_clear(&columns);
    return sn_scope_close(&scope);
}

/* /provenance/0, /1 ... as far as they go. */
static sn_status read_provenance(hid_t root, sn_run *run)
{
    sn_scope scope = sn_scope_open("read", root, "provenance");
    const hid_t group = open_group(&scope, root, "provenance");
    while (scope.status == SN_OK) {
        char name[24];
        snprintf(name, sizeof name, "%zu", run->provenance_count);
        if (SN_H5(&scope, H5Lexists(group, name, H5P_DEFAULT)) <= 0) break;
        sn_attributes *entry = NULL;
        SN_H5_TRY(&scope, sn_run_add_provenance(run, &entry));
        SN_H5_TRY(&scope, read_part_attributes(group, name, entry));
    }
    return sn_scope_close(&scope);
}

static sn_status read_everything(hid_t root, size_t budget, sn_run *run)
{
#define READ_ATTRIBUTES(group, member) SN_TRY(read_part_attributes(root, group, &run->member));
#define READ_TENSORS(group, member) SN_TRY(read_part_tensors(root, group, &budget, &run->member));
#define READ_TABLE(group, member) SN_TRY(read_part_table(root, group, &budget, &run->member));
    SN_TRY(read_root(root, &run->root));
    SN_TRY(read_provenance(root, run));
    SN_RUN_LAYOUT(READ_ATTRIBUTES, READ_TENSORS, READ_TABLE)
    return SN_OK;
}

sn_status sn_image_read(const void *image, size_t size, const char *path, sn_run *run)
{
    SN_TRY(sn_hdf5_start());
    sn_scope scope = sn_scope_open("read", H5I_INVALID_HID, path);
    const hid_t file = open_image(&scope, image, size, path);
    const hid_t root = SN_H5_ID(&scope, H5Gopen2(file, "/", H5P_DEFAULT));
    /* Values that are not compressed cannot be more than the file they are in. */
    SN_H5_TRY(&scope, read_everything(root, size, run));
    if (sn_scope_close(&scope) != SN_OK) sn_run_clear(run);
    return scope.status;
}

static sn_status read_model(hid_t root, sn_tensors *model)
{
    size_t budget = SN_MODEL_BYTES_MOST;
    sn_scope scope = sn_scope_open("read", root, "model");
    const hid_t group = open_group(&scope, root, "model");
    SN_H5_TRY(&scope, sn_read_tensors(group, "", 0, SN_LOAD_CONVERT, &budget, model));
    if (scope.status == SN_OK && model->count == 0) sn_scope_fail(&scope, "there is no dataset in it");
    return sn_scope_close(&scope);
}

sn_status sn_image_read_model(const void *image, size_t size, const char *path, sn_tensors *model)
{
    SN_TRY(sn_hdf5_start());
    sn_scope scope = sn_scope_open("read", H5I_INVALID_HID, path);
    const hid_t file = open_image(&scope, image, size, path);
    SN_H5_TRY(&scope, read_model(file, model));
    if (sn_scope_close(&scope) != SN_OK) sn_tensors_clear(model);
    return scope.status;
}
