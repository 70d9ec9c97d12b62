#ifndef SYNCNORM_NN_PHASES_H
#define SYNCNORM_NN_PHASES_H

/**
 * Where the time of a step goes. A clock that is always in one phase, so that the phases add up to the whole. Code that is timed says which
 * phase begins; without a clock (NULL) it says nothing. Not collective.
 */

#include <stddef.h>

#include "syncnorm/comm/process.h"

/** X(phase, what bench calls it) */
#define SN_PHASE_ROWS(X)                                                                                     \
    X(SAMPLER, "sampler and dropout masks")                                                                  \
    X(LOADING, "loading images")                                                                             \
    X(PARAMETERS, "parameters for the kernels")                                                              \
    X(FORWARD, "convolutions forward")                                                                       \
    X(INPUT_GRADIENT, "convolutions, input gradient")                                                        \
    X(WEIGHT_GRADIENT, "convolutions, weight gradient")                                                      \
    X(STATISTICS, "norms: statistics")                                                                       \
    X(AFFINE, "norms, dropout and pooling, forward")                                                         \
    X(NORM_BACKWARD, "norms, dropout and pooling, backward")                                                 \
    X(HEAD, "head and loss")                                                                                 \
    X(EXACT_SUMS, "exact sums over samples")                                                                 \
    X(RANKS, "exact sums across ranks")                                                                      \
    X(OPTIMIZER, "optimizer")                                                                                \
    X(REST, "the rest")

#define SN_PHASE_NAME(phase, ...) SN_PHASE_##phase,
typedef enum sn_phase { SN_PHASE_ROWS(SN_PHASE_NAME) SN_PHASES } sn_phase;

extern const char *const sn_phase_names[SN_PHASES];

typedef struct sn_phase_clock {
    double seconds[SN_PHASES];
    sn_phase now;
    double since;
} sn_phase_clock;

/** Starts a clock, in SN_PHASE_REST. */
static inline void sn_phases_start(sn_phase_clock *clock)
{
    *clock = (sn_phase_clock){.now = SN_PHASE_REST, .since = sn_clock()};
}

/** From here on it is `phase`. */
static inline void sn_phase_begin(sn_phase_clock *clock, sn_phase phase)
{
    if (!clock) return;
    const double now = sn_clock();
    clock->seconds[clock->now] += now - clock->since;
    clock->now = phase;
    clock->since = now;
}

#endif
