#include "syncnorm/train/state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The workers' running statistics, [workers][norm_channels]. */
static const char WORKERS_MEAN[] = "workers/running_mean", WORKERS_VAR[] = "workers/running_var";

sn_status sn_state_save(const sn_model *model, sn_tensors *state, sn_tensors *optimizer)
{
    sn_state_entry entries[SN_STATE_MAX];
    const int count = sn_model_state((sn_model *)model, entries); /* only read through */
    for (int i = 0; i < count; i++) {
        const sn_state_entry *e = &entries[i];
        const void *values = e->real ? (const void *)e->real : (const void *)e->integer;
        SN_TRY(
            sn_tensors_set(state, e->name, e->real ? SN_TYPE_F32 : SN_TYPE_I64, e->rank, e->shape, values));
        if (optimizer && e->momentum)
            SN_TRY(sn_tensors_set(optimizer, e->name, SN_TYPE_F32, e->rank, e->shape, e->momentum));
    }
    if (!optimizer || model->workers == 0) return SN_OK;
    const size_t shape[] = {model->workers, (size_t)model->network->norm_channels};
    SN_TRY(sn_tensors_set(optimizer, WORKERS_MEAN, SN_TYPE_F32, 2, shape, model->workers_mean));
    return sn_tensors_set(optimizer, WORKERS_VAR, SN_TYPE_F32, 2, shape, model->workers_var);
}

static void print_shape(int rank, const size_t *shape, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "(");
    for (int i = 0; i < rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%zu", i ? ", " : "", shape[i]);
    if (used < size) snprintf(text + used, size - used, ")");
}

static sn_status check_tensor(const sn_tensor *tensor, const sn_state_entry *entry, const char *origin)
{
    const sn_type type = entry->real ? SN_TYPE_F32 : SN_TYPE_I64;
    bool same = tensor->rank == entry->rank;
    for (int i = 0; same && i < entry->rank; i++)
        same = tensor->shape[i] == entry->shape[i];
    if (!same) {
        char is[96], should[96];
        print_shape(tensor->rank, tensor->shape, is, sizeof is);
        print_shape(entry->rank, entry->shape, should, sizeof should);
        return sn_fail(SN_ERROR_FILE,
                       "%s: /model/%s has shape %s, this network wants %s: is it of another norm?", origin,
                       entry->name, is, should);
    }
    if (tensor->type != type)
        return sn_fail(SN_ERROR_FILE, "%s: /model/%s must hold %s", origin, entry->name,
                       entry->real ? "floating-point numbers" : "integers");
    return SN_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const sn_tensor *)a)->name, ((const sn_tensor *)b)->name);
}

void sn_state_digest(sn_tensors *state, char hex[SN_DIGEST_HEX])
{
    if (state->count > 0) qsort(state->items, state->count, sizeof *state->items, compare_names);
    sn_tensors_digest(state, hex);
}

/* Values that could not have been trained. */
static sn_status check_values(const sn_state_entry *entry, const char *origin)
{
    const bool variance = strstr(entry->name, "running_var") != NULL;
    for (size_t k = 0; entry->real && k < entry->count; k++)
        if (!isfinite(entry->real[k]) || (variance && entry->real[k] < 0))
            return sn_fail(SN_ERROR_FILE, "%s: /model/%s has values that are %s", origin, entry->name,
                           isfinite(entry->real[k]) ? "negative" : "infinite or not a number");
    return SN_OK;
}

static sn_status load_workers(const sn_tensors *optimizer, const char *name, size_t count, const char *origin,
                              float *values)
{
    const sn_tensor *tensor = sn_tensors_find(optimizer, name);
    if (!tensor || tensor->type != SN_TYPE_F32 || sn_tensor_count(tensor) != count)
        return sn_fail(SN_ERROR_FILE, "%s: /optimizer/%s is missing or not of %zu floats", origin, name,
                       count);
    memcpy(values, tensor->data, count * sizeof *values);
    return SN_OK;
}

sn_status sn_state_load(sn_model *model, const sn_tensors *state, const sn_tensors *optimizer,
                        const char *origin)
{
    sn_state_entry entries[SN_STATE_MAX];
    const int count = sn_model_state(model, entries);
    size_t used = 0;
    for (int i = 0; i < count; i++) {
        const sn_state_entry *e = &entries[i];
        const sn_tensor *tensor = sn_tensors_find(state, e->name);
        if (tensor) {
            used++;
            SN_TRY(check_tensor(tensor, e, origin));
            memcpy(e->real ? (void *)e->real : (void *)e->integer, tensor->data,
                   e->count * sn_type_size(tensor->type));
            SN_TRY(check_values(e, origin));
        } else if (e->momentum) {
            return sn_fail(SN_ERROR_FILE, "%s: no /model/%s", origin, e->name);
        }
        if (!e->momentum) continue;
        const sn_tensor *momentum = optimizer ? sn_tensors_find(optimizer, e->name) : NULL;
        if (momentum) {
            SN_TRY(check_tensor(momentum, e, origin));
            memcpy(e->momentum, momentum->data, e->count * sizeof *e->momentum);
        } else if (optimizer) {
            return sn_fail(SN_ERROR_FILE, "%s: no /optimizer/%s", origin, e->name);
        } else {
            memset(e->momentum, 0, e->count * sizeof *e->momentum);
        }
    }
    if (optimizer && model->workers > 0) {
        const size_t of_workers = (size_t)model->workers * (size_t)model->network->norm_channels;
        SN_TRY(load_workers(optimizer, WORKERS_MEAN, of_workers, origin, model->workers_mean));
        SN_TRY(load_workers(optimizer, WORKERS_VAR, of_workers, origin, model->workers_var));
    }
    for (size_t i = 0; used < state->count && i < state->count; i++) {
        const char *name = state->items[i].name;
        bool known = false;
        for (int k = 0; k < count; k++)
            known |= strcmp(entries[k].name, name) == 0;
        if (!known)
            return sn_fail(SN_ERROR_FILE, "%s: /model/%s is not part of this network: is it of another norm?",
                           origin, name);
    }
    return SN_OK;
}
