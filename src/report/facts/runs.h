#ifndef SN_REPORT_RUNS_H
#define SN_REPORT_RUNS_H

/* Run files as the report sees them: sorted, in groups of one experiment apart from its seed. What they are, and values of single runs. */

#include <stdbool.h>
#include <stdint.h>

#include "syncnorm/io/run_file.h"
#include "syncnorm/nn/network.h"
#include "syncnorm/report/statistics.h"

enum { SN_REPORT_LABEL = 320, SN_REPORT_COMMON = 512, SN_REPORT_NORMS = SN_NORMS, SN_REPORT_CLASSES = 10 };

typedef struct sn_report_run {
    const char *path;
    sn_run run; /* without weights, momentum and steps */
    const char *name, *digest;
    int64_t seed;
    size_t last; /* epochs whose mean it is judged by, 1: the last alone */
    bool complete;
    bool held_out; /* judged by the images that it holds out: it was not evaluated on the test set */
    bool repeats;  /* the same experiment and seed as the run before it: it counts once */
    bool
        shown; /* counts in curves and tables: complete and no repetition; or, in a group without complete runs, any */
    sn_calibration
        calibration; /* of its final predictions; error NaN: their probabilities are not on record */
    double precise_mean_gap[SN_REPORT_NORMS], precise_var_gap[SN_REPORT_NORMS]; /* relative; NaN without */
} sn_report_run;

typedef struct sn_report_group {
    char label[SN_REPORT_LABEL]; /* the name of its runs, without the seed: in data */
    char brief[SN_REPORT_LABEL]; /* without the settings that all groups share: on the page */
    sn_report_run *runs;         /* by seed */
    size_t count, shown;
    bool complete; /* it has complete runs, and only those are shown */
    bool published_recipe;
    const char *preset; /* as sn_experiment_preset() */
    size_t style;       /* of its lines in all figures */
} sn_report_group;

typedef struct sn_report_runs {
    sn_report_run *runs;
    size_t count;
    sn_report_group *groups; /* in the order of sn_experiments_order() */
    size_t group_count;
    size_t
        aside; /* groups behind these: like one of them but for seeds of their own, they say where chance comes from */
    size_t baseline; /* group the others are compared with */
    char common
        [SN_REPORT_COMMON]; /* settings that all share and that are no defaults: "--lr 0.03 --schedule cosine" */
    size_t last;            /* as each run's */
    char measure[96];
    size_t unreadable, incomplete, repeated;
    bool digests_differ; /* the same experiment and seed gave two results: it must not */
} sn_report_runs;

/** What the runs of the group have in common, but for the seed. */
static inline const sn_attributes *sn_report_experiment(const sn_report_group *group)
{
    return &group->runs->run.experiment;
}

/** Reads them; sn_report_runs_group() comes next. Files that cannot be used are logged as errors and counted. */
sn_status sn_report_runs_load(const char *const *paths, size_t count, sn_report_runs *runs);
void sn_report_runs_clear(sn_report_runs *runs);
/** Judges all by the mean of so many epochs, which end with the last. SN_ERROR_USAGE where a complete run has fewer. */
sn_status sn_report_judge_by_last(sn_report_runs *runs, size_t epochs);

/** What the runs are judged by: "test", "validation" (all hold images out and look at those instead), "test or validation" (some do). */
const char *sn_report_judge(const sn_report_runs *runs);
/** "final test accuracy"; "mean test accuracy of the last 3 epochs". */
const char *sn_report_measure(const sn_report_runs *runs);

/** A cell of /metrics/epoch; NaN when the column or row is not there. "test_accuracy" and the like are, of a run that is judged by the images
 *  it holds out, those of these images; so are the datasets and attributes of /evaluation. */
double sn_report_epoch_value(const sn_report_run *run, const char *column, size_t row);
/** The cell of the last epoch. */
double sn_report_last(const sn_report_run *run, const char *column);
/** A text attribute; "" when it is not there. */
const char *sn_report_text(const sn_attributes *attributes, const char *name);

/** A dataset of /evaluation by the name that it has for the test set; NULL: none. */
const sn_tensor *sn_report_evaluation(const sn_report_run *run, const char *name);

/** Number of images that it is judged by, 0 when unknown. */
size_t sn_report_test_count(const sn_report_run *run);
/** Of those, images that the rows of the last `run->last` epochs have right, added up: a whole number; NaN when unknown. */
double sn_report_correct(const sn_report_run *run);
/** Steps that the rows of /metrics/epoch are about; NaN when unknown or none. */
double sn_report_steps(const sn_report_run *run);
/** Steps, and samples, that so many rows of it took; its last may be a part of an epoch, which --steps ended. NaN before the first whole one is known. */
double sn_report_steps_of_rows(const sn_report_run *run, double rows);
double sn_report_samples_of_rows(const sn_report_run *run, double rows);
/** Ranks of all its starts; NaN when they were not all of one number. */
double sn_report_ranks(const sn_report_run *run);

#endif
