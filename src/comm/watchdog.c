#include "syncnorm/comm/watchdog.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "syncnorm/comm/team.h"

static struct {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake; /* stop: do not wait for the next look */
    int running, stop, rank;
    double timeout;
    _Atomic uint64_t beats, step;
    _Atomic uint32_t epoch;
    const char *_Atomic doing;
} watchdog = {.mutex = PTHREAD_MUTEX_INITIALIZER};

void sn_watchdog_beat(const char *doing)
{
    atomic_store_explicit(&watchdog.doing, doing, memory_order_relaxed);
    atomic_fetch_add_explicit(&watchdog.beats, 1, memory_order_relaxed);
}

void sn_watchdog_at(uint32_t epoch, uint64_t step)
{
    atomic_store_explicit(&watchdog.epoch, epoch, memory_order_relaxed);
    atomic_store_explicit(&watchdog.step, step, memory_order_relaxed);
}

static _Noreturn void bark(void)
{
    const char *doing = watchdog.doing;
    char line[512];
    const int length = snprintf(
        line, sizeof line,
        "syncnorm: error: rank %d on %s: nothing finished for %.0f s (--timeout) at epoch %" PRIu32
        ", step %" PRIu64 ", %s; a rank or the network is lost: ending the job\n",
        watchdog.rank, sn_comm_host(), watchdog.timeout, watchdog.epoch, watchdog.step,
        doing ? doing : "starting");
    if (length > 0 && write(STDERR_FILENO, line, (size_t)length) < 0) _exit(1);
    sn_comm_abort(1);
}

/* On a lost rank all others wait, and one line about it is enough: rank 0 has the first word, the others follow only when
   that did not end the job, so rank 0 itself is what is lost. */
static double grace(int rank)
{
    return rank == 0 ? 0 : rank == 1 ? 3 : 6;
}

/* CLOCK_MONOTONIC, `seconds` from now. */
static struct timespec from_now(double seconds)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    const long nanoseconds = time.tv_nsec + (long)((seconds - (double)(time_t)seconds) * 1e9);
    time.tv_sec += (time_t)seconds + nanoseconds / 1000000000;
    time.tv_nsec = nanoseconds % 1000000000;
    return time;
}

/* Looks eight times per timeout; a beat between two looks is life. */
static void *watch(void *unused)
{
    (void)unused;
    const double pause = watchdog.timeout / 8;
    uint64_t seen = watchdog.beats;
    double idle = 0, looked = sn_clock();
    pthread_mutex_lock(&watchdog.mutex);
    while (!watchdog.stop) {
        const struct timespec until = from_now(pause);
        pthread_cond_timedwait(&watchdog.wake, &watchdog.mutex, &until);
        const double now = sn_clock(), passed = now - looked;
        looked = now;
        /* a process that was itself stopped for a while could not look, and that while says nothing */
        idle = watchdog.beats == seen ? idle + (passed < 2 * pause ? passed : pause) : 0;
        seen = watchdog.beats;
        if (!watchdog.stop && idle >= watchdog.timeout + grace(watchdog.rank)) bark();
    }
    pthread_mutex_unlock(&watchdog.mutex);
    return NULL;
}

sn_status sn_watchdog_start(double timeout, int rank)
{
    if (timeout <= 0 || watchdog.running) return SN_OK;
    sn_watchdog_beat("starting");
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&watchdog.wake, &attributes);
    pthread_condattr_destroy(&attributes);
    watchdog.timeout = timeout;
    watchdog.rank = rank;
    watchdog.stop = 0;
    sn_comm_host(); /* its buffer is filled before the thread reads it */
    const int code = pthread_create(&watchdog.thread, NULL, watch, NULL);
    if (code) return sn_fail(SN_ERROR_FAILED, "cannot start the watchdog thread: %s", strerror(code));
    watchdog.running = 1;
    return SN_OK;
}

void sn_watchdog_stop(void)
{
    if (!watchdog.running) return;
    pthread_mutex_lock(&watchdog.mutex);
    watchdog.stop = 1;
    pthread_cond_signal(&watchdog.wake);
    pthread_mutex_unlock(&watchdog.mutex);
    pthread_join(watchdog.thread, NULL);
    pthread_cond_destroy(&watchdog.wake);
    watchdog.running = 0;
}
