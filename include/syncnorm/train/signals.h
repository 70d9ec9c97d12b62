#ifndef SYNCNORM_TRAIN_SIGNALS_H
#define SYNCNORM_TRAIN_SIGNALS_H

/**
 * Requests from outside, as this rank heard them. They travel inside the sums of a step, so that all ranks act after the
 * same one. SIGCONT means nothing: launchers send it before SIGTERM. Not collective.
 */

#include <stdbool.h>

/** Catches USR1 (save and go on), USR2, TERM, INT (save and stop); a second INT more than a second after the first leaves at
 *  once. XFSZ is ignored: writing then fails with EFBIG, like any other write. Idempotent. */
void sn_signals_install(void);

/** True once a stop was asked for; stays. */
bool sn_signals_stop(void);

/** True when a save was asked for since the last call. */
bool sn_signals_take_save(void);

#endif
