/* The trailer behind the HDF5 image: sealing and checking. */

#include "container.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "syncnorm/base/digest.h"

/* Offsets in the trailer; numbers are little-endian. HEX: the hash as xxhsum -H2 prints it, over all bytes before it. */
enum { MAGIC = 0, VERSION = 16, SIZE = 20, IMAGE_SIZE = 24, HEX = 32, HEX_DIGITS = 32, TRAILER_VERSION = 1 };

static const char magic[] = "syncnorm trailer";
_Static_assert(sizeof magic - 1 == VERSION, "the magic fills the trailer up to the version");
_Static_assert(HEX + HEX_DIGITS == SN_TRAILER_SIZE, "the hash ends the trailer");

static void put(unsigned char *bytes, int count, uint64_t value)
{
    for (int i = 0; i < count; i++)
        bytes[i] = (unsigned char)(value >> 8 * i);
}

static uint64_t get(const unsigned char *bytes, int count)
{
    uint64_t value = 0;
    for (int i = 0; i < count; i++)
        value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

static void hash(const unsigned char *data, size_t size, char hex[SN_DIGEST_HEX])
{
    sn_digest_hex(sn_digest_of(data, size), hex);
}

void sn_container_seal(sn_bytes *image)
{
    unsigned char *trailer = image->data + image->size;
    memcpy(trailer + MAGIC, magic, VERSION);
    put(trailer + VERSION, 4, TRAILER_VERSION);
    put(trailer + SIZE, 4, SN_TRAILER_SIZE);
    put(trailer + IMAGE_SIZE, 8, image->size);
    char hex[SN_DIGEST_HEX];
    hash(image->data, image->size + HEX, hex);
    memcpy(trailer + HEX, hex, HEX_DIGITS);
    image->size += SN_TRAILER_SIZE;
}

bool sn_container_is_sealed(const unsigned char *data, size_t size)
{
    return size >= SN_TRAILER_SIZE && memcmp(data + size - SN_TRAILER_SIZE, magic, VERSION) == 0;
}

bool sn_container_is_hdf5(const unsigned char *data, size_t size)
{
    static const unsigned char signature[] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    for (size_t at = 0; at <= size && size - at >= sizeof signature; at = at ? 2 * at : 512)
        if (memcmp(data + at, signature, sizeof signature) == 0) return true;
    return false;
}

/* What to do about a bad file: the generation before may be there. */
static sn_status bad(const char *path, const char *fault)
{
    char previous[4200];
    const int length = snprintf(previous, sizeof previous, "%s.prev", path);
    if (length < (int)sizeof previous && access(previous, R_OK) == 0)
        return sn_fail(SN_ERROR_FILE, "%s: %s; the generation before it is %s", path, fault, previous);
    return sn_fail(SN_ERROR_FILE, "%s: %s", path, fault);
}

sn_status sn_container_check(const unsigned char *data, size_t size, const char *path, size_t *image_size)
{
    if (size == 0) return bad(path, "an empty file, not a run file");
    if (!sn_container_is_sealed(data, size))
        return bad(
            path,
            sn_container_is_hdf5(data, size)
                ? "an HDF5 file without the trailer of a run file: truncated, or not written by syncnorm"
                : "not a run file: neither HDF5 nor the trailer of a run file is in it");
    const unsigned char *trailer = data + size - SN_TRAILER_SIZE;
    char hex[SN_DIGEST_HEX];
    hash(data, size - HEX_DIGITS, hex);
    if (memcmp(hex, trailer + HEX, HEX_DIGITS) != 0)
        return bad(path, "damaged: the contents do not match the hash in the trailer");
    if (get(trailer + VERSION, 4) != TRAILER_VERSION)
        return sn_fail(SN_ERROR_VERSION, "%s: trailer version %" PRIu64 "; this syncnorm reads version %d",
                       path, get(trailer + VERSION, 4), TRAILER_VERSION);
    if (get(trailer + SIZE, 4) != SN_TRAILER_SIZE || get(trailer + IMAGE_SIZE, 8) != size - SN_TRAILER_SIZE)
        return bad(path, "damaged: the trailer gives another size");
    if (!sn_container_is_hdf5(data, size))
        return bad(path, "not a run file: no HDF5 in front of the trailer");
    *image_size = size - SN_TRAILER_SIZE;
    return SN_OK;
}
