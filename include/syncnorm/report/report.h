#ifndef SYNCNORM_REPORT_REPORT_H
#define SYNCNORM_REPORT_REPORT_H

/**
 * The report on a set of run files: what the experiments compare to, as one self-contained page and as files to go on with.
 *
 * Written to the directory:
 *   report.html            everything in one file: figures inline, pictures as data URIs, nothing from the network
 *   report.md, *.csv       the same as text; each table as CSV
 *   epochs.csv             every value of every epoch: run, epoch, metric, value
 *   figures/NAME.tsv       the data of a figure; NAME.gp the gnuplot script that draws it; NAME.svg and NAME.pdf drawn by gnuplot
 *   figures/misclassified-EXPERIMENT.png
 *   .report-files          the names of all these; another report into the directory removes them first, and no other file
 *
 * Runs of one experiment that differ only in their seed are one group; figures and tables are about groups. Not collective;
 * no MPI.
 */

#include <stddef.h>

#include "syncnorm/base/error.h"

typedef struct sn_report_request {
    const char *const *paths; /* run files */
    size_t path_count;
    const char *directory; /* made when it is not there */
    const char *
        baseline; /* name of the group that the others are compared with ("gn"); NULL: chosen, see the page */
    const char *machines; /* files of machines, comma-separated, that the runs are priced on; NULL: none */
    const char *
        select; /* options that were tuned, comma-separated: the best setting of each experiment is chosen; NULL: none */
    const char *
        final_seeds; /* with `select`: fresh seeds, as "11-20", that commands of the best are wanted for; NULL: none */
    size_t last;   /* epochs whose mean the verdicts are about; 0: the last one alone */
    double margin; /* in points of test accuracy: a difference within it is taken for none; 0: 0.1 */
    double target; /* test accuracy in percent that they are to reach; 0: the best that all groups reach */
} sn_report_request;

typedef struct sn_report_outcome {
    size_t runs, groups;   /* that the report is about */
    size_t unreadable;     /* files left out, each said in one line as an error */
    char *commands;        /* those of `final_seeds`, a line each, to be freed; NULL: none */
    size_t figures, drawn; /* figures with data; those that gnuplot drew */
} sn_report_outcome;

/**
 * Reads the files and writes the report. A file that cannot be read or is no run file is named in one line and left out.
 * SN_ERROR_FILE when none is left, or the directory cannot be written; SN_ERROR_USAGE, naming the groups, when none is called `baseline`; SN_ERROR_FAILED of a machine file.
 * Without gnuplot the figures are left as data and script, which is said in one line and no error. `outcome` is filled in any case.
 */
sn_status sn_report_write(const sn_report_request *request, sn_report_outcome *outcome);

/** What the report would open with, with the same `select`, at most eight sentences, a line for each paragraph, to be freed; NULL where fewer than two experiments are there to be compared. Errors as
 *  of reading the files above. */
sn_status sn_report_answer(const char *const *paths, size_t count, const char *select, char **answer);

#endif
