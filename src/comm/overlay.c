#include "overlay.h"

#include <stdbool.h>

/* On one level, in rank order: children of the p-th are OVERLAY_FAN consecutive ones, from OVERLAY_FAN * p + 1 on. */
static void place_on_level(const int *root_of, int ranks, int rank, bool roots, overlay *place)
{
    int mine = 0, at = 0;
    for (int r = 0; r < rank; r++)
        mine += roots ? root_of[r] == r : root_of[r] == root_of[rank];
    const int above = mine > 0 ? (mine - 1) / OVERLAY_FAN : -1;
    for (int r = 0; r < ranks; r++) {
        if (roots ? root_of[r] != r : root_of[r] != root_of[rank]) continue;
        if (at > 0 && (at - 1) / OVERLAY_FAN == mine) place->children[place->count++] = r;
        if (at == above) place->parent = r;
        if (above >= 0 && at == OVERLAY_FAN * above + 1) place->first_child = r;
        at++;
    }
}

void overlay_of(const int *root_of, int ranks, int rank, overlay *place)
{
    *place = (overlay){.parent = -1, .first_child = -1};
    place_on_level(root_of, ranks, rank, false, place);
    if (root_of[rank] == rank) place_on_level(root_of, ranks, rank, true, place);
}
