/* A board: every rank's latest note, at the root. Notes travel as synchronous sends that nobody waits for, one under way per rank, and the
   root takes in what has arrived when it looks. (A one-sided MPI window would say it more directly; between nodes without RDMA Open MPI
   4.1 has none. See counter.c.) */

#include <stdlib.h>
#include <string.h>

#include "team_internal.h"

enum { TAG_NOTE = 1 };

struct sn_board {
    MPI_Comm comm; /* of its own */
    int rank, size;
    size_t bytes;
    MPI_Request under_way; /* not on the root */
    unsigned char *mine;   /* [bytes]: what is under way */
    unsigned char *notes;  /* [size][bytes], on the root */
};

sn_status sn_board_create(sn_team *team, size_t bytes, sn_board **board)
{
    *board = NULL;
    sn_board *b = calloc(1, sizeof *b);
    if (!b) sn_comm_abort(sn_exit_code(SN_ERROR_MEMORY));
    b->rank = team->rank;
    b->size = team->size;
    b->bytes = bytes;
    b->under_way = MPI_REQUEST_NULL;
    b->mine = calloc(1, bytes);
    b->notes = calloc(b->rank == 0 ? (size_t)b->size : 1, bytes);
    MPI_Comm_dup(team->comm, &b->comm);
    const sn_status status = sn_team_agree(
        team, b->mine && b->notes ? SN_OK : sn_fail(SN_ERROR_MEMORY, "out of memory: a board of notes"));
    if (status == SN_OK)
        *board = b;
    else
        sn_board_destroy(b);
    return status;
}

bool sn_board_write(sn_board *board, const void *note)
{
    if (board->rank == 0) {
        memcpy(board->notes, note, board->bytes);
        return true;
    }
    int arrived;
    MPI_Test(&board->under_way, &arrived, MPI_STATUS_IGNORE);
    if (!arrived) return false;
    memcpy(board->mine, note, board->bytes);
    MPI_Issend(board->mine, (int)board->bytes, MPI_BYTE, 0, TAG_NOTE, board->comm, &board->under_way);
    /* The next call tests the request, the end waits for it.
       NOLINTNEXTLINE(clang-analyzer-optin.mpi.MPI-Checker) */
    return true;
}

static void take_in(sn_board *board)
{
    for (int there = 1; there;) {
        MPI_Status note;
        MPI_Iprobe(MPI_ANY_SOURCE, TAG_NOTE, board->comm, &there, &note);
        if (there)
            MPI_Recv(board->notes + (size_t)note.MPI_SOURCE * board->bytes, (int)board->bytes, MPI_BYTE,
                     note.MPI_SOURCE, TAG_NOTE, board->comm, MPI_STATUS_IGNORE);
    }
}

const void *sn_board_read(sn_board *board)
{
    take_in(board);
    return board->notes;
}

/* A send that is complete was received; so once all ranks have come here with theirs complete, nothing is under way any more. */
void sn_board_destroy(sn_board *board)
{
    if (!board) return;
    MPI_Request all_here;
    int done = 0;
    /* of the last write: NOLINTNEXTLINE(clang-analyzer-optin.mpi.MPI-Checker) */
    if (board->rank > 0) MPI_Wait(&board->under_way, MPI_STATUS_IGNORE);
    MPI_Ibarrier(board->comm, &all_here);
    while (!done) {
        if (board->rank == 0) take_in(board);
        MPI_Test(&all_here, &done, MPI_STATUS_IGNORE);
    }
    MPI_Comm_free(&board->comm);
    free(board->mine);
    free(board->notes);
    free(board);
}
