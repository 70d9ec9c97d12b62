#include "syncnorm/study/plan.h"

#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "syncnorm/base/range.h"
#include "syncnorm/io/run_file.h"
#include "syncnorm/train/state.h"

typedef struct list {
    char **items;
    size_t count, capacity;
} list;

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
static sn_status split(const char *option, bool ranges, const char *value, list *l)
{
    for (const char *item = value;; item++) {
        const size_t length = strcspn(item, ",");
        uint64_t first, last;
        if (ranges && sn_read_range(item, length, &first, &last))
            SN_TRY(add_range(option, first, last, l));
        else
            SN_TRY(list_add(l, item, length));
        item += length;
        if (!*item) return SN_OK;
    }
}

typedef struct given_options {
    sn_plan_option *items;
    size_t count;
} given_options;

static const sn_plan_option *find(const given_options *given, const char *name)
{
    for (size_t i = given->count; i-- > 0;)
        if (strcmp(given->items[i].name, name) == 0) return &given->items[i];
    return NULL;
}

/* An option with several values. */
typedef struct axis {
    const char *option;
    list values;
} axis;

/* What the options say: first those of a named plan, then what was given with it. */
struct sn_plan_product {
    given_options given;
    size_t named;
    char *text; /* of the named ones */
    int ranks;
    size_t first, combinations; /* where they begin, among those of all products; how many there are */
    axis axes[SN_EXPERIMENT_OPTIONS_MAX]; /* in the table's order, what chooses the norm first */
    size_t count;
};

typedef struct sn_plan_product product;

static const sn_experiment_option *describe(const char *name)
{
    size_t count;
    const sn_experiment_option *table = sn_experiment_options(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].name, name) == 0) return &table[i];
    return NULL;
}

static sn_status add_axis(product *p, const sn_experiment_option *option, const char *value)
{
    axis *a = &p->axes[p->count++];
    a->option = option->name;
    return split(option->name, option->range, value, &a->values);
}

static sn_status find_axes(product *p)
{
    const char *kind = find(&p->given, "norm") ? "norm" : "experiment";
    const sn_plan_option *kinds = find(&p->given, kind); /* every named plan has one */
    if (!kinds->value) return sn_fail(SN_ERROR_USAGE, "option '--%s' needs a value", kind);
    SN_TRY(add_axis(p, describe(kind), kinds->value));
    size_t count;
    const sn_experiment_option *table = sn_experiment_options(&count);
    for (size_t i = 0; i < count; i++) {
        const sn_plan_option *o = find(&p->given, table[i].name);
        if (!o || !table[i].list || o == kinds) continue;
        if (!o->value) return sn_fail(SN_ERROR_USAGE, "option '--%s' needs a value", o->name);
        SN_TRY(add_axis(p, &table[i], o->value));
    }
    return SN_OK;
}

/* A preset sets several fields, of which an option may then change one: so it is first. */
static sn_status set_axes(const product *p, size_t combination, sn_experiment *experiment)
{
    size_t at[SN_EXPERIMENT_OPTIONS_MAX];
    for (size_t i = p->count; i-- > 0; combination /= p->axes[i].values.count)
        at[i] = combination % p->axes[i].values.count;
    for (size_t i = 0; i < p->count; i++)
        SN_TRY(sn_experiment_set(experiment, p->axes[i].option, p->axes[i].values.items[at[i]]));
    return SN_OK;
}

/* Every option that takes no list, as it was given. */
static sn_status set_single_valued(const given_options *given, sn_experiment *experiment)
{
    for (size_t i = 0; i < given->count; i++) {
        const sn_plan_option *o = &given->items[i];
        const sn_experiment_option *option = describe(o->name);
        if (option && option->list) continue;
        if (o->value && strchr(o->value, ',') && strcmp(o->name, "init") != 0)
            return sn_fail(SN_ERROR_USAGE, "--%s: takes one value, which holds for all runs", o->name);
        SN_TRY(sn_experiment_set(experiment, o->name, o->value));
    }
    return SN_OK;
}

typedef struct run_at_hand {
    const given_options *given;
    const sn_experiment *experiment;
} run_at_hand;

/* What means nothing to a run counts as not given to it: group norm has no --bn-scope, and such runs are merged. */
static bool is_given(const void *context, const char *name)
{
    const run_at_hand *run = context;
    return find(run->given, name) && sn_experiment_applies(run->experiment, name);
}

/* One of the product. `meant` (may be NULL) gains the options that apply to it. */
static sn_status compose(const product *p, size_t combination, bool *meant, sn_experiment *experiment)
{
    sn_experiment_default(experiment);
    SN_TRY(set_axes(p, combination, experiment));
    SN_TRY(set_single_valued(&p->given, experiment));
    for (size_t i = 0; meant && i < p->given.count; i++)
        meant[i] |= sn_experiment_applies(experiment, p->given.items[i].name);
    SN_TRY(sn_experiment_resolve(experiment, is_given, &(run_at_hand){&p->given, experiment}));
    if (experiment->workers != SN_WORKERS_RANKS) return SN_OK;
    if (p->ranks == 0)
        return sn_fail(SN_ERROR_USAGE,
                       "--workers ranks: a study needs --ranks-per-run R, which is then the number of "
                       "workers in every run");
    return sn_experiment_bind_ranks(experiment, p->ranks);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Unless one of that name is there. */
static sn_status add_run(size_t combination, const sn_experiment *experiment, void **names, sn_plan *plan)
{
    char name[SN_RUN_NAME_SIZE];
    sn_experiment mine = *experiment;
    if (mine.init_seed.own && mine.order_seed.own && mine.dropout_seed.own)
        mine.seed = 0; /* which has no part in it: runs of any seed are one */
    sn_experiment_name(&mine, name);
    if (tfind(name, names, compare_names)) return SN_OK;
    char *copy = strdup(name);
    if (!copy || !tsearch(copy, names, compare_names)) {
        free(copy);
        return sn_fail(SN_ERROR_MEMORY, "out of memory: the plan");
    }
    plan->combinations[plan->count++] = (uint16_t)combination;
    return SN_OK;
}

static sn_status check_size(const product *p, size_t *runs)
{
    *runs = 1;
    for (size_t i = 0; i < p->count; i++) {
        *runs *= p->axes[i].values.count;
        if (*runs > SN_PLAN_RUNS_MAX)
            return sn_fail(SN_ERROR_USAGE,
                           "a plan has at most %d runs; the lists up to --%s make %zu already",
                           SN_PLAN_RUNS_MAX, p->axes[i].option, *runs);
    }
    return SN_OK;
}

static sn_status add_runs(const product *p, size_t runs, bool *meant, void **names, sn_plan *plan)
{
    const given_options *given = &p->given;
    sn_experiment experiment;
    for (size_t i = 0; i < runs; i++) {
        SN_TRY(compose(p, i, meant, &experiment));
        SN_TRY(add_run(p->first + i, &experiment, names, plan));
    }
    for (size_t i = p->named; i < given->count; i++)
        if (!meant[i])
            return sn_fail(SN_ERROR_USAGE, "--%s goes with %s, which no run of the plan has",
                           given->items[i].name, describe(given->items[i].name)->goes_with);
    return SN_OK;
}

static sn_status multiply(product *p, void **names, sn_plan *plan)
{
    size_t runs;
    SN_TRY(find_axes(p));
    SN_TRY(check_size(p, &runs));
    const product *before = p > plan->products ? p - 1 : NULL;
    p->first = before ? before->first + before->combinations : 0;
    p->combinations = runs;
    uint16_t *all = realloc(plan->combinations, (plan->count + runs) * sizeof *all);
    if (all) plan->combinations = all;
    bool *meant = calloc(p->given.count + 1, sizeof *meant);
    const sn_status status = all && meant ? add_runs(p, runs, meant, names, plan)
                                          : sn_fail(SN_ERROR_MEMORY, "out of memory: the plan");
    free(meant);
    return status;
}

/* ---- plans by name ---- */

/* Whether an option of a named plan gives way to what was given: the same one, or one in whose place it stands. */
static bool gives_way(const char *name, const given_options *given)
{
    static const struct {
        const char *name, *to;
    } ways[] = {{"norm", "experiment"},
                {"experiment", "norm"},
                {"weight-standardization", "norm"}, /* of the norm that the plan puts it with */
                {"weight-standardization", "experiment"}};
    if (find(given, name)) return true;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (strcmp(name, ways[i].name) == 0 && find(given, ways[i].to)) return true;
    return false;
}

/* "--norm gn,bn --no-shuffle": options, with or without a value. */
static sn_status read_named(const char *set, const given_options *given, product *p)
{
    char *rest;
    p->text = strdup(set);
    sn_plan_option *items = calloc(strlen(set) + given->count + 1, sizeof *items);
    size_t count = 0;
    p->given.items = items;
    if (!p->text || !items) return sn_fail(SN_ERROR_MEMORY, "out of memory: the plan");
    bool kept = false;
    for (char *word = strtok_r(p->text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        const bool option = strncmp(word, "--", 2) == 0;
        if (option) kept = !gives_way(word + 2, given);
        if (option && kept) items[count++].name = word + 2;
        if (!option && kept) items[count - 1].value = word;
    }
    p->named = count;
    for (size_t i = 0; i < given->count; i++)
        items[count++] = given->items[i];
    p->given = (given_options){items, count};
    return SN_OK;
}

static sn_status find_named(const char *name, const sn_named_plan **found)
{
    char names[128] = "";
    size_t used = 0;
    for (*found = sn_named_plans; (*found)->name; ++*found) {
        if (strcmp((*found)->name, name) == 0) return SN_OK;
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", (*found)->name);
    }
    return sn_fail(SN_ERROR_USAGE, "--plan '%.60s': must be one of %s", name, names);
}

static sn_status fill(const sn_named_plan *named, const given_options *given, int ranks, sn_plan *plan)
{
    enum { SETS = sizeof named->sets / sizeof *named->sets };
    void *names = NULL;
    sn_status status = SN_OK;
    const sn_plan_option *held_out = find(given, "validation");
    if (find(given, "experiment") && find(given, "norm"))
        return sn_fail(SN_ERROR_USAGE, "--experiment and --norm exclude each other");
    if (named->select && held_out && held_out->value && strcmp(held_out->value, "0") == 0)
        return sn_fail(SN_ERROR_USAGE,
                       "--plan %s chooses by images held out, of which --validation 0 leaves none",
                       named->name);
    plan->products = calloc(SETS, sizeof *plan->products);
    if (!plan->products) return sn_fail(SN_ERROR_MEMORY, "out of memory: the plan");
    for (int i = 0; i < SETS && named->sets[i] && status == SN_OK; i++) {
        if (find(given, "batch") && strstr(named->sets[i], "--batch-per-worker "))
            continue; /* it is about that one */
        product *p = &plan->products[plan->product_count++];
        p->ranks = ranks;
        status = read_named(named->sets[i], given, p);
        if (status == SN_OK) status = multiply(p, &names, plan);
    }
    tdestroy(names, free);
    return status;
}

sn_status sn_plan_create_named(const char *name, const sn_plan_option *options, size_t count, int ranks,
                               sn_plan *plan)
{
    const sn_named_plan *named;
    *plan = (sn_plan){0};
    SN_TRY(find_named(name, &named));
    plan->select = named->select;
    sn_plan_option *items = calloc(count + 1, sizeof *items);
    if (!items) return sn_fail(SN_ERROR_MEMORY, "out of memory: the plan");
    if (count) memcpy(items, options, count * sizeof *items);
    const sn_status status = fill(named, &(given_options){items, count}, ranks, plan);
    free(items);
    if (status != SN_OK) sn_plan_clear(plan);
    return status;
}

sn_status sn_plan_create(const sn_plan_option *options, size_t count, int ranks, sn_plan *plan)
{
    return sn_plan_create_named("default", options, count, ranks, plan);
}

void sn_plan_experiment(const sn_plan *plan, size_t run, sn_experiment *experiment)
{
    const size_t combination = plan->combinations[run];
    const product *p = plan->products;
    while (combination >= p->first + p->combinations)
        p++;
    (void)compose(p, combination - p->first, NULL, experiment); /* it went well before */
    memcpy(experiment->init_digest, plan->init_digest, sizeof plan->init_digest);
}

void sn_plan_name(const sn_plan *plan, size_t run, char name[SN_RUN_NAME_SIZE])
{
    sn_experiment experiment;
    sn_plan_experiment(plan, run, &experiment);
    sn_experiment_name(&experiment, name);
}

sn_status sn_plan_read_init(sn_plan *plan)
{
    sn_experiment first;
    sn_plan_experiment(plan, 0, &first);
    const char *path = first.init; /* of all: --init takes no list */
    if (!*path) return SN_OK;
    sn_tensors state = {0};
    const sn_status status = sn_model_read(path, &state);
    if (status == SN_OK) sn_state_digest(&state, plan->init_digest);
    sn_tensors_clear(&state);
    return status;
}

void sn_plan_clear(sn_plan *plan)
{
    for (size_t k = 0; k < plan->product_count; k++) {
        product *p = &plan->products[k];
        for (size_t i = 0; i < p->count; i++)
            list_clear(&p->axes[i].values);
        free(p->given.items);
        free(p->text);
    }
    free(plan->products);
    free(plan->combinations);
    *plan = (sn_plan){0};
}
