#ifndef SYNCNORM_BASE_MEMORY_H
#define SYNCNORM_BASE_MEMORY_H

/**
 * Aligned memory. Large allocations are 2 MB aligned and offered to the kernel for huge pages, which the working set of
 * a training step (a few MB, walked many times) rewards. Not collective.
 */

#include <stddef.h>

#include "syncnorm/base/error.h"

/** Zeroed memory for `count` objects of `size` bytes, aligned to 64 bytes at least, in `*pointer` (sn_free it).
 *  SN_ERROR_MEMORY with `what` in the message when there is none or the product overflows. */
sn_status sn_allocate(void **pointer, size_t count, size_t size, const char *what);

/** Frees what sn_allocate gave; NULL is fine. */
void sn_free(void *pointer);

/** sn_allocate for a typed pointer variable. */
#define SN_ALLOCATE(variable, count, what)                                                                   \
    sn_allocate((void **)&(variable), (count), sizeof *(variable), (what))

/** An arena: one allocation carved into 64-byte aligned pieces. First pass with memory == NULL to learn the size. */
typedef struct sn_arena {
    unsigned char *memory; /* NULL: only measure */
    size_t used;
} sn_arena;

/** The next piece, `count` objects of `size` bytes; NULL while measuring. */
void *sn_arena_take(sn_arena *arena, size_t count, size_t size);

#endif
