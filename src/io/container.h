#ifndef SYNCNORM_IO_CONTAINER_H
#define SYNCNORM_IO_CONTAINER_H

/* The bytes of a run file: an HDF5 image and a trailer that vouches for it. README.md describes the trailer. */

#include "image.h"

enum { SN_TRAILER_SIZE = 64 };

/** Writes the trailer into the SN_TRAILER_SIZE bytes of room behind the image and counts them in. */
void sn_container_seal(sn_bytes *image);

/** Whether a trailer stands at the end, good or not. */
bool sn_container_is_sealed(const unsigned char *data, size_t size);

/** Checks the trailer of a whole file in memory and gives the size of the image, which starts at `data`. */
sn_status sn_container_check(const unsigned char *data, size_t size, const char *path, size_t *image_size);

/** Whether the signature of HDF5 is where the format allows it: at 0, 512, 1024, 2048 ... */
bool sn_container_is_hdf5(const unsigned char *data, size_t size);

/** Reads a whole regular file of at most `most` bytes. */
sn_status sn_file_load(const char *path, size_t most, sn_bytes *contents);

/** Replaces `path`, a regular file or nothing yet, by `contents` atomically. With `keep` the old file becomes `path`.prev. Missing directories are made. */
sn_status sn_file_replace(const char *path, const sn_bytes *contents, bool keep);

/* Whether that would find a directory it can write to; makes missing directories, changes nothing else. */
sn_status sn_file_try_replace(const char *path);

/* Removes what processes that died while replacing `path` left behind. Only for whoever has it to himself. */
sn_status sn_file_sweep(const char *path);

/* The target where `path` is a symbolic link, else a copy of it; NULL when out of memory. */
char *sn_file_resolve(const char *path);

#endif
