#ifndef TESTS_REPORT_STUDY_RUNS_H
#define TESTS_REPORT_STUDY_RUNS_H

/* Run files of a made-up study: what a report needs, without training. */

#include <stdbool.h>
#include <stdint.h>

#include "syncnorm/io/run_file.h"

typedef struct made_run {
    const char *norm; /* "gn" */
    double l1;        /* 0, or the preset's 3e-4 */
    int64_t seed;
    int epochs, finished;      /* asked for, and rows; complete when equal */
    int workers;               /* 0: the file does not speak of workers */
    const char *scope;         /* of batch statistics: "sync", "worker", "8"; NULL: not spoken of */
    const char *running_stats; /* "all"; NULL: not spoken of */
    const char *shards;        /* "sorted"; NULL: as the default has them */
    double test_accuracy;      /* after the last epoch, percent; earlier epochs approach it */
    int ranks;
    double slower;      /* times as long an epoch takes; 0: as long as usual */
    bool measured;      /* with the columns of cost and of statistics, and four ways of evaluation */
    const char *host;   /* in the provenance */
    int images;         /* of the test set; 0: 1,000 */
    const char *suffix; /* of the name, before the seed; NULL: none */
    int batch;          /* 0: 64 */
    double lr;          /* 0: the default */
    double warmup;      /* epochs */
    bool scaled;        /* the learning rate, by the batch */
    int held_out;       /* images; then test_accuracy is on those, and the test set was not looked at */
    double validation_accuracy; /* not 0: it was, and this is on those held out */
} made_run;

/** Fills an empty run. A pure function of `made`. */
sn_status make_run(const made_run *made, sn_run *run);
/** Writes it. */
sn_status write_made_run(const made_run *made, const char *path);

#endif
