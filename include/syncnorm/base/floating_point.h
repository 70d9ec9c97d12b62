#ifndef SYNCNORM_BASE_FLOATING_POINT_H
#define SYNCNORM_BASE_FLOATING_POINT_H

/** The floating-point environment of the calling thread, which the results depend on. Not collective. */

#include <stdbool.h>

/** Sets round-to-nearest, flush-to-zero off, denormals-are-zero off. Call after MPI has started: any library linked
 *  with -ffast-math switches the last two on behind one's back. */
void sn_floating_point_set(void);

/** True while all three still hold. */
bool sn_floating_point_ok(void);

#endif
