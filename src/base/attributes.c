#include "syncnorm/base/attributes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const sn_attribute *sn_attributes_find(const sn_attributes *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].name, name) == 0) return &list->items[i];
    return NULL;
}

double sn_attributes_number(const sn_attributes *list, const char *name)
{
    const sn_attribute *attribute = sn_attributes_find(list, name);
    if (!attribute || attribute->type == SN_VALUE_TEXT) return __builtin_nan("");
    return attribute->type == SN_VALUE_INTEGER ? (double)attribute->integer : attribute->real;
}

static sn_attribute *slot(sn_attributes *list, const char *name)
{
    sn_attribute *found = (sn_attribute *)sn_attributes_find(list, name);
    if (found) {
        free(found->text);
        found->text = NULL;
        return found;
    }
    if (list->count == list->capacity) {
        const size_t capacity = list->capacity ? 2 * list->capacity : 16;
        sn_attribute *items = realloc(list->items, capacity * sizeof *items);
        if (!items) return NULL;
        list->items = items;
        list->capacity = capacity;
    }
    sn_attribute *item = &list->items[list->count++];
    memset(item, 0, sizeof *item);
    snprintf(item->name, sizeof item->name, "%s", name);
    return item;
}

static sn_status no_memory(const char *name)
{
    return sn_fail(SN_ERROR_MEMORY, "out of memory: attribute %s", name);
}

sn_status sn_attributes_set_integer(sn_attributes *list, const char *name, int64_t value)
{
    sn_attribute *item = slot(list, name);
    if (!item) return no_memory(name);
    item->type = SN_VALUE_INTEGER;
    item->integer = value;
    return SN_OK;
}

sn_status sn_attributes_set_real(sn_attributes *list, const char *name, double value)
{
    sn_attribute *item = slot(list, name);
    if (!item) return no_memory(name);
    item->type = SN_VALUE_REAL;
    item->real = value;
    return SN_OK;
}

sn_status sn_attributes_set_text(sn_attributes *list, const char *name, const char *value)
{
    char *text = strdup(value);
    sn_attribute *item = text ? slot(list, name) : NULL;
    if (!item) {
        free(text);
        return no_memory(name);
    }
    item->type = SN_VALUE_TEXT;
    item->text = text;
    return SN_OK;
}

void sn_attribute_print(const sn_attribute *attribute, char *buffer, size_t size)
{
    switch (attribute->type) {
    case SN_VALUE_INTEGER:
        snprintf(buffer, size, "%" PRId64, attribute->integer);
        return;
    case SN_VALUE_REAL:
        snprintf(buffer, size, "%.15g", attribute->real);
        if (strtod(buffer, NULL) != attribute->real) snprintf(buffer, size, "%.17g", attribute->real);
        return;
    case SN_VALUE_TEXT:
        snprintf(buffer, size, "%s", attribute->text);
        return;
    }
}

void sn_attributes_clear(sn_attributes *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].text);
    free(list->items);
    *list = (sn_attributes){0};
}
