#include "syncnorm/train/compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "experiment_fields.h"
#include "syncnorm/base/missing.h"

bool sn_attribute_identifies(const char *attribute)
{
    static const char *const others[] = {"name", "digest", "dataset"};
    const sn_field *field = sn_field_recorded_as(attribute);
    if (field) return field->role == SN_ROLE_IDENTITY || field->role == SN_ROLE_LENGTH;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(attribute, others[i]) == 0) return false;
    return true;
}

bool sn_attribute_is_of_norm(const char *attribute)
{
    const sn_field *field = sn_field_recorded_as(attribute);
    return field && (field->applies || strcmp(attribute, "norm") == 0);
}

bool sn_attribute_is_afterwards(const char *attribute)
{
    const sn_field *field = sn_field_recorded_as(attribute);
    return field && field->afterwards;
}

static int order(double a, double b)
{
    return isnan(a) ? (isnan(b) ? 0 : 1) : isnan(b) ? -1 : a < b ? -1 : a > b;
}

/* Of text, numbers within it count as numbers: dirichlet:0.1 before dirichlet:10. */
static int compare_values(const sn_attribute *a, const sn_attribute *b)
{
    if (a->type != b->type) return a->type < b->type ? -1 : 1;
    switch (a->type) {
    case SN_VALUE_INTEGER:
        return a->integer < b->integer ? -1 : a->integer > b->integer;
    case SN_VALUE_REAL:
        return order(a->real, b->real);
    case SN_VALUE_TEXT:
        return strverscmp(a->text, b->text);
    }
    return 0;
}

bool sn_experiments_share(const sn_attributes *a, const sn_attributes *b, const char *attribute)
{
    const sn_attribute *x = sn_attributes_find(a, attribute), *y = sn_attributes_find(b, attribute);
    return x && y ? compare_values(x, y) == 0 : x == y;
}

const char *sn_experiments_next_difference(const sn_attributes *a, const sn_attributes *b, size_t *i)
{
    while (*i < a->count) {
        const char *name = a->items[(*i)++].name;
        if (sn_attribute_identifies(name) && !sn_experiments_share(a, b, name)) return name;
    }
    return NULL;
}

/* As sn_experiments_next_difference(), without what may differ. */
static const char *next_that_counts(const sn_attributes *a, const sn_attributes *b,
                                    bool (*may_differ)(const char *attribute), size_t *i)
{
    const char *name;
    do
        name = sn_experiments_next_difference(a, b, i);
    while (name && may_differ && may_differ(name));
    return name;
}

bool sn_experiments_same(const sn_attributes *a, const sn_attributes *b,
                         bool (*may_differ)(const char *attribute))
{
    size_t i = 0, k = 0;
    return !next_that_counts(a, b, may_differ, &i) && !next_that_counts(b, a, may_differ, &k);
}

static bool is_among(const char *name, const char *const *attributes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, attributes[i]) == 0) return true;
    return false;
}

bool sn_experiments_same_but(const sn_attributes *a, const sn_attributes *b, const char *const *attributes,
                             size_t count)
{
    for (int side = 0; side < 2; side++) {
        size_t i = 0;
        for (const char *name; (name = sn_experiments_next_difference(side ? b : a, side ? a : b, &i));)
            if (!is_among(name, attributes, count)) return false;
    }
    return true;
}

sn_status sn_experiment_name_without(const sn_attributes *experiment, const char *const *attributes,
                                     size_t count, char *name, size_t size)
{
    static sn_experiment e;
    char full[SN_RUN_NAME_SIZE];
    SN_TRY(sn_experiment_from_attributes(experiment, &e));
    for (const sn_field *field = sn_fields; field < sn_fields + sn_field_count; field++)
        if (field->attribute && is_among(field->attribute, attributes, count))
            sn_field_parse(field, field->initial, true, &e);
    sn_experiment_name(&e, full);
    char *seed = strrchr(full, '-'); /* names end with "-s1" */
    snprintf(name, size, "%.*s", (int)(seed ? seed - full : (ptrdiff_t)strlen(full)), full);
    return SN_OK;
}

static bool differ(const sn_attributes *a, const sn_attributes *b, const char *attribute)
{
    return !sn_experiments_share(a, b, attribute);
}

/* As many samples a worker. */
static bool grow_together(const sn_attributes *a, const sn_attributes *b)
{
    const double mine = sn_attributes_number(a, "batch") / sn_attributes_number(a, "workers");
    const double other = sn_attributes_number(b, "batch") / sn_attributes_number(b, "workers");
    return differ(a, b, "workers") && mine >= other && mine <= other;
}

static const char *text_of(const sn_attributes *attributes, const char *name)
{
    const sn_attribute *attribute = sn_attributes_find(attributes, name);
    return attribute && attribute->type == SN_VALUE_TEXT ? attribute->text : "";
}

int sn_experiment_norm(const sn_attributes *experiment)
{
    int norm = 0;
    while (norm < SN_NORM_KINDS && strcmp(text_of(experiment, "norm"), sn_norm_types[norm].name) != 0)
        norm++;
    return norm;
}

double sn_experiment_scope_samples(const sn_attributes *experiment)
{
    const int norm = sn_experiment_norm(experiment);
    if (norm == SN_NORM_KINDS || !sn_norm_pools_batch((sn_norm_kind)norm)) return SN_MISSING;
    const double batch = sn_attributes_number(experiment, "batch");
    const double workers = sn_attributes_number(experiment, "workers");
    const double samples = sn_attributes_number(experiment, "bn_scope");
    const char *scope = text_of(experiment, "bn_scope");
    if (samples >= 1) return samples;
    if (strcmp(scope, "worker") == 0) return workers >= 1 ? batch / workers : batch;
    const double number = strtod(scope, NULL);
    return number >= 1 ? number : batch;
}

/* One worker, whose samples are those of its statistics. */
static bool is_alone(const sn_attributes *experiment)
{
    return sn_attributes_number(experiment, "workers") <= 1 &&
           sn_experiment_scope_samples(experiment) >= sn_attributes_number(experiment, "batch");
}

/* From one worker to many, each with statistics of its own. */
static bool spread_scope(const sn_attributes *a, const sn_attributes *b)
{
    return differ(a, b, "workers") && ((is_alone(a) && strcmp(text_of(b, "bn_scope"), "worker") == 0) ||
                                       (is_alone(b) && strcmp(text_of(a, "bn_scope"), "worker") == 0));
}

bool sn_experiments_scale_alike(const sn_attributes *a, const sn_attributes *b)
{
    return !differ(a, b, "lr_scaling") || sn_attributes_number(a, "batch") == SN_LR_BATCH ||
           sn_attributes_number(b, "batch") == SN_LR_BATCH;
}

size_t sn_experiments_respects(const sn_attributes *a, const sn_attributes *b)
{
    const bool norms = differ(a, b, "norm"), together = grow_together(a, b), spread = spread_scope(a, b);
    size_t respects = norms;
    for (int side = 0; side < 2; side++) {
        size_t i = 0;
        const sn_attributes *one = side ? b : a, *other = side ? a : b;
        for (const char *name; (name = sn_experiments_next_difference(one, other, &i));) {
            const bool counted = side && sn_attributes_find(other, name);
            const bool of_norm = norms && sn_attribute_is_of_norm(name);
            const bool of_size = together &&
                                 (strcmp(name, "batch") == 0 ||
                                  (strcmp(name, "lr_scaling") == 0 && sn_experiments_scale_alike(a, b)));
            const bool of_scope = (strcmp(name, "running_stats") == 0 && differ(a, b, "bn_scope")) ||
                                  (spread && strcmp(name, "bn_scope") == 0);
            respects += !counted && !of_norm && !of_size && !of_scope;
        }
    }
    return respects;
}

static bool is_default(const sn_attribute *attribute)
{
    static sn_experiment scratch;
    char buffer[SN_FIELD_TEXT_SIZE];
    const sn_field *field = sn_field_recorded_as(attribute->name);
    return field && sn_field_recall(field, attribute, &scratch) &&
           strcmp(sn_field_print(field, &scratch, buffer), field->initial) == 0;
}

static int order_by(const sn_attributes *a, const sn_attributes *b, const char *name)
{
    const sn_attribute *x = sn_attributes_find(a, name), *y = sn_attributes_find(b, name);
    if (!x || !y) return x ? 1 : y ? -1 : 0;
    const int values = compare_values(x, y);
    if (values == 0) return 0;
    const bool plain = is_default(x);
    return plain != is_default(y) ? (plain ? -1 : 1) : values;
}

static bool is_scope(const char *attribute)
{
    return strcmp(attribute, "bn_scope") == 0;
}

/* The first of all attributes in which they differ decides. */
static int order_by_rest(const sn_attributes *a, const sn_attributes *b)
{
    size_t i = 0, k = 0;
    const char *mine = next_that_counts(a, b, is_scope, &i), *other = next_that_counts(b, a, is_scope, &k);
    if (!mine || !other) return mine ? 1 : other ? -1 : 0;
    return order_by(a, b, strcmp(mine, other) < 0 ? mine : other);
}

int sn_experiments_order(const sn_attributes *a, const sn_attributes *b)
{
    int result = sn_experiment_norm(a) - sn_experiment_norm(b);
    if (result == 0) result = order_by(a, b, "l1");
    if (result == 0) result = order_by(a, b, "workers");
    if (result == 0) result = order_by_rest(a, b);
    if (result == 0) result = order(sn_experiment_scope_samples(b), sn_experiment_scope_samples(a));
    return result ? result : order_by(a, b, "bn_scope");
}

/* Whole epochs are compared one by one, a convolution of another kind is the same mathematics. */
static bool is_no_part_of_a_preset(const char *attribute)
{
    static const char *const others[] = {"conv", "dataset_digest", "arithmetic"};
    const sn_field *field = sn_field_recorded_as(attribute);
    if (field && (field->role == SN_ROLE_LENGTH || field->afterwards)) return true;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(attribute, others[i]) == 0) return true;
    return false;
}

const char *sn_experiment_preset(const sn_attributes *experiment)
{
    const char *found = NULL;
    for (const sn_preset *preset = sn_presets; preset->name && !found; preset++) {
        static sn_experiment its;
        sn_attributes attributes = {0};
        sn_experiment_default(&its);
        if (sn_experiment_set(&its, "experiment", preset->name) == SN_OK &&
            sn_experiment_attributes(&its, &attributes) == SN_OK &&
            sn_experiments_same(&attributes, experiment, is_no_part_of_a_preset))
            found = preset->name;
        sn_attributes_clear(&attributes);
    }
    return found;
}

const char *sn_experiment_nearest_preset(const sn_attributes *experiment)
{
    const double l1 = sn_attributes_number(experiment, "l1");
    const char *plain = NULL;
    for (const sn_preset *preset = sn_presets; preset->name; preset++) {
        if ((int)preset->norm != sn_experiment_norm(experiment)) continue;
        if (l1 >= preset->l1 && l1 <= preset->l1) return preset->name;
        if (!(preset->l1 > 0)) plain = preset->name;
    }
    return plain;
}

/* ---- recorded beside asked for ---- */

/* "lr 0.02 there, 0.01 here" */
static size_t append_difference(const char *name, const char *absent, const sn_attribute *there,
                                const sn_attribute *here, char *text, size_t size)
{
    char a[SN_PATH_SIZE], b[SN_PATH_SIZE];
    snprintf(a, sizeof a, "%s", absent);
    snprintf(b, sizeof b, "%s", absent);
    if (there) sn_attribute_print(there, a, sizeof a);
    if (here) sn_attribute_print(here, b, sizeof b);
    if (strcmp(a, b) == 0) return 0;
    return (size_t)snprintf(text, size, "%s %.60s there, %.60s here; ", name, *a ? a : "none",
                            *b ? b : "none");
}

/* As the user knows it: the option, where there is one that is named alike. */
static void name_difference(const sn_field *field, char name[SN_ATTRIBUTE_NAME])
{
    char option[SN_ATTRIBUTE_NAME];
    snprintf(option, sizeof option, "%s", field->attribute);
    for (char *c = option; *c; c++)
        if (*c == '_') *c = '-';
    if (field->option && strcmp(field->option, option) == 0)
        snprintf(name, SN_ATTRIBUTE_NAME, "--%.*s", SN_ATTRIBUTE_NAME - 3, option);
    else
        snprintf(name, SN_ATTRIBUTE_NAME, "%s", field->attribute);
}

sn_status sn_experiment_differences(const sn_attributes *recorded, const sn_experiment *experiment,
                                    char *text, size_t size)
{
    sn_attributes mine = {0};
    const sn_status status = sn_experiment_attributes(experiment, &mine);
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; status == SN_OK && i <= sn_field_count && used < size; i++) {
        const char *attribute = "arithmetic", *absent = "not";
        char name[SN_ATTRIBUTE_NAME] = "arithmetic";
        if (i < sn_field_count) {
            const sn_field *field = &sn_fields[i];
            if (!field->attribute) continue;
            if (!sn_role_identifies(field->role) && !sn_field_identifies(field, experiment)) continue;
            attribute = field->attribute;
            if (field->later) absent = field->initial;
            name_difference(field, name);
        }
        used += append_difference(name, absent, sn_attributes_find(recorded, attribute),
                                  sn_attributes_find(&mine, attribute), text + used, size - used);
    }
    if (used >= size) used = size - 1;
    if (used > 2) text[used - 2] = '\0'; /* the last "; " */
    sn_attributes_clear(&mine);
    return status;
}
