#ifndef SYNCNORM_COMM_EXCHANGE_H
#define SYNCNORM_COMM_EXCHANGE_H

/** Sums over ranks that are on different nodes, in the rounds of comm/rounds.h. Collective over them. */

#include <mpi.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sn_exchange sn_exchange;

/** Takes the communicator. MPI_COMM_NULL: NULL. */
sn_exchange *sn_exchange_create(MPI_Comm comm);

/** values[i] summed, in place. `together`: the words that the ranks of a node exchange at once, these among them, and share its link for. */
void sn_exchange_sum(sn_exchange *exchange, int64_t *values, size_t count, size_t together);

/** NULL is fine. */
void sn_exchange_destroy(sn_exchange *exchange);

#endif
