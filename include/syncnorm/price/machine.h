#ifndef SYNCNORM_PRICE_MACHINE_H
#define SYNCNORM_PRICE_MACHINE_H

/** A machine, as what training is charged by: steps of one rank, and messages between ranks. Not collective. */

#include <stdint.h>

#include "syncnorm/base/error.h"
#include "syncnorm/nn/norm_kind.h"

/** A message of B bytes takes latency + B * per_byte seconds, from one program to the other; NaN where it is not known. `overhead` (LogP's o) is what either end's processor
 *  has to do for it, within the latency: messages sent at once follow one another at that distance. */
typedef struct sn_link {
    double latency, per_byte, overhead;
} sn_link;

/** Bytes a second: no link is faster or slower. */
#define SN_LINK_FASTEST 1e15
#define SN_LINK_SLOWEST 1.0

enum { SN_MACHINE_SHARES = 32 };

/** Training steps of a rank alone, by its samples, ascending. count 0: not known. */
typedef struct sn_machine_steps {
    int count;
    uint32_t samples[SN_MACHINE_SHARES];
    double seconds[SN_MACHINE_SHARES];
} sn_machine_steps;

typedef struct sn_machine {
    char name[96];
    char note[256]; /* of where its figures are from; empty: none */
    bool measured;  /* else stated: latency and bandwidth as its makers give them */
    int ranks_per_node;
    sn_link node;    /* between ranks of a node; per_byte is one's while the others move as much */
    sn_link network; /* between nodes; per_byte is a node's, of all its ranks together */
    double spread;   /* standard deviation of the ranks' step times, over their mean */
    sn_machine_steps steps[SN_NORM_KINDS];
} sn_machine;

/** Reads a file of bench --json. SN_ERROR_FAILED with the file and the key. */
sn_status sn_machine_read(const char *path, sn_machine *machine);

/** Seconds of a step on so many samples: 0 of none; between those measured, and beyond the most, along a straight line. NaN where nothing is known of
 *  the norm. */
double sn_machine_step(const sn_machine *machine, sn_norm_kind norm, uint32_t samples);

#endif
