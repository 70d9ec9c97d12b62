/* A chart as a gnuplot script: styles, key, and what is plotted. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "chart.h"
#include "chart_style.h"
#include "syncnorm/base/ascending.h"
#include "text.h"

enum {
    WIDTH = 440,
    PLOT_HEIGHT = 282,
    KEY_ROW = 23,
    BAR_HEIGHT = 38,
    LABEL_MAX = 46,
    FONT_SIZE = 13,
    PRINTED_SIZE = 10
};

/* Okabe and Ito's colours, which the colour-blind tell apart, darkest first; points differ as well. */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                      "#e69f00", "#56b4e9", "#8c564b", "#7f7f7f"};
static const int points[] = {7, 5, 9, 13, 11, 3, 1, 2};
/* from the first layer to the last */
static const char *const ramp[] = {"#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c",
                                   "#28ae80", "#5ec962", "#addc30", "#e8c51d"};
enum { STYLES = sizeof colours / sizeof *colours, RAMP = sizeof ramp / sizeof *ramp };
_Static_assert((int)STYLES == (int)SN_CHART_COLOURS, "as chart.h says");

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
        const size_t length = points_alone ? sizeof "published study" - 1
                                           : strlen(sn_series_title(&chart->series[s]));
        if (chart->series[s].count == 0 || chart->series[s].kind == SN_SERIES_DOTS) continue;
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
            chart->bar_count - 1, longest > 0 ? longest * 1.03 : 1,
            longest > 0 ? sn_chart_nice_step(longest) : 1);
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
        put_title(sn_series_title(&chart->series[s]), out);
        fputs(", ", out);
    }
    fprintf(out, "\\\n    '%s.tsv' skip 1 using (0):($0-0.32):1 with labels left offset 0.2,0 notitle\n",
            chart->name);
}

/* How far beyond the differences and the margin a forest's axis may go, in units of their range. */
static const double FOREST_BEYOND = 3;
/* How many times the upper quartile of the differences' sizes, or the margin, has a place on it. */
static const double FOREST_REACH = 10;
enum { FOREST_LETTERS = 62 };

/* How far from 0 a difference may be to have its place on the axis: one that is many times the usual size would leave the others none. */
static double forest_reach(const sn_chart *chart)
{
    const sn_chart_series *series = chart->series;
    double *sizes = calloc(series->count + 1, sizeof *sizes);
    if (!sizes) return HUGE_VAL;
    for (size_t i = 0; i < series->count; i++)
        sizes[i] = fabs(series->points[i].y);
    qsort(sizes, series->count, sizeof *sizes, sn_ascending);
    const double usual = series->count ? sizes[3 * (series->count - 1) / 4] : 0;
    free(sizes);
    return FOREST_REACH * fmax(usual, chart->margin);
}

/* What names are drawn smaller by, so that the longest is not cut. */
static double shrink_names(const sn_chart *chart)
{
    size_t longest = FOREST_LETTERS;
    for (size_t i = 0; i < chart->bar_count; i++) {
        const size_t length = strlen(chart->bars[i]);
        if (length > longest) longest = length;
    }
    return FOREST_LETTERS / (double)longest;
}

/* Names stand above their intervals. A difference that is beyond the axis is a number beside its arrow. Of few seeds an interval may leave nothing else to be seen: it is cut, and its end an arrow. */
static void put_forest(const sn_chart *chart, FILE *out)
{
    const sn_chart_series *series = chart->series;
    const double reach = forest_reach(chart);
    double low = -chart->margin, high = chart->margin;
    for (size_t i = 0; i < series->count; i++) {
        if (fabs(series->points[i].y) > reach) continue;
        low = fmin(low, series->points[i].y);
        high = fmax(high, series->points[i].y);
    }
    const double span = high - low;
    double least = low, most = high;
    for (size_t i = 0; i < series->count; i++) {
        if (fabs(series->points[i].y) > reach) continue;
        least = fmin(least, series->points[i].low);
        most = fmax(most, series->points[i].high);
    }
    low = fmax(least, low - FOREST_BEYOND * span);
    high = fmin(most, high + FOREST_BEYOND * span);
    const double space = (high - low) * 0.03;
    fprintf(out,
            "set yrange [%zu.5:-0.6]\nunset ytics\nset xrange [%.6g:%.6g]\nset xtics %g\nset lmargin "
            "3\nunset key\n",
            chart->bar_count - 1, low - space, high + space, sn_chart_nice_step(high - low));
    fprintf(out,
            "set object 1 rectangle from %.6g, graph 0 to %.6g, graph 1 fc rgb \"#bbbbbb\" fs solid 0.3 "
            "noborder behind\n"
            "set arrow 1 from 0, graph 0 to 0, graph 1 nohead lc rgb \"#777777\" lw 1 back\n"
            "unset grid\nset grid xtics lc rgb \"#bbbbbb\" lw 0.7 dt 1\n"
            "name_size = %.3g\n"
            "cut(x) = x < low ? low : x > high ? high : x\n",
            -chart->margin, chart->margin, FONT_SIZE * shrink_names(chart));
    fprintf(
        out,
        "low = %.6g\nhigh = %.6g\nhead = (high - low) / 30\n"
        "plot '%s.tsv' skip 1 using (cut($3)):($0+0.06):(cut($4)-cut($3)):(0) with vectors nohead lw 2 "
        "lc rgb \"%s\" "
        "notitle, \\\n"
        "    '%s.tsv' skip 1 using ($3 < low ? low + head : NaN):($0+0.06):(-head):(0) with vectors "
        "filled lw 2 "
        "lc rgb \"%s\" notitle, \\\n"
        "    '%s.tsv' skip 1 using ($4 > high ? high - head : NaN):($0+0.06):(head):(0) with vectors "
        "filled lw 2 "
        "lc rgb \"%s\" notitle, \\\n"
        "    '%s.tsv' skip 1 using 2:($0+0.06) with points pt 7 ps 0.6 lc rgb \"%s\" notitle, \\\n"
        "    '%s.tsv' skip 1 using ($2 > high ? high - 1.5 * head : NaN):($0+0.06):(sprintf(\"%%+.2f\", $2)) "
        "with labels right notitle, \\\n"
        "    '%s.tsv' skip 1 using ($2 < low ? low + 1.5 * head : NaN):($0+0.06):(sprintf(\"%%+.2f\", $2)) "
        "with labels left notitle, \\\n"
        "    '%s.tsv' skip 1 using (%.6g):($0-0.3):1 with labels left offset 0.2,0 font sprintf(\",%%.3g\", "
        "name_size) notitle\n",
        low - space, high + space, chart->name, colours[0], chart->name, colours[0], chart->name, colours[0],
        chart->name, colours[0], chart->name, chart->name, chart->name, low - space);
}

/* What stands in `using` for a column. */
static void put_column(const sn_chart *chart, FILE *out, size_t column)
{
    if (chart->y_axis == SN_AXIS_ACCURACY)
        fprintf(out, ":(100-$%zu)", column);
    else
        fprintf(out, ":%zu", column);
}

const char *sn_chart_colour(const sn_chart *chart, size_t s)
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

static bool has_tips(const sn_chart_series *series)
{
    return series->kind == SN_SERIES_LINE || series->kind == SN_SERIES_ERRORS;
}

/* What each point is, for who points at it: on points that are not seen. */
static void put_tips(const sn_chart *chart, const sn_chart_series *series, size_t column, FILE *out)
{
    if (!has_tips(series)) return;
    fprintf(out, ", \\\n    '%s.tsv' skip 1 using 1", chart->name);
    put_column(chart, out, column);
    fputs(":(\"", out);
    sn_put_text(out, SN_SYNTAX_GNUPLOT, sn_series_title(series));
    fprintf(out,
            "\".sprintf(\": %%.5g at %%g\", $%zu, $1)) with labels hypertext point pt 7 ps 0.9 lc rgb "
            "\"#ff000000\" notitle",
            column);
}

/* What the means are of, which the table has no room for: several values at one x. */
static void put_dots(const sn_chart *chart, FILE *out)
{
    for (size_t s = 0; s < chart->series_count; s++) {
        const sn_chart_series *series = &chart->series[s];
        if (series->kind != SN_SERIES_DOTS || series->count == 0) continue;
        fprintf(out, "$seeds%zu << END\n", s);
        for (size_t i = 0; i < series->count; i++)
            fprintf(out, "%.10g\t%.10g\n", series->points[i].x, series->points[i].y);
        fputs("END\n", out);
    }
}

static void put_series(const sn_chart *chart, FILE *out)
{
    const char *between = "plot";
    size_t column = 2;
    bool published = false;
    size_t across = 0;
    put_dots(chart, out);
    for (int layer = 0; layer < 2; layer++) { /* bands behind lines */
        column = 2;
        for (size_t s = 0; s < chart->series_count; s++) {
            const sn_chart_series *series = &chart->series[s];
            const bool interval = sn_series_has_interval(series);
            const size_t first = column;
            if (series->kind != SN_SERIES_DOTS) column += interval ? 3 : 1;
            const bool band = interval && series->kind != SN_SERIES_ERRORS;
            if (series->count == 0 || (layer == 0 && !band)) continue;
            const char *sep = between;
            between = ",";
            if (series->kind == SN_SERIES_DOTS) {
                fprintf(out, "%s \\\n    $seeds%zu using 1", sep, s);
                put_column(chart, out, 2);
                fprintf(out, " with points pt 7 ps 0.28 lc rgb \"%s\" notitle", sn_chart_colour(chart, s));
                continue;
            }
            fprintf(out, "%s \\\n    '%s.tsv' skip 1 using 1", sep, chart->name);
            if (layer == 0) {
                put_column(chart, out, first + 1);
                put_column(chart, out, first + 2);
                fprintf(out, " with filledcurves fs transparent solid %s noborder lc rgb \"%s\" notitle",
                        chart->series_count > 5 ? "0.08" : "0.15", sn_chart_colour(chart, s));
                continue;
            }
            put_column(chart, out, first);
            published = published || series->kind == SN_SERIES_POINTS;
            const char *colour = sn_chart_colour(chart, s);
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
            put_title(sn_series_title(series), out);
            put_tips(chart, series, first, out);
        }
    }
    /* one entry for all: each has the colour of its experiment */
    if (published)
        fputs(", \\\n    keyentry with points pt 6 ps 0.6 lw 2 lc rgb \"#777777\" title \"published study\"",
              out);
    fputc('\n', out);
}

static void put_plot(const sn_chart *chart, FILE *out)
{
    if (chart->form == SN_CHART_STACKED) {
        put_stacked(chart, out);
        return;
    }
    if (chart->form == SN_CHART_FOREST) {
        put_forest(chart, out);
        return;
    }
    fputs("set ylabel \"", out);
    sn_put_text(out, SN_SYNTAX_GNUPLOT, chart->y_label);
    fputs("\"\n", out);
    sn_chart_put_axes(chart, out);
    sn_chart_put_names_beside(chart, out);
    put_series(chart, out);
}

/* The same once more, for documents that are printed. */
static void put_pdf(const sn_chart *chart, size_t height, FILE *out)
{
    fprintf(out,
            "if (strstrt(GPVAL_TERMINALS, \"pdfcairo\") > 0) {\n"
            "    set terminal pdfcairo size %.2fin,%.2fin noenhanced font \"sans-serif,%d\"\n",
            WIDTH / 96.0, (double)height / 96, PRINTED_SIZE);
    if (chart->form == SN_CHART_FOREST)
        fprintf(out, "    name_size = %.3g\n", PRINTED_SIZE * shrink_names(chart));
    fprintf(out, "    set output '%s.pdf'\n    replot\n}\n", chart->name);
}

void sn_chart_put_script(const sn_chart *chart, FILE *out)
{
    size_t columns, shrink;
    const size_t rows = key_rows(chart, &columns, &shrink);
    const bool bars = chart->form != SN_CHART_LINES;
    const size_t plot = bars ? 80 + BAR_HEIGHT * (chart->bar_count + 1) : (size_t)PLOT_HEIGHT;
    fprintf(out, "# gnuplot %s.gp (in this directory) draws %s.svg and .pdf from %s.tsv\n", chart->name,
            chart->name, chart->name);
    const bool keyless = chart->form == SN_CHART_FOREST || sn_chart_names_beside(chart) > 0;
    const size_t height = plot + (keyless ? 0 : rows * KEY_ROW);
    fprintf(out, "set terminal svg size %d,%zu dynamic noenhanced font \"sans-serif,%d\"\n", WIDTH, height,
            FONT_SIZE);
    fprintf(out, "set output '%s.svg'\nset encoding utf8\nset datafile separator \"\\t\"\n", chart->name);
    fprintf(out, "set border %s lc rgb \"#777777\"\nset tics nomirror scale 0.5\n", bars ? "1" : "3");
    fputs("set format \"%g\"\nset grid lc rgb \"#bbbbbb\" lw 0.7 dt 1\n", out);
    fprintf(out,
            "set key outside bottom center horizontal Left reverse maxcols %zu samplen 2.2 spacing 1.15 "
            "height 0.3 width -%zu\n",
            columns, shrink);
    fputs("set xlabel \"", out);
    sn_put_text(out, SN_SYNTAX_GNUPLOT, chart->x_label);
    fputs("\" offset 0,0.4\n", out);
    put_plot(chart, out);
    put_pdf(chart, height, out);
}

/* In the order of put_series(). */
size_t sn_chart_plots_of(const sn_chart *chart, size_t which, size_t plots[SN_PLOTS_MAX])
{
    size_t number = 0, count = 0;
    for (int layer = 0; layer < 2; layer++)
        for (size_t s = 0; s < chart->series_count; s++) {
            const sn_chart_series *series = &chart->series[s];
            const bool dots = series->kind == SN_SERIES_DOTS, mine = s == which || (dots && s == which + 1);
            const bool band = sn_series_has_interval(series) && series->kind != SN_SERIES_ERRORS;
            if (series->count == 0 || (layer == 0 && !band)) continue;
            number++;
            if (mine) plots[count++] = number;
            if (layer == 0 || !has_tips(series)) continue;
            number++;
            if (mine) plots[count++] = number;
        }
    return count;
}
