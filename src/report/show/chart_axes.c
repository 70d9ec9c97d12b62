/* The axes of a chart: limits, scales and ticks. */

#include <math.h>
#include <stdlib.h>

#include "chart.h"
#include "chart_style.h"

enum { TICKS_MAX = 64 };

/* On an axis of accuracy the distance from 100. */
static double on_axis(const sn_chart *chart, double y)
{
    return chart->y_axis == SN_AXIS_ACCURACY ? 100 - y : y;
}

/* Bands of few seeds are many times as wide as what they are about: they are cut off where they reach further beyond the values
   than this share of their range. */
static const double BEYOND = 0.25;

static void hold_bands(bool logarithmic, const double values[2], double *low, double *high)
{
    if (!(values[0] <= values[1])) return;
    if (logarithmic) {
        const double factor = fmax(pow(values[1] / values[0], BEYOND), 1.2);
        *low = fmax(*low, values[0] / factor);
        *high = fmin(*high, values[1] * factor);
    } else {
        const double space = fmax((values[1] - values[0]) * BEYOND, fabs(values[1]) * 1e-3);
        *low = fmax(*low, values[0] - space);
        *high = fmin(*high, values[1] + space);
    }
}

static void y_limits(const sn_chart *chart, double *low, double *high)
{
    const bool logarithmic = chart->y_axis != SN_AXIS_LINEAR;
    double least = HUGE_VAL;
    const double shown[] = {on_axis(chart, chart->shown[0]), on_axis(chart, chart->shown[1])};
    *low = fmin(HUGE_VAL, fmin(shown[0], shown[1]));
    *high = fmax(-HUGE_VAL, fmax(shown[0], shown[1]));
    double of_values[2] = {*low, *high}; /* without bands */
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
                if (k > 0 && chart->series[s].kind == SN_SERIES_LINE) continue;
                of_values[0] = fmin(of_values[0], y);
                of_values[1] = fmax(of_values[1], y);
            }
        }
    hold_bands(logarithmic, of_values, low, high);
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

double sn_chart_nice_step(double span)
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
    const double step = sn_chart_nice_step(high - low);
    count = 0;
    for (double tick = ceil(low / step); tick * step <= high && count < TICKS_MAX; tick++)
        ticks[count++] = tick * step;
    return count;
}

double sn_chart_place_of_y(const sn_chart *chart, double y)
{
    double low, high, at = on_axis(chart, y);
    y_limits(chart, &low, &high);
    if (chart->y_axis != SN_AXIS_LINEAR) {
        at = log(fmax(at, low));
        low = log(low);
        high = log(high);
    }
    const double place = (at - low) / (high - low);
    return chart->y_axis == SN_AXIS_ACCURACY ? 1 - place : place;
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

/* At the values themselves, as many as do not touch. */
static void put_x_ticks(const double *x, size_t count, FILE *out)
{
    const size_t step = count > 9 ? 2 : 1;
    fputs("set xtics (", out);
    for (size_t i = 0; i < count; i += step)
        fprintf(out, "%s%.6g", i ? ", " : "", x[i]);
    fputs(")\n", out);
}

static void put_x_axis(const sn_chart *chart, FILE *out)
{
    size_t count;
    double *x = sn_chart_union_of_x(chart, &count);
    if (!x || count == 0) {
        free(x);
        return;
    }
    const double low = x[0], high = x[count - 1];
    if (chart->x_axis == SN_AXIS_LOG2) {
        fprintf(out, "set logscale x 2\nset xrange [%.6g:%.6g]\n", low / 1.25, high * 1.25);
        put_x_ticks(x, count, out);
    } else if (high - low < 2) { /* fractions */
        const double space = high > low ? (high - low) * 0.05 : 0.5;
        fprintf(out, "set xrange [%.6g:%.6g]\n", low - space, high + space);
        put_x_ticks(x, count, out);
    } else {
        const double space = high > low ? (high - low) * 0.03 : 0.5;
        fprintf(out, "set xrange [%.6g:%.6g]\n", low - space, high + space);
        /* whole numbers, epochs and layers: the first and round ones */
        const double step = high - low <= 10 ? 1 : fmax(5, sn_chart_nice_step(high - low));
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

void sn_chart_put_axes(const sn_chart *chart, FILE *out)
{
    put_x_axis(chart, out);
    put_y_axis(chart, out);
}
