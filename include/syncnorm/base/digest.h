#ifndef SYNCNORM_BASE_DIGEST_H
#define SYNCNORM_BASE_DIGEST_H

/** 128-bit digests (XXH3-128 of the xxHash library) of little-endian data. For recognising, not for security. Not collective. */

#include <stddef.h>
#include <stdint.h>

enum { SN_DIGEST_HEX = 33 }; /* 32 hexadecimal digits and the end */

typedef struct sn_digest {
    uint64_t high, low;
} sn_digest;

typedef struct sn_hasher sn_hasher;

sn_digest sn_digest_of(const void *data, size_t bytes);

/** Incremental: create (NULL when out of memory), add, finish (which frees). */
sn_hasher *sn_hasher_create(void);
void sn_hasher_add(sn_hasher *hasher, const void *data, size_t bytes);
sn_digest sn_hasher_finish(sn_hasher *hasher);

/** 32 lower-case hexadecimal digits, as xxhsum -H2 prints them. */
void sn_digest_hex(sn_digest digest, char hex[SN_DIGEST_HEX]);

#endif
