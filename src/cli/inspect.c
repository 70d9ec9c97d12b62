/* syncnorm inspect: a run file as text. Attributes and tables are printed as they are; their meaning is in their names and units. */

#include "syncnorm/cli/inspect.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "syncnorm/io/run_file.h"

enum { CELL = 64, NAME_WIDTH = 26 };

/* Text from a file must not move the cursor or colour the terminal. */
static void print_clean(FILE *out, const char *text)
{
    for (; *text; text++)
        fputc((unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text, out);
}

static void print_attribute(FILE *out, const sn_attribute *attribute)
{
    fprintf(out, "  %-*s", NAME_WIDTH, attribute->name);
    if (attribute->type == SN_VALUE_TEXT) {
        print_clean(out, attribute->text);
    } else {
        char number[CELL];
        sn_attribute_print(attribute, number, sizeof number);
        fputs(number, out);
    }
    fputc('\n', out);
}

static void print_attributes(FILE *out, const sn_attributes *attributes)
{
    for (size_t i = 0; i < attributes->count; i++)
        print_attribute(out, &attributes->items[i]);
}

static bool same_value(const sn_attribute *a, const sn_attribute *b)
{
    if (a->type != b->type) return false;
    switch (a->type) {
    case SN_VALUE_INTEGER:
        return a->integer == b->integer;
    case SN_VALUE_REAL:
        return a->real == b->real || (isnan(a->real) && isnan(b->real));
    case SN_VALUE_TEXT:
        return strcmp(a->text, b->text) == 0;
    }
    return false;
}

/* Every start and resumption; what did not change from one to the next is not said again. */
static void print_provenance(FILE *out, const sn_run *run)
{
    for (size_t i = 0; i < run->provenance_count; i++) {
        if (i == 0)
            fprintf(out, "\nprovenance\n");
        else
            fprintf(out, "\nprovenance, resumption %zu: what changed\n", i);
        const sn_attributes *entry = &run->provenance[i];
        for (size_t k = 0; k < entry->count; k++) {
            const sn_attribute *now = &entry->items[k];
            const sn_attribute *before = i > 0 ? sn_attributes_find(&entry[-1], now->name) : NULL;
            if (!before || !same_value(now, before)) print_attribute(out, now);
        }
    }
}

static const char *type_name(sn_type type)
{
    switch (type) {
    case SN_TYPE_F32:
        return "float32";
    case SN_TYPE_F64:
        return "float64";
    case SN_TYPE_U8:
        return "uint8";
    case SN_TYPE_I32:
        return "int32";
    case SN_TYPE_I64:
        return "int64";
    }
    return "?";
}

/* "10 x 1 x 3 x 3"; "scalar" */
static void format_shape(const sn_tensor *tensor, char text[CELL])
{
    int used = snprintf(text, CELL, "%s", tensor->rank == 0 ? "scalar" : "");
    for (int i = 0; i < tensor->rank && used < CELL; i++)
        used += snprintf(text + used, CELL - (size_t)used, "%s%zu", i ? " x " : "", tensor->shape[i]);
}

static void print_tensors(FILE *out, const sn_tensors *tensors)
{
    for (size_t i = 0; i < tensors->count; i++) {
        char shape[CELL];
        format_shape(&tensors->items[i], shape);
        fprintf(out, "  %-*s%-20s%s\n", NAME_WIDTH, tensors->items[i].name, shape,
                type_name(tensors->items[i].type));
    }
}

static size_t count_values(const sn_tensors *tensors)
{
    size_t count = 0;
    for (size_t i = 0; i < tensors->count; i++)
        count += sn_tensor_count(&tensors->items[i]);
    return count;
}

static void format_cell(const sn_column *column, size_t row, char text[CELL])
{
    static const struct {
        const char *units;
        int digits;
    } fixed[] = {{"%", 2}, {"nats", 4}, {"s", 2}, {"images/s", 0}};
    if (column->type == SN_TYPE_I64) {
        snprintf(text, CELL, "%" PRId64, column->integer[row]);
        return;
    }
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        if (strcmp(column->units, fixed[i].units) == 0) {
            snprintf(text, CELL, "%.*f", fixed[i].digits, column->real[row]);
            return;
        }
    snprintf(text, CELL, "%.6g", column->real[row]);
}

/* As wide as its name, its units and its widest value. */
static int column_width(const sn_column *column, size_t rows)
{
    size_t width = strlen(column->name), units = strlen(column->units);
    if (units > width) width = units;
    for (size_t row = 0; row < rows; row++) {
        char cell[CELL];
        format_cell(column, row, cell);
        if (strlen(cell) > width) width = strlen(cell);
    }
    return (int)width;
}

static sn_status print_table(FILE *out, const sn_table *table)
{
    if (table->column_count == 0) return SN_OK;
    int *widths = calloc(table->column_count, sizeof *widths);
    if (!widths) return sn_fail(SN_ERROR_MEMORY, "out of memory: table of %zu columns", table->column_count);
    for (size_t i = 0; i < table->column_count; i++)
        widths[i] = column_width(&table->columns[i], table->rows);
    for (size_t i = 0; i < table->column_count; i++)
        fprintf(out, "  %*s", widths[i], table->columns[i].name);
    fputc('\n', out);
    for (size_t i = 0; i < table->column_count; i++)
        fprintf(out, "  %*s", widths[i], table->columns[i].units);
    fputc('\n', out);
    for (size_t row = 0; row < table->rows; row++) {
        for (size_t i = 0; i < table->column_count; i++) {
            char cell[CELL];
            format_cell(&table->columns[i], row, cell);
            fprintf(out, "  %*s", widths[i], cell);
        }
        fputc('\n', out);
    }
    free(widths);
    return SN_OK;
}

/* A confusion matrix has the accuracy on its diagonal. */
static void print_correct(FILE *out, const sn_tensors *evaluation)
{
    const sn_tensor *confusion = sn_tensors_find(evaluation, "confusion");
    if (!confusion || confusion->type != SN_TYPE_I64 || confusion->rank != 2 ||
        confusion->shape[0] != confusion->shape[1])
        return;
    const size_t classes = confusion->shape[0];
    const int64_t *counts = confusion->data;
    double all = 0, correct = 0;
    for (size_t i = 0; i < classes * classes; i++)
        all += (double)counts[i];
    for (size_t i = 0; i < classes; i++)
        correct += (double)counts[i * classes + i];
    if (all > 0)
        fprintf(out, "  %-*s%.0f of %.0f (%.2f%%)\n", NAME_WIDTH, "correct", correct, all,
                100 * correct / all);
}

static sn_status print_run(const char *path, const sn_run *run, FILE *out)
{
    fprintf(out, "%s\n", path);
    print_attributes(out, &run->root);
    fprintf(out, "\nprogress\n");
    print_attributes(out, &run->progress);
    fprintf(out, "\nexperiment\n");
    print_attributes(out, &run->experiment);
    print_provenance(out, run);
    fprintf(out, "\nmodel: %zu tensors, %zu values\n", run->model.count, count_values(&run->model));
    print_tensors(out, &run->model);
    print_attributes(out, &run->model_attributes);
    fprintf(out, "\noptimizer: %zu tensors, %zu values\n", run->optimizer.count,
            count_values(&run->optimizer));
    fprintf(out, "\nepochs: %zu rows\n", run->epochs.rows);
    SN_TRY(print_table(out, &run->epochs));
    fprintf(out, "\nsteps: %zu rows of", run->steps.rows);
    for (size_t i = 0; i < run->steps.column_count; i++)
        fprintf(out, "%s %s", i ? "," : "", run->steps.columns[i].name);
    fprintf(out, "\n\nevaluation\n");
    print_attributes(out, &run->evaluation_attributes);
    print_correct(out, &run->evaluation);
    print_tensors(out, &run->evaluation);
    return SN_OK;
}

static sn_status check_output(FILE *out)
{
    if (fflush(out) != 0 || ferror(out)) return sn_fail(SN_ERROR_FILE, "cannot write the output");
    return SN_OK;
}

sn_status sn_inspect_print(const char *path, FILE *out)
{
    sn_run run;
    SN_TRY(sn_run_read(path, &run));
    sn_status status = print_run(path, &run, out);
    sn_run_clear(&run);
    if (status == SN_OK) status = check_output(out);
    return status;
}

sn_status sn_inspect_verify(const char *path, FILE *out)
{
    sn_run run;
    SN_TRY(sn_run_verify(path));
    SN_TRY(sn_run_read(path, &run));
    const sn_attribute *digest = sn_attributes_find(&run.model_attributes, "digest");
    fprintf(out, "ok %s digest %s\n", path, digest && digest->type == SN_VALUE_TEXT ? digest->text : "none");
    sn_run_clear(&run);
    return check_output(out);
}
