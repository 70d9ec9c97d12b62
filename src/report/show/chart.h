#ifndef SN_REPORT_CHART_H
#define SN_REPORT_CHART_H

/* A figure: series of points, written as data and script and drawn by gnuplot. */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "syncnorm/base/error.h"

enum { SN_CHART_COLOURS = 8 };

typedef enum sn_series_kind {
    SN_SERIES_LINE,   /* through points, a band from low to high behind it */
    SN_SERIES_ERRORS, /* through points with error bars from low to high */
    SN_SERIES_ACROSS, /* a line without points, for what does not depend on x */
    SN_SERIES_POINTS, /* hollow points alone: published values */
    SN_SERIES_DOTS,   /* small points of the series before it: what its mean is of */
} sn_series_kind;

typedef struct sn_chart_point {
    double x, y, low, high; /* NaN: not there */
} sn_chart_point;

typedef struct sn_chart_series {
    char *label; /* in the data */
    char *title; /* in the drawing; NULL: the label */
    sn_series_kind kind;
    size_t
        style; /* which colour, point and dash, from SN_CHART_COLOURS on the colours dashed; the same one is the same thing in every figure */
    sn_chart_point *points;
    size_t count;
} sn_chart_series;

typedef enum sn_axis {
    SN_AXIS_LINEAR,
    SN_AXIS_LOG,
    SN_AXIS_LOG2,
    SN_AXIS_ACCURACY, /* percent, by the distance from 100 on a logarithmic scale */
} sn_axis;

typedef enum sn_chart_form {
    SN_CHART_LINES,   /* over x */
    SN_CHART_STACKED, /* horizontal bars: each series a part, point i of it that of bar i */
    SN_CHART_FOREST,  /* values with intervals below each other: one series, point i that of bar i */
} sn_chart_form;

typedef struct sn_chart {
    size_t number;                /* in its document, from 1 */
    char *name, *title, *caption; /* stem of its files */
    char *x_label, *y_label;
    sn_axis x_axis, y_axis;
    double shown[2]; /* values of y that the axis reaches whatever the points are; NaN: none */
    sn_chart_form form;
    double margin; /* of a forest: a band from one to the other side of 0 */
    bool ordinal;  /* the series are in an order (layers): a ramp of colours */
    char **bars;   /* their names */
    size_t bar_count;
    sn_chart_series *series;
    size_t series_count;
    char *svg; /* as gnuplot drew it; NULL: it did not */
    bool failed;
} sn_chart;

/** NULL when out of memory, which all functions here take. */
sn_chart *sn_chart_create(const char *name, const char *title, const char *x_label, const char *y_label);
void sn_chart_caption(sn_chart *chart, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sn_chart_add_series(sn_chart *chart, const char *label, sn_series_kind kind, size_t style);
/** What the drawing calls the last series. */
void sn_chart_title_series(sn_chart *chart, const char *title);
const char *sn_series_title(const sn_chart_series *series);
/** To the last series; dropped where y is not finite. */
void sn_chart_add_point(sn_chart *chart, sn_chart_point point);
void sn_chart_add_bar(sn_chart *chart, const char *label);
/** Charts to be compared get one scale of y, which reaches all their points. */
void sn_chart_share_scale(sn_chart *const *charts, size_t count);
/** Whether any series has a point. */
bool sn_chart_has_data(const sn_chart *chart);
/** Drops the series without points. */
void sn_chart_drop_empty(sn_chart *chart);
void sn_chart_destroy(sn_chart *chart);

/** NAME.tsv and NAME.gp in the directory; SN_ERROR_FILE. */
sn_status sn_chart_write(const sn_chart *chart, const char *directory);
/** Runs gnuplot on NAME.gp in the directory and keeps NAME.svg. False with a reason (without newline) when it cannot. */
bool sn_chart_draw(sn_chart *chart, const char *directory, char *reason, size_t size);

/** All by one gnuplot, which is sooner; of a fault none, or some: those without an svg are then to be drawn one by one. */
void sn_charts_draw(sn_chart *const *charts, size_t count, const char *directory);

/** What the figure shows, in words. */
void sn_chart_describe(const sn_chart *chart, FILE *out);
/** The drawing as an element of a page: ids of its own, colours by the page's style sheet, title and description. */
void sn_chart_put_inline(const sn_chart *chart, FILE *out);

/* of chart_data.c, chart_axes.c, chart_script.c */
void sn_chart_put_data(const sn_chart *chart, FILE *out);
/** The distinct x of all series, ascending, to be freed; NULL when out of memory. */
double *sn_chart_union_of_x(const sn_chart *chart, size_t *count);
bool sn_series_has_interval(const sn_chart_series *series);
void sn_chart_put_axes(const sn_chart *chart, FILE *out);
/** The step of a linear axis of about five ticks: 1, 2 or 5 times a power of ten. */
double sn_chart_nice_step(double span);
void sn_chart_put_script(const sn_chart *chart, FILE *out);
/** The parts of the drawing that are of a series: gnuplot's numbers of them; returns how many. */
enum { SN_PLOTS_MAX = 4 };
size_t sn_chart_plots_of(const sn_chart *chart, size_t series, size_t plots[SN_PLOTS_MAX]);

#endif
