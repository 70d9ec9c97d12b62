#include <stdio.h>
#include <string.h>

#include "syncnorm/base/memory.h"
#include "syncnorm/comm/team.h"

enum { NAME_SIZE = 256 }; /* as long as any MPI library's of a host */

/* On the root: the names in `all`, whose first ones become those seen. */
static void join(char (*all)[NAME_SIZE], size_t ranks, const char *separator, char *text, size_t size)
{
    size_t names = 0, used = 0;
    for (size_t r = 0; r < ranks; r++) {
        size_t q = 0;
        while (q < names && strcmp(all[q], all[r]) != 0)
            q++;
        if (q < names || !all[r][0]) continue;
        memmove(all[names++], all[r], NAME_SIZE);
        used += (size_t)snprintf(text + used, size - used, "%s%s", used ? separator : "", all[names - 1]);
    }
}

sn_status sn_team_gather_names(sn_team *team, const char *name, const char *separator, char **text)
{
    const size_t ranks = (size_t)sn_team_size(team), size = ranks * (NAME_SIZE + strlen(separator));
    char mine[NAME_SIZE] = "", (*all)[NAME_SIZE] = NULL;
    const bool root = sn_team_is_root(team);
    *text = NULL;
    sn_status status = root ? SN_ALLOCATE(all, ranks, "the names") : SN_OK;
    if (status == SN_OK && root) status = SN_ALLOCATE(*text, size, "the names");
    status = sn_team_agree(team, status);
    if (status == SN_OK) {
        snprintf(mine, sizeof mine, "%s", name);
        sn_team_gather(team, mine, sizeof mine, all);
        if (root) join(all, ranks, separator, *text, size);
    }
    sn_free(all);
    return status;
}
