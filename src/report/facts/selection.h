#ifndef SN_REPORT_SELECTION_H
#define SN_REPORT_SELECTION_H

/* Settings chosen by the images held out: of experiments that differ in nothing but what was tuned, the best. */

#include "groups.h"
#include "verdict.h"

enum { SN_TUNED_MAX = 8 };

/** What was tried of one experiment: groups that differ in the tuned attributes alone. */
typedef struct sn_trials {
    char label[SN_REPORT_LABEL]; /* without what was tuned: in data */
    char brief[SN_REPORT_LABEL]; /* nor what all share: on the page */
    size_t *groups;              /* complete ones, in their order */
    double *scores;              /* of each: mean accuracy on the images held out, percent */
    double *sorted;              /* the scores, ascending */
    size_t count, best;          /* best: of groups; of equal ones the first */
    bool tuned[SN_TUNED_MAX];    /* it has two values or more of the attribute */
    bool edge[SN_TUNED_MAX];     /* of which the best setting has the least or the greatest */
} sn_trials;

typedef struct sn_selection {
    const char *attributes[SN_TUNED_MAX]; /* what was tuned, as it is recorded */
    const char *options[SN_TUNED_MAX];    /* and asked for */
    size_t attribute_count;
    sn_trials *trials;
    size_t count;
    size_t *best; /* [count], groups: the best of each */
    size_t *
        shared; /* [count], groups: of the setting that all have and that is best in the mean over them; NULL: they have none in common */
} sn_selection;

/**
 * `options`: "lr" or "lr,l1", of the experiment's options. SN_ERROR_USAGE where one is none, or a complete run was not evaluated on images held
 * out: the test set chooses nothing. To be cleared in any case.
 */
sn_status sn_report_select(const sn_report_runs *runs, const char *options, sn_selection *selection);
void sn_selection_clear(sn_selection *selection);

/** "lr 0.03, l1 0"; of what was tuned. */
void sn_selection_setting(const sn_selection *selection, const sn_report_group *group, char *text,
                          size_t size);

/** Expected greatest of n among N values, ascending, drawn without replacement: the unbiased estimate of the best of n trials (Tang, Lee, Xin, Liu, Yu,
 *  Lin, "Showing your work doesn't always work", ACL 2020). 1 <= n <= N. */
double sn_expected_best(const double *sorted, size_t count, size_t n);

/** Some of the groups as runs of their own, and the verdicts between them. */
typedef struct sn_chosen {
    sn_report_group *groups;
    sn_report_runs runs; /* shares everything else */
    sn_pairs pairs;
} sn_chosen;

/** SN_ERROR_MEMORY; to be cleared in any case. */
sn_status sn_report_choose(const sn_report_runs *runs, const size_t *groups, size_t count, double margin,
                           sn_chosen *chosen);
void sn_chosen_clear(sn_chosen *chosen);

#endif
