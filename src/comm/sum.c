/*
 * Exact sums over a team. Integers add up to the same bits in any order, so the way may follow the machine:
 *
 *     flat        MPI_Allreduce in a node; with one rank on each node, an exchange (comm/rounds.h)
 *     by firsts   MPI_Reduce in the node, an exchange among the nodes' first ranks, MPI_Bcast in the node
 *     by parts    each rank writes its values into memory of the node and adds up one part of all the node's;
 *                 an exchange of each part among the ranks that have it; each reads the whole
 *
 * By parts, a message goes through a node's memory once, not log2(ranks) times, and between nodes each rank carries a
 * part: a third of the time of flat at 4 ranks of a node with two cores. At 2 ranks flat is faster by a tenth to a third, and with one
 * rank on each node there is nothing to share.
 */

#include "sum.h"

#include <stdlib.h>
#include <string.h>

#include "exchange.h"
#include "node_memory.h"

struct sn_sum_way {
    sn_team *node;      /* the ranks of this node */
    int nodes, parts;   /* parts of a long message: the least ranks of a node */
    sn_exchange *peers; /* the ranks with the same part, one on each node; NULL: this one has none */
    sn_node_memory memory;
    size_t capacity; /* words of a long message that the memory is for */
    bool refused;    /* there is none to be had: long messages go as short ones do */
};

sn_sum_way *sn_sum_arrange(const sn_team *team, MPI_Comm here)
{
    sn_sum_way *way = calloc(1, sizeof *way);
    if (!way) sn_comm_out_of_memory();
    sn_team_adopt(here, &way->node);
    way->nodes = way->node->rank == 0;
    MPI_Allreduce(MPI_IN_PLACE, &way->nodes, 1, MPI_INT, MPI_SUM, team->comm);
    MPI_Allreduce(&way->node->size, &way->parts, 1, MPI_INT, MPI_MIN, team->comm);
    MPI_Comm peers;
    MPI_Comm_split(team->comm, way->node->rank < way->parts ? way->node->rank : MPI_UNDEFINED, team->rank,
                   &peers);
    way->peers = sn_exchange_create(peers);
    return way;
}

void sn_sum_forget(sn_sum_way *way)
{
    if (!way) return;
    if (way->capacity) sn_node_memory_free(&way->memory);
    sn_exchange_destroy(way->peers);
    sn_team_destroy(way->node);
    free(way);
}

/* Memory for messages of `count` words: a slot for each rank of the node, and one for the sum. On all nodes or on none. */
static bool has_memory(sn_sum_way *way, const sn_team *team, size_t count)
{
    if (way->refused || way->capacity >= count) return !way->refused;
    if (way->capacity) sn_node_memory_free(&way->memory);
    const size_t slots = (size_t)way->node->size + 1;
    int made = sn_node_memory_create(way->node, slots * count * sizeof(int64_t), &way->memory) == SN_OK, all;
    MPI_Allreduce(&made, &all, 1, MPI_INT, MPI_MIN, team->comm);
    if (made && !all) sn_node_memory_free(&way->memory);
    if (!made) sn_error_clear();
    way->refused = !all;
    way->capacity = all ? count : 0;
    return all;
}

static void add_up(const int64_t *slots, size_t stride, int ranks, size_t count, int64_t *restrict sum)
{
    memcpy(sum, slots, count * sizeof *sum);
    for (int r = 1; r < ranks; r++) {
        const int64_t *more = slots + (size_t)r * stride;
        for (size_t i = 0; i < count; i++)
            sum[i] += more[i];
    }
}

/* A rank writes its slot of the next message behind the second barrier, when all parts of this one are added up; the sum
   changes behind the first barrier of the next, when all have read it. */
static void sum_by_parts(sn_sum_way *way, int64_t *values, size_t count)
{
    const size_t stride = way->capacity, bytes = count * sizeof *values;
    const int rank = way->node->rank, ranks = way->node->size;
    int64_t *slots = way->memory.base, *sum = slots + (size_t)ranks * stride;
    memcpy(slots + (size_t)rank * stride, values, bytes);
    sn_node_memory_publish(way->node);
    if (rank < way->parts) {
        const size_t parts = (size_t)way->parts, first = count * (size_t)rank / parts,
                     part = count * ((size_t)rank + 1) / parts - first;
        add_up(slots + first, stride, ranks, part, sum + first);
        sn_exchange_sum(way->peers, sum + first, part, count);
    }
    sn_node_memory_publish(way->node);
    memcpy(values, sum, bytes);
}

static void sum_by_firsts(const sn_sum_way *way, int64_t *values, size_t count)
{
    const bool first = way->node->rank == 0;
    MPI_Reduce(first ? MPI_IN_PLACE : values, values, (int)count, MPI_INT64_T, MPI_SUM, 0, way->node->comm);
    if (first) sn_exchange_sum(way->peers, values, count, count);
    MPI_Bcast(values, (int)count, MPI_INT64_T, 0, way->node->comm);
}

void sn_sum(sn_sum_way *way, const sn_team *team, int64_t *values, size_t count)
{
    if (way->nodes == team->size)
        sn_exchange_sum(way->peers, values, count, count);
    else if (team->size > 2 && count >= SN_SUM_LONG_WORDS && has_memory(way, team, count))
        sum_by_parts(way, values, count);
    else if (way->nodes > 1)
        sum_by_firsts(way, values, count);
    else
        MPI_Allreduce(MPI_IN_PLACE, values, (int)count, MPI_INT64_T, MPI_SUM, team->comm);
}
