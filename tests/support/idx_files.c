#include "idx_files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static void require(bool condition, const char *what)
{
    if (condition) return;
    perror(what);
    exit(1);
}

void make_directory(char directory[TEST_PATH])
{
    const char *parent = getenv("TMPDIR");
    snprintf(directory, TEST_PATH, "%s/syncnorm-test-XXXXXX", parent && parent[0] ? parent : "/tmp");
    require(mkdtemp(directory) != NULL, directory);
}

void remove_directory(const char *directory)
{
    DIR *entries = opendir(directory);
    require(entries != NULL, directory);
    for (struct dirent *entry; (entry = readdir(entries));)
        if (entry->d_name[0] != '.') unlinkat(dirfd(entries), entry->d_name, 0);
    closedir(entries);
    rmdir(directory);
}

void put_word(uint8_t *bytes, size_t *used, uint32_t word)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        bytes[(*used)++] = (uint8_t)(word >> shift);
}

uint8_t image_pixel(uint32_t image, uint32_t pixel)
{
    return (uint8_t)(image * 31 + pixel * 7 + pixel / 28);
}

uint8_t *images_file(uint32_t count, size_t *bytes)
{
    uint8_t *data = malloc(16 + (size_t)count * TEST_PIXELS);
    require(data != NULL, "images");
    *bytes = 0;
    put_word(data, bytes, 2051);
    put_word(data, bytes, count);
    put_word(data, bytes, 28);
    put_word(data, bytes, 28);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t p = 0; p < TEST_PIXELS; p++)
            data[(*bytes)++] = image_pixel(i, p);
    return data;
}

uint8_t *labels_file(uint32_t count, size_t *bytes)
{
    uint8_t *data = malloc(8 + (size_t)count);
    require(data != NULL, "labels");
    *bytes = 0;
    put_word(data, bytes, 2049);
    put_word(data, bytes, count);
    for (uint32_t i = 0; i < count; i++)
        data[(*bytes)++] = (uint8_t)(i % 10);
    return data;
}

uint8_t *gzip(const uint8_t *data, size_t bytes, size_t *compressed)
{
    z_stream z = {0};
    require(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK, "deflateInit2");
    const size_t room = deflateBound(&z, bytes) + 32;
    uint8_t *out = malloc(room);
    require(out != NULL, "gzip");
    z.next_in = data ? (Bytef *)data : (Bytef *)out;
    z.avail_in = (uInt)bytes;
    z.next_out = out;
    z.avail_out = (uInt)room;
    require(deflate(&z, Z_FINISH) == Z_STREAM_END, "deflate");
    *compressed = z.total_out;
    deflateEnd(&z);
    return out;
}

void write_file(const char *directory, const char *name, const uint8_t *data, size_t bytes)
{
    char path[2 * TEST_PATH];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    unlink(path); /* overwriting makes some file systems wait for the disk */
    FILE *file = fopen(path, "wb");
    require(file != NULL, path);
    require(bytes == 0 || fwrite(data, 1, bytes, file) == bytes, path);
    require(fclose(file) == 0, path);
}

static void write_maybe_compressed(const char *directory, const char *name, uint8_t *data, size_t bytes,
                                   bool compressed)
{
    char full_name[64];
    snprintf(full_name, sizeof full_name, "%s%s", name, compressed ? ".gz" : "");
    if (compressed) {
        size_t packed_bytes;
        uint8_t *packed = gzip(data, bytes, &packed_bytes);
        write_file(directory, full_name, packed, packed_bytes);
        free(packed);
    } else {
        write_file(directory, full_name, data, bytes);
    }
    free(data);
}

void write_dataset(const char *directory, uint32_t train, uint32_t test, bool compressed)
{
    size_t bytes;
    uint8_t *data = images_file(train, &bytes);
    write_maybe_compressed(directory, "train-images-idx3-ubyte", data, bytes, compressed);
    data = labels_file(train, &bytes);
    write_maybe_compressed(directory, "train-labels-idx1-ubyte", data, bytes, compressed);
    data = images_file(test, &bytes);
    write_maybe_compressed(directory, "t10k-images-idx3-ubyte", data, bytes, compressed);
    data = labels_file(test, &bytes);
    write_maybe_compressed(directory, "t10k-labels-idx1-ubyte", data, bytes, compressed);
}
