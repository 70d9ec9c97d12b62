#include "document.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "syncnorm/base/missing.h"

static char *format_text(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

static char *format_text(const char *format, va_list arguments)
{
    char *text;
    return vasprintf(&text, format, arguments) < 0 ? NULL : text;
}

char *sn_text(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = format_text(format, arguments);
    va_end(arguments);
    return text;
}

static sn_block *add(sn_document *document, sn_block_kind kind)
{
    if (document->count == document->capacity) {
        const size_t capacity = document->capacity ? 2 * document->capacity : 64;
        sn_block *blocks = realloc(document->blocks, capacity * sizeof *blocks);
        if (!blocks) {
            document->failed = true;
            return NULL;
        }
        document->blocks = blocks;
        document->capacity = capacity;
    }
    sn_block *block = &document->blocks[document->count++];
    *block = (sn_block){.kind = kind};
    return block;
}

static void add_text(sn_document *document, sn_block_kind kind, char *text)
{
    sn_block *block = text ? add(document, kind) : NULL;
    if (block)
        block->text = text;
    else
        free(text);
    document->failed = document->failed || !block;
}

void sn_document_section(sn_document *document, const char *heading)
{
    add_text(document, SN_BLOCK_SECTION, strdup(heading));
}

void sn_document_heading(sn_document *document, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_text(document, SN_BLOCK_HEADING, format_text(format, arguments));
    va_end(arguments);
}

void sn_document_text(sn_document *document, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_text(document, SN_BLOCK_TEXT, format_text(format, arguments));
    va_end(arguments);
}

void sn_document_note(sn_document *document, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_text(document, SN_BLOCK_NOTE, format_text(format, arguments));
    va_end(arguments);
}

void sn_document_leave_out(sn_document *document, const char *what, const char *why)
{
    const char *before = document->left_out ? document->left_out : "";
    char *text = sn_text("%s%s%s (%s)", before, *before ? "; " : "", what, why);
    free(document->left_out);
    document->left_out = text;
    document->failed = document->failed || !text;
}

void sn_document_end_section(sn_document *document)
{
    if (document->left_out) sn_document_note(document, "Left out for lack of data: %s.", document->left_out);
    free(document->left_out);
    document->left_out = NULL;
}

static void set_heading(sn_document *document, sn_block *block, const char *heading)
{
    if (!block || !heading) return;
    block->heading = strdup(heading);
    block->folded = true;
    document->failed = document->failed || !block->heading;
}

void sn_document_table(sn_document *document, const char *heading, sn_report_table *table)
{
    sn_block *block = table && !table->failed ? add(document, SN_BLOCK_TABLE) : NULL;
    if (!block) {
        document->failed = true;
        sn_report_table_destroy(table);
        return;
    }
    block->table = table;
    set_heading(document, block, heading);
}

void sn_document_file(sn_document *document, const char *name, const char *text)
{
    sn_block *block = add(document, SN_BLOCK_FILE);
    if (!block) return;
    block->file = sn_text("%s", name);
    block->text = sn_text("%s", text);
    document->failed = document->failed || !block->file || !block->text;
}

void sn_document_chart(sn_document *document, sn_chart *chart)
{
    sn_block *block = chart && !chart->failed ? add(document, SN_BLOCK_CHART) : NULL;
    if (!block) {
        document->failed = true;
        sn_chart_destroy(chart);
        return;
    }
    sn_chart_drop_empty(chart);
    chart->number = ++document->figures;
    block->chart = chart;
}

void sn_document_code(sn_document *document, const char *heading, const char *text)
{
    add_text(document, SN_BLOCK_CODE, strdup(text));
    if (!document->failed) set_heading(document, &document->blocks[document->count - 1], heading);
}

sn_block *sn_document_pictures(sn_document *document, const char *sheet)
{
    sn_block *block = add(document, SN_BLOCK_PICTURES);
    if (block) block->sheet = strdup(sheet);
    document->failed = document->failed || !block || !block->sheet;
    return block;
}

sn_report_picture *sn_block_add_picture(sn_document *document, sn_block *block)
{
    sn_report_picture *pictures = block ? realloc(block->pictures,
                                                  (block->picture_count + 1) * sizeof *pictures)
                                        : NULL;
    if (!pictures) {
        document->failed = true;
        return NULL;
    }
    block->pictures = pictures;
    sn_report_picture *picture = &pictures[block->picture_count++];
    *picture = (sn_report_picture){0};
    return picture;
}

sn_status sn_document_status(const sn_document *document)
{
    return document->failed ? sn_fail(SN_ERROR_MEMORY, "out of memory: the report") : SN_OK;
}

static void clear_block(sn_block *block)
{
    for (size_t i = 0; i < block->picture_count; i++) {
        free(block->pictures[i].png);
        free(block->pictures[i].alternative);
        free(block->pictures[i].title);
        free(block->pictures[i].note);
    }
    free(block->pictures);
    free(block->sheet);
    free(block->file);
    free(block->text);
    free(block->heading);
    sn_report_table_destroy(block->table);
    sn_chart_destroy(block->chart);
}

void sn_document_clear(sn_document *document)
{
    for (size_t i = 0; i < document->count; i++)
        clear_block(&document->blocks[i]);
    free(document->blocks);
    free(document->left_out);
    free(document->title);
    free(document->subtitle);
    *document = (sn_document){0};
}

sn_report_table *sn_report_table_create(const char *name, const char *format, ...)
{
    sn_report_table *table = calloc(1, sizeof *table);
    if (!table) return NULL;
    va_list arguments;
    va_start(arguments, format);
    table->name = strdup(name);
    table->caption = format_text(format, arguments);
    va_end(arguments);
    table->failed = !table->name || !table->caption;
    return table;
}

void sn_report_table_column(sn_report_table *table, bool numeric, const char *format, ...)
{
    if (!table) return;
    sn_report_column *columns = realloc(table->columns, (table->column_count + 1) * sizeof *columns);
    if (!columns) {
        table->failed = true;
        return;
    }
    table->columns = columns;
    va_list arguments;
    va_start(arguments, format);
    columns[table->column_count] = (sn_report_column){.heading = format_text(format, arguments),
                                                      .numeric = numeric};
    va_end(arguments);
    table->failed = table->failed || !columns[table->column_count].heading;
    table->column_count++;
}

void sn_report_table_split(sn_report_table *table, const char *between, const char *first, const char *second)
{
    if (!table || table->failed) return;
    sn_report_column *column = &table->columns[table->column_count - 1];
    column->between = between;
    column->parts[0] = first;
    column->parts[1] = second;
}

void sn_report_table_detail(sn_report_table *table)
{
    if (table && !table->failed) table->columns[table->column_count - 1].detail = true;
}

static void add_cell(sn_report_table *table, char *text)
{
    const size_t count = table->cell_count;
    if ((count & (count - 1)) == 0) { /* grows at powers of two */
        sn_report_cell *cells = realloc(table->cells, (count ? 2 * count : 1) * sizeof *cells);
        if (!cells) {
            free(text);
            table->failed = true;
            return;
        }
        table->cells = cells;
    }
    table->failed = table->failed || !text;
    table->cells[table->cell_count++] = (sn_report_cell){.text = text, .shade = SN_MISSING};
}

void sn_report_table_cell(sn_report_table *table, const char *format, ...)
{
    if (!table) return;
    va_list arguments;
    va_start(arguments, format);
    add_cell(table, format_text(format, arguments));
    va_end(arguments);
}

void sn_report_table_name(sn_report_table *table, const char *brief, const char *whole)
{
    if (!table) return;
    add_cell(table, strdup(brief));
    if (table->failed || strcmp(brief, whole) == 0) return;
    char *key = table->cells[table->cell_count - 1].key = strdup(whole);
    table->failed = !key;
}

static void clear_cell(sn_report_cell *cell)
{
    free(cell->text);
    free(cell->key);
}

void sn_report_table_number(sn_report_table *table, int digits, double value)
{
    if (isnan(value))
        sn_report_table_cell(table, "%s", "");
    else
        sn_report_table_cell(table, "%.*f", digits, value);
}

void sn_report_table_shade(sn_report_table *table, double shade)
{
    if (table && table->cell_count) table->cells[table->cell_count - 1].shade = shade;
}

void sn_report_table_drop_empty(sn_report_table *table)
{
    if (!table || table->failed) return;
    const size_t rows = sn_report_table_rows(table), before = table->column_count;
    size_t kept = 0;
    bool *empty = calloc(before + 1, sizeof *empty);
    if (!empty) {
        table->failed = true;
        return;
    }
    for (size_t c = 0; c < before; c++) {
        empty[c] = rows > 0;
        for (size_t row = 0; row < rows; row++)
            empty[c] = empty[c] && !*table->cells[row * before + c].text;
    }
    for (size_t i = 0; i < rows * before; i++)
        if (empty[i % before])
            clear_cell(&table->cells[i]);
        else
            table->cells[kept++] = table->cells[i];
    table->cell_count = kept;
    kept = 0;
    for (size_t c = 0; c < before; c++)
        if (empty[c])
            free(table->columns[c].heading);
        else
            table->columns[kept++] = table->columns[c];
    table->column_count = kept;
    free(empty);
}

size_t sn_report_table_rows(const sn_report_table *table)
{
    return table && table->column_count ? table->cell_count / table->column_count : 0;
}

void sn_report_table_destroy(sn_report_table *table)
{
    if (!table) return;
    for (size_t i = 0; i < table->column_count; i++)
        free(table->columns[i].heading);
    for (size_t i = 0; i < table->cell_count; i++)
        clear_cell(&table->cells[i]);
    free(table->columns);
    free(table->cells);
    free(table->name);
    free(table->caption);
    free(table);
}
