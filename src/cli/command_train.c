/* syncnorm train: one run over all ranks. */

#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "display.h"
#include "options.h"
#include "syncnorm/dataset/dataset.h"
#include "syncnorm/train/signals.h"
#include "syncnorm/train/trainer.h"

typedef struct training {
    sn_experiment experiment;
    sn_execution execution;
    const char *data;
    sn_cli_progress progress;
    sn_log_level level;
    sn_result result;
} training;

static sn_status train(sn_team *world, void *context)
{
    training *t = context;
    sn_display display;
    sn_display_start(&display, t->progress, t->level == SN_LOG_QUIET, stdout);
    const sn_observer observer = sn_display_observer(&display);

    sn_dataset *dataset = NULL;
    SN_TRY(sn_team_agree(world, sn_cli_check_arithmetic()));
    sn_status status = sn_experiment_bind_ranks(&t->experiment, sn_team_size(world));
    if (status == SN_OK) status = sn_dataset_open(world, t->data, &dataset);
    if (status == SN_OK)
        status = sn_train(world, dataset, &t->experiment, &t->execution, &observer, &t->result);
    if (status == SN_OK && sn_team_is_root(world)) sn_display_complete(&display, &t->result);
    sn_dataset_close(dataset);
    sn_display_finish(&display);
    return status;
}

static sn_status read_options(const sn_cli_arguments *arguments, training *t)
{
    SN_TRY(sn_cli_read_experiment(arguments, &t->experiment));
    SN_TRY(sn_cli_read_execution(arguments, &t->execution));
    SN_TRY(sn_cli_read_progress(arguments, &t->progress));
    SN_TRY(sn_cli_read_verbosity(arguments, &t->level));
    t->execution.command_line = sn_cli_command_line();
    t->data = sn_cli_value(arguments, "data");
    const char *output = sn_cli_value(arguments, "output");
    if (output && (!*output || strlen(output) >= sizeof t->execution.output))
        return sn_fail(SN_ERROR_USAGE, "--output '%s': must be a path of 1 to %zu characters",
                       sn_cli_shown(output), sizeof t->execution.output - 1);
    if (output) strcpy(t->execution.output, output);
    return SN_OK;
}

int sn_command_train(int argc, char **argv)
{
    const sn_cli_option execution[] = {
        SN_CLI_DATA_OPTION,
        {"output", "FILE.h5", "run file (default runs/NAME.h5, named after the experiment)", 0},
        sn_cli_steps_option(),
        SN_CLI_EXECUTION_OPTIONS,
        {"progress", "auto|always|never", "a progress bar (default auto: on a terminal)", 0},
        SN_CLI_VERBOSITY_OPTIONS,
        {0},
    };
    const sn_cli_group groups[] = {
        {"Experiment (what defines the result):", sn_cli_experiment_options(false)},
        {"Execution (changes no bit of it):", execution}};
    const sn_cli_command command = {
        .name = "train",
        .about = "Trains one experiment, data-parallel over all ranks, and keeps its run file up to date.",
        .notes =
            "The same experiment gives the same bits on any number of ranks. On several: mpirun -q -np N "
            "syncnorm train ... SYNCNORM_ISA=portable, x86-64-v3 or x86-64-v4 forces an instruction set.",
        .groups = groups,
        .group_count = sizeof groups / sizeof *groups,
    };
    static training t;
    sn_cli_arguments arguments;
    sn_status status = sn_cli_parse(&command, argc, argv, &arguments);
    int code = 0;
    if (status == SN_OK && arguments.done) {
        code = sn_cli_finish_output();
    } else {
        if (status == SN_OK) status = read_options(&arguments, &t);
        sn_signals_install(); /* from the very start: a request during the preparation is heeded after the first step */
        code = sn_cli_with_mpi(command.name, status, t.level, t.execution.timeout, train, &t);
    }
    sn_cli_arguments_clear(&arguments);
    return code;
}
