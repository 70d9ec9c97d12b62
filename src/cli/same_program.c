/* Whether all ranks carry out the same command in the same program: else they would wait for each other for ever, or compute something
   that nobody's sources say. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "syncnorm/base/build.h"
#include "syncnorm/base/digest.h"

enum { HOST_SIZE = 256, SOURCES_SIZE = 33, REVISION_SIZE = 64 };

typedef struct origin {
    char sources[SOURCES_SIZE], revision[REVISION_SIZE], host[HOST_SIZE];
} origin;

/* mpirun starts different commands side by side when asked to. */
static sn_status check_same_command(sn_team *world)
{
    const char *arguments = sn_cli_command_arguments();
    const sn_digest mine = sn_digest_of(arguments, strlen(arguments));
    if (sn_team_same(world, &mine, sizeof mine, NULL)) return SN_OK;
    return sn_fail(SN_ERROR_USAGE, "the ranks were not all started with the same command and options");
}

static bool repeats(const origin *all, int r)
{
    int q = 0;
    while (q < r && (strcmp(all[q].sources, all[r].sources) != 0 || strcmp(all[q].host, all[r].host) != 0))
        q++;
    return q < r;
}

/* "different builds: node1 has 1761190147 (40348a0f66ef), node2 5c5fa0ddba (40348a0f66ef-dirty); ..." */
static sn_status tell_builds(const origin *all, int ranks)
{
    char list[SN_MESSAGE_SIZE / 2];
    size_t used = 0;
    for (int r = 0; r < ranks; r++) {
        if (repeats(all, r)) continue;
        const int length = snprintf(list + used, sizeof list - used, "%s%s has %.10s (%s)", used ? ", " : "",
                                    all[r].host, all[r].sources, all[r].revision);
        if (used + (size_t)length >= sizeof list) {
            snprintf(list + used, sizeof list - used, "%s", "...");
            break;
        }
        used += (size_t)length;
    }
    return sn_fail(SN_ERROR_FAILED,
                   "the ranks run different builds of syncnorm: %s (digest of the sources, git revision): "
                   "start the same on "
                   "all hosts",
                   list);
}

static sn_status check_same_build(sn_team *world)
{
    const sn_build *build = sn_build_info();
    origin mine = {.sources = ""}, *all = NULL;
    snprintf(mine.sources, sizeof mine.sources, "%s", build->sources);
    if (sn_team_same(world, mine.sources, sizeof mine.sources, NULL)) return SN_OK;
    snprintf(mine.revision, sizeof mine.revision, "%s", build->git_revision);
    snprintf(mine.host, sizeof mine.host, "%s", sn_comm_host());
    const bool root = sn_team_is_root(world);
    sn_status status = SN_OK;
    if (root && !(all = calloc((size_t)sn_team_size(world), sizeof *all)))
        status = sn_fail(SN_ERROR_MEMORY, "out of memory: the comparison of builds");
    status = sn_team_agree(world, status);
    if (status == SN_OK) {
        sn_team_gather(world, &mine, sizeof mine, all);
        status = sn_team_agree(world, root ? tell_builds(all, sn_team_size(world)) : SN_OK);
    }
    free(all);
    return status;
}

sn_status sn_cli_check_same_program(sn_team *world)
{
    SN_TRY(check_same_command(world));
    return check_same_build(world);
}
