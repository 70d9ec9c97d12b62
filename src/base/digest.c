#include "syncnorm/base/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <xxhash.h>

sn_digest sn_digest_of(const void *data, size_t bytes)
{
    const XXH128_hash_t hash = XXH3_128bits(data, bytes);
    return (sn_digest){hash.high64, hash.low64};
}

sn_hasher *sn_hasher_create(void)
{
    XXH3_state_t *state = XXH3_createState();
    if (state) XXH3_128bits_reset(state);
    return (sn_hasher *)state;
}

void sn_hasher_add(sn_hasher *hasher, const void *data, size_t bytes)
{
    XXH3_128bits_update((XXH3_state_t *)hasher, data, bytes);
}

sn_digest sn_hasher_finish(sn_hasher *hasher)
{
    const XXH128_hash_t hash = XXH3_128bits_digest((XXH3_state_t *)hasher);
    XXH3_freeState((XXH3_state_t *)hasher);
    return (sn_digest){hash.high64, hash.low64};
}

void sn_digest_hex(sn_digest digest, char hex[SN_DIGEST_HEX])
{
    snprintf(hex, SN_DIGEST_HEX, "%016" PRIx64 "%016" PRIx64, digest.high, digest.low);
}
