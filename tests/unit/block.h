#ifndef SYNCNORM_TESTS_UNIT_BLOCK_H
#define SYNCNORM_TESTS_UNIT_BLOCK_H

/** Blocks for the tests of the kernels: aligned arrays, reproducible contents, comparisons that name the place. */

#include "syncnorm/kernels/kernels.h"

/* Before cmocka.h, as it asks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/** `floats` zeroed floats aligned to 64 bytes, with a guard behind them that block_free checks. */
float *block_new(size_t floats);
void block_free(float *block);

/** The shape that tests run with, in samples of a vector: run_in_every_shape takes them in turn. */
extern int samples;

/** Runs the tests in every shape; returns how many failed. */
int run_in_every_shape(const struct CMUnitTest *tests, size_t count);

/** A zeroed view of channels x rows x width with rows of `row` >= width pixels; free its data with block_free. */
sn_planes planes_new(int channels, int rows, int row);

/** One value of a view. */
float *at(sn_planes planes, int channel, int row, int column, int sample);

/** Lanes of an array [slots][count][lanes] that have no channel: zeroed, so that arrays can be compared; filled with any bits. */
void clear_unused(float *values, int channels, size_t count);
void spoil_unused(float *values, int channels, size_t count, uint32_t seed);

/** Uniform numbers in [-1, 1), the same in every run. */
float next_uniform(uint32_t *state);
float next_pattern(uint32_t *state); /* any 32 bits: NaN, infinities and subnormal numbers included */
void fill_uniform(float *values, size_t count, uint32_t seed);

/** Equal bits, where any NaN equals any NaN. Fails with `what` and the first index that differs. */
void assert_same_bits(const char *what, const float *a, const float *b, size_t count);

/** ||a - b|| <= tolerance * ||b|| */
void assert_close(const char *what, const float *a, const double *b, size_t count, double tolerance);
void assert_near(const char *what, const float *a, const float *b, size_t count, double tolerance);

/** Moves each sample to another place, in `vectors` vectors; the same move every time. */
void permute_samples(float *to, const float *from, size_t vectors);
void assert_permuted(const char *what, const float *moved, const float *original, size_t vectors);

#endif
