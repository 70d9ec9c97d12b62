#ifndef SYNCNORM_BASE_RANGE_H
#define SYNCNORM_BASE_RANGE_H

/** Ranges of integers as options have them. Not collective. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** "7" or "3-7", `length` characters of digits and at most one dash between them: true with both ends, in the order in which they stand. False
 *  for anything else, and for a number that does not fit. */
bool sn_read_range(const char *text, size_t length, uint64_t *first, uint64_t *last);

#endif
