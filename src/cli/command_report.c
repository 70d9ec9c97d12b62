/* syncnorm report: figures, tables and a page about run files, without MPI. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "syncnorm/base/range.h"
#include "syncnorm/report/report.h"

typedef struct reporting {
    sn_report_request request;
    sn_report_outcome outcome;
} reporting;

static sn_status report(void *context)
{
    reporting *r = context;
    SN_TRY(sn_report_write(&r->request, &r->outcome));
    printf("%s/report.html: %zu run%s of %zu experiment%s, %zu figures\n", r->request.directory,
           r->outcome.runs, r->outcome.runs == 1 ? "" : "s", r->outcome.groups,
           r->outcome.groups == 1 ? "" : "s", r->outcome.drawn);
    if (r->outcome.commands) fputs(r->outcome.commands, stdout);
    return SN_OK;
}

/* The operands as an array, which the request keeps; its paths are the arguments'. */
static const char **collect(const sn_cli_arguments *arguments, size_t *count)
{
    const char **paths = malloc((arguments->count + 1) * sizeof *paths);
    for (*count = 0; paths && (paths[*count] = sn_cli_operand(arguments, *count));)
        (*count)++;
    return paths;
}

static sn_status read_target(const sn_cli_arguments *arguments, sn_report_request *request)
{
    const char *text = sn_cli_value(arguments, "target");
    if (!text) return SN_OK;
    char *end;
    request->target = strtod(text, &end);
    if (end != text && !*end && request->target > 0 && request->target <= 100) return SN_OK;
    return sn_fail(SN_ERROR_USAGE, "--target '%.60s': must be a percentage above 0, at most 100", text);
}

static sn_status read_margin(const sn_cli_arguments *arguments, sn_report_request *request)
{
    const char *text = sn_cli_value(arguments, "margin");
    char *end;
    if (!text) return SN_OK;
    request->margin = strtod(text, &end);
    if (end != text && !*end && request->margin > 0 && request->margin <= 100) return SN_OK;
    return sn_fail(SN_ERROR_USAGE, "--margin '%.60s': must be points of test accuracy above 0, at most 100",
                   text);
}

static sn_status read_last(const sn_cli_arguments *arguments, sn_report_request *request)
{
    const char *text = sn_cli_value(arguments, "last");
    uint64_t first, last;
    if (!text) return SN_OK;
    if (sn_read_range(text, strlen(text), &first, &last) && first == last && first >= 1 &&
        !strchr(text, '-') && first <= UINT32_MAX) {
        request->last = (size_t)first;
        return SN_OK;
    }
    return sn_fail(SN_ERROR_USAGE, "--last '%.60s': must be a number of epochs, 1 or more", text);
}

int sn_command_report(int argc, char **argv)
{
    static const sn_cli_option options[] = {
        {"output", "DIR", "directory of the report, made when it is not there", 0},
        {"baseline", "NAME",
         "experiment that the others are compared with (default: synchronized bn without penalty, else the "
         "first)",
         0},
        {"margin", "POINTS", "differences of test accuracy within it are taken for none (default: 0.1)", 0},
        {"last", "K", "judge by the mean accuracy of the last K epochs (default: 1, the last one)", 0},
        {"select", "OPTION[,...]",
         "of experiments that differ in these options alone (lr, say), choose the best by the images that "
         "--validation held out",
         0},
        {"emit-final", "SEEDS",
         "with --select: print the commands that train the best of each on these fresh seeds (11-20) and all "
         "training images",
         0},
        {"machine", "FILE.json[,...]",
         "price the runs on 1 to 4096 ranks of these machines: files as bench --json writes them", 0},
        {"target", "PERCENT",
         "test accuracy to be reached: epochs, steps and samples to it, and with --machine its price in time "
         "(there, default: the best that "
         "all reach)",
         0},
        {0}};
    static const sn_cli_group groups[] = {{"Options:", options}};
    static const sn_cli_command command = {
        .name = "report",
        .operands = "RUN.h5...",
        .about =
            "Compares runs: writes report.html, which holds everything and needs no network; report.md and a "
            "CSV file per table; and each figure as SVG and PDF with its data and its gnuplot script.",
        .notes = "A file that is no run file, or damaged, is named and left out; the exit code is then 1.",
        .groups = groups,
        .group_count = 1,
    };
    sn_cli_arguments arguments;
    sn_status status = sn_cli_parse(&command, argc, argv, &arguments);
    int code = 0;
    if (status == SN_OK && arguments.done) {
        code = sn_cli_finish_output();
    } else {
        reporting r = {.request = {.directory = sn_cli_value(&arguments, "output"),
                                   .baseline = sn_cli_value(&arguments, "baseline"),
                                   .final_seeds = sn_cli_value(&arguments, "emit-final"),
                                   .select = sn_cli_value(&arguments, "select"),
                                   .machines = sn_cli_value(&arguments, "machine")}};
        const char **paths = collect(&arguments, &r.request.path_count);
        r.request.paths = paths;
        if (status == SN_OK && !paths) status = sn_fail(SN_ERROR_MEMORY, "out of memory");
        if (status == SN_OK && !r.request.path_count) status = sn_fail(SN_ERROR_USAGE, "no run file given");
        if (status == SN_OK && (!r.request.directory || !*r.request.directory))
            status = sn_fail(SN_ERROR_USAGE, "--output DIR is missing: where shall the report go?");
        if (status == SN_OK && r.request.final_seeds && !r.request.select)
            status = sn_fail(SN_ERROR_USAGE, "--emit-final goes with --select");
        if (status == SN_OK) status = read_margin(&arguments, &r.request);
        if (status == SN_OK) status = read_last(&arguments, &r.request);
        if (status == SN_OK) status = read_target(&arguments, &r.request);
        code = sn_cli_without_mpi(command.name, status, report, &r);
        if (code == 0 && r.outcome.unreadable) code = sn_exit_code(SN_ERROR_FILE);
        free(r.outcome.commands);
        free(paths);
    }
    sn_cli_arguments_clear(&arguments);
    return code;
}
