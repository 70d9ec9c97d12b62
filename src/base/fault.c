#include "syncnorm/base/fault.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "syncnorm/base/random.h"

static int this_rank = -1; /* not known yet */

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

/* One line for each strike: "RANK PASSAGE ORIGIN". */
static void note_strike(unsigned passage, const char *origin)
{
    const char *path = getenv("SYNCNORM_FAULT_NOTES");
    char line[64];
    const int length = snprintf(line, sizeof line, "%d %u %s\n", this_rank, passage, origin);
    const int file = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;
    if (file < 0) return;
    (void)!write(file, line, (size_t)length);
    close(file);
}

bool sn_fault_random(const char *origin)
{
    static pthread_t counted; /* the rank's work; what its other threads do comes at any time */
    static unsigned passages;
    if (this_rank < 0) return false; /* MPI starts */
    if (passages == 0) counted = pthread_self();
    if (!pthread_equal(counted, pthread_self())) return false;
    const char *plan = getenv("SYNCNORM_FAULT_SEED");
    unsigned long long seed;
    unsigned period;
    int rank = this_rank;
    if (!plan || sscanf(plan, "%llu %u %d", &seed, &period, &rank) < 2 || period == 0) return false;
    passages++;
    if (rank != this_rank ||
        sn_random(seed, SN_PURPOSE_FAULT, (uint32_t)this_rank, passages, 0).word[0] % period != 0)
        return false;
    note_strike(passages, origin);
    return true;
}
