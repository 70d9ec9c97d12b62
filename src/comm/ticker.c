#include "ticker.h"

#include <time.h>

#include "process_internal.h"

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

static void *run(void *argument)
{
    ticker *t = argument;
    pthread_mutex_lock(&t->mutex);
    while (!t->stop) {
        const struct timespec until = from_now(t->pause);
        pthread_cond_timedwait(&t->wake, &t->mutex, &until);
        if (!t->stop) t->look(t->context);
    }
    pthread_mutex_unlock(&t->mutex);
    return NULL;
}

int ticker_start(ticker *t, double pause, void (*look)(void *context), void *context)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&t->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&t->mutex, NULL);
    t->stop = false;
    t->pause = pause;
    t->look = look;
    t->context = context;
    const int code = sn_comm_thread(&t->thread, run, t);
    if (code) {
        pthread_cond_destroy(&t->wake);
        pthread_mutex_destroy(&t->mutex);
    }
    return code;
}

void ticker_wake(ticker *t)
{
    pthread_cond_signal(&t->wake);
}

double ticker_passed(double *since, double usual)
{
    const double now = sn_clock(), passed = now - *since;
    *since = now;
    return passed < 2 * usual ? passed : usual;
}

void ticker_stop(ticker *t)
{
    pthread_mutex_lock(&t->mutex);
    t->stop = true;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->mutex);
    pthread_join(t->thread, NULL);
    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->mutex);
}
