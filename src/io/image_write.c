/* Image out: a run becomes an HDF5 file in memory (core driver, nothing on disk). The same run gives the same bytes. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"

enum { CORE_INCREMENT = 1 << 20, CHUNK_ROWS = 512 };

static hid_t file_type(sn_type type)
{
    switch (type) {
    case SN_TYPE_F32:
        return H5T_IEEE_F32LE;
    case SN_TYPE_F64:
        return H5T_IEEE_F64LE;
    case SN_TYPE_U8:
        return H5T_STD_U8LE;
    case SN_TYPE_I32:
        return H5T_STD_I32LE;
    case SN_TYPE_I64:
        return H5T_STD_I64LE;
    }
    return H5I_INVALID_HID;
}

/* Properties of a new group or file. Creation order is kept because h5py iterates by it where it is there: state-dict order.
 * Times are not, or two files of one run would differ. */
static hid_t open_ordered(sn_scope *scope, hid_t class)
{
    const unsigned order = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
    const hid_t properties = SN_H5_ID(scope, H5Pcreate(class));
    SN_H5(scope, H5Pset_link_creation_order(properties, order));
    SN_H5(scope, H5Pset_attr_creation_order(properties, order));
    SN_H5(scope, H5Pset_obj_track_times(properties, false));
    return properties;
}

/* The properties of a new dataset; chunk_rows 0: contiguous, else one dimension that can grow. */
static hid_t open_dataset_properties(sn_scope *scope, hsize_t chunk_rows)
{
    const hid_t properties = SN_H5_ID(scope, H5Pcreate(H5P_DATASET_CREATE));
    SN_H5(scope, H5Pset_attr_creation_order(properties, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED));
    SN_H5(scope, H5Pset_obj_track_times(properties, false));
    if (chunk_rows > 0) SN_H5(scope, H5Pset_chunk(properties, 1, &chunk_rows));
    return properties;
}

/* A group that may be there already; the scope owns it. */
static hid_t open_group(sn_scope *scope, hid_t parent, const char *name)
{
    if (SN_H5(scope, H5Lexists(parent, name, H5P_DEFAULT)) > 0)
        return SN_H5_ID(scope, H5Gopen2(parent, name, H5P_DEFAULT));
    const hid_t properties = open_ordered(scope, H5P_GROUP_CREATE);
    return SN_H5_ID(scope, H5Gcreate2(parent, name, H5P_DEFAULT, properties, H5P_DEFAULT));
}

static sn_status write_tensor_as(hid_t group, const char *name, const sn_tensor *tensor)
{
    sn_scope scope = sn_scope_open("write", group, name);
    hsize_t shape[SN_TENSOR_RANK];
    for (int i = 0; i < tensor->rank; i++)
        shape[i] = tensor->shape[i];
    const hid_t space = SN_H5_ID(&scope, H5Screate_simple(tensor->rank, shape, NULL)); /* rank 0: scalar */
    const hid_t properties = open_dataset_properties(&scope, 0);
    const hid_t set = SN_H5_ID(&scope, H5Dcreate2(group, name, file_type(tensor->type), space, H5P_DEFAULT,
                                                  properties, H5P_DEFAULT));
    SN_H5(&scope, H5Dwrite(set, sn_memory_type(tensor->type), H5S_ALL, H5S_ALL, H5P_DEFAULT, tensor->data));
    return sn_scope_close(&scope);
}

/* "misclassified/image" is the dataset image in the group misclassified. */
static sn_status write_tensor(hid_t group, const sn_tensor *tensor)
{
    const char *slash = strchr(tensor->name, '/');
    if (!slash) return write_tensor_as(group, tensor->name, tensor);
    char head[SN_TENSOR_NAME] = "";
    memcpy(head, tensor->name, (size_t)(slash - tensor->name));
    sn_scope scope = sn_scope_open("write", group, head);
    const hid_t inner = open_group(&scope, group, head);
    SN_H5_TRY(&scope, write_tensor_as(inner, slash + 1, tensor));
    return sn_scope_close(&scope);
}

static sn_status write_tensors(hid_t group, const sn_tensors *tensors)
{
    for (size_t i = 0; i < tensors->count; i++)
        SN_TRY(write_tensor(group, &tensors->items[i]));
    return SN_OK;
}

static sn_status write_units(hid_t set, const char *units)
{
    sn_attributes attributes = {0};
    sn_status status = sn_attributes_set_text(&attributes, "units", units);
    if (status == SN_OK) status = sn_write_attributes(set, &attributes);
    sn_attributes_clear(&attributes);
    return status;
}

static sn_status write_column(hid_t group, const sn_column *column, hsize_t rows)
{
    const hsize_t unlimited = H5S_UNLIMITED;
    sn_scope scope = sn_scope_open("write", group, column->name);
    const hid_t space = SN_H5_ID(&scope, H5Screate_simple(1, &rows, &unlimited));
    const hid_t properties = open_dataset_properties(&scope, CHUNK_ROWS);
    const hid_t set = SN_H5_ID(&scope, H5Dcreate2(group, column->name, file_type(column->type), space,
                                                  H5P_DEFAULT, properties, H5P_DEFAULT));
    SN_H5_TRY(&scope, write_units(set, column->units));
    if (rows > 0)
        SN_H5(&scope,
              H5Dwrite(set, sn_memory_type(column->type), H5S_ALL, H5S_ALL, H5P_DEFAULT, column->data));
    return sn_scope_close(&scope);
}

static sn_status write_table(hid_t group, const sn_table *table)
{
    for (size_t i = 0; i < table->column_count; i++)
        SN_TRY(write_column(group, &table->columns[i], table->rows));
    return SN_OK;
}

/* format and format_version are this file's to say, whatever the run was given. */
static sn_status write_root(hid_t root, const sn_attributes *attributes)
{
    sn_attributes format = {0}, others = {0};
    sn_status status = sn_attributes_set_text(&format, "format", SN_RUN_FORMAT);
    if (status == SN_OK) status = sn_attributes_set_integer(&format, "format_version", SN_RUN_FORMAT_VERSION);
    if (status == SN_OK) status = sn_write_attributes(root, &format);
    for (size_t i = 0; i < attributes->count && status == SN_OK; i++) {
        if (sn_attributes_find(&format, attributes->items[i].name)) continue;
        others = (sn_attributes){.items = &attributes->items[i], .count = 1};
        status = sn_write_attributes(root, &others);
    }
    sn_attributes_clear(&format);
    return status;
}

static sn_status write_part_attributes(hid_t root, const char *name, const sn_attributes *attributes)
{
    sn_scope scope = sn_scope_open("write", root, name);
    const hid_t group = open_group(&scope, root, name);
    SN_H5_TRY(&scope, sn_write_attributes(group, attributes));
    return sn_scope_close(&scope);
}

static sn_status write_part_tensors(hid_t root, const char *name, const sn_tensors *tensors)
{
    sn_scope scope = sn_scope_open("write", root, name);
    const hid_t group = open_group(&scope, root, name);
    SN_H5_TRY(&scope, write_tensors(group, tensors));
    return sn_scope_close(&scope);
}

static sn_status write_part_table(hid_t root, const char *name, const sn_table *table)
{
    sn_scope scope = sn_scope_open("write", root, name);
    open_group(&scope, root, "metrics");
    const hid_t group = open_group(&scope, root, name);
    SN_H5_TRY(&scope, write_table(group, table));
    return sn_scope_close(&scope);
}

/* /provenance/0, /1 ...; the last one also on /provenance itself, where a reader looks first. */
static sn_status write_provenance(hid_t root, const sn_run *run)
{
    sn_scope scope = sn_scope_open("write", root, "provenance");
    const hid_t group = open_group(&scope, root, "provenance");
    for (size_t i = 0; i < run->provenance_count; i++) {
        char name[24];
        snprintf(name, sizeof name, "%zu", i);
        SN_H5_TRY(&scope, write_part_attributes(group, name, &run->provenance[i]));
    }
    if (run->provenance_count > 0)
        SN_H5_TRY(&scope, sn_write_attributes(group, &run->provenance[run->provenance_count - 1]));
    return sn_scope_close(&scope);
}

static sn_status write_everything(hid_t root, const sn_run *run)
{
#define WRITE_ATTRIBUTES(group, member) SN_TRY(write_part_attributes(root, group, &run->member));
#define WRITE_TENSORS(group, member) SN_TRY(write_part_tensors(root, group, &run->member));
#define WRITE_TABLE(group, member) SN_TRY(write_part_table(root, group, &run->member));
    SN_TRY(write_root(root, &run->root));
    SN_TRY(write_provenance(root, run));
    SN_RUN_LAYOUT(WRITE_ATTRIBUTES, WRITE_TENSORS, WRITE_TABLE)
    return SN_OK;
}

static sn_status take_image(sn_scope *scope, hid_t file, size_t spare, sn_bytes *image)
{
    const int64_t size = SN_H5(scope, H5Fget_file_image(file, NULL, 0));
    if (size < 0) return scope->status;
    image->size = (size_t)size;
    image->data = malloc(image->size + spare);
    if (!image->data)
        return sn_fail(SN_ERROR_MEMORY, "out of memory: %zu MB for a run file", image->size >> 20);
    SN_H5(scope, H5Fget_file_image(file, image->data, image->size));
    return scope->status;
}

sn_status sn_image_write(const sn_run *run, const char *path, size_t spare, sn_bytes *image)
{
    *image = (sn_bytes){0};
    SN_TRY(sn_hdf5_start());
    sn_scope scope = sn_scope_open("write", H5I_INVALID_HID, path);
    const hid_t access = SN_H5_ID(&scope, H5Pcreate(H5P_FILE_ACCESS));
    SN_H5(&scope, H5Pset_fapl_core(access, CORE_INCREMENT, false));
    const hid_t properties = open_ordered(&scope, H5P_FILE_CREATE);
    char name[SN_IMAGE_NAME];
    sn_image_name(path, name);
    const hid_t file = SN_H5_ID(&scope, H5Fcreate(name, H5F_ACC_TRUNC, properties, access));
    const hid_t root = SN_H5_ID(&scope, H5Gopen2(file, "/", H5P_DEFAULT));
    SN_H5_TRY(&scope, write_everything(root, run));
    SN_H5(&scope, H5Fflush(file, H5F_SCOPE_GLOBAL));
    SN_H5_TRY(&scope, take_image(&scope, file, spare, image));
    if (sn_scope_close(&scope) != SN_OK) {
        free(image->data);
        *image = (sn_bytes){0};
    }
    return scope.status;
}
