#include "syncnorm/study/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct list {
    char **items;
    size_t count, capacity;
} list;

bool sn_plan_takes_list(const char *option)
{
    return strcmp(option, "experiment") == 0 || strcmp(option, "norm") == 0 || strcmp(option, "seed") == 0;
}

static void list_clear(list *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->items[i]);
    free(l->items);
    *l = (list){0};
}

static sn_status list_add(list *l, const char *text, size_t length)
{
    if (l->count == l->capacity) {
        const size_t capacity = l->capacity ? 2 * l->capacity : 16;
        char **items = realloc(l->items, capacity * sizeof *items);
        if (!items) return sn_fail(SN_ERROR_MEMORY, "out of memory: the plan");
        l->items = items;
        l->capacity = capacity;
    }
    char *copy = strndup(text, length);
    if (!copy) return sn_fail(SN_ERROR_MEMORY, "out of memory: the plan");
    l->items[l->count++] = copy;
    return SN_OK;
}

/* "3-7": true with both ends, when it is digits, a dash and digits. */
static bool read_range(const char *text, size_t length, uint64_t *first, uint64_t *last)
{
    uint64_t *value = first;
    size_t digits = 0;
    *first = *last = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '-' && value == first && digits > 0) {
            value = last;
            digits = 0;
            continue;
        }
        if (text[i] < '0' || text[i] > '9') return false;
        if (__builtin_mul_overflow(*value, UINT64_C(10), value) ||
            __builtin_add_overflow(*value, (uint64_t)(text[i] - '0'), value))
            return false;
        digits++;
    }
    return value == last && digits > 0;
}

static sn_status add_range(const char *option, uint64_t first, uint64_t last, list *l)
{
    if (last < first || last - first >= SN_PLAN_RUNS_MAX)
        return sn_fail(SN_ERROR_USAGE,
                       "--%s %" PRIu64 "-%" PRIu64 ": a range goes upwards and has at most %d values", option,
                       first, last, SN_PLAN_RUNS_MAX);
    for (uint64_t value = first;; value++) {
        char text[24];
        const int length = snprintf(text, sizeof text, "%" PRIu64, value);
        SN_TRY(list_add(l, text, (size_t)length));
        if (value == last) return SN_OK;
    }
}

/* Empty items stay: the experiment's table refuses them with its own line. */
static sn_status split(const char *option, const char *value, list *l)
{
    const bool numbers = strcmp(option, "seed") == 0;
    for (const char *item = value;; item++) {
        const size_t length = strcspn(item, ",");
        uint64_t first, last;
        if (numbers && read_range(item, length, &first, &last))
            SN_TRY(add_range(option, first, last, l));
        else
            SN_TRY(list_add(l, item, length));
        item += length;
        if (!*item) return SN_OK;
    }
}

typedef struct given_options {
    const sn_plan_option *items;
    size_t count;
} given_options;

static const sn_plan_option *find(const given_options *given, const char *name)
{
    for (size_t i = given->count; i-- > 0;)
        if (strcmp(given->items[i].name, name) == 0) return &given->items[i];
    return NULL;
}

static bool is_given(const void *context, const char *name)
{
    return find(context, name) != NULL;
}

/* Every option that takes no list, as it was given. */
static sn_status set_single_valued(const given_options *given, sn_experiment *experiment)
{
    for (size_t i = 0; i < given->count; i++) {
        const sn_plan_option *o = &given->items[i];
        if (sn_plan_takes_list(o->name)) continue;
        if (o->value && strchr(o->value, ',') && strcmp(o->name, "init") != 0)
            return sn_fail(SN_ERROR_USAGE, "--%s: lists are for --experiment, --norm and --seed", o->name);
        SN_TRY(sn_experiment_set(experiment, o->name, o->value));
    }
    return SN_OK;
}

static sn_status add_run(const sn_experiment *experiment, sn_plan *plan)
{
    char name[SN_RUN_NAME_SIZE], other[SN_RUN_NAME_SIZE];
    sn_experiment_name(experiment, name);
    for (size_t i = 0; i < plan->count; i++) {
        sn_experiment_name(&plan->experiments[i], other);
        if (strcmp(name, other) == 0) return SN_OK;
    }
    plan->experiments[plan->count++] = *experiment;
    return SN_OK;
}

static sn_status multiply(const given_options *given, const char *axis, const list *kinds, const list *seeds,
                          sn_plan *plan)
{
    const size_t runs = kinds->count * seeds->count;
    if (runs > SN_PLAN_RUNS_MAX)
        return sn_fail(SN_ERROR_USAGE, "a plan has at most %d runs, this has %zu", SN_PLAN_RUNS_MAX, runs);
    plan->experiments = calloc(runs, sizeof *plan->experiments);
    if (!plan->experiments) return sn_fail(SN_ERROR_MEMORY, "out of memory: the plan");
    for (size_t k = 0; k < kinds->count; k++)
        for (size_t s = 0; s < seeds->count; s++) {
            sn_experiment experiment;
            sn_experiment_default(&experiment);
            /* a preset sets several fields, of which an option may then change one: so it is first */
            SN_TRY(sn_experiment_set(&experiment, axis, kinds->items[k]));
            SN_TRY(set_single_valued(given, &experiment));
            SN_TRY(sn_experiment_set(&experiment, "seed", seeds->items[s]));
            SN_TRY(sn_experiment_resolve(&experiment, is_given, given));
            SN_TRY(add_run(&experiment, plan));
        }
    return SN_OK;
}

sn_status sn_plan_create(const sn_plan_option *options, size_t count, sn_plan *plan)
{
    *plan = (sn_plan){0};
    const given_options given = {options, count};
    if (find(&given, "experiment") && find(&given, "norm"))
        return sn_fail(SN_ERROR_USAGE, "--experiment and --norm exclude each other");
    const char *axis = find(&given, "norm") ? "norm" : "experiment";
    const sn_plan_option *kind = find(&given, axis), *seed = find(&given, "seed");
    list kinds = {0}, seeds = {0};
    sn_status status = split(axis, kind ? kind->value : "gn,ln,bn-l1", &kinds);
    if (status == SN_OK) status = split("seed", seed ? seed->value : "1", &seeds);
    if (status == SN_OK) status = multiply(&given, axis, &kinds, &seeds, plan);
    list_clear(&kinds);
    list_clear(&seeds);
    if (status != SN_OK) sn_plan_clear(plan);
    return status;
}

void sn_plan_clear(sn_plan *plan)
{
    free(plan->experiments);
    *plan = (sn_plan){0};
}
