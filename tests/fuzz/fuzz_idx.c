/* The IDX reader, plain and gzip: every input is read as images and as labels, and plain ones are judged by naive code too. */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "syncnorm/dataset/dataset.h"
#include "target.h"

enum { HEADER_IMAGES = 16, HEADER_LABELS = 8, PLAIN_MOST = 1 << 16 };

static bool is_gzip(const uint8_t *data, size_t size)
{
    return size >= 2 && data[0] == 0x1f && data[1] == 0x8b;
}

static uint64_t word(const uint8_t *data)
{
    return (uint64_t)data[0] << 24 | (uint64_t)data[1] << 16 | (uint64_t)data[2] << 8 | data[3];
}

/* Whether a plain file is right: the format's definition, read off. */
static bool right_images(const uint8_t *data, size_t size)
{
    return size > HEADER_IMAGES && word(data) == 2051 && word(data + 8) == 28 && word(data + 12) == 28 &&
           size - HEADER_IMAGES == word(data + 4) * 28 * 28;
}

static bool right_labels(const uint8_t *data, size_t size)
{
    bool right = size > HEADER_LABELS && word(data) == 2049 && size - HEADER_LABELS == word(data + 4);
    for (size_t i = HEADER_LABELS; right && i < size; i++)
        right = data[i] <= 9;
    return right;
}

static void judge(sn_status status, const uint8_t *data, size_t size, bool right, size_t header,
                  const uint8_t *values, uint32_t count, size_t each)
{
    CLAIM((status == SN_OK) == (values != NULL));
    CLAIM((status == SN_OK) == (count > 0));
    if (is_gzip(data, size)) return;
    CLAIM((status == SN_OK) == right);
    CLAIM(!values || memcmp(values, data + header, count * each) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[32];
    uint8_t *values;
    uint32_t count;
    const int file = file_of(data, size, path);
    sn_status status = sn_idx_read_images(path, &values, &count);
    judge(status, data, size, right_images(data, size), HEADER_IMAGES, values, count, 28 * 28);
    claim_one_line(status, SN_ERROR_DATA, path);
    free(values);

    status = sn_idx_read_labels(path, &values, &count);
    judge(status, data, size, right_labels(data, size), HEADER_LABELS, values, count, 1);
    for (uint32_t i = 0; i < count; i++)
        CLAIM(values[i] <= 9);
    claim_one_line(status, SN_ERROR_DATA, path);
    free(values);
    close(file);
    return 0;
}

/* 0 when it is no whole gzip stream of a size to work with. */
static size_t inflate_all(const uint8_t *data, size_t size, uint8_t *plain, size_t room)
{
    z_stream z = {
        .next_in = (Bytef *)data, .avail_in = (uInt)size, .next_out = plain, .avail_out = (uInt)room};
    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) return 0;
    const int code = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    return code == Z_STREAM_END ? room - z.avail_out : 0;
}

static size_t deflate_all(const uint8_t *plain, size_t size, int level, uint8_t *data, size_t room)
{
    z_stream z = {
        .next_in = (Bytef *)plain, .avail_in = (uInt)size, .next_out = data, .avail_out = (uInt)room};
    if (deflateInit2(&z, level, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) return 0;
    const int code = deflate(&z, Z_FINISH);
    deflateEnd(&z);
    return code == Z_STREAM_END ? room - z.avail_out : 0;
}

/* Half of the changes of a gzip file are made to what is inside it: a checksum keeps the others from getting that far. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    static uint8_t plain[PLAIN_MOST];
    const size_t inside = seed % 2 && is_gzip(data, size) ? inflate_all(data, size, plain, PLAIN_MOST) : 0;
    if (inside == 0) return LLVMFuzzerMutate(data, size, most);
    const size_t changed = LLVMFuzzerMutate(plain, inside, PLAIN_MOST);
    const size_t packed = deflate_all(plain, changed, (int)(seed / 2 % 10), data, most);
    return packed ? packed : size;
}
