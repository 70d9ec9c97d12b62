/* syncnorm bench: where the time goes, on this machine. Nothing here is a test. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "cli.h"
#include "options.h"
#include "syncnorm/base/build.h"

enum { REPETITIONS = 10 };

/* What --json asks for. Measuring takes minutes, so the file is opened first; it gets its name when it is whole. */
typedef struct figures_file {
    const char *path; /* NULL: not asked for */
    char *partial;
    FILE *out;
} figures_file;

typedef struct context {
    sn_bench bench;
    figures_file file;
} context;

static sn_status cannot_write(const char *path)
{
    return sn_fail(SN_ERROR_FILE, "%s: cannot write the figures: %s", path, strerror(errno));
}

static sn_status open_figures(sn_bench *bench, figures_file *file)
{
    size_t size;
    FILE *name = open_memstream(&file->partial, &size);
    if (name) fprintf(name, "%s.partial", file->path);
    if (!name || fclose(name) != 0) return sn_fail(SN_ERROR_MEMORY, "out of memory: the name of a file");
    file->out = fopen(file->partial, "w");
    if (!file->out) return cannot_write(file->path);
    bench->figures = json_pack("{ss ss ss ss si si si}", "syncnorm", sn_build_info()->version, "isa",
                               bench->kernels->isa, "openblas", sn_blas_version(), "mpi", sn_comm_library(),
                               "ranks", sn_team_size(bench->world), "batch", bench->batch, "repetitions",
                               bench->repetitions);
    return bench->figures ? SN_OK : sn_fail(SN_ERROR_MEMORY, "out of memory: the figures");
}

/* With status SN_OK the file is completed, else nothing is left of it. */
static sn_status close_figures(sn_bench *bench, figures_file *file, sn_status status)
{
    if (file->out) {
        bool written = status != SN_OK || (json_dumpf(bench->figures, file->out, JSON_INDENT(2)) == 0 &&
                                           fputc('\n', file->out) != EOF);
        if (fclose(file->out) != 0) written = false;
        if (status == SN_OK && (!written || rename(file->partial, file->path) != 0))
            status = cannot_write(file->path);
        if (status != SN_OK) remove(file->partial);
    }
    json_decref(bench->figures);
    free(file->partial);
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
    sn_status (*const parts[])(const sn_bench *) = {sn_bench_convolutions, sn_bench_steps, sn_bench_shares,
                                                    sn_bench_parts, sn_bench_collectives};
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
    if (c->file.path && sn_team_is_root(world)) status = open_figures(bench, &c->file);
    status = sn_team_agree(world, status);
    if (status == SN_OK && sn_team_is_root(world)) print_heading(bench);
    if (status == SN_OK) status = measure(bench);
    return sn_team_agree(world, close_figures(bench, &c->file, status));
}

int sn_command_bench(int argc, char **argv)
{
    static const sn_cli_option options[] = {
        {"repetitions", "N", "samples of each measurement (default 10)", 0},
        {"batch", "N", "global batch of the whole steps (default 64)", 0},
        {"json", "FILE", "writes every figure to FILE, too: seconds, rates, parts", 0},
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
        if (status == SN_OK) c.file.path = sn_cli_value(&arguments, "json");
        if (status == SN_OK && c.file.path && !*c.file.path)
            status = sn_fail(SN_ERROR_USAGE, "--json '': must be the name of a file");
        code = sn_cli_with_mpi(command.name, status, SN_LOG_NORMAL, timeout, run, &c);
    }
    sn_cli_arguments_clear(&arguments);
    return code;
}
