/* A chart as data: one column per series, so that a spreadsheet reads it, too. */

#include <math.h>
#include <stdlib.h>

#include "chart.h"
#include "syncnorm/base/missing.h"
#include "text.h"

static int compare_numbers(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

double *sn_chart_union_of_x(const sn_chart *chart, size_t *count)
{
    size_t all = 0;
    for (size_t s = 0; s < chart->series_count; s++)
        all += chart->series[s].count;
    double *x = malloc((all + 1) * sizeof *x);
    *count = 0;
    if (!x) return NULL;
    all = 0;
    for (size_t s = 0; s < chart->series_count; s++)
        for (size_t i = 0; i < chart->series[s].count; i++)
            x[all++] = chart->series[s].points[i].x;
    qsort(x, all, sizeof *x, compare_numbers);
    for (size_t i = 0; i < all; i++)
        if (*count == 0 || x[i] > x[*count - 1]) x[(*count)++] = x[i];
    return x;
}

bool sn_series_has_interval(const sn_chart_series *series)
{
    for (size_t i = 0; i < series->count; i++)
        if (!isnan(series->points[i].low)) return true;
    return false;
}

static void put_value(FILE *out, double value)
{
    if (isnan(value))
        fputc('\t', out);
    else
        fprintf(out, "\t%.10g", value);
}

static void put_forest(const sn_chart *chart, FILE *out)
{
    const sn_chart_series *series = chart->series;
    fprintf(out, "comparison\t%s\tfrom\tto\n", series->label);
    for (size_t i = 0; i < chart->bar_count && i < series->count; i++) {
        sn_put_text(out, SN_SYNTAX_TSV, chart->bars[i]);
        put_value(out, series->points[i].y);
        put_value(out, series->points[i].low);
        put_value(out, series->points[i].high);
        fputc('\n', out);
    }
}

static void put_bars(const sn_chart *chart, FILE *out)
{
    fputs("experiment", out);
    for (size_t s = 0; s < chart->series_count; s++) {
        fputc('\t', out);
        sn_put_text(out, SN_SYNTAX_TSV, chart->series[s].label);
    }
    fputc('\n', out);
    for (size_t i = 0; i < chart->bar_count; i++) {
        sn_put_text(out, SN_SYNTAX_TSV, chart->bars[i]);
        for (size_t s = 0; s < chart->series_count; s++)
            put_value(out, i < chart->series[s].count ? chart->series[s].points[i].y : 0);
        fputc('\n', out);
    }
}

/* The series' point number `skip` at x, empty cells where there is none; `*there`: how many it has. */
static void put_point(const sn_chart_series *series, double x, size_t skip, size_t *there, FILE *out)
{
    sn_chart_point point = {x, SN_MISSING, SN_MISSING, SN_MISSING};
    *there = 0;
    for (size_t k = 0; k < series->count; k++)
        if (series->points[k].x >= x && series->points[k].x <= x && (*there)++ == skip)
            point = series->points[k];
    put_value(out, point.y);
    if (!sn_series_has_interval(series)) return;
    put_value(out, isnan(point.low) ? point.y : point.low);
    put_value(out, isnan(point.high) ? point.y : point.high);
}

void sn_chart_put_data(const sn_chart *chart, FILE *out)
{
    if (chart->form == SN_CHART_STACKED) {
        put_bars(chart, out);
        return;
    }
    if (chart->form == SN_CHART_FOREST) {
        put_forest(chart, out);
        return;
    }
    size_t count;
    double *x = sn_chart_union_of_x(chart, &count);
    sn_put_text(out, SN_SYNTAX_TSV, chart->x_label);
    for (size_t s = 0; s < chart->series_count; s++) {
        if (chart->series[s].kind == SN_SERIES_DOTS) continue; /* in the script */
        const int columns = sn_series_has_interval(&chart->series[s]) ? 3 : 1;
        static const char *const suffixes[] = {"", " low", " high"};
        for (int c = 0; c < columns; c++) {
            fputc('\t', out);
            sn_put_text(out, SN_SYNTAX_TSV, chart->series[s].label);
            fputs(suffixes[c], out);
        }
    }
    fputc('\n', out);
    for (size_t i = 0; x && i < count; i++) {
        size_t rows = 1; /* as many as a series has points there: no point is lost */
        for (size_t row = 0; row < rows; row++) {
            fprintf(out, "%.10g", x[i]);
            for (size_t s = 0; s < chart->series_count; s++) {
                size_t there;
                if (chart->series[s].kind == SN_SERIES_DOTS) continue;
                put_point(&chart->series[s], x[i], row, &there, out);
                if (there > rows) rows = there;
            }
            fputc('\n', out);
        }
    }
    free(x);
}
