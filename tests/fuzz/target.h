#ifndef SYNCNORM_TESTS_FUZZ_TARGET_H
#define SYNCNORM_TESTS_FUZZ_TARGET_H

/**
 * What every fuzz target defines, by the names libFuzzer calls, and what they share. A target reads one input as a file of the
 * program and abort()s when the reader breaks a promise; replay.c feeds the same functions without libFuzzer.
 */

#include <stddef.h>
#include <stdint.h>

#include "syncnorm/base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Changes an input in place and returns its new size; only libFuzzer calls it. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

/** libFuzzer's own mutation, for custom mutators; replay.c has an empty one. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);

/** abort()s with the claim that does not hold. */
#define CLAIM(condition) claim((condition), #condition, __FILE__, __LINE__)
void claim(int holds, const char *text, const char *file, int line);

/** abort()s unless the status is SN_OK, or of a kind in `expected` with one line that begins with the path. Clears the error. */
void claim_one_line(sn_status status, sn_status expected, const char *path);

/** The bytes as a file in memory, and the path to open it by; close() it. */
int file_of(const uint8_t *data, size_t size, char path[32]);

#endif
