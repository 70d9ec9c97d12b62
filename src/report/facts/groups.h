#ifndef SN_REPORT_GROUPS_H
#define SN_REPORT_GROUPS_H

/* Groups of runs, and values over the runs of a group. */

#include "runs.h"
#include "syncnorm/report/statistics.h"

/** Sorts the runs and makes the groups. */
sn_status sn_report_runs_group(sn_report_runs *runs);
/** Gives each group a style, those first that are drawn. */
void sn_report_choose_styles(sn_report_runs *runs);

/** Whether a group has what a figure shows. */
typedef bool (*sn_report_has)(const sn_report_group *group, const void *context);
/** Whether a figure has a line for the group: of more than SN_GROUPS_ALL the most and the least accurate of each norm, of those that have what it
 *  shows (NULL: all have). */
bool sn_report_draws(const sn_report_runs *runs, const sn_report_group *group, sn_report_has has,
                     const void *context);
/** Whether there are no more than that. */
bool sn_report_draws_all(const sn_report_runs *runs);

/** False when none is called `label`; NULL: plain synchronized batch norm, or else the first that is complete. */
bool sn_report_runs_choose_baseline(sn_report_runs *runs, const char *label);

/** The name of the group's experiment without these attributes and what all groups share. SN_ERROR_FILE as of sn_experiment_from_attributes(). */
sn_status sn_report_brief_name(const sn_report_runs *runs, const sn_report_group *group,
                               const char *const *attributes, size_t count, char *name, size_t size);

/** The attribute that the option is recorded as; NULL: none. */
const char *sn_report_attribute_of(const char *option);

/** Whether some of its chance is not --seed's: of the initial weights, the order or the dropout masks. */
bool sn_report_has_own_seed(const sn_report_group *group);

/** Whether all groups have the attribute alike, or all lack it. */
bool sn_report_share(const sn_report_runs *runs, const char *attribute);

/** A value of a run; NaN when it has none. */
typedef double (*sn_report_value)(const sn_report_run *run, const void *context);
/** Of the last epoch's row, the context names its column. */
double sn_value_last(const sn_report_run *run, const void *column);
/** Percent of the images that judge it which the run has wrong at its end; the context is unused. */
double sn_value_error(const sn_report_run *run, const void *context);
/** Of an attribute of /evaluation, which the context names. */
double sn_value_evaluation(const sn_report_run *run, const void *attribute);

/** Over the shown runs of the group that have the value, by seed: `values` has room for group->count; returns how many. */
size_t sn_report_values(const sn_report_group *group, sn_report_value value, const void *context,
                        double *values);
/** Their mean, NaN of none. */
double sn_report_mean(const sn_report_group *group, sn_report_value value, const void *context);
/** Their mean with its interval. */
sn_estimate sn_report_estimate(const sn_report_group *group, sn_report_value value, const void *context);

/** Runs of one seed. */
typedef struct sn_report_partners_of {
    const sn_report_run *first, *second;
} sn_report_partners_of;

/** The runs of two groups that have a seed in common, and how many test images both have right on record, in room for first->count; returns how many.
 *  Their test set is of `*images`; 0 where there is none: no seed in common, another test set, no complete run. */
size_t sn_report_partners(const sn_report_group *first, const sn_report_group *second,
                          sn_report_partners_of *partners, size_t *images);

#endif
