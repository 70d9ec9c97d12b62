#ifndef SYNCNORM_CLI_CLI_H
#define SYNCNORM_CLI_CLI_H

/** The commands of syncnorm, and how each of them starts, speaks and ends. */

#include <stdbool.h>
#include <stdio.h>

#include "arguments.h"
#include "syncnorm/base/log.h"
#include "syncnorm/comm/team.h"

/* Each command gets its own name as argv[0] and returns the exit code of the process. */
int sn_command_train(int argc, char **argv);
int sn_command_study(int argc, char **argv);
int sn_command_report(int argc, char **argv);
int sn_command_eval(int argc, char **argv);
int sn_command_summary(int argc, char **argv);
int sn_command_inspect(int argc, char **argv);
int sn_command_bench(int argc, char **argv);

void sn_cli_print_version(void);

/** True in a process on its own and in rank 0 of a launcher (mpirun, srun), known before MPI starts. */
bool sn_cli_is_first(void);

/** True under a launcher. */
bool sn_cli_is_launched(void);

/** Ranks that the launcher started; 1 without one. Known before MPI starts. */
int sn_cli_launched_size(void);

/** "syncnorm 'train' --data 'my digits'": for the provenance. Set once by main(). */
const char *sn_cli_command_line(void);
void sn_cli_set_command_line(int argc, char **argv);
/** The same without the program, which may lie elsewhere on other nodes. */
const char *sn_cli_command_arguments(void);
void sn_cli_forget_command_line(void);
/** The program as it was called, as in the command line. */
void sn_cli_put_program(FILE *out);
/** A word, quoted for a shell where needed, so that it can be pasted. */
void sn_cli_put_word(const char *word, FILE *out);

/**
 * Carries out a command that uses MPI: starts it, runs `body` on every rank unless `parsed` failed, agrees on the outcome,
 * lets rank 0 print the one line of an error, finalizes. Returns the exit code, the same on every rank. Without a launcher
 * a usage error does not start MPI. The watchdog, with `timeout` seconds, is there when `body` begins.
 */
int sn_cli_with_mpi(const char *command, sn_status parsed, sn_log_level level, double timeout,
                    sn_status (*body)(sn_team *world, void *context), void *context);

/** Carries out a command that does not need MPI: under a launcher it is rank 0's alone. Returns the exit code. */
int sn_cli_without_mpi(const char *command, sn_status parsed, sn_status (*body)(void *context),
                       void *context);

/** SN_ERROR_USAGE unless all ranks were started with the same command, SN_ERROR_FAILED unless their programs were built from the
 *  same sources. Collective. */
sn_status sn_cli_check_same_program(sn_team *world);

/** Warns, on rank 0, of ranks that have less than a processor each. Collective. */
sn_status sn_cli_advise_on_launch(sn_team *world);

/** Flushes standard output, remembering the first error; a reader that went away (EPIPE) is no error. */
void sn_cli_flush(void);

/** Flushes for the last time: 0, or 1 after saying that standard output could not be written. */
int sn_cli_finish_output(void);

#endif
