#include "syncnorm/train/experiment.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "experiment_fields.h"
#include "syncnorm/nn/network.h"

enum { HELP_SIZE = 160, OPTIONS_MAX = 32 };

/* The default belongs to the help where there is one to speak of: not for flags, paths and what is off at 0. */
static bool tells_default(const sn_field *field)
{
    return field->argument && *field->initial &&
           (field->type == SN_FIELD_REAL || strcmp(field->initial, "0") != 0);
}

const sn_experiment_option *sn_experiment_options(size_t *count)
{
    static sn_experiment_option options[OPTIONS_MAX];
    static char help[OPTIONS_MAX][HELP_SIZE];
    size_t n = 0;
    for (const sn_field *field = sn_fields; field < sn_fields + sn_field_count && n < OPTIONS_MAX; field++) {
        if (!field->option) continue;
        snprintf(help[n], HELP_SIZE, tells_default(field) ? "%s (default %s)" : "%s", field->help,
                 field->initial);
        options[n] = (sn_experiment_option){field->option, field->argument, help[n]};
        n++;
    }
    *count = n;
    return options;
}

void sn_experiment_default(sn_experiment *experiment)
{
    memset(experiment, 0, sizeof *experiment);
    for (size_t i = 0; i < sn_field_count; i++)
        sn_field_parse(&sn_fields[i], sn_fields[i].initial, true, experiment);
}

/* "an integer from 1 to 65536", "a number above 0", "a number from 0 to below 1", "gn, ln, bn, in or none" */
static void describe(const sn_field *field, char *text, size_t size)
{
    const sn_range *range = &field->range;
    switch (field->type) {
    case SN_FIELD_PRESET:
        snprintf(text, size, "gn, ln or bn-l1");
        return;
    case SN_FIELD_CHOICE: {
        size_t used = 0;
        for (int i = 0; field->choices[i]; i++)
            used += (size_t)snprintf(text + used, size - used, "%s%s",
                                     i == 0                  ? ""
                                     : field->choices[i + 1] ? ", "
                                                             : " or ",
                                     field->choices[i]);
        return;
    }
    case SN_FIELD_UINT32:
        snprintf(text, size, "an integer from %.0f to %.0f", range->low, range->high);
        return;
    case SN_FIELD_UINT64:
        if (range->high < 0x1p64)
            snprintf(text, size, "an integer from %.0f to %.0f", range->low, range->high);
        else
            snprintf(text, size, "an integer from %.0f to 18446744073709551615", range->low);
        return;
    case SN_FIELD_REAL:
        if (isinf(range->high))
            snprintf(text, size, range->low_open ? "a number above %g" : "a number, %g or more", range->low);
        else
            snprintf(text, size, "a number from %g to %s%g", range->low, range->high_open ? "below " : "",
                     range->high);
        return;
    case SN_FIELD_TEXT:
        snprintf(text, size, "a path of 1 to %zu characters", field->size - 1);
        return;
    case SN_FIELD_SWITCH:
        snprintf(text, size, "given without a value");
        return;
    }
}

sn_status sn_experiment_set(sn_experiment *experiment, const char *name, const char *value)
{
    for (const sn_field *field = sn_fields; field < sn_fields + sn_field_count; field++) {
        if (!field->option || strcmp(field->option, name) != 0) continue;
        if (field->type == SN_FIELD_SWITCH && !value) {
            *(bool *)sn_field_in(field, experiment) = *field->initial == '0';
            return SN_OK;
        }
        if (!value) return sn_fail(SN_ERROR_USAGE, "option '--%s' needs a value", name);
        if (field->type != SN_FIELD_SWITCH && sn_field_parse(field, value, false, experiment)) return SN_OK;
        char wanted[HELP_SIZE], shown[HELP_SIZE / 2];
        describe(field, wanted, sizeof wanted);
        snprintf(shown, sizeof shown, "%s", value);
        for (char *c = shown; *c; c++)
            if ((unsigned char)*c < ' ' || *c == 0x7f) *c = '?'; /* a message is one line */
        return sn_fail(SN_ERROR_USAGE, "--%s '%s': must be %s", name, shown, wanted);
    }
    return sn_fail(SN_ERROR_USAGE, "unknown option '--%s'", name);
}

static bool nothing_given(const void *context, const char *name)
{
    (void)context;
    (void)name;
    return false;
}

sn_status sn_experiment_resolve(sn_experiment *experiment,
                                bool (*given)(const void *context, const char *name), const void *context)
{
    if (!given) given = nothing_given;
    if (given(context, "experiment") && given(context, "norm"))
        return sn_fail(SN_ERROR_USAGE, "--experiment and --norm exclude each other");
    if (given(context, "groups") && experiment->norm != SN_NORM_GROUP)
        return sn_fail(SN_ERROR_USAGE, "--groups goes with group norm, and the norm is %s",
                       sn_norm_name(experiment->norm));
    if (experiment->precise_bn && experiment->norm != SN_NORM_BATCH)
        return sn_fail(SN_ERROR_USAGE, "--precise-bn goes with batch norm, and the norm is %s",
                       sn_norm_name(experiment->norm));
    if (given(context, "batch") && given(context, "batch-per-worker"))
        return sn_fail(SN_ERROR_USAGE, "--batch and --batch-per-worker exclude each other");
    if (experiment->batch_per_worker) {
        const uint64_t batch = (uint64_t)experiment->workers * experiment->batch_per_worker;
        if (batch > 65536)
            return sn_fail(SN_ERROR_USAGE, "%u workers with --batch-per-worker %u: a batch has at most 65536",
                           experiment->workers, experiment->batch_per_worker);
        experiment->batch = (uint32_t)batch;
    }
    sn_network network;
    return sn_network_build(experiment->norm, (int)experiment->groups, &network);
}
