#ifndef SYNCNORM_BASE_ERROR_H
#define SYNCNORM_BASE_ERROR_H

/**
 * Errors: a status code per kind of trouble and one message per process.
 *
 * A function that can fail returns an sn_status. Whoever meets the trouble first calls sn_fail() with one line for the
 * user (what failed, on which file, rank or option, what to do); everybody above hands the status on with SN_TRY.
 * Under MPI a rank never returns between rank-dependent work and the next collective: sn_team_agree() first.
 */

/* X(name, exit code, meaning) */
#define SN_STATUS_LIST(X)                                                                                    \
    X(SN_OK, 0, "done")                                                                                      \
    X(SN_ERROR_FAILED, 1, "failed")                                                                          \
    X(SN_ERROR_DATA, 1, "bad data set")                                                                      \
    X(SN_ERROR_FILE, 1, "bad or unwritable file")                                                            \
    X(SN_ERROR_VERSION, 1, "file of another version")                                                        \
    X(SN_ERROR_MEMORY, 1, "out of memory")                                                                   \
    X(SN_ERROR_DIVERGED, 1, "training diverged")                                                             \
    X(SN_ERROR_REPLICAS, 1, "replicas differ")                                                               \
    X(SN_ERROR_USAGE, 2, "wrong usage")                                                                      \
    X(SN_STOPPED, 75, "stopped on request, everything saved")

typedef enum sn_status {
#define SN_STATUS_ENUM(name, exit_code, meaning) name,
    SN_STATUS_LIST(SN_STATUS_ENUM)
#undef SN_STATUS_ENUM
} sn_status;

enum { SN_MESSAGE_SIZE = 1024 };

/** Records the message (printf-style, no newline) as this process's error and returns `status`. The first message
 *  stays until sn_error_clear(). */
sn_status sn_fail(sn_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

#ifdef __clang_analyzer__ /* which cannot see that the status comes back, and would follow paths that are none */
#define sn_fail(status, ...) ((void)sn_fail(status, __VA_ARGS__), (status))
#endif

/** The message of the last sn_fail(), "" when there is none. */
const char *sn_error_message(void);

/** Replaces the message, e.g. by the one of another rank. */
void sn_error_set_message(const char *message);

void sn_error_clear(void);

/** The process exit code that the contract gives a status. */
int sn_exit_code(sn_status status);

/** What a status means, in two or three words. */
const char *sn_status_meaning(sn_status status);

/** Hands a failure on to the caller. */
#define SN_TRY(expression)                                                                                   \
    do {                                                                                                     \
        sn_status sn_try_status = (expression);                                                              \
        if (sn_try_status != SN_OK) return sn_try_status;                                                    \
    } while (0)

#endif
