/* Whether a node has the memory that its ranks are about to take: the kernel would kill them without a word. */

#include <inttypes.h>

#include "session.h"
#include "syncnorm/base/available_memory.h"
#include "syncnorm/base/log.h"
#include "syncnorm/base/memory.h"

enum { MEGABYTE = 1 << 20 };

/* What a rank needs, and the ranks of its node. */
static sn_status judge(uint64_t need, uint64_t node, int ranks, bool verbose)
{
    const uint64_t there = sn_available_memory("");
    if (verbose)
        sn_log_detail("memory: %" PRIu64 " MB a rank, %" PRIu64 " MB on %s, which has %" PRIu64 " MB",
                      need / MEGABYTE, node / MEGABYTE, sn_comm_host(), there / MEGABYTE);
    if (node <= there) return SN_OK;
    return sn_fail(SN_ERROR_MEMORY,
                   "%s: %d rank%s of this run need%s %" PRIu64 " MB there (%" PRIu64
                   " MB each), and it has %" PRIu64
                   " MB: use more nodes, fewer ranks on each, or a smaller --batch",
                   sn_comm_host(), ranks, ranks == 1 ? "" : "s", ranks == 1 ? "s" : "", node / MEGABYTE,
                   need / MEGABYTE, there / MEGABYTE);
}

sn_status sn_session_check_memory(sn_team *team, const sn_replica_options *replica)
{
    const int size = sn_team_size(team), rank = sn_team_rank(team);
    uint64_t mine = sn_replica_bytes(replica), node = 0, *all = NULL;
    int *nodes = NULL, ranks = 0;
    sn_status status = SN_ALLOCATE(all, (size_t)size, "the comparison");
    if (status == SN_OK) status = SN_ALLOCATE(nodes, (size_t)size, "the nodes");
    status = sn_team_agree(team, status);
    if (status == SN_OK) {
        sn_team_nodes(team, nodes);
        sn_team_gather_all(team, &mine, sizeof mine, all);
        for (int r = 0; r < size; r++) {
            if (nodes[r] != nodes[rank]) continue;
            node += all[r];
            ranks++;
        }
        status = sn_team_agree(team, judge(mine, node, ranks, sn_team_is_root(team)));
    }
    sn_free(all);
    sn_free(nodes);
    return status;
}
