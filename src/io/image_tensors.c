/* Datasets in: the datasets of a group become tensors, within a budget of memory. */

#include <stdio.h>
#include <string.h>

#include "image.h"

/* By creation order where the file has it, else by name: what h5py does. */
static H5_index_t link_order(sn_scope *scope, hid_t group)
{
    unsigned flags = 0;
    const hid_t properties = SN_H5_ID(scope, H5Gget_create_plist(group));
    SN_H5(scope, H5Pget_link_creation_order(properties, &flags));
    return flags & H5P_CRT_ORDER_TRACKED ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
}

static sn_status choose_type(sn_scope *scope, hid_t set, sn_load load, sn_type *type)
{
    const hid_t stored = SN_H5_ID(scope, H5Dget_type(set));
    const int64_t class = SN_H5(scope, H5Tget_class(stored));
    if (scope->status != SN_OK) return scope->status;
    if (class != H5T_FLOAT && class != H5T_INTEGER)
        return sn_scope_fail(scope, "a dataset that does not hold numbers");
    if (load == SN_LOAD_CONVERT) {
        *type = class == H5T_FLOAT ? SN_TYPE_F32 : SN_TYPE_I64;
        return SN_OK;
    }
    const size_t size = H5Tget_size(stored); /* 0 on failure, which is no size of ours */
    const bool is_signed = class == H5T_INTEGER && SN_H5(scope, H5Tget_sign(stored)) == H5T_SGN_2;
    if (class == H5T_FLOAT && (size == 4 || size == 8))
        *type = size == 4 ? SN_TYPE_F32 : SN_TYPE_F64;
    else if (is_signed && (size == 4 || size == 8))
        *type = size == 4 ? SN_TYPE_I32 : SN_TYPE_I64;
    else if (class == H5T_INTEGER && !is_signed && size == 1)
        *type = SN_TYPE_U8;
    else
        return sn_scope_fail(scope, "a dataset of a type that run files do not have");
    return scope->status;
}

/* HDF5 makes room for a whole chunk, however little of it is in the file. */
static sn_status check_chunk(sn_scope *scope, hid_t set, hid_t properties)
{
    hsize_t extent[H5S_MAX_RANK];
    const hid_t stored = SN_H5_ID(scope, H5Dget_type(set));
    const int64_t rank = SN_H5(scope, H5Pget_chunk(properties, H5S_MAX_RANK, extent));
    size_t bytes = scope->status == SN_OK ? H5Tget_size(stored) : 0;
    bool overflow = false;
    for (int64_t i = 0; i < rank; i++)
        overflow |= __builtin_mul_overflow(bytes, extent[i], &bytes);
    if (overflow || bytes > SN_MODEL_BYTES_MOST)
        return sn_scope_fail(scope, "a dataset in chunks larger than can be right");
    return scope->status;
}

/* The values must be in this very file: external and virtual datasets would make HDF5 open other files. */
static sn_status check_storage(sn_scope *scope, hid_t set)
{
    const hid_t properties = SN_H5_ID(scope, H5Dget_create_plist(set));
    const int64_t layout = SN_H5(scope, H5Pget_layout(properties));
    const int64_t external = SN_H5(scope, H5Pget_external_count(properties));
    if (scope->status == SN_OK && (external > 0 || layout == H5D_VIRTUAL))
        return sn_scope_fail(scope, "a dataset whose values are in another file");
    if (scope->status == SN_OK && layout == H5D_CHUNKED) return check_chunk(scope, set, properties);
    return scope->status;
}

static sn_status get_shape(sn_scope *scope, hid_t set, int *rank, size_t shape[SN_TENSOR_RANK])
{
    hsize_t extent[H5S_MAX_RANK];
    const hid_t space = SN_H5_ID(scope, H5Dget_space(set));
    const int64_t kind = SN_H5(scope, H5Sget_simple_extent_type(space));
    const int64_t dimensions = SN_H5(scope, H5Sget_simple_extent_dims(space, extent, NULL));
    if (scope->status != SN_OK) return scope->status;
    if (kind == H5S_NULL) return sn_scope_fail(scope, "a dataset without a value");
    if (dimensions > SN_TENSOR_RANK)
        return sn_scope_fail(scope, "a dataset of %d dimensions; at most %d", (int)dimensions,
                             SN_TENSOR_RANK);
    *rank = (int)dimensions;
    for (int i = 0; i < *rank; i++)
        shape[i] = extent[i];
    return SN_OK;
}

static sn_status charge(sn_scope *scope, size_t *budget, int rank, const size_t *shape, size_t element)
{
    size_t bytes = element;
    bool overflow = false;
    for (int i = 0; i < rank; i++)
        overflow |= __builtin_mul_overflow(bytes, shape[i], &bytes);
    if (overflow || bytes > *budget) return sn_scope_fail(scope, "a dataset larger than can be right");
    *budget -= bytes;
    return SN_OK;
}

hid_t sn_memory_type(sn_type type)
{
    switch (type) {
    case SN_TYPE_F32:
        return H5T_NATIVE_FLOAT;
    case SN_TYPE_F64:
        return H5T_NATIVE_DOUBLE;
    case SN_TYPE_U8:
        return H5T_NATIVE_UINT8;
    case SN_TYPE_I32:
        return H5T_NATIVE_INT32;
    case SN_TYPE_I64:
        return H5T_NATIVE_INT64;
    }
    return H5I_INVALID_HID;
}

static sn_status read_tensor(hid_t set, const char *name, sn_load load, size_t *budget, sn_tensors *list)
{
    sn_type type = SN_TYPE_F32;
    int rank = 0;
    size_t shape[SN_TENSOR_RANK] = {0};
    sn_scope scope = sn_scope_open("read", set, NULL);
    SN_H5_TRY(&scope, choose_type(&scope, set, load, &type));
    SN_H5_TRY(&scope, check_storage(&scope, set));
    SN_H5_TRY(&scope, get_shape(&scope, set, &rank, shape));
    SN_H5_TRY(&scope, charge(&scope, budget, rank, shape, sn_type_size(type)));
    if (scope.status == SN_OK && sn_tensors_find(list, name))
        sn_scope_fail(&scope, "a second one of this name");
    SN_H5_TRY(&scope, sn_tensors_set(list, name, type, rank, shape, NULL));
    if (scope.status == SN_OK)
        SN_H5(&scope, H5Dread(set, sn_memory_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT,
                              list->items[list->count - 1].data));
    return sn_scope_close(&scope);
}

/* "misclassified" and "image" make "misclassified/image". */
static sn_status join_name(sn_scope *scope, const char *prefix, const char *link, char name[SN_TENSOR_NAME])
{
    if (!link[0] || strchr(link, '/') ||
        strcmp(link, ".") == 0) /* HDF5 writes no such names, but reads them */
        return sn_scope_fail(scope, "\"%s\" is not a name", link);
    const int length = snprintf(name, SN_TENSOR_NAME, "%s%s%s", prefix, prefix[0] ? "/" : "", link);
    return length < SN_TENSOR_NAME ? SN_OK : sn_scope_fail(scope, "the name %s... is too long", name);
}

static sn_status read_link(hid_t group, H5_index_t order, hsize_t index, const char *prefix, int depth,
                           sn_load load, size_t *budget, sn_tensors *list)
{
    char link[2 * SN_TENSOR_NAME] = "", name[SN_TENSOR_NAME] = "";
    H5L_info_t info = {0};
    sn_scope scope = sn_scope_open("read", group, NULL);
    SN_H5(&scope, H5Lget_name_by_idx(group, ".", order, H5_ITER_INC, index, link, sizeof link, H5P_DEFAULT));
    SN_H5_TRY(&scope, join_name(&scope, prefix, link, name));
    scope.name = link;
    SN_H5(&scope, H5Lget_info(group, link, &info, H5P_DEFAULT));
    if (scope.status == SN_OK && info.type != H5L_TYPE_HARD)
        sn_scope_fail(&scope, "a link to something elsewhere, not a dataset");
    const hid_t object = SN_H5_ID(&scope, H5Oopen(group, link, H5P_DEFAULT));
    const int64_t kind = SN_H5(&scope, H5Iget_type(object));
    if (kind == H5I_DATASET)
        SN_H5_TRY(&scope, read_tensor(object, name, load, budget, list));
    else if (kind == H5I_GROUP && depth > 0)
        SN_H5_TRY(&scope, sn_read_tensors(object, name, depth - 1, load, budget, list));
    else
        sn_scope_fail(&scope, "not a dataset");
    return sn_scope_close(&scope);
}

sn_status sn_read_tensors(hid_t group, const char *prefix, int depth, sn_load load, size_t *budget,
                          sn_tensors *list)
{
    H5G_info_t info = {0};
    sn_scope scope = sn_scope_open("read", group, NULL);
    const H5_index_t order = link_order(&scope, group);
    SN_H5(&scope, H5Gget_info(group, &info));
    for (hsize_t i = 0; i < info.nlinks && scope.status == SN_OK; i++)
        SN_H5_TRY(&scope, read_link(group, order, i, prefix, depth, load, budget, list));
    return sn_scope_close(&scope);
}
