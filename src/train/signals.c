#include "syncnorm/train/signals.h"

#include <signal.h>
#include <string.h>
#include <time.h>

static volatile sig_atomic_t stop_asked, save_asked;
static struct timespec first_interrupt; /* written and read in the handler of INT alone */

static void on_save(int number)
{
    (void)number;
    save_asked = 1;
}

static void on_stop(int number)
{
    (void)number;
    stop_asked = 1;
}

static void on_interrupt(int number)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (!stop_asked || first_interrupt.tv_sec == 0) {
        first_interrupt = now;
    } else if ((double)(now.tv_sec - first_interrupt.tv_sec) +
                   1e-9 * (double)(now.tv_nsec - first_interrupt.tv_nsec) >
               1) {
        signal(number, SIG_DFL); /* delivered again when this handler returns */
        raise(number);
    }
    stop_asked = 1;
}

static void install(int number, void (*handler)(int))
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART; /* no system call of MPI's or ours sees EINTR */
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

void sn_signals_install(void)
{
    install(SIGUSR1, on_save);
    install(SIGUSR2, on_stop);
    install(SIGTERM, on_stop);
    install(SIGINT, on_interrupt);
}

bool sn_signals_stop(void)
{
    return stop_asked;
}

bool sn_signals_take_save(void)
{
    const bool asked = save_asked;
    if (asked) save_asked = 0;
    return asked;
}
