#ifndef SYNCNORM_TRAIN_SAVING_H
#define SYNCNORM_TRAIN_SAVING_H

/* When and how a run is saved. All of it is collective. */

#include "session.h"

/* Waits for the lock on the run file, a while. */
sn_status sn_saving_lock(sn_session *session);

/* In the middle of a run a failure to save is no reason to stop: the file before is untouched, the next one may succeed. Only
   replicas that differ end it. */
sn_status sn_saving_checkpoint(sn_session *session);

/* The last save of this call, tried again for a minute. */
sn_status sn_saving_at_last(sn_session *session, bool complete);

/* The same on request: SN_STOPPED. */
sn_status sn_saving_stop(sn_session *session);

#endif
