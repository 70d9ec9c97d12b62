#ifndef TESTS_REPORT_READING_H
#define TESTS_REPORT_READING_H

/* Writing a report and reading what it says; a test fails where it does not. After <cmocka.h>. */

#include "../support/assert_ok.h"
#include "study_runs.h"
#include "syncnorm/report/report.h"

/** A file's text up to its first zero, to be freed. */
char *read_file(const char *path);
bool says(const char *path, const char *what);
void assert_says(const char *path, const char *what);
/** Writes a report that must succeed. */
sn_report_outcome report(const char *directory, const char *const *paths, size_t count);

/** A run of group norm, 3 epochs to 99 %. */
extern const made_run usual;

#endif
