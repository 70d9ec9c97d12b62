/* Which line is which: named at its end where there is room, else in a key below. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "chart_style.h"
#include "text.h"

enum { LABELS_MOST = 10, LENGTH_MOST = 16 };

/* Of the plot's height: what a line of text takes. */
static const double TEXT_HEIGHT = 0.062;

typedef struct name {
    const char *text, *colour;
    double place; /* of the plot's height, from below */
} name;

static bool is_named(const sn_chart_series *series)
{
    return series->count > 0 && series->kind != SN_SERIES_DOTS && series->kind != SN_SERIES_POINTS;
}

size_t sn_chart_names_beside(const sn_chart *chart)
{
    size_t named = 0, longest = 0;
    double end = -HUGE_VAL;
    if (chart->form != SN_CHART_LINES) return 0;
    for (size_t s = 0; s < chart->series_count; s++) {
        const sn_chart_series *series = &chart->series[s];
        if (series->kind == SN_SERIES_POINTS && series->count) return 0; /* the key says what they are */
        if (!is_named(series)) continue;
        const size_t length = strlen(sn_series_title(series));
        longest = length > longest ? length : longest;
        end = fmax(end, series->points[series->count - 1].x);
        named++;
    }
    for (size_t s = 0; s < chart->series_count; s++) /* all reach the right-hand side */
        if (is_named(&chart->series[s]) && chart->series[s].points[chart->series[s].count - 1].x < end)
            return 0;
    return named >= 2 && named <= LABELS_MOST && longest <= LENGTH_MOST ? longest : 0;
}

static int from_below(const void *left, const void *right)
{
    const double a = ((const name *)left)->place, b = ((const name *)right)->place;
    return a < b ? -1 : a > b;
}

/* Names that would lie on each other are pushed apart, up from below and then down from the top. */
static void push_apart(name *names, size_t count)
{
    qsort(names, count, sizeof *names, from_below);
    for (size_t i = 1; i < count; i++)
        names[i].place = fmax(names[i].place, names[i - 1].place + TEXT_HEIGHT);
    double top = 1;
    for (size_t i = count; i-- > 0; top = names[i].place - TEXT_HEIGHT)
        names[i].place = fmin(names[i].place, top);
}

void sn_chart_put_names_beside(const sn_chart *chart, FILE *out)
{
    name names[LABELS_MOST];
    size_t count = 0;
    const size_t longest = sn_chart_names_beside(chart);
    if (longest == 0) return;
    for (size_t s = 0; s < chart->series_count; s++) {
        const sn_chart_series *series = &chart->series[s];
        if (!is_named(series)) continue;
        names[count++] = (name){sn_series_title(series), sn_chart_colour(chart, s),
                                sn_chart_place_of_y(chart, series->points[series->count - 1].y)};
    }
    push_apart(names, count);
    fprintf(out, "unset key\nset rmargin %zu\n", longest + 1);
    for (size_t i = 0; i < count; i++) {
        fprintf(out, "set label %zu \"", i + 1);
        sn_put_text(out, SN_SYNTAX_GNUPLOT, names[i].text);
        fprintf(out, "\" at graph 1.015, graph %.4f left tc rgb \"%s\"\n", names[i].place, names[i].colour);
    }
}
