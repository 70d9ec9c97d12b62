#include "trailer.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

/* All of the trailer but the hash. */
static void put_head(uint8_t trailer[TRAILER], size_t size)
{
    memset(trailer, 0, TRAILER);
    memcpy(trailer, "syncnorm trailer", 16);
    trailer[16] = 1;
    trailer[20] = TRAILER;
    for (int i = 0; i < 8; i++)
        trailer[24 + i] = (uint8_t)(size >> 8 * i);
}

static void print_hash(const uint8_t *data, size_t size, char hex[TRAILER_HASH + 1])
{
    const XXH128_hash_t hash = XXH3_128bits(data, size);
    snprintf(hex, TRAILER_HASH + 1, "%016llx%016llx", (unsigned long long)hash.high64,
             (unsigned long long)hash.low64);
}

void trailer_put(uint8_t *image, size_t size)
{
    put_head(image + size, size);
    trailer_put_hash(image, size + TRAILER);
}

void trailer_put_hash(uint8_t *file, size_t size)
{
    char hex[TRAILER_HASH + 1];
    print_hash(file, size - TRAILER_HASH, hex);
    memcpy(file + size - TRAILER_HASH, hex, TRAILER_HASH);
}

bool trailer_is_right(const uint8_t *file, size_t size)
{
    uint8_t head[TRAILER];
    char hex[TRAILER_HASH + 1];
    if (size < TRAILER) return false;
    put_head(head, size - TRAILER);
    print_hash(file, size - TRAILER_HASH, hex);
    return memcmp(file + size - TRAILER, head, TRAILER - TRAILER_HASH) == 0 &&
           memcmp(file + size - TRAILER_HASH, hex, TRAILER_HASH) == 0;
}
