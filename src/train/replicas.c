/* Whether the replicas still agree: before anything is saved that a run could go on from. */

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "session.h"
#include "syncnorm/base/floating_point.h"
#include "syncnorm/base/memory.h"

static sn_status check_environment(const sn_session *s)
{
    if (sn_floating_point_ok()) return SN_OK;
    return sn_fail(SN_ERROR_FAILED,
                   "rank %d on %s: the floating-point environment was changed behind our back",
                   sn_team_rank(s->team), sn_comm_host());
}

enum { RANKS_NAMED = 16 };

/* "rank 2 differs from the others", "ranks 0 1 differ": in a tie nobody knows who is right. */
static sn_status tell_difference(const sn_session *s, const int *differing)
{
    const int size = sn_team_size(s->team);
    int count = 0;
    for (int r = 0; r < size; r++)
        count += differing[r] != 0;
    const bool tie = 2 * count >= size;
    char ranks[RANKS_NAMED * sizeof " -2147483648" + sizeof " ..."] = "";
    size_t used = 0;
    int named = 0;
    for (int r = 0; r < size && named <= RANKS_NAMED; r++) {
        if (!tie && !differing[r]) continue;
        if (named++ == RANKS_NAMED)
            snprintf(ranks + used, sizeof ranks - used, " ...");
        else
            used += (size_t)snprintf(ranks + used, sizeof ranks - used, " %d", r);
    }
    return sn_fail(SN_ERROR_REPLICAS, "epoch %" PRIu32 ", step %" PRIu64 ": the weights of rank%s%s differ%s",
                   s->progress.epoch + 1, s->progress.step, tie || count > 1 ? "s" : "", ranks,
                   tie ? ", and no majority agrees" : " from the others'");
}

/* Every rank has the same weights by now, so all come to the same end. */
static sn_status check_finite(const sn_session *s)
{
    const size_t total = (size_t)s->network.parameters.total;
    for (size_t i = 0; i < total; i++)
        if (!isfinite(s->model->values[i]))
            for (int p = s->network.parameters.count - 1; p >= 0; p--)
                if (i >= s->network.parameters.items[p].offset)
                    return sn_fail(SN_ERROR_DIVERGED,
                                   "training diverged at step %" PRIu64
                                   ": %s has values that are infinite or not a number; try a smaller --lr",
                                   s->progress.step, s->network.parameters.items[p].name);
    return SN_OK;
}

sn_status sn_session_check_replicas(const sn_session *s)
{
    SN_TRY(sn_team_agree(s->team, check_environment(s)));
    const sn_digest digest = sn_model_digest(s->model);
    int *differing;
    SN_TRY(sn_team_agree(s->team, SN_ALLOCATE(differing, (size_t)sn_team_size(s->team), "the comparison")));
    const bool same = sn_team_same(s->team, &digest, sizeof digest, differing);
    const sn_status status = same ? check_finite(s) : tell_difference(s, differing);
    sn_free(differing);
    return status;
}
