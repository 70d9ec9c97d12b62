#ifndef SYNCNORM_COMM_SUM_H
#define SYNCNORM_COMM_SUM_H

/** How a team adds up, by the nodes that its ranks are on. All are collective over the team. */

#include "team_internal.h"

typedef struct sn_sum_way sn_sum_way;

/** `here`, which it takes: the ranks of the team on this node. */
sn_sum_way *sn_sum_arrange(const sn_team *team, MPI_Comm here);

/** values[i] summed over the team, in place. */
void sn_sum(sn_sum_way *way, const sn_team *team, int64_t *values, size_t count);

/** NULL is fine. */
void sn_sum_forget(sn_sum_way *way);

#endif
