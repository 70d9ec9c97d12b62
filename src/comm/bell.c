/* Empty messages to everybody, sent at once by any MPI since there is nothing to wait for; who is interested looks for one. */

#include "syncnorm/comm/bell.h"

#include <stdlib.h>

#include "team_internal.h"

enum { TAG_RING = 1 };

struct sn_bell {
    MPI_Comm comm; /* of its own: nothing else is heard */
    int rank, size;
    int rings, heard; /* rung here, 0 or 1; received from others */
};

void sn_bell_create(sn_team *team, sn_bell **bell)
{
    sn_bell *b = calloc(1, sizeof *b);
    if (!b) sn_comm_abort(sn_exit_code(SN_ERROR_MEMORY));
    MPI_Comm_dup(team->comm, &b->comm);
    b->rank = team->rank;
    b->size = team->size;
    *bell = b;
}

void sn_bell_ring(sn_bell *bell)
{
    if (bell->rings++ > 0) return;
    for (int r = 0; r < bell->size; r++)
        if (r != bell->rank) MPI_Send(NULL, 0, MPI_BYTE, r, TAG_RING, bell->comm);
}

static void receive(sn_bell *bell)
{
    MPI_Recv(NULL, 0, MPI_BYTE, MPI_ANY_SOURCE, TAG_RING, bell->comm, MPI_STATUS_IGNORE);
    bell->heard++;
}

bool sn_bell_rang(sn_bell *bell)
{
    if (bell->rings || bell->heard) return true;
    int there;
    MPI_Iprobe(MPI_ANY_SOURCE, TAG_RING, bell->comm, &there, MPI_STATUS_IGNORE);
    if (there) receive(bell);
    return there;
}

/* No message may be on its way when the communicator goes. */
void sn_bell_destroy(sn_bell *bell)
{
    if (!bell) return;
    const int mine = bell->rings > 0;
    int all = mine;
    MPI_Allreduce(MPI_IN_PLACE, &all, 1, MPI_INT, MPI_SUM, bell->comm);
    while (bell->heard < all - mine)
        receive(bell);
    MPI_Comm_free(&bell->comm);
    free(bell);
}
