#ifndef SYNCNORM_BASE_THOUSANDS_H
#define SYNCNORM_BASE_THOUSANDS_H

#include <stdint.h>

enum { SN_THOUSANDS_SIZE = 32 };

/** 74284 as "74,284". Returns `text`. Not collective. */
const char *sn_thousands(int64_t value, char text[SN_THOUSANDS_SIZE]);

#endif
