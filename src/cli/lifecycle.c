/* How a command starts, speaks and ends, with and without MPI. */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "syncnorm/base/build.h"
#include "syncnorm/comm/process.h"
#include "syncnorm/comm/watchdog.h"

enum { UNKNOWN = -1 };

static int output_error; /* errno, or UNKNOWN */

/* The reason went with a write before: of a library's, or of a full buffer. A pipe without a reader can still be told. */
static int why_not_written(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&output, 1, 0) == 1 && (output.revents & POLLERR) ? EPIPE : UNKNOWN;
}

void sn_cli_flush(void)
{
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout)) && !output_error)
        output_error = errno ? errno : why_not_written();
}

int sn_cli_finish_output(void)
{
    sn_cli_flush();
    /* whoever closed the pipe has seen what he wanted; a run's result is its file */
    if (output_error == 0 || output_error == EPIPE) return 0;
    sn_log_error("cannot write to standard output%s%s", output_error == UNKNOWN ? "" : ": ",
                 output_error == UNKNOWN ? "" : strerror(output_error));
    return 1;
}

void sn_cli_print_version(void)
{
    const sn_build *build = sn_build_info();
    printf("syncnorm %s (%s, %s)\n", build->version, build->git_revision, build->compiler);
}

int sn_cli_launched_size(void)
{
    static const char *const variables[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS"};
    for (size_t i = 0; sn_comm_launched_rank() >= 0 && i < sizeof variables / sizeof *variables; i++) {
        const char *value = getenv(variables[i]);
        if (value && atoi(value) > 0) return atoi(value);
    }
    return 1;
}

bool sn_cli_is_first(void)
{
    return sn_comm_launched_rank() <= 0;
}

bool sn_cli_is_launched(void)
{
    return sn_comm_launched_rank() >= 0;
}

/* The one line of an error, in one write. */
static void say_error(const char *command, sn_status status)
{
    if (status != SN_ERROR_USAGE) {
        const char *message = *sn_error_message() ? sn_error_message() : sn_status_meaning(status);
        if (status == SN_STOPPED)
            sn_log_note("%s", message);
        else
            sn_log_error("%s", message);
        return;
    }
    char line[SN_MESSAGE_SIZE + 128];
    snprintf(line, sizeof line, "syncnorm %s: %s (see syncnorm %s --help)\n", command, sn_error_message(),
             command);
    fputs(line, stderr);
}

int sn_cli_without_mpi(const char *command, sn_status parsed, sn_status (*body)(void *context), void *context)
{
    if (!sn_cli_is_first()) return 0; /* the exit code of the job is then rank 0's */
    sn_status status = parsed;
    if (status == SN_OK) status = body(context);
    const int output = sn_cli_finish_output();
    if (status != SN_OK) say_error(command, status);
    return status != SN_OK ? sn_exit_code(status) : output;
}

int sn_cli_with_mpi(const char *command, sn_status parsed, sn_log_level level, double timeout,
                    sn_status (*body)(sn_team *world, void *context), void *context)
{
    if (parsed != SN_OK && sn_comm_launched_rank() < 0) {
        say_error(command, parsed);
        return sn_exit_code(parsed);
    }
    /* Under a launcher MPI starts even for a usage error: a rank that exits before MPI_Init makes mpirun kill the others,
       perhaps before rank 0 has said what is wrong. */
    sn_team *world;
    const sn_status started = sn_comm_start(&world);
    if (started != SN_OK) {
        say_error(command, started);
        return sn_exit_code(started);
    }
    sn_log_configure(level, sn_team_is_root(world));
    sn_log_detail("%s; %d %s, rank 0 on %s", sn_comm_library(), sn_team_size(world),
                  sn_team_size(world) == 1 ? "rank" : "ranks", sn_comm_host());
    sn_status status = sn_team_agree(world, sn_watchdog_start(timeout, sn_comm_rank()));
    if (status == SN_OK) status = sn_cli_check_same_program(world);
    if (status == SN_OK) status = sn_team_agree(world, parsed);
    if (status == SN_OK) status = sn_cli_advise_on_launch(world);
    if (status == SN_OK) status = sn_team_agree(world, body(world, context));

    int code = sn_exit_code(status);
    if (sn_team_is_root(world)) {
        sn_log_configure(level, 1);
        const int output = sn_cli_finish_output();
        if (status != SN_OK) say_error(command, status);
        if (status == SN_OK) code = output;
    }
    sn_team_broadcast(world, &code, sizeof code, 0);
    sn_watchdog_stop();
    sn_comm_finish(world);
    return code;
}
