#ifndef SYNCNORM_COMM_PROCESS_H
#define SYNCNORM_COMM_PROCESS_H

/** This process among all of the job, whatever its teams. Nothing here is collective. */

#include <stdbool.h>

/** Its rank of all. */
int sn_comm_rank(void);

/** The same before MPI has started, as Open MPI's or any PMIx or PMI launcher has put it into the environment; -1 without one. */
int sn_comm_launched_rank(void);

/** e.g. "Open MPI 4.1.4", and this host's name. */
const char *sn_comm_library(void);
const char *sn_comm_host(void);

/** Ranks of the job on this host; whether it has ranks on others. */
int sn_comm_ranks_here(void);
bool sn_comm_several_hosts(void);

/** Ends the whole job at once: for those alone who see that it cannot go on together. */
_Noreturn void sn_comm_abort(int exit_code);

/** The same after one line on standard error, in one write; printf-style, without newline. */
_Noreturn void sn_comm_give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** That, with a line about memory: where the other ranks already wait for this one and cannot be told. */
_Noreturn void sn_comm_out_of_memory(void);

/** Monotonic seconds. */
double sn_clock(void);

#endif
