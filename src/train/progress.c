#include "progress.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* ---- attributes of /progress ---- */

typedef enum number { COUNT32, COUNT64, REAL, WIDE } number;

static const struct {
    const char *label;
    number type;
    size_t offset;
} attributes[] = {
    {"epoch", COUNT32, offsetof(sn_progress, epoch)},
    {"batch", COUNT32, offsetof(sn_progress, batch)},
    {"step", COUNT64, offsetof(sn_progress, step)},
    {"samples", COUNT64, offsetof(sn_progress, samples)},
    {"epoch_samples", COUNT64, offsetof(sn_progress, epoch_samples)},
    {"epoch_loss", WIDE, offsetof(sn_progress, epoch_loss)},
    {"epoch_correct", COUNT64, offsetof(sn_progress, epoch_correct)},
    {"epoch_penalty", REAL, offsetof(sn_progress, epoch_penalty)},
    {"epoch_seconds", REAL, offsetof(sn_progress, epoch_seconds)},
    {"last_batch_loss", REAL, offsetof(sn_progress, last_batch_loss)},
};
enum { ATTRIBUTES = sizeof attributes / sizeof *attributes };

/* A wide number is value + 2^62 * value_high; files from before it was wide have no such label. */
enum { LOW_BITS = 62 };

static void high_label(const char *label, char name[SN_ATTRIBUTE_NAME])
{
    snprintf(name, SN_ATTRIBUTE_NAME, "%s_high", label);
}

static sn_status save_attribute(const char *label, number type, const void *value, sn_attributes *list)
{
    char high[SN_ATTRIBUTE_NAME];
    sn_int128 wide;
    switch (type) {
    case COUNT32:
        return sn_attributes_set_integer(list, label, *(const uint32_t *)value);
    case COUNT64:
        return sn_attributes_set_integer(list, label, *(const int64_t *)value);
    case REAL:
        return sn_attributes_set_real(list, label, *(const double *)value);
    case WIDE:
        wide = *(const sn_int128 *)value;
        high_label(label, high);
        SN_TRY(sn_attributes_set_integer(list, label, (int64_t)(wide & ((INT64_C(1) << LOW_BITS) - 1))));
        return sn_attributes_set_integer(list, high, (int64_t)(wide >> LOW_BITS));
    }
    return SN_OK;
}

static sn_status read_count(const sn_attributes *list, const char *path, const char *label, int64_t most,
                            int64_t *value)
{
    const sn_attribute *a = sn_attributes_find(list, label);
    if (!a || a->type != SN_VALUE_INTEGER || a->integer < 0 || a->integer > most)
        return sn_fail(SN_ERROR_FILE, "%s: attribute %s of /progress is missing or out of range", path,
                       label);
    *value = a->integer;
    return SN_OK;
}

static sn_status load_attribute(const sn_attributes *list, const char *path, const char *label, number type,
                                void *value)
{
    char high[SN_ATTRIBUTE_NAME];
    int64_t low = 0, more = 0;
    const sn_attribute *real = sn_attributes_find(list, label);
    switch (type) {
    case COUNT32:
        SN_TRY(read_count(list, path, label, UINT32_MAX, &low));
        *(uint32_t *)value = (uint32_t)low;
        return SN_OK;
    case COUNT64:
        return read_count(list, path, label, INT64_MAX, value);
    case REAL:
        if (!real || real->type != SN_VALUE_REAL)
            return sn_fail(SN_ERROR_FILE, "%s: no attribute %s of /progress", path, label);
        *(double *)value = real->real;
        return SN_OK;
    case WIDE:
        high_label(label, high);
        SN_TRY(read_count(list, path, label, INT64_MAX, &low));
        if (sn_attributes_find(list, high)) SN_TRY(read_count(list, path, high, INT64_MAX, &more));
        *(sn_int128 *)value = ((sn_int128)more << LOW_BITS) + low;
        return SN_OK;
    }
    return SN_OK;
}

/* ---- datasets of /progress: sums over the epoch at work ---- */

typedef struct sums {
    const char *label;
    size_t offset, bytes; /* of doubles, in sn_progress */
} sums;

#define SUMS(label, member)                                                                                  \
    {                                                                                                        \
        label, offsetof(sn_progress, member), sizeof((sn_progress *)NULL)->member                            \
    }
#define TRAFFIC(label, kind)                                                                                 \
    SUMS("costs." label "_seconds", costs.sums[kind].seconds),                                               \
        SUMS("costs." label "_calls", costs.sums[kind].calls),                                               \
        SUMS("costs." label "_bytes", costs.sums[kind].bytes),                                               \
        SUMS("costs." label "_bytes_float32", costs.sums[kind].bytes_float32)

static const sums all_sums[] = {
    SUMS("diagnostics.steps", diagnostics.steps),
    SUMS("diagnostics.samples", diagnostics.samples),
    SUMS("diagnostics.learning_rate", diagnostics.learning_rate),
    SUMS("diagnostics.gradient_norm", diagnostics.gradient_norm),
    SUMS("diagnostics.between_share", diagnostics.between_share),
    SUMS("diagnostics.corrected_samples", diagnostics.corrected_samples),
    SUMS("diagnostics.between_share_corrected", diagnostics.between_share_corrected),
    SUMS("diagnostics.mean", diagnostics.mean),
    SUMS("diagnostics.var", diagnostics.var),
    SUMS("costs.seconds", costs.seconds),
    SUMS("costs.compute_seconds", costs.compute_seconds),
    SUMS("costs.wait_seconds", costs.wait_seconds),
    TRAFFIC("statistics", SN_TRAFFIC_STATISTICS),
    TRAFFIC("gradient", SN_TRAFFIC_GRADIENT),
    TRAFFIC("running", SN_TRAFFIC_RUNNING),
    TRAFFIC("instrument", SN_TRAFFIC_INSTRUMENT),
};
enum { ALL_SUMS = sizeof all_sums / sizeof *all_sums };
_Static_assert(SN_TRAFFIC_KINDS == 4, "every kind of traffic has its labels");

/* Files from before there were labels have these in one row, under a name each. */
static const char *const unlabelled[][12] = {
    {"diagnostics", "diagnostics.steps", "diagnostics.samples", "diagnostics.learning_rate",
     "diagnostics.gradient_norm", "diagnostics.between_share", "diagnostics.mean", "diagnostics.var"},
    {"costs", "costs.seconds", "costs.compute_seconds", "costs.statistics_seconds", "costs.gradient_seconds",
     "costs.wait_seconds", "costs.statistics_calls", "costs.statistics_bytes",
     "costs.statistics_bytes_float32", "costs.gradient_calls", "costs.gradient_bytes",
     "costs.gradient_bytes_float32"},
};

static size_t count_of(const sums *s)
{
    return s->bytes / sizeof(double);
}

static void *values_of(sn_progress *progress, const sums *s)
{
    return (char *)progress + s->offset;
}

/* `count` doubles of a dataset; NULL when it is not there. */
static sn_status find_doubles(const sn_run *run, const char *path, const char *label, size_t count,
                              const double **values)
{
    const sn_tensor *tensor = sn_tensors_find(&run->partial, label);
    *values = tensor ? tensor->data : NULL;
    if (!tensor || (tensor->type == SN_TYPE_F64 && sn_tensor_count(tensor) == count)) return SN_OK;
    return sn_fail(SN_ERROR_FILE, "%s: /progress/%s is not of %zu numbers", path, label, count);
}

static const sums *sums_of(const char *label)
{
    for (int i = 0; i < ALL_SUMS; i++)
        if (strcmp(all_sums[i].label, label) == 0) return &all_sums[i];
    return NULL;
}

static sn_status load_unlabelled(const sn_run *run, const char *path, const char *const *row,
                                 sn_progress *progress)
{
    size_t count = 0;
    const double *values;
    for (int i = 1; i < 12 && row[i]; i++)
        count += count_of(sums_of(row[i]));
    SN_TRY(find_doubles(run, path, row[0], count, &values));
    for (int i = 1; values && i < 12 && row[i]; i++) {
        const sums *s = sums_of(row[i]);
        memcpy(values_of(progress, s), values, s->bytes);
        values += count_of(s);
    }
    return SN_OK;
}

/* ---- all of it ---- */

void sn_progress_begin_epoch(sn_progress *p)
{
    *p = (sn_progress){
        .epoch = p->epoch, .step = p->step, .samples = p->samples, .last_batch_loss = p->last_batch_loss};
}

sn_status sn_progress_save(const sn_progress *progress, sn_run *run)
{
    for (int i = 0; i < ATTRIBUTES; i++)
        SN_TRY(save_attribute(attributes[i].label, attributes[i].type,
                              (const char *)progress + attributes[i].offset, &run->progress));
    for (int i = 0; i < ALL_SUMS; i++) {
        const size_t count = count_of(&all_sums[i]);
        SN_TRY(sn_tensors_set(&run->partial, all_sums[i].label, SN_TYPE_F64, 1, &count,
                              (const char *)progress + all_sums[i].offset));
    }
    return SN_OK;
}

sn_status sn_progress_load(sn_run *run, const char *path, sn_progress *p)
{
    *p = (sn_progress){0};
    for (int i = 0; i < ATTRIBUTES; i++)
        SN_TRY(load_attribute(&run->progress, path, attributes[i].label, attributes[i].type,
                              (char *)p + attributes[i].offset));
    for (size_t i = 0; i < sizeof unlabelled / sizeof *unlabelled; i++)
        SN_TRY(load_unlabelled(run, path, unlabelled[i], p));
    for (int i = 0; i < ALL_SUMS; i++) {
        const double *values;
        SN_TRY(find_doubles(run, path, all_sums[i].label, count_of(&all_sums[i]), &values));
        if (values) memcpy(values_of(p, &all_sums[i]), values, all_sums[i].bytes);
    }
    sn_tensors_clear(&run->partial);
    if (run->steps.rows >= p->step && run->epochs.rows >= p->epoch) return SN_OK;
    return sn_fail(SN_ERROR_FILE, "%s: /progress tells of more steps than /metrics has", path);
}
