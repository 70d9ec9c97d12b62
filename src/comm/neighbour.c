#include "neighbour.h"

#include <stdlib.h>
#include <string.h>

#include "syncnorm/base/error.h"
#include "syncnorm/comm/process.h"

void neighbour_post(neighbour *to, size_t stride, word w, const void *note)
{
    size_t at = 0;
    while (at < to->count && !(note && memcmp(to->words + at * stride, &w, sizeof w) == 0))
        at++;
    if (at == to->capacity) {
        to->capacity = 2 * to->capacity + 4;
        to->words = realloc(to->words, to->capacity * stride);
        if (!to->words) sn_comm_out_of_memory();
    }
    if (at == to->count) to->count++;
    memcpy(to->words + at * stride, &w, sizeof w);
    if (note) memcpy(to->words + at * stride + sizeof w, note, stride - sizeof w);
}

void neighbour_tell(neighbour *to, size_t stride, MPI_Comm comm, bool sign)
{
    if (to->sent != MPI_REQUEST_NULL) {
        int taken;
        MPI_Test(&to->sent, &taken, MPI_STATUS_IGNORE);
        if (!taken) return;
        to->alive = true;
    }
    const size_t most = NEIGHBOUR_MESSAGE / stride, count = to->count < most ? to->count : most;
    if (count == 0 && !sign) return;
    if (count > 0) {
        memcpy(to->message, to->words, count * stride);
        to->count -= count;
        memmove(to->words, to->words + count * stride, to->count * stride);
    }
    MPI_Issend(to->message, (int)(count * stride), MPI_BYTE, to->rank, NEIGHBOUR_TAG, comm, &to->sent);
    /* The next call tests the request, the end of the pulse waits for it.
       NOLINTNEXTLINE(clang-analyzer-optin.mpi.MPI-Checker) */
}
