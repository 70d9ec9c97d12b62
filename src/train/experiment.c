#include "syncnorm/train/experiment.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "experiment_fields.h"
#include "syncnorm/nn/network.h"
#include "syncnorm/nn/replica.h"

enum { HELP_SIZE = 192 };

/* The default belongs to the help where there is one to speak of: not for flags, paths and what is off at 0. */
static bool tells_default(const sn_field *field)
{
    return field->argument && *field->initial &&
           (field->type == SN_FIELD_REAL || strcmp(field->initial, "0") != 0);
}

const sn_experiment_option *sn_experiment_options(size_t *count)
{
    static sn_experiment_option options[SN_EXPERIMENT_OPTIONS_MAX];
    static char help[SN_EXPERIMENT_OPTIONS_MAX][HELP_SIZE];
    size_t n = 0;
    for (const sn_field *field = sn_fields; field < sn_fields + sn_field_count; field++) {
        if (!field->option) continue;
        snprintf(help[n], HELP_SIZE, tells_default(field) ? "%s (default %s)" : "%s", field->help,
                 field->initial);
        const bool integer = field->type == SN_FIELD_UINT32 || field->type == SN_FIELD_UINT64 ||
                             field->codec == &sn_codec_own_seed;
        options[n] = (sn_experiment_option){.name = field->option,
                                            .attribute = field->attribute,
                                            .argument = field->argument,
                                            .help = help[n],
                                            .list = field->list,
                                            .range = field->list && integer,
                                            .goes_with = field->goes_with};
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
        snprintf(text, size, "gn, ln, bn or bn-l1");
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
        snprintf(text, size, "%s%san integer from %.0f to %.0f", field->zero ? field->zero : "",
                 field->zero ? " or " : "", range->low, range->high);
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
    case SN_FIELD_CODED:
        snprintf(text, size, "%s", field->codec->wanted);
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
        const sn_codec *codec = field->codec;
        const char *objection = codec && codec->objection ? codec->objection(value) : NULL;
        if (objection) return sn_fail(SN_ERROR_USAGE, "--%s '%s': %s", name, shown, objection);
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

bool sn_experiment_applies(const sn_experiment *experiment, const char *name)
{
    for (const sn_field *field = sn_fields; field < sn_fields + sn_field_count; field++)
        if (field->option && strcmp(field->option, name) == 0) return sn_field_applies(field, experiment);
    return false;
}

static sn_status check_given(const sn_experiment *experiment,
                             bool (*given)(const void *context, const char *name), const void *context)
{
    if (given(context, "experiment") && given(context, "norm"))
        return sn_fail(SN_ERROR_USAGE, "--experiment and --norm exclude each other");
    if (given(context, "batch") && given(context, "batch-per-worker"))
        return sn_fail(SN_ERROR_USAGE, "--batch and --batch-per-worker exclude each other");
    for (const sn_field *field = sn_fields; field < sn_fields + sn_field_count; field++)
        if (field->option && !sn_field_applies(field, experiment) && given(context, field->option))
            return field->wanted
                       ? sn_fail(SN_ERROR_USAGE, "--%s goes with %s", field->option, field->goes_with)
                       : sn_fail(SN_ERROR_USAGE, "--%s goes with %s, and the norm is %s", field->option,
                                 field->goes_with, sn_norm_name(experiment->norm));
    return SN_OK;
}

/* What depends on the number of workers. */
static sn_status settle(sn_experiment *experiment)
{
    const uint32_t workers = experiment->workers;
    if (workers > SN_WORKERS_MAX)
        return sn_fail(SN_ERROR_USAGE, "--workers: an experiment has at most %d workers, not %u",
                       SN_WORKERS_MAX, workers);
    if (experiment->batch_per_worker) {
        const uint64_t batch = (uint64_t)workers * experiment->batch_per_worker;
        if (batch > SN_BATCH_MAX)
            return sn_fail(SN_ERROR_USAGE, "%u workers with --batch-per-worker %u: a batch has at most %d",
                           workers, experiment->batch_per_worker, SN_BATCH_MAX);
        experiment->batch = (uint32_t)batch;
    }
    const uint32_t batch = experiment->batch;
    if (workers > batch)
        return sn_fail(SN_ERROR_USAGE,
                       "--workers %u with --batch %u: each worker needs a sample of every batch", workers,
                       batch);
    if (experiment->bn_scope == SN_SCOPE_WORKER && workers > 1 && batch / workers < 2)
        return sn_fail(SN_ERROR_USAGE,
                       "--bn-scope worker with --workers %u and --batch %u: batch statistics need at least 2 "
                       "samples of each worker",
                       workers, batch);
    for (const sn_field *field = sn_fields; field < sn_fields + sn_field_count; field++)
        if (field->settle) field->settle(experiment);
    return SN_OK;
}

sn_status sn_experiment_resolve(sn_experiment *experiment,
                                bool (*given)(const void *context, const char *name), const void *context)
{
    SN_TRY(check_given(experiment, given ? given : nothing_given, context));
    for (const sn_field *field = sn_fields; field < sn_fields + sn_field_count; field++)
        if (!sn_field_applies(field, experiment)) sn_field_parse(field, field->initial, true, experiment);
    if (experiment->warmup >= experiment->epochs)
        return sn_fail(SN_ERROR_USAGE, "--warmup %g: must be less than the %u epochs of the run",
                       experiment->warmup, experiment->epochs);
    sn_network network;
    SN_TRY(sn_network_build(sn_experiment_network(experiment), &network));
    return experiment->workers == SN_WORKERS_RANKS ? SN_OK : settle(experiment);
}

sn_status sn_experiment_bind_ranks(sn_experiment *experiment, int ranks)
{
    if (experiment->workers != SN_WORKERS_RANKS) return SN_OK;
    experiment->workers = (uint32_t)ranks;
    return settle(experiment);
}

sn_status sn_experiment_check_data(const sn_experiment *e, uint32_t images)
{
    if (e->validation >= images)
        return sn_fail(SN_ERROR_USAGE,
                       "--validation %" PRIu32 ": of %" PRIu32 " training images at most %" PRIu32
                       " can be held out",
                       e->validation, images, images - 1);
    images = sn_experiment_images(e, images);
    if (e->precise_bn && images > SN_POPULATION_MOST)
        return sn_fail(SN_ERROR_USAGE,
                       "--precise-bn: the training set has %" PRIu32 " images, exact sums take at most %d",
                       images, SN_POPULATION_MOST);
    if (e->workers > images)
        return sn_fail(SN_ERROR_USAGE,
                       "--workers %" PRIu32 ": each needs a sample of every batch, but there are %" PRIu32
                       " training images",
                       e->workers, images);
    return SN_OK;
}
