#ifndef SYNCNORM_TRAIN_PREPARATION_H
#define SYNCNORM_TRAIN_PREPARATION_H

#include "session.h"

/* Locks the run file, starts its record or goes on from it. *finished: the run was complete, and is as long as asked for: there is nothing
   to do. Collective. */
sn_status sn_prepare(sn_session *session, bool *finished);

#endif
