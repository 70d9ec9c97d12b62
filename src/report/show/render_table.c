/* One table, three formats. */

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "render.h"
#include "text.h"

static const sn_report_cell *cell(const sn_report_table *table, size_t row, size_t column)
{
    return &table->cells[row * table->column_count + column];
}

/* As people write numbers: "−0.05", "74,284". */
static void put_numbers(const char *text, FILE *out)
{
    enum { GROUPED = 5 }; /* digits from which on thousands are set apart */
    bool fraction = false;
    for (const char *at = text; *at;) {
        const size_t digits = strspn(at, "0123456789");
        if (digits == 0) {
            fraction = *at == '.';
            const bool minus = *at == '-' && isdigit((unsigned char)at[1]) && (at == text || at[-1] == ' ');
            fputs(minus ? "−" : (char[]){*at, '\0'}, out);
            at++;
            continue;
        }
        for (size_t i = 0; i < digits; i++) {
            if (i > 0 && !fraction && digits >= GROUPED && (digits - i) % 3 == 0) fputc(',', out);
            fputc(at[i], out);
        }
        at += digits;
    }
}

static void put_cell(const sn_report_column *column, const char *text, sn_syntax syntax, FILE *out)
{
    char *shown = NULL;
    size_t size;
    FILE *numbers = column->numeric ? open_memstream(&shown, &size) : NULL;
    if (numbers) {
        put_numbers(text, numbers);
        if (fclose(numbers) == 0) text = shown;
    }
    sn_put_text(out, syntax, text);
    free(shown);
}

/* Of several rows: on the page it would only take room; Markdown and CSV keep it. */
static bool is_empty(const sn_report_table *table, size_t column)
{
    const size_t rows = sn_report_table_rows(table);
    for (size_t row = 0; row < rows; row++)
        if (*cell(table, row, column)->text) return false;
    return column > 0 && rows > 0;
}

/* With more columns than these a printed page wants smaller type. */
enum { WIDE = 14 };

static size_t columns_shown(const sn_report_table *table)
{
    size_t count = 0;
    for (size_t c = 0; c < table->column_count; c++)
        count += !is_empty(table, c);
    return count;
}

static bool has_details(const sn_report_table *table)
{
    for (size_t c = 0; c < table->column_count; c++)
        if (table->columns[c].detail && !is_empty(table, c)) return true;
    return false;
}

static void put_class(const sn_report_column *column, FILE *out)
{
    if (column->numeric || column->detail)
        fprintf(out, " class=\"%s%s%s\"", column->numeric ? "number" : "",
                column->numeric && column->detail ? " " : "", column->detail ? "detail" : "");
}

void sn_render_table_page(const sn_report_table *table, FILE *out)
{
    if (has_details(table))
        fprintf(out,
                "<input class=\"toggle more\" type=\"checkbox\" id=\"all-%s\">"
                "<label class=\"toggle\" for=\"all-%s\">all columns</label>",
                table->name, table->name);
    fprintf(out, "<div class=\"scroll\" id=\"table-%s\" role=\"region\" tabindex=\"0\" aria-label=\"",
            table->name);
    sn_put_text(out, SN_SYNTAX_HTML, table->caption);
    fprintf(out, "\"><table%s><caption><span>",
            table->square                 ? " class=\"square\""
            : columns_shown(table) > WIDE ? " class=\"wide\""
                                          : "");
    sn_put_text(out, SN_SYNTAX_HTML, table->caption);
    fputs("</span></caption><thead><tr>", out);
    for (size_t c = 0; c < table->column_count; c++) {
        if (is_empty(table, c)) continue;
        fputs("<th scope=\"col\"", out);
        put_class(&table->columns[c], out);
        fputc('>', out);
        sn_put_text(out, SN_SYNTAX_HTML, table->columns[c].heading);
        fputs("</th>", out);
    }
    fputs("</tr></thead><tbody>\n", out);
    for (size_t row = 0; row < sn_report_table_rows(table); row++) {
        fputs("<tr>", out);
        for (size_t c = 0; c < table->column_count; c++) {
            const sn_report_cell *one = cell(table, row, c);
            if (is_empty(table, c)) continue;
            if (c == 0)
                fputs("<th scope=\"row\">", out);
            else
                fprintf(out, "<td class=\"%s%s", table->columns[c].numeric ? "number" : "",
                        table->columns[c].detail ? " detail" : "");
            if (c > 0 && !isnan(one->shade))
                fprintf(out, " shade\" style=\"--shade:%.2f\">", one->shade);
            else if (c > 0)
                fputs("\">", out);
            put_cell(&table->columns[c], one->text, SN_SYNTAX_HTML, out);
            fputs(c == 0 ? "</th>" : "</td>", out);
        }
        fputs("</tr>\n", out);
    }
    fputs("</tbody></table></div>\n", out);
}

void sn_render_table_markdown(const sn_report_table *table, FILE *out)
{
    sn_put_text(out, SN_SYNTAX_MARKDOWN, table->caption);
    fputs(":\n\n|", out);
    for (size_t c = 0; c < table->column_count; c++) {
        fputc(' ', out);
        sn_put_text(out, SN_SYNTAX_MARKDOWN, table->columns[c].heading);
        fputs(" |", out);
    }
    fputs("\n|", out);
    for (size_t c = 0; c < table->column_count; c++)
        fputs(table->columns[c].numeric ? " ---: |" : " --- |", out);
    fputc('\n', out);
    for (size_t row = 0; row < sn_report_table_rows(table); row++) {
        fputc('|', out);
        for (size_t c = 0; c < table->column_count; c++) {
            fputc(' ', out);
            put_cell(&table->columns[c], cell(table, row, c)->text, SN_SYNTAX_MARKDOWN, out);
            fputs(" |", out);
        }
        fputc('\n', out);
    }
    fputc('\n', out);
}

/* Numbers for programs: a dash is no number, and two in a cell are two fields. */
static void put_csv_cell(const sn_report_column *column, const char *text, FILE *out)
{
    if (strcmp(text, "–") == 0) text = "";
    const char *between = column->between ? strstr(text, column->between) : NULL;
    if (between) {
        fprintf(out, "%.*s,%s", (int)(between - text), text, between + strlen(column->between));
        return;
    }
    sn_put_text(out, SN_SYNTAX_CSV, text);
    if (column->between) fputc(',', out);
}

void sn_render_table_csv(const sn_report_table *table, FILE *out)
{
    for (size_t c = 0; c < table->column_count; c++) {
        const sn_report_column *column = &table->columns[c];
        for (int part = 0; part < (column->between ? 2 : 1); part++) {
            if (c || part) fputc(',', out);
            sn_put_text(out, SN_SYNTAX_CSV, column->heading);
            if (column->between) fputs(column->parts[part], out);
        }
    }
    fputs("\r\n", out);
    for (size_t row = 0; row < sn_report_table_rows(table); row++) {
        for (size_t c = 0; c < table->column_count; c++) {
            if (c) fputc(',', out);
            const sn_report_cell *one = cell(table, row, c);
            put_csv_cell(&table->columns[c], one->key ? one->key : one->text, out);
        }
        fputs("\r\n", out);
    }
}
