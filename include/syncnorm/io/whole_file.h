#ifndef SYNCNORM_IO_WHOLE_FILE_H
#define SYNCNORM_IO_WHOLE_FILE_H

/** Files that are there whole or not at all. */

#include <stddef.h>

#include "syncnorm/base/error.h"

/** Writes `data` beside `path`, then in its place, with the mode of a file that was there. Only a regular file is replaced; missing
 *  directories are made. SN_ERROR_FILE, SN_ERROR_MEMORY. Not collective. */
sn_status sn_whole_file_write(const char *path, const void *data, size_t size);

/** Removes what processes that died while writing `path` left beside it. For whoever has the lock that keeps others from writing it. */
sn_status sn_whole_file_sweep(const char *path);

/** Whether a file can be written there, tried out before the work that makes the data. */
sn_status sn_whole_file_try(const char *path);

#endif
