/* syncnorm summary: the layer table, without MPI. */

#include <stdio.h>

#include "cli.h"
#include "options.h"
#include "syncnorm/nn/summary.h"

static sn_status print(void *context)
{
    const sn_experiment *experiment = context;
    sn_network network;
    SN_TRY(sn_network_build(experiment->norm, (int)experiment->groups, &network));
    sn_summary_print(&network, "", stdout);
    return SN_OK;
}

int sn_command_summary(int argc, char **argv)
{
    static const sn_cli_option options[] = {
        {"experiment", "gn|ln|bn-l1", "preset (default gn)", 0},
        {"norm", "gn|ln|bn|in|none", "norm instead of a preset", 0},
        {"groups", "N", "groups of group norm (default 2)", 0},
        {0},
    };
    static const sn_cli_group groups[] = {{"Network:", options}};
    static const sn_cli_command command = {
        .name = "summary",
        .about =
            "Prints the layers of the network, their output shapes and parameters, as torchsummary does.",
        .groups = groups,
        .group_count = 1,
    };
    sn_cli_arguments arguments;
    static sn_experiment experiment;
    sn_status status = sn_cli_parse(&command, argc, argv, &arguments);
    int code = 0;
    if (status == SN_OK && arguments.done) {
        code = sn_cli_finish_output();
    } else {
        if (status == SN_OK) status = sn_cli_read_experiment(&arguments, &experiment);
        code = sn_cli_without_mpi(command.name, status, print, &experiment);
    }
    sn_cli_arguments_clear(&arguments);
    return code;
}
