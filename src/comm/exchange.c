#include "exchange.h"

#include <stdlib.h>

#include "syncnorm/comm/rounds.h"
#include "team_internal.h"

enum { TAG = 1 };

struct sn_exchange {
    MPI_Comm comm;
    int rank, size;
    sn_rounds rounds;
    int64_t *received;
    size_t capacity; /* words */
};

/* The ranks of a round: `radix` of them, `step` apart. */
typedef struct group {
    int first, step, radix, digit;
} group;

typedef struct range {
    size_t first, count;
} range;

sn_exchange *sn_exchange_create(MPI_Comm comm)
{
    if (comm == MPI_COMM_NULL) return NULL;
    sn_exchange *e = calloc(1, sizeof *e);
    if (!e) sn_comm_out_of_memory();
    e->comm = comm;
    MPI_Comm_rank(comm, &e->rank);
    MPI_Comm_size(comm, &e->size);
    e->rounds = sn_rounds_plan(e->size);
    return e;
}

void sn_exchange_destroy(sn_exchange *e)
{
    if (!e) return;
    MPI_Comm_free(&e->comm);
    free(e->received);
    free(e);
}

static void hold(sn_exchange *e, size_t words)
{
    if (e->capacity >= words) return;
    free(e->received);
    e->received = malloc(words * sizeof *e->received);
    if (!e->received) sn_comm_out_of_memory();
    e->capacity = words;
}

static range part_of(range all, int part, int parts)
{
    const size_t begin = all.count * (size_t)part / (size_t)parts,
                 end = all.count * ((size_t)part + 1) / (size_t)parts;
    return (range){all.first + begin, end - begin};
}

static group group_of(const sn_exchange *e, int step, int radix)
{
    const int digit = e->rank / step % radix;
    return (group){e->rank - digit * step, step, radix, digit};
}

/* What the ranks of a round have of a range, before and behind it. */
typedef enum manner {
    ADD,     /* all of it; all of the sum */
    SCATTER, /* all of it; a part of the sum */
    GATHER   /* a part; all of it */
} manner;

static void exchange(sn_exchange *e, group g, int64_t *values, range all, manner way)
{
    MPI_Request requests[2 * SN_RADIX_MOST];
    MPI_Status statuses[2 * SN_RADIX_MOST]; /* MPI_STATUSES_IGNORE of MPICH: gcc warns */
    const range mine = way == ADD ? all : part_of(all, g.digit, g.radix);
    int count = 0, slot = 0;
    for (int q = 0; q < g.radix; q++) {
        if (q == g.digit) continue;
        const int peer = g.first + q * g.step;
        const range theirs = part_of(all, q, g.radix), give = way == SCATTER ? theirs : mine;
        const size_t taken = way == GATHER ? theirs.count : mine.count;
        int64_t *into = way == GATHER ? values + theirs.first : e->received + (size_t)slot++ * taken;
        MPI_Irecv(into, (int)taken, MPI_INT64_T, peer, TAG, e->comm, &requests[count++]);
        MPI_Isend(values + give.first, (int)give.count, MPI_INT64_T, peer, TAG, e->comm, &requests[count++]);
    }
    /* A round has two ranks or more: NOLINTNEXTLINE(clang-analyzer-optin.mpi.MPI-Checker) */
    MPI_Waitall(count, requests, statuses);
    for (int s = 0; s < slot; s++)
        for (size_t i = 0; i < mine.count; i++)
            values[mine.first + i] += e->received[(size_t)s * mine.count + i];
}

static void add_whole(sn_exchange *e, int64_t *values, size_t count)
{
    const sn_rounds *rounds = &e->rounds;
    for (int i = 0, step = 1; i < rounds->count; step *= rounds->radix[i++])
        exchange(e, group_of(e, step, rounds->radix[i]), values, (range){0, count}, ADD);
}

static void add_scattered(sn_exchange *e, int64_t *values, size_t count)
{
    const sn_rounds *rounds = &e->rounds;
    range ranges[SN_ROUNDS_MOST] = {{0, 0}};
    range all = {0, count};
    int step = 1;
    for (int i = 0; i < rounds->count; step *= rounds->radix[i++]) {
        const group g = group_of(e, step, rounds->radix[i]);
        exchange(e, g, values, ranges[i] = all, SCATTER);
        all = part_of(all, g.digit, g.radix);
    }
    for (int i = rounds->count - 1; i >= 0; i--) {
        step /= rounds->radix[i];
        exchange(e, group_of(e, step, rounds->radix[i]), values, ranges[i], GATHER);
    }
}

void sn_exchange_sum(sn_exchange *e, int64_t *values, size_t count, size_t together)
{
    if (e->size == 1) return;
    const bool scattered = sn_rounds_scatter(&e->rounds, together * sizeof *values);
    const int core = e->rounds.core, other = e->rank < core ? e->rank + core : e->rank - core;
    /* parts are rounded up; the first radix is the largest */
    hold(e, scattered ? count + SN_RADIX_MOST : (size_t)e->rounds.radix[0] * count);
    if (e->rank >= core) {
        MPI_Send(values, (int)count, MPI_INT64_T, other, TAG, e->comm);
        MPI_Recv(values, (int)count, MPI_INT64_T, other, TAG, e->comm, MPI_STATUS_IGNORE);
        return;
    }
    if (other < e->size) {
        MPI_Recv(e->received, (int)count, MPI_INT64_T, other, TAG, e->comm, MPI_STATUS_IGNORE);
        for (size_t i = 0; i < count; i++)
            values[i] += e->received[i];
    }
    if (scattered)
        add_scattered(e, values, count);
    else
        add_whole(e, values, count);
    if (other < e->size) MPI_Send(values, (int)count, MPI_INT64_T, other, TAG, e->comm);
}
