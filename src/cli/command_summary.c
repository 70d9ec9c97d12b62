/* syncnorm summary: the layer table, without MPI. */

#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "options.h"
#include "syncnorm/nn/summary.h"

static sn_status print(void *context)
{
    const sn_experiment *experiment = context;
    sn_network network;
    SN_TRY(sn_network_build(sn_experiment_network(experiment), &network));
    sn_summary_print(&network, "", stdout);
    return SN_OK;
}

/* What describes a network, as the experiments' options say it. */
static void network_options(sn_cli_option options[], size_t most)
{
    size_t count = 0;
    for (const sn_cli_option *all = sn_cli_experiment_options(false); all->name; all++)
        if (count < most && (strcmp(all->name, "experiment") == 0 || strcmp(all->name, "norm") == 0 ||
                             strcmp(all->name, "groups") == 0))
            options[count++] = *all;
}

int sn_command_summary(int argc, char **argv)
{
    static sn_cli_option options[4];
    network_options(options, 3);
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
