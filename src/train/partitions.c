/* How a global batch is divided: by virtual worker, and into the groups that batch norm pools over. */

#include "trainer_internal.h"

uint32_t sn_trainer_most_groups(const sn_experiment *e, uint32_t batch)
{
    if (e->bn_scope == SN_SCOPE_SYNC) return 1;
    return e->bn_scope == SN_SCOPE_WORKER ? e->workers : batch / e->bn_scope + 1;
}

/* Groups of `size` consecutive positions; the last has what is left. A single sample left joins the group before it: statistics over
   one sample teach nothing (its logits would not depend on the image). */
static uint32_t cut(uint32_t total, uint32_t size, uint32_t *start)
{
    const uint32_t rest = total % size;
    uint32_t parts = total / size;
    if (rest > 1 || parts == 0) parts++;
    for (uint32_t g = 0; g < parts; g++)
        start[g] = g * size;
    start[parts] = total;
    return parts;
}

void sn_trainer_divide(trainer *t, uint32_t step, sn_batch *batch)
{
    const sn_experiment *e = &t->experiment;
    sn_sampler_workers(t->sampler, step, t->worker_start);
    batch->workers = (sn_partition){t->worker_start, e->workers};
    if (e->bn_scope == SN_SCOPE_SYNC)
        batch->groups = (sn_partition){NULL, 0};
    else if (e->bn_scope == SN_SCOPE_WORKER)
        batch->groups = batch->workers;
    else
        batch->groups = (sn_partition){t->group_start, cut(batch->total, e->bn_scope, t->group_start)};
}
