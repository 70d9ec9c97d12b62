#ifndef SYNCNORM_TRAIN_CONCLUSION_H
#define SYNCNORM_TRAIN_CONCLUSION_H

#include "session.h"

/* The final evaluation: every prediction recorded, the training set in evaluation mode, and with --precise-bn two ways more. SN_STOPPED
   when asked to stop, and saved. Collective. */
sn_status sn_conclude(sn_session *session);

#endif
