#ifndef SYNCNORM_TESTS_FUZZ_SMALL_RUN_H
#define SYNCNORM_TESTS_FUZZ_SMALL_RUN_H

/** A run with one of everything, as small as it gets, for the targets that start from a sound file. */

#include "../../src/io/image.h"

/** Its HDF5 image, by the project's writer, without a trailer. */
void small_run_image(sn_bytes *image);

#endif
