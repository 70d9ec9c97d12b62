/* A chart as data (one column per series, so that a spreadsheet reads it, too) and as a gnuplot script. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "missing.h"
#include "text.h"

enum { WIDTH = 440, PLOT_HEIGHT = 282, KEY_ROW = 23, BAR_HEIGHT = 38, TICKS_MAX = 64, LABEL_MAX = 46 };

/* Okabe and Ito's colours, which the colour-blind tell apart, darkest first; points differ as well. */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                      "#e69f00", "#56b4e9", "#8c564b", "#7f7f7f"};
static const int points[] = {7, 5, 9, 13, 11, 3, 1, 2};
/* from the first layer to the last */
static const char *const ramp[] = {"#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c",
                                   "#28ae80", "#5ec962", "#addc30", "#e8c51d"};
enum { STYLES = sizeof colours / sizeof *colours, RAMP = sizeof ramp / sizeof *ramp };

static int compare_numbers(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

/* The distinct x of all series, ascending; NULL when out of memory. */
static double *union_of_x(const sn_chart *chart, size_t *count)
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

static bool has_interval(const sn_chart_series *series)
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
    if (!has_interval(series)) return;
    put_value(out, isnan(point.low) ? point.y : point.low);
    put_value(out, isnan(point.high) ? point.y : point.high);
}

void sn_chart_put_data(const sn_chart *chart, FILE *out)
{
    if (chart->stacked) {
        put_bars(chart, out);
        return;
    }
    size_t count;
    double *x = union_of_x(chart, &count);
    sn_put_text(out, SN_SYNTAX_TSV, chart->x_label);
    for (size_t s = 0; s < chart->series_count; s++) {
        const int columns = has_interval(&chart->series[s]) ? 3 : 1;
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
                put_point(&chart->series[s], x[i], row, &there, out);
                if (there > rows) rows = there;
            }
            fputc('\n', out);
        }
    }
    free(x);
}

/* On an axis of accuracy the distance from 100. */
static double on_axis(const sn_chart *chart, double y)
{
    return chart->y_axis == SN_AXIS_ACCURACY ? 100 - y : y;
}

static void y_limits(const sn_chart *chart, double *low, double *high)
{
    const bool logarithmic = chart->y_axis != SN_AXIS_LINEAR;
    double least = HUGE_VAL;
    *low = HUGE_VAL;
    *high = -HUGE_VAL;
    for (size_t s = 0; s < chart->series_count; s++)
        for (size_t i = 0; i < chart->series[s].count; i++) {
            const sn_chart_point *p = &chart->series[s].points[i];
            const double values[] = {p->y, p->low, p->high};
            least = fmin(least, on_axis(chart, p->y));
            for (int k = 0; k < 3; k++) {
                const double y = on_axis(chart, values[k]);
                if (isnan(y) || (logarithmic && y <= 0)) continue;
                *low = fmin(*low, y);
                *high = fmax(*high, y);
            }
        }
    if (!(*low <= *high)) {
        *low = logarithmic ? 0.1 : 0;
        *high = 1;
    }
    if (logarithmic) {
        const double factor = fmax(pow(*high / *low, 0.06), 1.05);
        *low /= factor;
        *high *= factor;
    } else {
        if (least >= 0) *low = fmax(*low, 0); /* an interval may reach where no value can be */
        const bool from_zero = *low >= 0 && *low < 0.25 * *high;
        const double space = fmax((*high - *low) * 0.06, fabs(*high) * 1e-3);
        *low = from_zero ? 0 : *low - space;
        *high += space > 0 ? space : 1;
    }
}

/* The step of a linear axis of about five ticks: 1, 2 or 5 times a power of ten. */
static double nice_step(double span)
{
    const double raw = span / 5, decade = pow(10, floor(log10(raw)));
    return decade * (raw / decade < 1.5 ? 1 : raw / decade < 3.5 ? 2 : raw / decade < 7.5 ? 5 : 10);
}

/* The coarsest of these steps that gives four ticks within the limits; within a small factor, as on a linear axis. */
static size_t log_ticks(double low, double high, double ticks[TICKS_MAX])
{
    static const double steps[][8] = {
        {1}, {1, 3}, {1, 2, 5}, {1, 1.5, 2, 3, 5, 7}, {1, 1.5, 2, 2.5, 3, 4, 6, 8}};
    size_t count = 0;
    for (size_t s = 0; s < sizeof steps / sizeof *steps && high / low > 2; s++) {
        count = 0;
        for (int decade = (int)floor(log10(low)); decade <= (int)ceil(log10(high)); decade++)
            for (size_t i = 0; i < 8 && steps[s][i] > 0 && count < TICKS_MAX; i++) {
                const double tick = steps[s][i] * pow(10, decade);
                if (tick >= low && tick <= high) ticks[count++] = tick;
            }
        if (count >= 4) return count;
    }
    const double step = nice_step(high - low);
    count = 0;
    for (double tick = ceil(low / step); tick * step <= high && count < TICKS_MAX; tick++)
        ticks[count++] = tick * step;
    return count;
}

static void put_y_axis(const sn_chart *chart, FILE *out)
{
    double low, high, ticks[TICKS_MAX];
    y_limits(chart, &low, &high);
    const bool accuracy = chart->y_axis == SN_AXIS_ACCURACY;
    fprintf(out, "set yrange [%.6g:%.6g]\n", accuracy ? high : low, accuracy ? low : high);
    if (chart->y_axis == SN_AXIS_LINEAR) return;
    const size_t count = log_ticks(low, high, ticks);
    fprintf(out, "set logscale y\nset ytics (");
    for (size_t i = 0; i < count; i++)
        if (accuracy)
            fprintf(out, "%s\"%.6g\" %.6g", i ? ", " : "", 100 - ticks[i], ticks[i]);
        else
            fprintf(out, "%s%.6g", i ? ", " : "", ticks[i]);
    fputs(")\n", out);
}

static void put_x_axis(const sn_chart *chart, FILE *out)
{
    size_t count;
    double *x = union_of_x(chart, &count);
    if (!x || count == 0) {
        free(x);
        return;
    }
    const double low = x[0], high = x[count - 1];
    if (chart->x_axis == SN_AXIS_LOG2) {
        fprintf(out, "set logscale x 2\nset xrange [%.6g:%.6g]\nset xtics (", low / 1.25, high * 1.25);
        for (size_t i = 0; i < count; i++)
            fprintf(out, "%s%.6g", i ? ", " : "", x[i]);
        fputs(")\n", out);
    } else {
        const double space = high > low ? (high - low) * 0.03 : 0.5;
        fprintf(out, "set xrange [%.6g:%.6g]\n", low - space, high + space);
        /* whole numbers, epochs and layers: the first and round ones */
        const double step = high - low <= 10 ? 1 : fmax(5, nice_step(high - low));
        fprintf(out, "set xtics (%g", low);
        const int ticks = (int)floor(high / step) - (int)floor(low / step);
        for (int i = 1; i <= ticks; i++) {
            const double tick = (floor(low / step) + i) * step;
            if (tick > low + step / 2 || step <= 1) fprintf(out, ", %g", tick);
        }
        fputs(")\n", out);
    }
    free(x);
}

/* gnuplot gives each entry of a key 9.1 units per character and 48 more, of about 411: too much for long ones in a
   proportional font. What it is told to take less by, in characters; and how many columns it will then make, so that the height is
   known before. */
static size_t key_shrink(size_t longest)
{
    return longest < 15 ? longest / 5 : 3;
}

static size_t key_rows(const sn_chart *chart, size_t *columns, size_t *shrink)
{
    size_t longest = 1, entries = 0, published = 0;
    for (size_t s = 0; s < chart->series_count; s++) {
        const bool points_alone = chart->series[s].kind == SN_SERIES_POINTS;
        const size_t length = points_alone ? sizeof "published study" - 1 : strlen(chart->series[s].label);
        if (chart->series[s].count == 0) continue;
        if (length > longest) longest = length;
        if (points_alone)
            published = 1;
        else
            entries++;
    }
    entries += published;
    if (longest > LABEL_MAX) longest = LABEL_MAX;
    *shrink = key_shrink(longest);
    *columns = (size_t)(411 / (9.1 * (double)(longest - *shrink) + 48));
    if (*columns < 1) *columns = 1;
    if (*columns > entries) *columns = entries ? entries : 1;
    return (entries + *columns - 1) / *columns;
}

/* What would not fit beside a key's sample loses its middle; the data have it whole. */
static void put_title(const char *label, FILE *out)
{
    const size_t length = strlen(label), part = LABEL_MAX / 2 - 1;
    char *cut = NULL;
    if (length > LABEL_MAX && asprintf(&cut, "%.*s…%s", (int)part, label, label + length - part) < 0)
        cut = NULL;
    fputs(" title \"", out);
    sn_put_text(out, SN_SYNTAX_GNUPLOT, cut ? cut : label);
    fputc('"', out);
    free(cut);
}

/* Names stand above their bars: at the side, long ones would leave no room. */
static void put_stacked(const sn_chart *chart, FILE *out)
{
    double longest = 0;
    for (size_t i = 0; i < chart->bar_count; i++) {
        double length = 0;
        for (size_t s = 0; s < chart->series_count; s++)
            length += i < chart->series[s].count ? chart->series[s].points[i].y : 0;
        longest = fmax(longest, length);
    }
    fprintf(out, "set yrange [%zu.5:-0.6]\nunset ytics\nset xrange [0:%.6g]\nset xtics %g\nset lmargin 3\n",
            chart->bar_count - 1, longest > 0 ? longest * 1.03 : 1, longest > 0 ? nice_step(longest) : 1);
    fputs(
        "unset grid\nset grid xtics lc rgb \"#bbbbbb\" lw 0.7 dt 1\nset style fill solid 0.9 noborder\nplot ",
        out);
    for (size_t s = 0; s < chart->series_count; s++) {
        fprintf(out, "\\\n    '%s.tsv' skip 1 using (0):0:(0", chart->name);
        for (size_t k = 0; k < s; k++)
            fprintf(out, "+$%zu", k + 2);
        fputs("):(0", out);
        for (size_t k = 0; k <= s; k++)
            fprintf(out, "+$%zu", k + 2);
        fprintf(out, "):($0-0.1):($0+0.34) with boxxyerror lc rgb \"%s\"",
                colours[chart->series[s].style % STYLES]);
        put_title(chart->series[s].label, out);
        fputs(", ", out);
    }
    fprintf(out, "\\\n    '%s.tsv' skip 1 using (0):($0-0.32):1 with labels left offset 0.2,0 notitle\n",
            chart->name);
}

/* What stands in `using` for a column. */
static void put_column(const sn_chart *chart, FILE *out, size_t column)
{
    if (chart->y_axis == SN_AXIS_ACCURACY)
        fprintf(out, ":(100-$%zu)", column);
    else
        fprintf(out, ":%zu", column);
}

static const char *colour_of(const sn_chart *chart, size_t s)
{
    if (!chart->ordinal) return colours[chart->series[s].style % STYLES];
    const size_t last = chart->series_count > 1 ? chart->series_count - 1 : 1;
    return ramp[s * (RAMP - 1) / last];
}

/* Lines across may lie on each other: dashes and dots by turns. */
static size_t across_dash(size_t number)
{
    static const size_t dashes[] = {2, 4, 3, 5};
    return dashes[number % (sizeof dashes / sizeof *dashes)];
}

/* After all the colours, other points and dashes tell the next round apart. */
static int point_of(size_t style)
{
    return points[(style + 3 * (style / STYLES)) % STYLES];
}

static size_t dash_of(const sn_chart *chart, const sn_chart_series *series)
{
    return chart->ordinal ? 1 : 1 + series->style / STYLES % 4;
}

static void put_series(const sn_chart *chart, FILE *out)
{
    const char *between = "plot";
    size_t column = 2;
    bool published = false;
    size_t across = 0;
    for (int layer = 0; layer < 2; layer++) { /* bands behind lines */
        column = 2;
        for (size_t s = 0; s < chart->series_count; s++) {
            const sn_chart_series *series = &chart->series[s];
            const bool interval = has_interval(series);
            const size_t first = column;
            column += interval ? 3 : 1;
            const bool band = interval && series->kind != SN_SERIES_ERRORS;
            if (series->count == 0 || (layer == 0 && !band)) continue;
            fprintf(out, "%s \\\n    '%s.tsv' skip 1 using 1", between, chart->name);
            between = ",";
            if (layer == 0) {
                put_column(chart, out, first + 1);
                put_column(chart, out, first + 2);
                fprintf(out, " with filledcurves fs transparent solid %s noborder lc rgb \"%s\" notitle",
                        chart->series_count > 5 ? "0.08" : "0.15", colour_of(chart, s));
                continue;
            }
            put_column(chart, out, first);
            published = published || series->kind == SN_SERIES_POINTS;
            const char *colour = colour_of(chart, s);
            const int point = chart->ordinal ? 7 : point_of(series->style);
            if (series->kind == SN_SERIES_ACROSS) {
                fprintf(out, " with lines dt %zu lw 1.6 lc rgb \"%s\"", across_dash(across++), colour);
            } else if (series->kind == SN_SERIES_POINTS) {
                fprintf(out, " with points pt 6 ps 0.6 lw 2 lc rgb \"%s\" notitle", colour);
                continue;
            } else if (series->kind == SN_SERIES_ERRORS && interval) {
                put_column(chart, out, first + 1);
                put_column(chart, out, first + 2);
                fprintf(out, " with yerrorlines pt %d ps 0.55 lw 1.4 dt %zu lc rgb \"%s\"", point,
                        dash_of(chart, series), colour);
            } else {
                fprintf(out, " with linespoints pt %d ps 0.45 lw 1.6 dt %zu lc rgb \"%s\"", point,
                        dash_of(chart, series), colour);
            }
            put_title(series->label, out);
        }
    }
    /* one entry for all: each has the colour of its experiment */
    if (published)
        fputs(", \\\n    keyentry with points pt 6 ps 0.6 lw 2 lc rgb \"#777777\" title \"published study\"",
              out);
    fputc('\n', out);
}

void sn_chart_put_script(const sn_chart *chart, FILE *out)
{
    size_t columns, shrink;
    const size_t rows = key_rows(chart, &columns, &shrink);
    const size_t plot = chart->stacked ? 80 + BAR_HEIGHT * (chart->bar_count + 1) : (size_t)PLOT_HEIGHT;
    fprintf(out, "# gnuplot %s.gp (in this directory) draws %s.svg from %s.tsv\n", chart->name, chart->name,
            chart->name);
    fprintf(out, "set terminal svg size %d,%zu dynamic noenhanced font \"sans-serif,13\"\n", WIDTH,
            plot + rows * KEY_ROW);
    fprintf(out, "set output '%s.svg'\nset encoding utf8\nset datafile separator \"\\t\"\n", chart->name);
    fprintf(out, "set border %s lc rgb \"#777777\"\nset tics nomirror scale 0.5\n",
            chart->stacked ? "1" : "3");
    fputs("set format \"%g\"\nset grid lc rgb \"#bbbbbb\" lw 0.7 dt 1\n", out);
    fprintf(out,
            "set key outside bottom center horizontal Left reverse maxcols %zu samplen 2.2 spacing 1.15 "
            "height 0.3 width -%zu\n",
            columns, shrink);
    fputs("set xlabel \"", out);
    sn_put_text(out, SN_SYNTAX_GNUPLOT, chart->x_label);
    fputs("\" offset 0,0.4\n", out);
    if (chart->stacked) {
        put_stacked(chart, out);
        return;
    }
    fputs("set ylabel \"", out);
    sn_put_text(out, SN_SYNTAX_GNUPLOT, chart->y_label);
    fputs("\"\n", out);
    put_x_axis(chart, out);
    put_y_axis(chart, out);
    put_series(chart, out);
}
