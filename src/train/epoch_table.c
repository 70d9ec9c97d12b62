#include "epoch_table.h"

#include <assert.h>
#include <stdio.h>

typedef struct cell {
    char name[SN_TENSOR_NAME];
    const char *units;
    sn_type type;
    double value;
} cell;

/* 15 of any norm, 4 a norm of batch norm, 2 spreads and what each kind of sum has */
enum { CELLS_MAX = 15 + 4 * SN_NORMS + 2 * 3 + 6 * SN_TRAFFIC_KINDS };

typedef struct cells {
    size_t count;
    cell items[CELLS_MAX];
} cells;

static void add(cells *list, sn_type type, const char *units, double value, const char *name)
{
    assert(list->count < CELLS_MAX);
    cell *c = &list->items[list->count++];
    snprintf(c->name, sizeof c->name, "%s", name);
    c->units = units;
    c->type = type;
    c->value = value;
}

static void add_real(cells *list, const char *name, const char *units, double value)
{
    add(list, SN_TYPE_F64, units, value, name);
}

static void add_integer(cells *list, const char *name, const char *units, int64_t value)
{
    add(list, SN_TYPE_I64, units, (double)value, name);
}

/* compute_seconds_min, compute_seconds_mean, compute_seconds_max */
static void add_spread(cells *list, const char *what, sn_spread spread)
{
    const struct {
        const char *name;
        double value;
    } parts[] = {{"min", spread.min}, {"mean", spread.mean}, {"max", spread.max}};
    for (int i = 0; i < 3; i++) {
        char name[SN_TENSOR_NAME];
        snprintf(name, sizeof name, "%s_seconds_%s", what, parts[i].name);
        add_real(list, name, "s", parts[i].value);
    }
}

/* norm1.between_share ... norm9.between_share */
static void add_norms(cells *list, const char *what, const char *units, const double *values)
{
    for (int k = 0; k < SN_NORMS; k++) {
        char name[SN_TENSOR_NAME];
        snprintf(name, sizeof name, "norm%d.%s", k + 1, what);
        add_real(list, name, units, values[k]);
    }
}

static void add_sums(cells *list, int kind, const sn_costs *costs)
{
    static const char *const names[SN_TRAFFIC_KINDS] = {"statistics", "gradient", "running", "instrument"};
    const struct {
        const char *what, *units;
        double value;
    } parts[] = {{"calls", "", costs->sums[kind].calls},
                 {"bytes", "bytes", costs->sums[kind].bytes},
                 {"bytes_float32", "bytes", costs->sums[kind].bytes_float32}};
    const bool rides = kind == SN_TRAFFIC_RUNNING; /* in another's message */
    if (!rides) add_spread(list, names[kind], costs->sums[kind].seconds);
    for (int i = rides; i < 3; i++) {
        char name[SN_TENSOR_NAME];
        snprintf(name, sizeof name, "%s_%s", names[kind], parts[i].what);
        add_integer(list, name, parts[i].units, (int64_t)parts[i].value);
    }
}

/* test_loss, test_accuracy, test_correct */
static void add_evaluation(cells *list, const char *what, const sn_evaluation *evaluation)
{
    char name[SN_TENSOR_NAME];
    snprintf(name, sizeof name, "%s_loss", what);
    add_real(list, name, "nats", evaluation->loss);
    snprintf(name, sizeof name, "%s_accuracy", what);
    add_real(list, name, "%", evaluation->accuracy);
    snprintf(name, sizeof name, "%s_correct", what);
    add_integer(list, name, "images", evaluation->correct);
}

static void fill(cells *list, const sn_experiment *experiment, const sn_epoch_row *row)
{
    list->count = 0;
    add_integer(list, "epoch", "", row->epoch);
    add_real(list, "train_loss", "nats", row->train_loss);
    add_real(list, "train_cross_entropy", "nats", row->train_cross_entropy);
    add_real(list, "last_batch_loss", "nats", row->last_batch_loss);
    add_real(list, "train_accuracy", "%", row->train_accuracy);
    if (sn_experiment_tests(experiment)) add_evaluation(list, "test", &row->test);
    if (experiment->validation > 0) add_evaluation(list, "validation", &row->validation);
    add_real(list, "seconds", "s", row->seconds);
    add_real(list, "images_per_second", "images/s", row->images_per_second);
    add_real(list, "learning_rate", "", row->learning_rate);
    add_real(list, "gradient_norm", "", row->gradient_norm);
    if (sn_norm_pools_batch(experiment->norm)) {
        if (experiment->workers > 1) {
            add_norms(list, "between_share", "", row->between_share);
            add_norms(list, "between_share_corrected", "", row->between_share_corrected);
        }
        add_norms(list, "running_mean_gap", "standard deviations", row->running_mean_gap);
        add_norms(list, "running_var_gap", "", row->running_var_gap);
    }
    const sn_costs *costs = &row->costs;
    add_spread(list, "compute", costs->compute_seconds);
    add_spread(list, "wait", costs->wait_seconds);
    for (int k = 0; k < SN_TRAFFIC_KINDS; k++)
        add_sums(list, k, costs);
}

static const sn_epoch_row no_row;

sn_status sn_epoch_table_complete(const sn_experiment *experiment, sn_table *table, const char *path)
{
    cells list;
    fill(&list, experiment, &no_row);
    for (size_t i = 0; i < list.count; i++) {
        const cell *c = &list.items[i];
        const sn_column *column = sn_table_find(table, c->name);
        if (!column)
            SN_TRY(sn_table_add_column(table, c->name, c->type, c->units));
        else if (column->type != c->type)
            return sn_fail(SN_ERROR_FILE,
                           "%s: column %s of /metrics/epoch is of another type: written by another version?",
                           path, c->name);
    }
    return SN_OK;
}

sn_status sn_epoch_table_add(const sn_experiment *experiment, const sn_epoch_row *row, sn_table *table)
{
    cells list;
    fill(&list, experiment, row);
    SN_TRY(sn_table_add_row(table));
    for (size_t i = 0; i < list.count; i++)
        sn_table_put(table, list.items[i].name, list.items[i].value);
    return SN_OK;
}
