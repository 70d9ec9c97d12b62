#ifndef SYNCNORM_DATASET_LOCATE_H
#define SYNCNORM_DATASET_LOCATE_H

/** Where the files of a data set are. */

#include <stddef.h>

#include "syncnorm/base/error.h"

/** The directory: `given`, else $MNIST_DIR, else the first of data/mnist and $XDG_DATA_HOME/syncnorm/mnist that has training images.
 *  SN_ERROR_DATA when neither has, or when its path is longer than size - 1. */
sn_status sn_locate_directory(const char *given, char *path, size_t size);

/** The file of that name, plain (which wins) or with .gz; also spelt "train-images.idx3-ubyte", as archives unpack. */
sn_status sn_locate_file(const char *directory, const char *name, char *path, size_t size);

#endif
