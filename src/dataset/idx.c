/* IDX files: big-endian header (magic, count, and for images rows and columns), then one byte per pixel or label. */

#include <stdlib.h>
#include <string.h>

#include "byte_stream.h"
#include "idx.h"

/* More than any known set in this format has, and what 32-bit counters hold with room to spare. */
static const uint32_t most_samples = 1 << 24;

static uint32_t big_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static const char *magic_meaning(uint32_t magic)
{
    return magic == SN_IDX_IMAGES ? " (images)" : magic == SN_IDX_LABELS ? " (labels)" : "";
}

size_t sn_idx_header(sn_idx_magic magic, uint32_t count, unsigned char header[SN_IDX_HEADER])
{
    const uint32_t words[] = {magic, count, SN_IMAGE_SIZE, SN_IMAGE_SIZE};
    const size_t used = magic == SN_IDX_IMAGES ? 4 : 2;
    for (size_t i = 0; i < used; i++)
        for (size_t byte = 0; byte < 4; byte++)
            header[4 * i + byte] = (unsigned char)(words[i] >> (24 - 8 * byte));
    return 4 * used;
}

static sn_status read_header(sn_byte_stream *stream, const char *path, sn_idx_magic magic, uint32_t *count)
{
    unsigned char header[SN_IDX_HEADER];
    const size_t bytes = magic == SN_IDX_IMAGES ? 16 : 8;
    size_t got;
    SN_TRY(sn_byte_stream_read(stream, header, bytes, &got));
    if (got >= 4 && header[0] == '<')
        return sn_fail(SN_ERROR_DATA, "%s: a web page, not a data file: download it again", path);
    if (got >= 4 && big_endian(header) != (uint32_t)magic)
        return sn_fail(SN_ERROR_DATA, "%s: wrong magic number %u%s: %d%s is needed", path, big_endian(header),
                       magic_meaning(big_endian(header)), (int)magic, magic_meaning(magic));
    if (got < bytes)
        return sn_fail(SN_ERROR_DATA, "%s: truncated: %zu bytes, not even a header of %zu", path, got, bytes);
    *count = big_endian(header + 4);
    if (magic == SN_IDX_IMAGES) {
        const uint32_t rows = big_endian(header + 8), columns = big_endian(header + 12);
        if (rows != SN_IMAGE_SIZE || columns != SN_IMAGE_SIZE)
            return sn_fail(SN_ERROR_DATA, "%s: wrong image size %u x %u: 28 x 28 is needed", path, rows,
                           columns);
    }
    if (*count == 0) return sn_fail(SN_ERROR_DATA, "%s: empty: its header says 0 samples", path);
    if (*count > most_samples)
        return sn_fail(SN_ERROR_DATA, "%s: absurd header: %u samples, at most %u are supported", path, *count,
                       most_samples);
    return SN_OK;
}

/* Reads `bytes` bytes into growing memory, so that a lying header costs no more than what is really there. */
static sn_status read_body(sn_byte_stream *stream, const char *path, size_t bytes, uint8_t **data)
{
    size_t capacity = 0, used = 0;
    while (used < bytes) {
        const size_t first = (size_t)16 << 20;
        capacity = capacity == 0 ? first : 2 * capacity;
        if (capacity > bytes) capacity = bytes;
        uint8_t *grown = realloc(*data, capacity);
        if (!grown) return sn_fail(SN_ERROR_MEMORY, "out of memory: %zu MB for %s", capacity >> 20, path);
        *data = grown;
        size_t got;
        SN_TRY(sn_byte_stream_read(stream, grown + used, capacity - used, &got));
        used += got;
        if (used < capacity)
            return sn_fail(SN_ERROR_DATA, "%s: truncated: %zu bytes of data where its header says %zu", path,
                           used, bytes);
    }
    unsigned char extra;
    size_t got;
    SN_TRY(sn_byte_stream_read(stream, &extra, 1, &got));
    if (got > 0) return sn_fail(SN_ERROR_DATA, "%s: trailing bytes behind the samples its header says", path);
    return SN_OK;
}

static sn_status check_labels(const char *path, const uint8_t *labels, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (labels[i] >= SN_CLASSES)
            return sn_fail(SN_ERROR_DATA, "%s: label %d at index %u: labels are 0 to 9", path, labels[i], i);
    return SN_OK;
}

static sn_status read_idx(const char *path, sn_idx_magic magic, uint8_t **data, uint32_t *count)
{
    *data = NULL;
    *count = 0;
    sn_byte_stream *stream;
    SN_TRY(sn_byte_stream_open(path, &stream));
    const size_t size = magic == SN_IDX_IMAGES ? SN_IMAGE_PIXELS : 1;
    sn_status status = read_header(stream, path, magic, count);
    if (status == SN_OK) status = read_body(stream, path, *count * size, data);
    sn_byte_stream_close(stream);
    if (status == SN_OK && magic == SN_IDX_LABELS) status = check_labels(path, *data, *count);
    if (status != SN_OK) {
        free(*data);
        *data = NULL;
        *count = 0;
    }
    return status;
}

sn_status sn_idx_read_images(const char *path, uint8_t **data, uint32_t *count)
{
    return read_idx(path, SN_IDX_IMAGES, data, count);
}

sn_status sn_idx_read_labels(const char *path, uint8_t **data, uint32_t *count)
{
    return read_idx(path, SN_IDX_LABELS, data, count);
}
