#ifndef SYNCNORM_BASE_ATTRIBUTES_H
#define SYNCNORM_BASE_ATTRIBUTES_H

/** A short ordered list of named values: what a run file keeps as HDF5 attributes (experiment, provenance, progress). Not collective. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "syncnorm/base/error.h"

typedef enum sn_value_type { SN_VALUE_INTEGER, SN_VALUE_REAL, SN_VALUE_TEXT } sn_value_type;

enum { SN_ATTRIBUTE_NAME = 48 };

typedef struct sn_attribute {
    char name[SN_ATTRIBUTE_NAME];
    sn_value_type type;
    int64_t integer; /* SN_VALUE_INTEGER; 64 bits, seeds are stored as their two's complement */
    double real;     /* SN_VALUE_REAL */
    char *text;      /* SN_VALUE_TEXT, UTF-8, owned by the list */
} sn_attribute;

typedef struct sn_attributes {
    sn_attribute *items;
    size_t count, capacity;
} sn_attributes;

/** Each sets `name`, replacing what was there. SN_ERROR_MEMORY is the only failure. */
sn_status sn_attributes_set_integer(sn_attributes *list, const char *name, int64_t value);
sn_status sn_attributes_set_real(sn_attributes *list, const char *name, double value);
sn_status sn_attributes_set_text(sn_attributes *list, const char *name, const char *value);

/** The named attribute, NULL when it is not there. */
const sn_attribute *sn_attributes_find(const sn_attributes *list, const char *name);
/** The named integer or real as a number; NaN when it is not there, or text. */
double sn_attributes_number(const sn_attributes *list, const char *name);

/** Text of a value: integers and reals as %lld and the shortest of %.15g, %.17g that reads back. */
void sn_attribute_print(const sn_attribute *attribute, char *buffer, size_t size);

/** Frees the items and leaves an empty list. */
void sn_attributes_clear(sn_attributes *list);

#endif
