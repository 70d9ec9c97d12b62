#ifndef SYNCNORM_BASE_MISSING_H
#define SYNCNORM_BASE_MISSING_H

/** The number of what is not there: NaN, which <math.h> has as a float. */
#define SN_MISSING __builtin_nan("")

#endif
