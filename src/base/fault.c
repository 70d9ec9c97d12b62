#include "syncnorm/base/fault.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int this_rank;

void sn_fault_rank(int rank)
{
    this_rank = rank;
}

double sn_fault_patience(double usual)
{
    const char *value = getenv("SYNCNORM_FAULT_PATIENCE");
    return value ? atof(value) : usual;
}

bool sn_fault(const char *point)
{
    static unsigned passed;
    char where[32], action[16];
    unsigned passage = 1;
    int rank = this_rank;
    const char *plan = getenv("SYNCNORM_FAULT");
    if (!plan || sscanf(plan, "%31s %15s %u %d", where, action, &passage, &rank) < 2) return false;
    if (strcmp(where, point) != 0 || rank != this_rank || ++passed != passage) return false;
    if (strcmp(action, "strike") == 0) return true;
    if (strcmp(action, "orphan") == 0) {
        kill(getppid(), SIGKILL);
        for (;;)
            pause();
    }
    raise(strcmp(action, "stop") == 0 ? SIGSTOP : SIGKILL);
    return false;
}
