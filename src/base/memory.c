#include "syncnorm/base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LINE = 64, HUGE = 2 << 20 };

sn_status sn_allocate(void **pointer, size_t count, size_t size, const char *what)
{
    *pointer = NULL;
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - HUGE)
        return sn_fail(SN_ERROR_MEMORY, "out of memory: %s is too large", what);
    const size_t alignment = bytes >= HUGE ? HUGE : LINE;
    bytes = (bytes + alignment - 1) / alignment * alignment;
    if (bytes == 0) bytes = alignment;
    void *memory = aligned_alloc(alignment, bytes);
    if (!memory) return sn_fail(SN_ERROR_MEMORY, "out of memory: %zu MB for %s", bytes >> 20, what);
    if (alignment == HUGE)
        (void)madvise(memory, bytes, MADV_HUGEPAGE); /* a hint: refusing it costs speed only */
    memset(memory, 0, bytes);
    *pointer = memory;
    return SN_OK;
}

void sn_free(void *pointer)
{
    free(pointer);
}

void *sn_arena_take(sn_arena *arena, size_t count, size_t size)
{
    const size_t offset = arena->used;
    arena->used += (count * size + LINE - 1) / LINE * LINE;
    return arena->memory ? arena->memory + offset : NULL;
}
