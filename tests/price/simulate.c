/*
 * Training steps on a machine that is not there, for SimGrid's smpicc: comm/sum.c itself adds up the words of a step's sums, between computations
 * that take the time they are said to take.
 *
 *     simulate STEPS COMPUTE SPREAD NODE_SECONDS_PER_BYTE WORDS...
 *
 * COMPUTE seconds a step, by a normal factor of each rank with standard deviation SPREAD; a rank's own memory traffic in sums by parts at
 * NODE_SECONDS_PER_BYTE. Prints seconds of a step. Exit code 1: a sum was wrong.
 */

#include <math.h>
#include <smpi/smpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node_memory.h"
#include "sum.h"
#include "syncnorm/base/error.h"

/* What sum.c needs of the library. */

void sn_comm_out_of_memory(void)
{
    MPI_Abort(MPI_COMM_WORLD, 1);
    abort();
}

void sn_error_clear(void) {}

void sn_team_adopt(MPI_Comm comm, sn_team **team)
{
    *team = calloc(1, sizeof **team);
    (*team)->comm = comm;
    MPI_Comm_rank(comm, &(*team)->rank);
    MPI_Comm_size(comm, &(*team)->size);
}

void sn_team_destroy(sn_team *team)
{
    MPI_Comm_free(&team->comm);
    free(team);
}

/* Simulated ranks are in one process: they share what one has. */
sn_status sn_node_memory_create(const sn_team *node, size_t bytes, sn_node_memory *memory)
{
    *memory = (sn_node_memory){node->rank == 0 ? calloc(1, bytes) : NULL, bytes};
    MPI_Bcast(&memory->base, sizeof memory->base, MPI_BYTE, 0, node->comm);
    return SN_OK;
}

void sn_node_memory_publish(const sn_team *node)
{
    MPI_Barrier(node->comm);
}

void sn_node_memory_free(sn_node_memory *memory)
{
    (void)memory; /* with the process */
}

static double normal(int rank)
{
    srand48(4711 + rank);
    for (int i = 0; i < 16; i++)
        drand48();
    return sqrt(-2 * log(1 - drand48())) * cos(2 * M_PI * drand48());
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    if (argc < 6) return 2;
    const int steps = atoi(argv[1]), sums = argc - 5;
    const double compute = atof(argv[2]), spread = atof(argv[3]), per_byte = atof(argv[4]);

    sn_team *world;
    MPI_Comm all, here;
    MPI_Comm_dup(MPI_COMM_WORLD, &all);
    sn_team_adopt(all, &world);
    MPI_Comm_split_type(all, MPI_COMM_TYPE_SHARED, world->rank, MPI_INFO_NULL, &here);
    sn_sum_way *way = sn_sum_arrange(world, here);
    int on_node;
    MPI_Comm_size(here, &on_node);

    const double mine = compute * (1 + spread * normal(world->rank));
    const int64_t expected = (int64_t)world->size * (world->size + 1) / 2;
    double begun = 0;
    int wrong = 0;
    for (int step = -1; step < steps; step++) { /* the first makes what is made once */
        if (step == 0) {
            MPI_Barrier(all);
            begun = MPI_Wtime();
        }
        for (int s = 0; s < sums; s++) {
            const size_t words = strtoul(argv[5 + s], NULL, 10);
            int64_t *values = malloc(words * sizeof *values);
            for (size_t i = 0; i < words; i++)
                values[i] = world->rank + 1;
            smpi_execute(mine / sums);
            /* by parts, each rank writes, adds up and reads as much as the message */
            if (on_node > 2 && words >= SN_SUM_LONG_WORDS) smpi_execute(3 * 8.0 * (double)words * per_byte);
            sn_sum(way, world, values, words);
            for (size_t i = 0; i < words; i++)
                wrong |= values[i] != expected;
            free(values);
        }
    }
    const double seconds = (MPI_Wtime() - begun) / steps;
    MPI_Allreduce(MPI_IN_PLACE, &wrong, 1, MPI_INT, MPI_LOR, all);
    if (world->rank == 0) printf("%.9g\n", seconds);
    sn_sum_forget(way);
    sn_team_destroy(world);
    MPI_Finalize();
    return wrong;
}
