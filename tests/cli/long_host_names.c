/* Preloaded under a job by test_hosts.py: each rank is on a host of its own, with a name as long as Open MPI allows. */

#include <mpi.h>
#include <stdio.h>
#include <string.h>

int MPI_Get_processor_name(char *name, int *length)
{
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    memset(name, 'x', MPI_MAX_PROCESSOR_NAME - 1);
    name[snprintf(name, MPI_MAX_PROCESSOR_NAME, "host%d.", rank)] = 'x';
    name[MPI_MAX_PROCESSOR_NAME - 1] = '\0';
    *length = MPI_MAX_PROCESSOR_NAME - 1;
    return MPI_SUCCESS;
}
