#ifndef SN_REPORT_SPEED_H
#define SN_REPORT_SPEED_H

/* Speed and cost by numbers of ranks are about runs that kept to one number of ranks, repetitions and incomplete ones too. */

#include "runs.h"

/** The number of ranks that all shown runs of the group were on; NaN: several, so that their speeds are of different things. */
double sn_report_common_ranks(const sn_report_group *group);
bool sn_report_on_ranks(const sn_report_run *run, double ranks);
/** The next larger number of ranks that a run of the group had, NaN after the last. */
double sn_report_next_ranks(const sn_report_group *group, double after);
/** Not all runs were on one number of ranks. */
bool sn_report_ranks_differ(const sn_report_runs *runs);
/** The sum of a column over the epochs of a run, and over how many of them. */
double sn_report_total(const sn_report_run *run, const char *column, size_t *rows);
/** Mean images/s over the epochs of the group's runs on that many ranks, NaN of none. */
double sn_report_speed(const sn_report_group *group, double ranks);

#endif
