#ifndef SN_REPORT_CHART_STYLE_H
#define SN_REPORT_CHART_STYLE_H

/* What the parts of a chart's script agree on. */

#include "chart.h"

/** The colour of series s. */
const char *sn_chart_colour(const sn_chart *chart, size_t s);

/** The length of the longest name when the lines are named at their ends, with no key; 0: the key names them. */
size_t sn_chart_names_beside(const sn_chart *chart);
void sn_chart_put_names_beside(const sn_chart *chart, FILE *out);

/** Where a value of y lies on its axis: 0 below, 1 above. */
double sn_chart_place_of_y(const sn_chart *chart, double y);

#endif
