#ifndef SYNCNORM_SRC_COMM_OVERLAY_H
#define SYNCNORM_SRC_COMM_OVERLAY_H

/* Who talks to whom in the pulse: a tree on two levels. The members of a team hang on its root, the teams' roots on the world's root, rank
   0; on each level at most OVERLAY_FAN of them hang on the same one. A rank so has few connections in a job of any size. */

enum { OVERLAY_FAN = 16, OVERLAY_CHILDREN = 2 * OVERLAY_FAN };

typedef struct overlay {
    int parent;      /* -1: none, this is the world's root */
    int first_child; /* of that parent: the lowest, on the same level */
    int children[OVERLAY_CHILDREN], count;
} overlay;

/* The place of one rank; root_of[r] is the lowest rank of the team of r. Not collective. */
void overlay_of(const int *root_of, int ranks, int rank, overlay *place);

#endif
