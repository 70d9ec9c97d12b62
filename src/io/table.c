/* Tables: columns of equal length that grow row by row. */

#include <stdlib.h>
#include <string.h>

#include "syncnorm/io/run_file.h"

const sn_column *sn_table_find(const sn_table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0) return &table->columns[i];
    return NULL;
}

sn_status sn_table_add_column(sn_table *table, const char *name, sn_type type, const char *units)
{
    sn_column column = {.type = type};
    if (sn_table_find(table, name)) return sn_fail(SN_ERROR_FAILED, "column %s is there twice", name);
    if (type != SN_TYPE_F64 && type != SN_TYPE_I64)
        return sn_fail(SN_ERROR_FAILED, "column %s is neither float64 nor int64", name);
    if (!name[0] || strchr(name, '/') || strcmp(name, ".") == 0 || strlen(name) >= sizeof column.name ||
        strlen(units) >= sizeof column.units)
        return sn_fail(SN_ERROR_FAILED, "\"%s\" in \"%s\" cannot be the name and units of a column", name,
                       units);
    if (table->column_count == table->column_capacity) {
        const size_t capacity = table->column_capacity ? 2 * table->column_capacity : 16;
        sn_column *columns = realloc(table->columns, capacity * sizeof *columns);
        if (!columns) return sn_fail(SN_ERROR_MEMORY, "out of memory: table of %zu columns", capacity);
        table->columns = columns;
        table->column_capacity = capacity;
    }
    memcpy(column.name, name, strlen(name) + 1);
    memcpy(column.units, units, strlen(units) + 1);
    if (table->row_capacity > 0) { /* rows were dropped: the others still have their room */
        column.data = calloc(table->row_capacity, sn_type_size(type));
        if (!column.data) return sn_fail(SN_ERROR_MEMORY, "out of memory: column %s", name);
    }
    for (size_t row = 0; row < table->rows; row++)
        if (type == SN_TYPE_I64)
            column.integer[row] = SN_COLUMN_UNKNOWN;
        else
            column.real[row] = __builtin_nan("");
    table->columns[table->column_count++] = column;
    return SN_OK;
}

/* A failure half way leaves some columns with more room than row_capacity says, which harms nothing. */
static sn_status grow(sn_table *table)
{
    const size_t capacity = table->row_capacity ? 2 * table->row_capacity : 64;
    for (size_t i = 0; i < table->column_count; i++) {
        sn_column *column = &table->columns[i];
        void *data = reallocarray(column->data, capacity, sn_type_size(column->type));
        if (!data)
            return sn_fail(SN_ERROR_MEMORY, "out of memory: column %s of %zu rows", column->name, capacity);
        column->data = data;
    }
    table->row_capacity = capacity;
    return SN_OK;
}

sn_status sn_table_add_row(sn_table *table)
{
    if (table->rows == table->row_capacity) SN_TRY(grow(table));
    for (size_t i = 0; i < table->column_count; i++) {
        sn_column *column = &table->columns[i];
        const size_t size = sn_type_size(column->type);
        memset((unsigned char *)column->data + table->rows * size, 0, size);
    }
    table->rows++;
    return SN_OK;
}

void sn_table_put(sn_table *table, const char *name, double value)
{
    const sn_column *column = sn_table_find(table, name);
    if (column->type == SN_TYPE_I64)
        column->integer[table->rows - 1] = (int64_t)value;
    else
        column->real[table->rows - 1] = value;
}

double sn_table_get(const sn_table *table, const char *name, size_t row)
{
    const sn_column *column = sn_table_find(table, name);
    if (!column || row >= table->rows) return __builtin_nan("");
    return column->type == SN_TYPE_I64 ? (double)column->integer[row] : column->real[row];
}

void sn_table_truncate(sn_table *table, size_t rows)
{
    if (rows < table->rows) table->rows = rows;
}

void sn_table_clear(sn_table *table)
{
    for (size_t i = 0; i < table->column_count; i++)
        free(table->columns[i].data);
    free(table->columns);
    *table = (sn_table){0};
}
