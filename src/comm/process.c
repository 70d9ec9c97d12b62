#include <mpi.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "process_internal.h"
#include "syncnorm/base/fault.h"
#include "syncnorm/base/floating_point.h"

static int world_rank;
static int ranks_here;

static void count_ranks_here(void)
{
    MPI_Comm here;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, world_rank, MPI_INFO_NULL, &here);
    MPI_Comm_size(here, &ranks_here);
    MPI_Comm_free(&here);
}

/* Without mpirun: no daemon, for processes that we never start, which is half of the time that a start takes; and no directory for talking to it,
   which all processes without a daemon would share, and remove when they end. */
static void start_alone(void)
{
    if (sn_comm_launched_rank() >= 0) return;
    setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
    setenv("OMPI_MCA_orte_create_session_dirs", "0", 0);
}

void sn_comm_initialize(void)
{
    /* Ranks of a node copy through shared memory. Open MPI's default, reading each other's memory, takes twice as long for
       our messages (82 KB: 25 us against 11 on two cores) and where containers forbid it fills the terminal with errors. */
    setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 0);
    /* hwloc looks for X displays of NVIDIA on ten hosts "localhost:N"; without /etc/hosts that takes 5 to 17 s */
    setenv("HWLOC_COMPONENTS", "-gl", 0);
    start_alone();
    int provided;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &provided); /* pulse.c; costs 0.2 us per collective */
    sn_floating_point_set();
    MPI_Comm_rank(MPI_COMM_WORLD, &world_rank);
    sn_fault_rank(world_rank);
    sn_comm_host(); /* its buffer is filled before threads read it */
    count_ranks_here();
}

int sn_comm_launched_rank(void)
{
    static const char *const variables[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *value = getenv(variables[i]);
        if (value && *value) return atoi(value);
    }
    return -1;
}

int sn_comm_rank(void)
{
    return world_rank;
}

const char *sn_comm_library(void)
{
    static char name[MPI_MAX_LIBRARY_VERSION_STRING];
    if (!name[0]) {
        int length;
        MPI_Get_library_version(name, &length);
        name[strcspn(name, ",\n")] = '\0';
        for (char *tab = name; (tab = strchr(tab, '\t'));)
            *tab = ' '; /* "MPICH Version:\t4.0.2" */
        char *version = strstr(name, " v");
        if (version) memmove(version + 1, version + 2, strlen(version + 2) + 1);
    }
    return name;
}

const char *sn_comm_host(void)
{
    static char name[MPI_MAX_PROCESSOR_NAME];
    int length;
    if (!name[0]) MPI_Get_processor_name(name, &length);
    return name;
}

int sn_comm_ranks_here(void)
{
    return ranks_here;
}

bool sn_comm_several_hosts(void)
{
    int all;
    MPI_Comm_size(MPI_COMM_WORLD, &all);
    return ranks_here < all;
}

void sn_comm_abort(int exit_code)
{
    MPI_Abort(MPI_COMM_WORLD, exit_code);
    abort();
}

void sn_comm_give_up(const char *format, ...)
{
    char line[1024] = "syncnorm: error: ";
    size_t length = strlen(line);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + length, sizeof line - length - 1, format, arguments);
    va_end(arguments);
    length = strlen(line);
    line[length++] = '\n';
    if (write(STDERR_FILENO, line, length) < 0) _exit(1);
    sn_comm_abort(1);
}

void sn_comm_out_of_memory(void)
{
    sn_comm_give_up("rank %d on %s is out of memory: ending the job", sn_comm_rank(), sn_comm_host());
}

int sn_comm_thread(pthread_t *thread, void *(*body)(void *argument), void *argument)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int code = pthread_create(thread, NULL, body, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

double sn_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
