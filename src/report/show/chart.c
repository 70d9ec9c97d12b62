#include "chart.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "syncnorm/base/missing.h"
#include "text.h"

sn_chart *sn_chart_create(const char *name, const char *title, const char *x_label, const char *y_label)
{
    sn_chart *chart = calloc(1, sizeof *chart);
    if (!chart) return NULL;
    chart->name = strdup(name);
    chart->title = strdup(title);
    chart->x_label = strdup(x_label);
    chart->y_label = strdup(y_label);
    chart->caption = strdup("");
    chart->shown[0] = chart->shown[1] = SN_MISSING;
    chart->failed = !chart->name || !chart->title || !chart->x_label || !chart->y_label || !chart->caption;
    return chart;
}

void sn_chart_caption(sn_chart *chart, const char *format, ...)
{
    if (!chart) return;
    free(chart->caption);
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&chart->caption, format, arguments) < 0) chart->caption = NULL;
    va_end(arguments);
    chart->failed = chart->failed || !chart->caption;
}

void sn_chart_add_series(sn_chart *chart, const char *label, sn_series_kind kind, size_t style)
{
    if (!chart) return;
    sn_chart_series *series = realloc(chart->series, (chart->series_count + 1) * sizeof *series);
    if (!series) {
        chart->failed = true;
        return;
    }
    chart->series = series;
    series += chart->series_count++;
    *series = (sn_chart_series){.label = strdup(label), .kind = kind, .style = style};
    chart->failed = chart->failed || !series->label;
}

void sn_chart_title_series(sn_chart *chart, const char *title)
{
    if (!chart || chart->failed) return;
    char *copy = chart->series[chart->series_count - 1].title = strdup(title);
    chart->failed = !copy;
}

const char *sn_series_title(const sn_chart_series *series)
{
    return series->title ? series->title : series->label;
}

static void clear_series(sn_chart_series *series)
{
    free(series->label);
    free(series->title);
    free(series->points);
}

void sn_chart_add_point(sn_chart *chart, sn_chart_point point)
{
    if (!chart || chart->failed || !chart->series_count || !isfinite(point.y)) return;
    sn_chart_series *series = &chart->series[chart->series_count - 1];
    sn_chart_point *points = realloc(series->points, (series->count + 1) * sizeof *points);
    if (!points) {
        chart->failed = true;
        return;
    }
    series->points = points;
    points[series->count++] = point;
}

void sn_chart_add_bar(sn_chart *chart, const char *label)
{
    if (!chart) return;
    char **bars = realloc(chart->bars, (chart->bar_count + 1) * sizeof *bars);
    char *text = strdup(label);
    if (bars) chart->bars = bars;
    if (!bars || !text) {
        free(text);
        chart->failed = true;
        return;
    }
    bars[chart->bar_count++] = text;
}

void sn_chart_share_scale(sn_chart *const *charts, size_t count)
{
    double low = SN_MISSING, high = SN_MISSING;
    for (size_t c = 0; c < count; c++)
        for (size_t s = 0; charts[c] && s < charts[c]->series_count; s++)
            for (size_t i = 0; i < charts[c]->series[s].count; i++) {
                low = fmin(low, charts[c]->series[s].points[i].y);
                high = fmax(high, charts[c]->series[s].points[i].y);
            }
    for (size_t c = 0; c < count; c++)
        if (charts[c]) {
            charts[c]->shown[0] = low;
            charts[c]->shown[1] = high;
        }
}

bool sn_chart_has_data(const sn_chart *chart)
{
    for (size_t i = 0; chart && i < chart->series_count; i++)
        if (chart->series[i].count) return true;
    return false;
}

void sn_chart_drop_empty(sn_chart *chart)
{
    size_t kept = 0;
    for (size_t i = 0; chart && i < chart->series_count; i++)
        if (chart->series[i].count)
            chart->series[kept++] = chart->series[i];
        else
            clear_series(&chart->series[i]);
    if (chart) chart->series_count = kept;
}

void sn_chart_destroy(sn_chart *chart)
{
    if (!chart) return;
    for (size_t i = 0; i < chart->series_count; i++)
        clear_series(&chart->series[i]);
    for (size_t i = 0; i < chart->bar_count; i++)
        free(chart->bars[i]);
    free(chart->bars);
    free(chart->series);
    free(chart->name);
    free(chart->title);
    free(chart->caption);
    free(chart->x_label);
    free(chart->y_label);
    free(chart->svg);
    free(chart);
}

static sn_status write_part(const sn_chart *chart, const char *directory, const char *extension,
                            void (*put)(const sn_chart *chart, FILE *out))
{
    char *text = NULL, *name = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out) put(chart, out);
    sn_status status = SN_OK;
    if (!out || fclose(out) != 0 || asprintf(&name, "%s.%s", chart->name, extension) < 0)
        status = sn_fail(SN_ERROR_MEMORY, "out of memory: figure %s", chart->name);
    else
        status = sn_write_file(directory, name, text, size);
    free(name);
    free(text);
    return status;
}

sn_status sn_chart_write(const sn_chart *chart, const char *directory)
{
    SN_TRY(write_part(chart, directory, "tsv", sn_chart_put_data));
    return write_part(chart, directory, "gp", sn_chart_put_script);
}

void sn_chart_describe(const sn_chart *chart, FILE *out)
{
    enum { SERIES_SHOWN = 12 };
    const bool named = chart->form != SN_CHART_LINES;
    if (chart->form == SN_CHART_FOREST)
        fprintf(out, "In %s.", chart->x_label);
    else
        fprintf(out, "%s by %s.", chart->y_label, named ? "experiment" : chart->x_label);
    for (size_t i = 0; i < chart->series_count && i < SERIES_SHOWN; i++) {
        const sn_chart_series *series = &chart->series[i];
        if (!series->count || series->kind == SN_SERIES_DOTS) continue;
        const sn_chart_point *first = series->points, *last = &series->points[series->count - 1];
        fprintf(out, " %s: ", sn_series_title(series));
        if (named)
            for (size_t k = 0; k < series->count; k++)
                fprintf(out, "%s%.4g (%s)", k ? ", " : "", series->points[k].y,
                        k < chart->bar_count ? chart->bars[k] : "");
        else if (series->kind == SN_SERIES_ACROSS || series->count == 1)
            fprintf(out, "%.4g", last->y);
        else
            fprintf(out, "%.4g at %g to %.4g at %g", first->y, first->x, last->y, last->x);
        fputc('.', out);
    }
    if (chart->series_count > SERIES_SHOWN)
        fprintf(out, " And %zu more series, in %s.tsv.", chart->series_count - SERIES_SHOWN, chart->name);
}
