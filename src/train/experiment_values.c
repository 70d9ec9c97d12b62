/* The value of a field as text: read strictly, written so that it reads back to the same bits. */

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "experiment_fields.h"

static bool in_range(sn_range range, double value)
{
    return (range.low_open ? value > range.low : value >= range.low) &&
           (range.high_open ? value < range.high : value <= range.high);
}

/* Digits and nothing else: no sign, space, base prefix or overflow. */
bool sn_read_unsigned(const char *text, uint64_t *value)
{
    *value = 0;
    if (!*text) return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9') return false;
        if (__builtin_mul_overflow(*value, UINT64_C(10), value) ||
            __builtin_add_overflow(*value, (uint64_t)(*text - '0'), value))
            return false;
    }
    return true;
}

/* A decimal number; strtod alone would also take spaces, hexadecimal, nan and inf. The program never leaves the "C" locale. */
bool sn_read_real(const char *text, double *value)
{
    if (!*text || text[strspn(text, "0123456789.eE+-")] || *text == '+') return false;
    char *end;
    *value = strtod(text, &end) + 0.0; /* -0 becomes 0 */
    return end != text && !*end && isfinite(*value);
}

void sn_print_real(double value, char *text, size_t size)
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, size, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
}

static bool parse(const sn_field *field, const char *text, bool check_range, sn_experiment *experiment)
{
    void *member = sn_field_in(field, experiment);
    uint64_t integer;
    double real;
    switch (field->type) {
    case SN_FIELD_PRESET:
        for (const sn_preset *preset = sn_presets; preset->name; preset++)
            if (strcmp(preset->name, text) == 0) {
                experiment->norm = preset->norm;
                experiment->l1 = preset->l1;
                return true;
            }
        return false;
    case SN_FIELD_CHOICE:
        for (int i = 0; field->choices[i]; i++)
            if (strcmp(field->choices[i], text) == 0) {
                *(int *)member = i;
                return true;
            }
        return false;
    case SN_FIELD_SWITCH:
        if (strcmp(text, "0") != 0 && strcmp(text, "1") != 0) return false;
        *(bool *)member = *text == '1';
        return true;
    case SN_FIELD_UINT32:
        if (field->zero && strcmp(text, field->zero) == 0) {
            *(uint32_t *)member = 0;
            return true;
        }
        if (!sn_read_unsigned(text, &integer) || integer > UINT32_MAX) return false;
        if (check_range && !in_range(field->range, (double)integer)) return false;
        *(uint32_t *)member = (uint32_t)integer;
        return true;
    case SN_FIELD_UINT64:
        if (!sn_read_unsigned(text, &integer)) return false;
        if (check_range && !in_range(field->range, (double)integer)) return false;
        *(uint64_t *)member = integer;
        return true;
    case SN_FIELD_REAL:
        if (!sn_read_real(text, &real)) return false;
        if (check_range && !in_range(field->range, real)) return false;
        *(double *)member = real;
        return true;
    case SN_FIELD_CODED:
        return field->codec->parse(text, member);
    case SN_FIELD_TEXT:
        if (strlen(text) >= field->size || (check_range && !*text)) return false;
        snprintf(member, field->size, "%s", text);
        return true;
    }
    return false;
}

bool sn_field_parse(const sn_field *field, const char *text, bool any_default, sn_experiment *experiment)
{
    const bool is_default = any_default && strcmp(text, field->initial) == 0;
    return parse(field, text, !is_default, experiment);
}

bool sn_field_recorded(const sn_field *field, const sn_experiment *experiment)
{
    char text[SN_FIELD_TEXT_SIZE];
    if (!field->attribute || !sn_field_applies(field, experiment)) return false;
    return !field->later || strcmp(sn_field_print(field, experiment, text), field->initial) != 0;
}

const char *sn_field_print(const sn_field *field, const sn_experiment *experiment,
                           char buffer[SN_FIELD_TEXT_SIZE])
{
    const void *member = sn_field_of(field, experiment);
    switch (field->type) {
    case SN_FIELD_PRESET:
        return "";
    case SN_FIELD_CHOICE:
        return field->choices[*(const int *)member];
    case SN_FIELD_SWITCH:
        return *(const bool *)member ? "1" : "0";
    case SN_FIELD_UINT32:
        if (field->zero && *(const uint32_t *)member == 0) return field->zero;
        snprintf(buffer, SN_FIELD_TEXT_SIZE, "%" PRIu32, *(const uint32_t *)member);
        return buffer;
    case SN_FIELD_UINT64:
        snprintf(buffer, SN_FIELD_TEXT_SIZE, "%" PRIu64, *(const uint64_t *)member);
        return buffer;
    case SN_FIELD_REAL:
        sn_print_real(*(const double *)member, buffer, SN_FIELD_TEXT_SIZE);
        return buffer;
    case SN_FIELD_CODED:
        field->codec->print(member, buffer, SN_FIELD_TEXT_SIZE);
        return buffer;
    case SN_FIELD_TEXT:
        return member;
    }
    return "";
}
