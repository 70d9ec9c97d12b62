#ifndef SYNCNORM_SRC_COMM_TICKER_H
#define SYNCNORM_SRC_COMM_TICKER_H

/* A thread that looks at something at intervals: the watchdog's, the pulse's. */

#include <pthread.h>
#include <stdbool.h>

typedef struct ticker {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake; /* do not wait for the next look */
    bool stop;
    double pause; /* seconds between two looks */
    void (*look)(void *context);
    void *context;
} ticker;

/* Calls look(context) every `pause` seconds, on a thread of its own. 0 or an errno. */
int ticker_start(ticker *t, double pause, void (*look)(void *context), void *context);
void ticker_stop(ticker *t);

/* The next look is soon: at once, or after a pause when one is just going on. */
void ticker_wake(ticker *t);

/* Seconds since `*since`, which becomes now. A while in which this process was itself stopped counts as one `usual` interval: it could not
   look, and that while says nothing. */
double ticker_passed(double *since, double usual);

#endif
