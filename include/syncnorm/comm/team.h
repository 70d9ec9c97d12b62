#ifndef SYNCNORM_COMM_TEAM_H
#define SYNCNORM_COMM_TEAM_H

/**
 * Teams: the ranks that train one run together. This folder is the only one that includes mpi.h.
 *
 * Each function says whether it is collective over the team: then every rank of it calls, in the same order. MPI's own
 * errors end the job (MPI_ERRORS_ARE_FATAL), so communication returns nothing to check.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "syncnorm/base/error.h"
#include "syncnorm/comm/process.h"

typedef struct sn_team sn_team;

/** Starts MPI (one rank without mpirun), sets the floating-point environment and gives the team of all ranks. Collective. */
sn_status sn_comm_start(sn_team **world);

/** Destroys `world` and finalizes MPI. Collective. */
void sn_comm_finish(sn_team *world);

/** Ranks with the same color form a team, ordered by their rank in `parent`; color < 0: none (*team is NULL). Collective
 *  over parent. */
sn_status sn_team_split(sn_team *parent, int color, sn_team **team);

/** A team of this rank alone, which needs no MPI, not even a started one: for sums and agreements, as computations use them. Not
 *  collective. */
sn_status sn_team_alone(sn_team **team);

/** Collective over the team; NULL is fine. */
void sn_team_destroy(sn_team *team);

int sn_team_rank(const sn_team *team);
int sn_team_size(const sn_team *team);
bool sn_team_is_root(const sn_team *team);

/** The exact sum: values[i] summed over the team as 64-bit integers, in place: MPI_Allreduce, behind a sum within each node
 *  where that is faster (comm/sum.c). Collective. */
void sn_team_sum(sn_team *team, int64_t *values, size_t count);

/** From so many words on a message is added up by parts in the memory of a node. */
enum { SN_SUM_LONG_WORDS = 2048 };

/** A question that long work asks between its pieces: whether this rank was asked to stop. */
typedef struct sn_stop {
    bool (*asked)(const void *context);
    const void *context;
} sn_stop;

/** True on every rank when any of them was asked. NULL, the same on every rank, is never; otherwise collective. */
bool sn_team_stops(sn_team *team, const sn_stop *stop);

/** Bytes of `root` to all. Collective. */
void sn_team_broadcast(sn_team *team, void *data, size_t bytes, int root);

/** `bytes` from each rank, in rank order, to `all` (size * bytes) on the root only. Collective. */
void sn_team_gather(sn_team *team, const void *mine, size_t bytes, void *all);

/** The same, to every rank. Collective. */
void sn_team_gather_all(sn_team *team, const void *mine, size_t bytes, void *all);

/** What the ranks call something (of which 255 characters count): each name once, in the order of the ranks, "" left out, with `separator` in
 *  between. sn_free() the text, which is NULL off the root. SN_ERROR_MEMORY. Collective. */
sn_status sn_team_gather_names(sn_team *team, const char *name, const char *separator, char **text);

/** Joins pieces of different lengths in rank order on the root: rank r gives `bytes` bytes; `all` must hold their total on
 *  the root, whose own piece may be there already (mine == all). Collective. */
void sn_team_gather_pieces(sn_team *team, const void *mine, size_t bytes, void *all);

void sn_team_barrier(sn_team *team);

/** node[r] (size ints) becomes the lowest rank on the node of rank r. Collective. */
void sn_team_nodes(sn_team *team, int *node);

/**
 * Agreement on errors: every rank gives its own status; all return SN_OK when all succeeded, else the status and message of
 * the lowest rank that failed. Collective.
 */
sn_status sn_team_agree(sn_team *team, sn_status mine);

#if defined(__clang_analyzer__) && !defined(SN_TEAM_INSIDE) /* which cannot see that a failure stays one */
#define sn_team_agree(team, mine)                                                                            \
    __extension__({                                                                                          \
        const sn_status sn_mine = (mine), sn_agreed = sn_team_agree(team, sn_mine);                          \
        sn_mine == SN_OK ? sn_agreed : sn_mine;                                                              \
    })
#endif

/** True on every rank when `value` is the same on all; else false, and `differing` (size ints, may be NULL) marks the
 *  ranks whose value differs from the majority's. Collective. */
bool sn_team_same(sn_team *team, const void *value, size_t bytes, int *differing);

/** Memory shared by the ranks of a node: one copy per node; where a node has no room for such memory, one per rank if it has room for those. */
typedef struct sn_shared sn_shared;

/** `bytes` of node-shared memory, zeroed. `loader` is true on the one rank of each node that is to fill it; call
 *  sn_shared_publish() afterwards. Collective over the team. */
sn_status sn_shared_create(sn_team *team, size_t bytes, sn_shared **shared, void **memory, bool *loader);

/** On the first rank of a node whose ranks had to take copies: why. Else "". Not collective. */
const char *sn_shared_why_copied(const sn_shared *shared);

/** Makes what the loaders wrote visible to all; what is written later, copies do not see. Collective. */
void sn_shared_publish(sn_shared *shared);

/** Collective; NULL is fine. */
void sn_shared_destroy(sn_shared *shared);

#if !defined(NDEBUG) && !defined(SN_TEAM_INSIDE) && !defined(__clang_analyzer__)
#include "syncnorm/comm/checked.h"
#endif

#endif
