#ifndef SYNCNORM_COMM_PROCESS_INTERNAL_H
#define SYNCNORM_COMM_PROCESS_INTERNAL_H

#include <pthread.h>

#include "syncnorm/comm/process.h"

/* Starts MPI and sets the floating-point environment. Collective over all. */
void sn_comm_initialize(void);

/* A thread that hears no signals: those are for the one that trains. 0 or an errno. */
int sn_comm_thread(pthread_t *thread, void *(*body)(void *argument), void *argument);

#endif
