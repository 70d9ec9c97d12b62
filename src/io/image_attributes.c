/* Attributes in and out: int64, float64, and variable-length UTF-8 strings, which h5py reads as str. */

#include <stdlib.h>
#include <string.h>

#include "image.h"

static hid_t open_text_type(sn_scope *scope)
{
    const hid_t type = SN_H5_ID(scope, H5Tcopy(H5T_C_S1));
    SN_H5(scope, H5Tset_size(type, H5T_VARIABLE));
    SN_H5(scope, H5Tset_cset(type, H5T_CSET_UTF8));
    return type;
}

static sn_status write_attribute(hid_t object, const sn_attribute *attribute)
{
    sn_scope scope = sn_scope_open("write", object, attribute->name);
    const hid_t space = SN_H5_ID(&scope, H5Screate(H5S_SCALAR));
    hid_t file_type = H5I_INVALID_HID, memory_type = H5I_INVALID_HID;
    const void *value = NULL;
    switch (attribute->type) {
    case SN_VALUE_INTEGER:
        file_type = H5T_STD_I64LE;
        memory_type = H5T_NATIVE_INT64;
        value = &attribute->integer;
        break;
    case SN_VALUE_REAL:
        file_type = H5T_IEEE_F64LE;
        memory_type = H5T_NATIVE_DOUBLE;
        value = &attribute->real;
        break;
    case SN_VALUE_TEXT:
        file_type = memory_type = open_text_type(&scope);
        value = &attribute->text;
        break;
    }
    const hid_t id = SN_H5_ID(
        &scope, H5Acreate2(object, attribute->name, file_type, space, H5P_DEFAULT, H5P_DEFAULT));
    SN_H5(&scope, H5Awrite(id, memory_type, value));
    return sn_scope_close(&scope);
}

sn_status sn_write_attributes(hid_t object, const sn_attributes *attributes)
{
    for (size_t i = 0; i < attributes->count; i++)
        SN_TRY(write_attribute(object, &attributes->items[i]));
    return SN_OK;
}

/* HDF5 has its own idea of where strings are allocated, and frees them itself. */
static sn_status read_text(sn_scope *scope, hid_t id, hid_t space, sn_attributes *attributes,
                           const char *name)
{
    const hid_t type = open_text_type(scope);
    char *text = NULL;
    if (SN_H5(scope, H5Aread(id, type, &text)) < 0) return scope->status;
    sn_status status = sn_attributes_set_text(attributes, name, text ? text : "");
    SN_H5(scope, H5Dvlen_reclaim(type, space, H5P_DEFAULT, &text));
    return status;
}

static sn_status read_value(sn_scope *scope, hid_t id, const char *name, sn_attributes *attributes)
{
    const hid_t space = SN_H5_ID(scope, H5Aget_space(id));
    const hid_t type = SN_H5_ID(scope, H5Aget_type(id));
    const int64_t elements = SN_H5(scope, H5Sget_simple_extent_npoints(space));
    const int64_t class = SN_H5(scope, H5Tget_class(type));
    const bool variable = class == H5T_STRING && SN_H5(scope, H5Tis_variable_str(type)) > 0;
    int64_t integer = 0;
    double real = 0;
    if (scope->status != SN_OK) return scope->status;
    if (elements != 1)
        return sn_scope_fail(scope, "an attribute of %lld values, not one", (long long)elements);
    switch (class) {
    case H5T_INTEGER:
        if (SN_H5(scope, H5Aread(id, H5T_NATIVE_INT64, &integer)) < 0) return scope->status;
        return sn_attributes_set_integer(attributes, name, integer);
    case H5T_FLOAT:
        if (SN_H5(scope, H5Aread(id, H5T_NATIVE_DOUBLE, &real)) < 0) return scope->status;
        return sn_attributes_set_real(attributes, name, real);
    default:
        if (variable) return read_text(scope, id, space, attributes, name);
        return sn_scope_fail(scope,
                             "an attribute that is neither int64, float64 nor a variable-length string");
    }
}

static sn_status read_attribute(hid_t object, hsize_t index, sn_attributes *attributes)
{
    char name[SN_ATTRIBUTE_NAME] = "";
    sn_scope scope = sn_scope_open("read", object, NULL);
    const hid_t id = SN_H5_ID(&scope, H5Aopen_by_idx(object, ".", H5_INDEX_CRT_ORDER, H5_ITER_INC, index,
                                                     H5P_DEFAULT, H5P_DEFAULT));
    if (SN_H5(&scope, H5Aget_name(id, sizeof name, name)) >= SN_ATTRIBUTE_NAME)
        sn_scope_fail(&scope, "the attribute %s... has a name of more than %d bytes", name,
                      SN_ATTRIBUTE_NAME - 1);
    scope.name = name;
    SN_H5_TRY(&scope, read_value(&scope, id, name, attributes));
    return sn_scope_close(&scope);
}

sn_status sn_read_attributes(hid_t object, sn_attributes *attributes)
{
    sn_scope scope = sn_scope_open("read", object, NULL);
    const int64_t count = SN_H5(&scope, H5Aget_num_attrs(object));
    SN_TRY(sn_scope_close(&scope));
    for (int64_t i = 0; i < count; i++)
        SN_TRY(read_attribute(object, (hsize_t)i, attributes));
    return SN_OK;
}
