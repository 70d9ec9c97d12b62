#ifndef SYNCNORM_TESTS_FUZZ_TRAILER_H
#define SYNCNORM_TESTS_FUZZ_TRAILER_H

/** The trailer of a run file by src/io/README.md, in code of its own. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TRAILER = 64, TRAILER_HASH = 32 };

/** Writes the TRAILER bytes behind an image of `size` bytes. */
void trailer_put(uint8_t *image, size_t size);

/** Sets the hash of a whole file with a trailer right, whatever the rest of the trailer says. */
void trailer_put_hash(uint8_t *file, size_t size);

/** Whether a whole file ends in the trailer that it should have. */
bool trailer_is_right(const uint8_t *file, size_t size);

#endif
