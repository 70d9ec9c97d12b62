/* Lists of named tensors, and the digest of their values. */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "syncnorm/base/digest.h"
#include "syncnorm/base/memory.h"
#include "syncnorm/io/run_file.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "sn_tensors_digest hashes memory as little-endian values");

size_t sn_type_size(sn_type type)
{
    switch (type) {
    case SN_TYPE_U8:
        return 1;
    case SN_TYPE_F32:
    case SN_TYPE_I32:
        return 4;
    case SN_TYPE_F64:
    case SN_TYPE_I64:
        return 8;
    }
    return 0;
}

size_t sn_tensor_count(const sn_tensor *tensor)
{
    size_t count = 1;
    for (int i = 0; i < tensor->rank; i++)
        count *= tensor->shape[i];
    return count;
}

const sn_tensor *sn_tensors_find(const sn_tensors *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].name, name) == 0) return &list->items[i];
    return NULL;
}

static bool good_part(const char *part, size_t length)
{
    return length > 0 && !(length == 1 && part[0] == '.');
}

/* A name becomes a link in the file, or a group and a link: its parts must be names to HDF5, which "" and "." are not. */
static bool good_name(const char *name)
{
    const size_t group = strcspn(name, "/");
    if (strlen(name) >= SN_TENSOR_NAME || !good_part(name, group)) return false;
    if (name[group] == '\0') return true;
    const char *link = name + group + 1;
    return !strchr(link, '/') && good_part(link, strlen(link));
}

/* Room for one more item; the list is unchanged when there is none. */
static sn_status reserve(sn_tensors *list)
{
    if (list->count < list->capacity) return SN_OK;
    const size_t capacity = list->capacity ? 2 * list->capacity : 32;
    sn_tensor *items = realloc(list->items, capacity * sizeof *items);
    if (!items) return sn_fail(SN_ERROR_MEMORY, "out of memory: list of %zu tensors", capacity);
    list->items = items;
    list->capacity = capacity;
    return SN_OK;
}

sn_status sn_tensors_set(sn_tensors *list, const char *name, sn_type type, int rank, const size_t *shape,
                         const void *data)
{
    if (!good_name(name)) return sn_fail(SN_ERROR_FAILED, "\"%s\" cannot be the name of a tensor", name);
    if (rank < 0 || rank > SN_TENSOR_RANK)
        return sn_fail(SN_ERROR_FAILED, "tensor %s has rank %d; at most %d", name, rank, SN_TENSOR_RANK);

    sn_tensor tensor = {.type = type, .rank = rank};
    memcpy(tensor.name, name, strlen(name) + 1);
    size_t count = 1;
    for (int i = 0; i < rank; i++) {
        tensor.shape[i] = shape[i];
        if (__builtin_mul_overflow(count, shape[i], &count))
            return sn_fail(SN_ERROR_MEMORY, "out of memory: tensor %s is too large", name);
    }
    SN_TRY(sn_allocate(&tensor.data, count, sn_type_size(type), name));
    if (data) memcpy(tensor.data, data, count * sn_type_size(type));

    sn_tensor *slot = (sn_tensor *)sn_tensors_find(list, name);
    if (slot) {
        sn_free(slot->data);
    } else {
        const sn_status status = reserve(list);
        if (status != SN_OK) {
            sn_free(tensor.data);
            return status;
        }
        slot = &list->items[list->count++];
    }
    *slot = tensor;
    return SN_OK;
}

void sn_tensors_remove(sn_tensors *list, const char *name)
{
    sn_tensor *found = (sn_tensor *)sn_tensors_find(list, name);
    if (!found) return;
    sn_free(found->data);
    const size_t at = (size_t)(found - list->items);
    memmove(found, found + 1, (--list->count - at) * sizeof *found);
}

void sn_tensors_clear(sn_tensors *list)
{
    for (size_t i = 0; i < list->count; i++)
        sn_free(list->items[i].data);
    free(list->items);
    *list = (sn_tensors){0};
}

void sn_tensors_digest(const sn_tensors *tensors, char hex[SN_DIGEST_HEX])
{
    hex[0] = '\0';
    sn_hasher *hasher = sn_hasher_create();
    if (!hasher) return;
    for (size_t i = 0; i < tensors->count; i++)
        sn_hasher_add(hasher, tensors->items[i].data,
                      sn_tensor_count(&tensors->items[i]) * sn_type_size(tensors->items[i].type));
    sn_digest_hex(sn_hasher_finish(hasher), hex);
}
