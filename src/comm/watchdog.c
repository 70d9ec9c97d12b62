#include "syncnorm/comm/watchdog.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "syncnorm/comm/process.h"
#include "ticker.h"

enum { LOOKS = 8 }; /* per timeout */

static struct {
    ticker ticker;
    bool running;
    int rank;
    double timeout, idle; /* seconds */
    double looked;        /* clock at the last look */
    uint64_t seen;        /* beats, then */
    _Atomic uint64_t beats, step;
    _Atomic uint32_t epoch;
    const char *_Atomic doing;
} watchdog;

void sn_watchdog_beat(const char *doing)
{
    atomic_store_explicit(&watchdog.doing, doing, memory_order_relaxed);
    atomic_fetch_add_explicit(&watchdog.beats, 1, memory_order_relaxed);
}

uint64_t sn_watchdog_beats(void)
{
    return watchdog.beats;
}

void sn_watchdog_at(uint32_t epoch, uint64_t step)
{
    atomic_store_explicit(&watchdog.epoch, epoch, memory_order_relaxed);
    atomic_store_explicit(&watchdog.step, step, memory_order_relaxed);
}

static _Noreturn void bark(void)
{
    char at[64] = "";
    if (watchdog.epoch > 0)
        snprintf(at, sizeof at, " at epoch %" PRIu32 ", step %" PRIu64, watchdog.epoch, watchdog.step);
    sn_comm_give_up("rank %d on %s: nothing finished for %.0f s (--timeout)%s, %s; a rank or the network is "
                    "lost: ending the job",
                    watchdog.rank, sn_comm_host(), watchdog.timeout, at, watchdog.doing);
}

/* On a lost rank all others wait, and one line about it is enough: rank 0 has the first word, the others follow only when
   that did not end the job, so rank 0 itself is what is lost. */
static double grace(int rank)
{
    return rank == 0 ? 0 : rank == 1 ? 3 : 6;
}

/* A beat between two looks is life. */
static void look(void *unused)
{
    (void)unused;
    const double passed = ticker_passed(&watchdog.looked, watchdog.timeout / LOOKS);
    const uint64_t beats = watchdog.beats;
    watchdog.idle = beats == watchdog.seen ? watchdog.idle + passed : 0;
    watchdog.seen = beats;
    if (watchdog.idle >= watchdog.timeout + grace(watchdog.rank)) bark();
}

sn_status sn_watchdog_start(double timeout, int rank)
{
    if (timeout <= 0 || watchdog.running) return SN_OK;
    sn_watchdog_beat("starting");
    watchdog.timeout = timeout;
    watchdog.rank = rank;
    watchdog.idle = 0;
    watchdog.looked = sn_clock();
    watchdog.seen = watchdog.beats;
    const int code = ticker_start(&watchdog.ticker, timeout / LOOKS, look, NULL);
    if (code) return sn_fail(SN_ERROR_FAILED, "cannot start the watchdog thread: %s", strerror(code));
    watchdog.running = true;
    return SN_OK;
}

void sn_watchdog_stop(void)
{
    if (!watchdog.running) return;
    ticker_stop(&watchdog.ticker);
    watchdog.running = false;
}
