#ifndef SN_REPORT_VERDICT_H
#define SN_REPORT_VERDICT_H

/* What the runs say of every pair of experiments. */

#include "groups.h"

typedef enum sn_verdict {
    SN_UNDECIDED,
    SN_BETTER, /* the second than the first */
    SN_WORSE,
    SN_EQUIVALENT, /* within the margin, whether or not there is a difference, too */
} sn_verdict;
enum { SN_VERDICTS = SN_EQUIVALENT + 1 };

/** Differences are of the final test accuracy, second minus first, seed by seed, in images. */
typedef struct sn_pair {
    size_t first, second; /* groups */
    size_t images;        /* of the test set */
    double margin;        /* in images */
    sn_estimate difference;
    double low, high;           /* of an interval that holds for all pairs at once, with 95 % (Bonferroni) */
    double within;              /* p of sn_equivalence_p() */
    double adjusted_difference; /* by sn_adjust_claims() */
    double adjusted_within;
    double sign_flip; /* exact p of no difference */
    double
        crossed; /* half of the 95 % interval of the difference over seeds and images, as difference.high - mean is over seeds; NaN: unknown */
    double correlation; /* of the two over seeds; NaN where one has no spread */
    size_t
        needed; /* seeds for 80 % to decide it, were difference and spread as they are; 0: more than SN_SEEDS_MOST, or unknown */
    size_t for_difference,
        for_equivalence; /* for 80 % to show a difference of the margin, and equivalence where there is none; 0: likewise */
    bool differs; /* there is a difference, within the margin or not */
    sn_verdict verdict;
} sn_pair;

/** Images of its test set as points of accuracy. */
static inline double sn_pair_points(const sn_pair *pair, double images)
{
    return 100 * images / (double)pair->images;
}

typedef struct sn_pairs {
    sn_pair *pairs; /* of groups with a seed in common on the same test set, in their order */
    size_t count;
    size_t left_out; /* pairs that differ in more than one respect, where there are many */
    size_t tested;   /* with two seeds or more: the family that p-values and intervals are adjusted for */
    double each;     /* the level that each has then, at first */
} sn_pairs;

/** All of them, decided; of more than SN_GROUPS_ALL groups those that differ in one respect, and those with the baseline. `margin` in points.
 *  SN_ERROR_MEMORY. */
enum { SN_GROUPS_ALL = 10 };
sn_status sn_report_pairs(const sn_report_runs *runs, double margin, sn_pairs *pairs);
/** The verdicts on pairs of which difference and margin are known, with what they rest on: `low` to `adjusted_within`. SN_ERROR_MEMORY. */
sn_status sn_pairs_decide(sn_pairs *pairs);
void sn_report_pairs_clear(sn_pairs *pairs);
/** That of two groups, with the difference as group minus baseline; count 0 in it where they are no pair. */
sn_pair sn_report_difference(const sn_pairs *pairs, size_t group, size_t baseline);

#endif
