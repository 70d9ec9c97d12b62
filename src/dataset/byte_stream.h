#ifndef SYNCNORM_DATASET_BYTE_STREAM_H
#define SYNCNORM_DATASET_BYTE_STREAM_H

/** The bytes of a file, inflated when it is a gzip file, whatever its name. Not collective. */

#include <stdbool.h>
#include <stddef.h>

#include "syncnorm/base/error.h"

typedef struct sn_byte_stream sn_byte_stream;

/** SN_ERROR_DATA naming the file when it cannot be opened or read. */
sn_status sn_byte_stream_open(const char *path, sn_byte_stream **stream);

/** Reads up to `wanted` bytes; `*got` is less only at the end of the contents. SN_ERROR_DATA naming the file when it
 *  cannot be read, or the gzip stream is corrupt, ends early, or has something else behind it. */
sn_status sn_byte_stream_read(sn_byte_stream *stream, void *buffer, size_t wanted, size_t *got);

/** NULL is fine. */
void sn_byte_stream_close(sn_byte_stream *stream);

#endif
