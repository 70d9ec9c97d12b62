/* syncnorm bench: where the time goes, on this machine. Nothing here is a test. */

#include <stdio.h>

#include "bench.h"
#include "cli.h"
#include "options.h"

enum { REPETITIONS = 10 };

static sn_status run(sn_team *world, void *context)
{
    sn_bench *bench = context;
    bench->world = world;
    sn_status status = sn_kernels_choose(&bench->kernels);
    SN_TRY(sn_team_agree(world, status));
    if (sn_team_is_root(world)) {
        printf("Instruction set %s; OpenBLAS %s, one thread; %s; %d %s\n", bench->kernels->isa,
               sn_blas_version(), sn_comm_library(), sn_team_size(world),
               sn_team_size(world) == 1 ? "rank" : "ranks");
        printf("Best and median of %d samples of at least 2 ms each after a warm-up; figures of rank 0, all "
               "ranks "
               "at work\n",
               bench->repetitions);
        sn_cli_flush();
    }
    SN_TRY(sn_bench_convolutions(bench));
    sn_cli_flush();
    SN_TRY(sn_bench_steps(bench));
    sn_cli_flush();
    return sn_bench_collectives(bench);
}

int sn_command_bench(int argc, char **argv)
{
    static const sn_cli_option options[] = {
        {"repetitions", "N", "samples of each measurement (default 10)", 0},
        {"batch", "N", "global batch of the whole steps (default 64)", 0},
        SN_CLI_TIMEOUT_OPTION,
        {0},
    };
    static const sn_cli_group groups[] = {{"Options:", options}};
    static const sn_cli_command command = {
        .name = "bench",
        .about =
            "Measures the convolutions, layer by layer beside OpenBLAS sgemm, whole training steps and the "
            "sums across ranks. Needs no data set.",
        .notes = "SYNCNORM_ISA=portable, x86-64-v3 or x86-64-v4 forces an instruction set.",
        .groups = groups,
        .group_count = 1,
    };
    static sn_bench bench = {.repetitions = REPETITIONS, .batch = 64};
    double timeout = 0;
    sn_cli_arguments arguments;
    sn_status status = sn_cli_parse(&command, argc, argv, &arguments);
    int code = 0;
    if (status == SN_OK && arguments.done) {
        code = sn_cli_finish_output();
    } else {
        if (status == SN_OK)
            status = sn_cli_read_count(&arguments, "repetitions", SN_BENCH_REPETITIONS_MAX,
                                       &bench.repetitions);
        if (status == SN_OK) status = sn_cli_read_count(&arguments, "batch", 65536, &bench.batch);
        if (status == SN_OK) status = sn_cli_read_timeout(&arguments, &timeout);
        code = sn_cli_with_mpi(command.name, status, SN_LOG_NORMAL, timeout, run, &bench);
    }
    sn_cli_arguments_clear(&arguments);
    return code;
}
