#ifndef SYNCNORM_SRC_COMM_TICKER_H
#define SYNCNORM_SRC_COMM_TICKER_H

/* A thread that looks at something at intervals: the watchdog's, the vigil's. */

#include <pthread.h>
#include <stdbool.h>

typedef struct ticker {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake; /* to stop: do not wait for the next look */
    bool stop;
    double pause; /* seconds between two looks */
    void (*look)(void *context, double passed);
    void *context;
} ticker;

/* Calls look(context, passed) every `pause` seconds. `passed` are the seconds since the look before, of which a while that this
   process was itself stopped counts as one pause: it could not look, and that while says nothing. 0 or an errno. */
int ticker_start(ticker *t, double pause, void (*look)(void *context, double passed), void *context);
void ticker_stop(ticker *t);

#endif
