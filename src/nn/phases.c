#include "syncnorm/nn/phases.h"

#define NAME(phase, name) [SN_PHASE_##phase] = (name),
const char *const sn_phase_names[SN_PHASES] = {SN_PHASE_ROWS(NAME)};
