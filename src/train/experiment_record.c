/* What identifies an experiment: its name, its attributes in a run file, their digest. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "experiment_fields.h"
#include "syncnorm/base/digest.h"

enum {
    SHOWN_DIGITS = 8,   /* of a digest, in a name */
    FULL_NAME = 1024,   /* every part at its longest is half of it */
    LONGEST_NAME = 200, /* file names have 255 characters, and replacing a run file needs some of them */
    KEPT_PREFIX = 140,
    LONG_DIGITS = 16,
};

const sn_field *sn_field_recorded_as(const char *attribute)
{
    for (const sn_field *field = sn_fields; field < sn_fields + sn_field_count; field++)
        if (field->attribute && strcmp(field->attribute, attribute) == 0) return field;
    return NULL;
}

const char *sn_norm_name(sn_norm_kind norm)
{
    return sn_norm_types[norm].name;
}

/* Without colons, which to rsync and scp end the name of a host: "dirichlet0.1", "step5x0.1". */
static void spell_for_a_file(const char *value, char text[SN_FIELD_TEXT_SIZE])
{
    size_t used = 0;
    for (int colons = 0; *value && used + 1 < SN_FIELD_TEXT_SIZE; value++)
        if (*value != ':')
            text[used++] = *value;
        else if (colons++ > 0)
            text[used++] = 'x';
    text[used] = '\0';
}

/* "-batch128", "-gemm", "-l1" for the plain value and "-l1-0.001" for another; nothing for the default. */
static size_t append_part(const sn_field *field, const sn_experiment *experiment, char *name, size_t size)
{
    char buffer[SN_FIELD_TEXT_SIZE], spelt[SN_FIELD_TEXT_SIZE];
    if (!field->mark || !sn_field_identifies(field, experiment)) return 0;
    const char *value = sn_field_print(field, experiment, buffer);
    if (strcmp(value, field->initial) == 0) return 0;
    if (field->type == SN_FIELD_SWITCH || (field->plain && strcmp(value, field->plain) == 0)) value = "";
    spell_for_a_file(value, spelt);
    const size_t length = strlen(field->mark);
    const bool digit = length && field->mark[length - 1] >= '0' && field->mark[length - 1] <= '9';
    return (size_t)snprintf(name, size, "-%s%s%s", field->mark, digit && *spelt ? "-" : "", spelt);
}

void sn_experiment_name(const sn_experiment *experiment, char name[SN_RUN_NAME_SIZE])
{
    char full[FULL_NAME], hex[SN_DIGEST_HEX];
    size_t used = (size_t)snprintf(full, sizeof full, "%s", sn_norm_name(experiment->norm));
    for (const sn_field *field = sn_fields; field < sn_fields + sn_field_count; field++)
        used += append_part(field, experiment, full + used, sizeof full - used);
    if (experiment->init[0])
        used += (size_t)snprintf(full + used, sizeof full - used, "-init%.*s", SHOWN_DIGITS,
                                 experiment->init_digest);
    if (used > LONGEST_NAME) { /* the rest as a digest of it all: no two experiments have the same name */
        sn_digest_hex(sn_digest_of(full, used), hex);
        used = KEPT_PREFIX +
               (size_t)snprintf(full + KEPT_PREFIX, sizeof full - KEPT_PREFIX, "-%.*s", LONG_DIGITS, hex);
    }
    snprintf(name, SN_RUN_NAME_SIZE, "%.*s-s%" PRIu64, (int)used, full, experiment->seed);
}

/* One attribute in its own type: numbers stay numbers for whoever opens the file. */
static sn_status record(const sn_field *field, const sn_experiment *experiment, sn_attributes *attributes)
{
    char buffer[SN_FIELD_TEXT_SIZE];
    const void *member = sn_field_of(field, experiment);
    switch (field->type) {
    case SN_FIELD_SWITCH:
        return sn_attributes_set_integer(attributes, field->attribute, *(const bool *)member);
    case SN_FIELD_UINT32:
        return sn_attributes_set_integer(attributes, field->attribute, *(const uint32_t *)member);
    case SN_FIELD_UINT64: {
        const uint64_t value = *(const uint64_t *)member;
        return sn_attributes_set_integer(attributes, field->attribute, (int64_t)value);
    }
    case SN_FIELD_REAL:
        return sn_attributes_set_real(attributes, field->attribute, *(const double *)member);
    default:
        return sn_attributes_set_text(attributes, field->attribute,
                                      sn_field_print(field, experiment, buffer));
    }
}

/* "name=value\n" of one identity attribute */
static void hash(sn_hasher *hasher, const sn_attribute *attribute)
{
    char value[SN_PATH_SIZE];
    sn_attribute_print(attribute, value, sizeof value);
    sn_hasher_add(hasher, attribute->name, strlen(attribute->name));
    sn_hasher_add(hasher, "=", 1);
    sn_hasher_add(hasher, value, strlen(value));
    sn_hasher_add(hasher, "\n", 1);
}

sn_status sn_experiment_attributes(const sn_experiment *experiment, sn_attributes *attributes)
{
    char name[SN_RUN_NAME_SIZE], hex[SN_DIGEST_HEX];
    sn_experiment_name(experiment, name);
    SN_TRY(sn_attributes_set_text(attributes, "name", name));
    for (size_t i = 0; i < sn_field_count; i++)
        if (sn_field_recorded(&sn_fields[i], experiment))
            SN_TRY(record(&sn_fields[i], experiment, attributes));
    SN_TRY(sn_attributes_set_integer(attributes, "arithmetic", SN_ARITHMETIC_VERSION));

    sn_hasher *hasher = sn_hasher_create();
    if (!hasher) return sn_fail(SN_ERROR_MEMORY, "out of memory: digest of the experiment");
    for (size_t i = 0; i < sn_field_count; i++)
        if (sn_field_identifies(&sn_fields[i], experiment))
            hash(hasher, sn_attributes_find(attributes, sn_fields[i].attribute));
    hash(hasher, sn_attributes_find(attributes, "arithmetic"));
    sn_digest_hex(sn_hasher_finish(hasher), hex);
    return sn_attributes_set_text(attributes, "digest", hex);
}

bool sn_field_recall(const sn_field *field, const sn_attribute *attribute, sn_experiment *experiment)
{
    static const sn_value_type types[] = {
        [SN_FIELD_CHOICE] = SN_VALUE_TEXT,    [SN_FIELD_SWITCH] = SN_VALUE_INTEGER,
        [SN_FIELD_UINT32] = SN_VALUE_INTEGER, [SN_FIELD_UINT64] = SN_VALUE_INTEGER,
        [SN_FIELD_REAL] = SN_VALUE_REAL,      [SN_FIELD_TEXT] = SN_VALUE_TEXT,
        [SN_FIELD_CODED] = SN_VALUE_TEXT,
    };
    if (attribute->type != types[field->type]) return false;
    char text[SN_PATH_SIZE];
    if (field->type == SN_FIELD_UINT64) /* stored as its two's complement */
        snprintf(text, sizeof text, "%" PRIu64, (uint64_t)attribute->integer);
    else if (attribute->type == SN_VALUE_TEXT && strlen(attribute->text) >= sizeof text)
        return false;
    else
        sn_attribute_print(attribute, text, sizeof text);
    return sn_field_parse(field, text, true, experiment);
}

sn_status sn_experiment_from_attributes(const sn_attributes *attributes, sn_experiment *experiment)
{
    sn_experiment_default(experiment);
    for (const sn_field *field = sn_fields; field < sn_fields + sn_field_count; field++) {
        if (!field->attribute || !sn_field_applies(field, experiment)) continue;
        const sn_attribute *attribute = sn_attributes_find(attributes, field->attribute);
        if (!attribute && field->later) continue;
        if (!attribute)
            return sn_fail(SN_ERROR_FILE, "the experiment has no attribute '%s'", field->attribute);
        if (!sn_field_recall(field, attribute, experiment))
            return sn_fail(SN_ERROR_FILE, "the experiment's attribute '%s' is out of range",
                           field->attribute);
    }
    return SN_OK;
}
