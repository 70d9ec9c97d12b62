/* syncnorm inspect: what run files hold, without MPI. */

#include <stdio.h>
#include <stdlib.h>

#include "cli.h"
#include "syncnorm/cli/inspect.h"

typedef struct inspection {
    const sn_cli_arguments *arguments;
    bool verify, failed;
} inspection;

/* One file, as text of its own: what standard output makes of it is seen when the command ends. */
static sn_status inspect(const char *path, bool verify)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    if (!out) return sn_fail(SN_ERROR_MEMORY, "out of memory: the account of %s", path);
    const sn_status status = verify ? sn_inspect_verify(path, out) : sn_inspect_print(path, out);
    fclose(out);
    if (status == SN_OK) fputs(text, stdout);
    free(text);
    return status;
}

/* Every file is looked at and every bad one named. */
static sn_status inspect_all(void *context)
{
    inspection *i = context;
    const char *path;
    for (size_t n = 0; (path = sn_cli_operand(i->arguments, n)); n++) {
        if (n > 0 && !i->verify) putchar('\n');
        if (inspect(path, i->verify) == SN_OK) continue;
        i->failed = true;
        sn_cli_flush();
        sn_log_error("%s", sn_error_message());
        sn_error_clear();
    }
    return SN_OK;
}

int sn_command_inspect(int argc, char **argv)
{
    static const sn_cli_option options[] = {
        {"verify", NULL, "only check each file: its hash, its layout, the digest of its weights", 0}, {0}};
    static const sn_cli_group groups[] = {{"Options:", options}};
    static const sn_cli_command command = {
        .name = "inspect",
        .operands = "RUN.h5...",
        .about = "Prints what run files hold: experiment, provenance, progress, metrics and digest. With "
                 "--verify, "
                 "a line per sound file; exit code 1 when one is not.",
        .groups = groups,
        .group_count = 1,
    };
    sn_cli_arguments arguments;
    sn_status status = sn_cli_parse(&command, argc, argv, &arguments);
    int code = 0;
    if (status == SN_OK && arguments.done) {
        code = sn_cli_finish_output();
    } else {
        inspection i = {.arguments = &arguments, .verify = sn_cli_given(&arguments, "verify")};
        if (status == SN_OK && !sn_cli_operand(&arguments, 0))
            status = sn_fail(SN_ERROR_USAGE, "no run file given");
        code = sn_cli_without_mpi(command.name, status, inspect_all, &i);
        if (i.failed) code = sn_exit_code(SN_ERROR_FILE);
    }
    sn_cli_arguments_clear(&arguments);
    return code;
}
