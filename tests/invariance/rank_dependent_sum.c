/* The negative control of rank_invariance.py, preloaded under a run: MPI_Allreduce by way of MPI's profiling interface, with 64-bit
   sums rounded to the precision of a float on every rank before they are added, as a trainer that sums floats would have it. */

#include <mpi.h>
#include <stdint.h>
#include <stdlib.h>

int MPI_Allreduce(const void *send, void *receive, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm)
{
    if (type != MPI_INT64_T || op != MPI_SUM || send != MPI_IN_PLACE)
        return PMPI_Allreduce(send, receive, count, type, op, comm);
    int64_t *values = receive;
    for (int i = 0; i < count; i++)
        values[i] = (int64_t)(float)values[i];
    return PMPI_Allreduce(send, receive, count, type, op, comm);
}
