#include "experiment_fields.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const norm_names[] = {"gn", "ln", "bn", "in", "none", NULL};
static const char *const conv_names[] = {"direct", "gemm", NULL};
static const char *const lr_scaling_names[] = {"none", "linear", NULL};

_Static_assert(SN_NORM_GROUP == 0 && SN_NORM_LAYER == 1 && SN_NORM_BATCH == 2 && SN_NORM_INSTANCE == 3 &&
                   SN_NORM_NONE == 4,
               "norm_names is in the order of sn_norm_kind");
_Static_assert(sizeof(sn_norm_kind) == sizeof(int) && sizeof(sn_conv_kind) == sizeof(int) &&
                   sizeof(sn_lr_scaling) == sizeof(int),
               "choices are stored as int");

const sn_preset sn_presets[] = {
    {"gn", SN_NORM_GROUP, 0}, {"ln", SN_NORM_LAYER, 0}, {"bn-l1", SN_NORM_BATCH, 3e-4}, {0}};

static bool with_groups(const sn_experiment *experiment)
{
    return experiment->norm == SN_NORM_GROUP;
}

static bool with_batch_statistics(const sn_experiment *experiment)
{
    return experiment->norm == SN_NORM_BATCH;
}

// clang-format off
/* Exact sums hold up to 65,536 samples (the 128-bit numerator of the variance); at batch size 1, as many epochs of MNIST
   fit into 32-bit step numbers. */
#define BATCH_RANGE \
    .range = {.low = 1, .high = 65536}
#define NOT_NEGATIVE \
    .range = {.low = 0, .high = HUGE_VAL, .high_open = true}
#define PROPER_FRACTION \
    .range = {.low = 0, .high = 1, .high_open = true}

#define MEMBER(type_, member) \
    .type = SN_FIELD_##type_, .offset = offsetof(sn_experiment, member), \
    .size = sizeof((sn_experiment *)NULL)->member

/* The order is that of --help, of the name and of the digest: never reorder. */
const sn_field sn_fields[] = {
    {.option = "experiment", .argument = "gn|ln|bn-l1",
     .help = "preset: group norm, layer norm, or batch norm with L1 penalty 3e-4",
     .type = SN_FIELD_PRESET, .role = SN_ROLE_NOTE, .initial = "gn"},

    {.option = "norm", .argument = "gn|ln|bn|in|none",
     .help = "norm instead of a preset: group, layer, batch (synchronized), instance, none",
     .attribute = "norm", MEMBER(CHOICE, norm), .initial = "gn", .choices = norm_names},

    {.option = "groups", .argument = "N", .help = "groups of group norm",
     .attribute = "groups", MEMBER(UINT32, groups), .initial = "2", .range = {.low = 1, .high = 16},
     .mark = "groups", .applies = with_groups},

    {.option = "l1", .argument = "X", .help = "factor of the L1 penalty over all parameters",
     .attribute = "l1", MEMBER(REAL, l1), .initial = "0", NOT_NEGATIVE, .mark = "l1", .plain = "0.0003"},

    {.option = "batch", .argument = "N", .help = "samples of a global batch, over all workers",
     .attribute = "batch", MEMBER(UINT32, batch), .initial = "64", BATCH_RANGE, .mark = "batch"},

    {.option = "batch-per-worker", .argument = "N",
     .help = "instead of --batch: samples of a batch for each worker",
     .role = SN_ROLE_NOTE, MEMBER(UINT32, batch_per_worker), .initial = "0", BATCH_RANGE},

    {.attribute = "workers", MEMBER(UINT32, workers), .initial = "1", BATCH_RANGE, .mark = "workers"},

    {.option = "lr", .argument = "X", .help = "learning rate",
     .attribute = "lr", MEMBER(REAL, lr), .initial = "0.01",
     .range = {.low = 0, .low_open = true, .high = HUGE_VAL, .high_open = true}, .mark = "lr"},

    {.option = "lr-scaling", .argument = "none|linear",
     .help = "linear: multiply the learning rate by batch / 64",
     .attribute = "lr_scaling", MEMBER(CHOICE, lr_scaling), .initial = "none", .choices = lr_scaling_names,
     .mark = "lr"},

    {.option = "momentum", .argument = "X", .help = "momentum of SGD",
     .attribute = "momentum", MEMBER(REAL, momentum), .initial = "0.9", PROPER_FRACTION, .mark = "momentum"},

    {.option = "weight-decay", .argument = "X", .help = "factor of the L2 penalty over all parameters",
     .attribute = "weight_decay", MEMBER(REAL, weight_decay), .initial = "0", NOT_NEGATIVE, .mark = "wd"},

    {.option = "dropout", .argument = "P", .help = "probability that a channel is dropped",
     .attribute = "dropout", MEMBER(REAL, dropout), .initial = "0.05", PROPER_FRACTION, .mark = "dropout"},

    {.option = "precise-bn", .help = "evaluate with batch statistics computed over the training set",
     .attribute = "precise_bn", MEMBER(SWITCH, precise_bn), .initial = "0", .mark = "precise",
     .applies = with_batch_statistics},

    {.option = "conv", .argument = "direct|gemm", .help = "convolution: our kernels, or im2col and OpenBLAS",
     .attribute = "conv", MEMBER(CHOICE, conv), .initial = "direct", .choices = conv_names, .mark = ""},

    {.option = "no-shuffle", .help = "take the training set in its own order",
     .attribute = "shuffle", MEMBER(SWITCH, shuffle), .initial = "1", .mark = "noshuffle"},

    {.option = "init", .argument = "FILE.h5", .help = "start from the weights under /model of any HDF5 file",
     .attribute = "init", .role = SN_ROLE_NOTE, MEMBER(TEXT, init), .initial = ""},

    {.attribute = "init_digest", MEMBER(TEXT, init_digest), .initial = ""},

    {.option = "seed", .argument = "N",
     .help = "seed of the shuffles, the dropout masks and the initial weights",
     .attribute = "seed", MEMBER(UINT64, seed), .initial = "1", .range = {.low = 0, .high = 0x1p64}},

    {.attribute = "dataset_digest", MEMBER(TEXT, dataset_digest), .initial = ""},

    {.option = "epochs", .argument = "N", .help = "length of the run",
     .attribute = "epochs", .role = SN_ROLE_LENGTH, MEMBER(UINT32, epochs), .initial = "15",
     .range = {.low = 1, .high = 65536}},

    {.option = "steps", .argument = "N", .help = "end the run at this step, or with --epochs if that comes first",
     .attribute = "steps", .role = SN_ROLE_LENGTH, MEMBER(UINT64, steps), .initial = "0",
     .range = {.low = 1, .high = 0x1p32 - 1}},
};
// clang-format on

const size_t sn_field_count = sizeof sn_fields / sizeof *sn_fields;

static bool in_range(sn_range range, double value)
{
    return (range.low_open ? value > range.low : value >= range.low) &&
           (range.high_open ? value < range.high : value <= range.high);
}

/* Digits and nothing else: no sign, space, base prefix or overflow. */
static bool read_unsigned(const char *text, uint64_t *value)
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
static bool read_real(const char *text, double *value)
{
    if (!*text || text[strspn(text, "0123456789.eE+-")] || *text == '+') return false;
    char *end;
    *value = strtod(text, &end) + 0.0; /* -0 becomes 0 */
    return end != text && !*end && isfinite(*value);
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
        if (!read_unsigned(text, &integer) || integer > UINT32_MAX) return false;
        if (check_range && !in_range(field->range, (double)integer)) return false;
        *(uint32_t *)member = (uint32_t)integer;
        return true;
    case SN_FIELD_UINT64:
        if (!read_unsigned(text, &integer)) return false;
        if (check_range && !in_range(field->range, (double)integer)) return false;
        *(uint64_t *)member = integer;
        return true;
    case SN_FIELD_REAL:
        if (!read_real(text, &real)) return false;
        if (check_range && !in_range(field->range, real)) return false;
        *(double *)member = real;
        return true;
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
        snprintf(buffer, SN_FIELD_TEXT_SIZE, "%" PRIu32, *(const uint32_t *)member);
        return buffer;
    case SN_FIELD_UINT64:
        snprintf(buffer, SN_FIELD_TEXT_SIZE, "%" PRIu64, *(const uint64_t *)member);
        return buffer;
    case SN_FIELD_REAL: {
        const double value = *(const double *)member;
        for (int digits = 15; digits <= 17; digits++) {
            snprintf(buffer, SN_FIELD_TEXT_SIZE, "%.*g", digits, value);
            if (strtod(buffer, NULL) == value) break;
        }
        return buffer;
    }
    case SN_FIELD_TEXT:
        return member;
    }
    return "";
}
