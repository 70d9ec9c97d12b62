/* Whether all ranks carry out the same command in the same program: else they would wait for each other for ever, or compute something
   that nobody's sources say. */

#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "syncnorm/base/build.h"
#include "syncnorm/base/digest.h"
#include "syncnorm/base/memory.h"

/* mpirun starts different commands side by side when asked to. */
static sn_status check_same_command(sn_team *world)
{
    const char *arguments = sn_cli_command_arguments();
    const sn_digest mine = sn_digest_of(arguments, strlen(arguments));
    if (sn_team_same(world, &mine, sizeof mine, NULL)) return SN_OK;
    return sn_fail(SN_ERROR_USAGE, "the ranks were not all started with the same command and options");
}

/* Names the hosts of the builds that fewer ranks have, and one host of the others. */
static sn_status check_same_build(sn_team *world)
{
    const sn_build *build = sn_build_info();
    const int size = sn_team_size(world), rank = sn_team_rank(world);
    char mine[33] = "", name[256] = "", *text = NULL;
    int *differs = NULL, first = 0;
    snprintf(mine, sizeof mine, "%s", build->sources);
    SN_TRY(sn_team_agree(world, SN_ALLOCATE(differs, (size_t)size, "the comparison of builds")));
    sn_status status = SN_OK;
    if (!sn_team_same(world, mine, sizeof mine, differs)) {
        while (differs[first])
            first++;
        if (differs[rank] || rank == first)
            snprintf(name, sizeof name, "%.100s has %.10s (%.100s)", sn_comm_host(), mine,
                     build->git_revision);
        status = sn_team_gather_names(world, name, ", ", &text);
        if (status == SN_OK)
            status = sn_fail(
                SN_ERROR_FAILED,
                "the ranks run different builds of syncnorm, start the same on all hosts: %s (digest of "
                "the sources, git revision)",
                text ? text : "");
    }
    sn_free(text);
    sn_free(differs);
    return sn_team_agree(world, status);
}

sn_status sn_cli_check_same_program(sn_team *world)
{
    SN_TRY(check_same_command(world));
    return check_same_build(world);
}
