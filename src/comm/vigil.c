#include "syncnorm/comm/vigil.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "team_internal.h"
#include "ticker.h"

enum { HOST_SIZE = 64, LOOKS = 8 };

/* Seconds: a watchdog names what was waited for, so it has the first word; the root the second. */
static const double GRACE = 10, GRACE_OF_OTHERS = 13, PAUSE_MOST = 2;

typedef struct sign {
    uint64_t count;
    char host[HOST_SIZE];
} sign;

struct sn_vigil {
    sn_board *board;
    int rank, size;
    double timeout;
    ticker ticker;
    sign mine;
    uint64_t *seen;  /* [size], on the root: the count of each rank's last sign */
    double *silence; /* [size], on the root: seconds since; elsewhere [0] is the root's */
};

static _Noreturn void bark(const sn_vigil *v, int rank, const char *host)
{
    char line[256];
    const int length = snprintf(
        line, sizeof line,
        "syncnorm: error: rank %d%s%s gave no sign of life for %.0f s (--timeout): it or the "
        "network is lost: ending the job\n",
        rank, *host ? " on " : "", host, v->timeout);
    if (length > 0 && write(STDERR_FILENO, line, (size_t)length) < 0) _exit(1);
    sn_comm_abort(1);
}

/* On the root: who has given a sign since the last look. */
static void take_signs(sn_vigil *v, double passed)
{
    const sign *signs = sn_board_read(v->board);
    for (int r = 1; r < v->size; r++) {
        v->silence[r] = signs[r].count == v->seen[r] ? v->silence[r] + passed : 0;
        v->seen[r] = signs[r].count;
        if (v->silence[r] >= v->timeout + GRACE) bark(v, r, signs[r].host);
    }
}

/* Elsewhere: a sign can be written when the root has read the one before. */
static void give_sign(sn_vigil *v, double passed)
{
    v->mine.count++;
    v->silence[0] = sn_board_write(v->board, &v->mine) ? 0 : v->silence[0] + passed;
    if (v->silence[0] >= v->timeout + GRACE_OF_OTHERS) bark(v, 0, "");
}

static void look(void *vigil, double passed)
{
    sn_vigil *v = vigil;
    if (v->rank == 0)
        take_signs(v, passed);
    else
        give_sign(v, passed);
}

static void release(sn_vigil *v)
{
    sn_board_destroy(v->board);
    free(v->seen);
    free(v->silence);
    free(v);
}

sn_status sn_vigil_start(sn_team *team, double timeout, sn_vigil **vigil)
{
    *vigil = NULL;
    if (timeout <= 0 || team->size == 1) return SN_OK;
    sn_vigil *v = calloc(1, sizeof *v);
    if (!v) sn_comm_abort(sn_exit_code(SN_ERROR_MEMORY));
    v->rank = team->rank;
    v->size = team->size;
    v->timeout = timeout;
    v->seen = calloc((size_t)v->size, sizeof *v->seen);
    v->silence = calloc((size_t)v->size, sizeof *v->silence);
    snprintf(v->mine.host, sizeof v->mine.host, "%s", sn_comm_host());
    sn_status status = sn_board_create(team, sizeof(sign), &v->board);
    if (status == SN_OK) {
        const bool allocated = v->seen && v->silence;
        if (!allocated) status = sn_fail(SN_ERROR_MEMORY, "out of memory: the signs of life");
        const double often = timeout / LOOKS;
        const int code = allocated
                             ? ticker_start(&v->ticker, often < PAUSE_MOST ? often : PAUSE_MOST, look, v)
                             : 0;
        if (code)
            status = sn_fail(SN_ERROR_FAILED, "cannot start the thread of the vigil: %s", strerror(code));
        const sn_status agreed = sn_team_agree(team, status);
        if (agreed != SN_OK && status == SN_OK) ticker_stop(&v->ticker);
        status = agreed;
    }
    if (status != SN_OK) {
        release(v);
        return status;
    }
    *vigil = v;
    return SN_OK;
}

void sn_vigil_end(sn_vigil *vigil)
{
    if (!vigil) return;
    ticker_stop(&vigil->ticker);
    release(vigil);
}
