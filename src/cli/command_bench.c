/* syncnorm bench: where the time goes, on this machine. Nothing here is a test. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "cli.h"
#include "options.h"
#include "syncnorm/base/build.h"
#include "syncnorm/io/whole_file.h"

enum { REPETITIONS = 10 };

typedef struct context {
    sn_bench bench;
    const char *path; /* of the figures; NULL: not asked for */
} context;

/* Measuring takes minutes, so what could hinder the file is looked for first. */
static sn_status begin_figures(context *c)
{
    sn_bench *bench = &c->bench;
    SN_TRY(sn_whole_file_try(c->path));
    bench->figures = json_pack("{ss ss ss ss ss ss si si si}", "machine", sn_comm_host(), "origin",
                               "measured", "syncnorm", sn_build_info()->version, "isa", bench->kernels->isa,
                               "openblas", sn_blas_version(), "mpi", sn_comm_library(), "ranks",
                               sn_team_size(bench->world), "batch", bench->batch, "repetitions",
                               bench->repetitions);
    return bench->figures ? SN_OK : sn_fail(SN_ERROR_MEMORY, "out of memory: the figures");
}

static sn_status write_figures(const context *c)
{
    if (!c->bench.figures) return SN_OK;
    char *text = json_dumps(c->bench.figures, JSON_INDENT(2)), *line = NULL;
    sn_status status = SN_OK;
    if (!text || asprintf(&line, "%s\n", text) < 0)
        status = sn_fail(SN_ERROR_MEMORY, "out of memory: the figures");
    else
        status = sn_whole_file_write(c->path, line, strlen(line));
    free(text);
    free(line);
    return status;
}

static void print_heading(const sn_bench *bench)
{
    const int ranks = sn_team_size(bench->world);
    printf("Instruction set %s; OpenBLAS %s, one thread; %s; %d %s\n", bench->kernels->isa, sn_blas_version(),
           sn_comm_library(), ranks, ranks == 1 ? "rank" : "ranks");
    printf("Best and median of %d samples of at least 2 ms each after a warm-up; figures of rank 0, all "
           "ranks at work\n",
           bench->repetitions);
    sn_cli_flush();
}

static sn_status measure(sn_bench *bench)
{
    sn_status (*const parts[])(const sn_bench *) = {sn_bench_convolutions, sn_bench_steps,
                                                    sn_bench_shares,       sn_bench_parts,
                                                    sn_bench_collectives,  sn_bench_machine};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        SN_TRY(parts[i](bench));
        sn_cli_flush();
    }
    return SN_OK;
}

static sn_status run(sn_team *world, void *given)
{
    context *c = given;
    sn_bench *bench = &c->bench;
    bench->world = world;
    sn_status status = sn_kernels_choose(&bench->kernels);
    SN_TRY(sn_team_agree(world, status));
    status = SN_OK;
    if (c->path && sn_team_is_root(world)) status = begin_figures(c);
    status = sn_team_agree(world, status);
    if (status == SN_OK && sn_team_is_root(world)) print_heading(bench);
    if (status == SN_OK) status = measure(bench);
    if (status == SN_OK) status = write_figures(c);
    json_decref(bench->figures);
    return sn_team_agree(world, status);
}

int sn_command_bench(int argc, char **argv)
{
    static const sn_cli_option options[] = {
        {"repetitions", "N", "samples of each measurement (default 10)", 0},
        {"batch", "N", "global batch of the whole steps (default 64)", 0},
        {"json", "FILE",
         "writes every figure to FILE, too: seconds, rates, parts; it is what report --machine reads", 0},
        SN_CLI_TIMEOUT_OPTION,
        {0},
    };
    static const sn_cli_group groups[] = {{"Options:", options}};
    static const sn_cli_command command = {
        .name = "bench",
        .about =
            "Measures the convolutions, layer by layer beside OpenBLAS sgemm, whole training steps, also by "
            "the "
            "number of samples that a rank has, where the time of a step goes, and the sums across ranks. "
            "Needs no data set.",
        .notes = "SYNCNORM_ISA=portable, x86-64-v3 or x86-64-v4 forces an instruction set.",
        .groups = groups,
        .group_count = 1,
    };
    static context c = {.bench = {.repetitions = REPETITIONS, .batch = 64}};
    double timeout = 0;
    sn_cli_arguments arguments;
    sn_status status = sn_cli_parse(&command, argc, argv, &arguments);
    int code = 0;
    if (status == SN_OK && arguments.done) {
        code = sn_cli_finish_output();
    } else {
        if (status == SN_OK)
            status = sn_cli_read_count(&arguments, "repetitions", SN_BENCH_REPETITIONS_MAX,
                                       &c.bench.repetitions);
        if (status == SN_OK) status = sn_cli_read_count(&arguments, "batch", 65536, &c.bench.batch);
        if (status == SN_OK) status = sn_cli_read_timeout(&arguments, &timeout);
        if (status == SN_OK) c.path = sn_cli_value(&arguments, "json");
        if (status == SN_OK && c.path && !*c.path)
            status = sn_fail(SN_ERROR_USAGE, "--json '': must be the name of a file");
        code = sn_cli_with_mpi(command.name, status, SN_LOG_NORMAL, timeout, run, &c);
    }
    sn_cli_arguments_clear(&arguments);
    return code;
}
