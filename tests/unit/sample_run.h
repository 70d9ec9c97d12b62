#ifndef TESTS_SAMPLE_RUN_H
#define TESTS_SAMPLE_RUN_H

/* cmocka and a run with one of everything, for the tests of run files. */

#include "../support/assert_ok.h"
#include "syncnorm/io/run_file.h"

/** The call fails with that status, and one line that has `part` in it. */
#define assert_fails_as(status, call, part)                                                                  \
    do {                                                                                                     \
        sn_error_clear();                                                                                    \
        assert_int_equal((call), (status));                                                                  \
        if (!strstr(sn_error_message(), (part)) || strchr(sn_error_message(), '\n'))                         \
            fail_msg("\"%s\" does not say \"%s\"", sn_error_message(), (part));                              \
    } while (0)
#define assert_file_error(call, part) assert_fails_as(SN_ERROR_FILE, call, part)

/** A run with every type and shape there is; `epochs` rows of metrics; `run` is empty before. */
void sample_run(sn_run *run, size_t epochs);

/** Fails unless both hold the same. */
void assert_same_run(const sn_run *a, const sn_run *b);

/** Writes a run of `epochs` to `path`. */
void write_sample(const char *path, size_t epochs);

/** How many epochs the run file has; 0 when it cannot be read. */
size_t epochs_of(const char *path);

/** A whole file; free() it. */
unsigned char *slurp(const char *path, size_t *size);
void spill(const char *path, const void *data, size_t size);

/** Number of entries of a directory whose names contain `part`. */
int entries_with(const char *directory, const char *part);

#endif
