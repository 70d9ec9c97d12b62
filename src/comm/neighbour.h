#ifndef SYNCNORM_SRC_COMM_NEIGHBOUR_H
#define SYNCNORM_SRC_COMM_NEIGHBOUR_H

/* What a rank has to tell one neighbour in the pulse: words, a handful in a message. Messages are synchronous sends that nobody waits for,
   one under way to each neighbour, so that a message that was taken says that the other side lives. A message without words is a sign of
   life and no more. Not collective. */

#include <mpi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NEIGHBOUR_TAG = 1, NEIGHBOUR_HOST = 64 };
enum {
    NEIGHBOUR_MESSAGE = 3500
}; /* bytes: MPI sends it at once, and receiving it never waits for the other side */

/* A note may follow it: all words and their notes have one length, the stride. */
typedef struct word {
    int32_t kind, rank; /* whose note it is */
    int64_t number;
} word;

typedef struct neighbour {
    int rank;
    char host[NEIGHBOUR_HOST];
    bool alive;            /* since the last look for signs it told something, or took something */
    double silence, grace; /* seconds without; that it has beyond the timeout */
    int owed;              /* numbers that were wanted from there and not given yet */
    unsigned char *words;  /* [count][stride]: to be told */
    size_t count, capacity;
    unsigned char message[NEIGHBOUR_MESSAGE]; /* under way */
    MPI_Request sent;
} neighbour;

/* To be told next time. With a note (NULL: none) it takes the place of an equal word with the note before. */
void neighbour_post(neighbour *to, size_t stride, word w, const void *note);

/* Sends what there is to tell, and with `sign` also nothing, unless a message is still under way. */
void neighbour_tell(neighbour *to, size_t stride, MPI_Comm comm, bool sign);

#endif
