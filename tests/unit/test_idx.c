/* IDX files: what is right is read as it is, plain or gzip; every fault is one line naming the file and the fault. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cmocka_all.h"
#include "idx_files.h"
#include "syncnorm/dataset/dataset.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif

static char directory[TEST_PATH];

static int make(void **state)
{
    (void)state;
    make_directory(directory);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    remove_directory(directory);
    return 0;
}

typedef enum file_kind { IMAGES, LABELS } file_kind;

static const char *path_of(const char *name)
{
    static char path[TEST_PATH + 64];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static sn_status read_file(file_kind kind, const char *name, uint8_t **data, uint32_t *count)
{
    sn_error_clear();
    return (kind == IMAGES ? sn_idx_read_images : sn_idx_read_labels)(path_of(name), data, count);
}

/* Reading directory/name as `kind` fails with one line that names the file and has `fault` in it. */
static void assert_fault(file_kind kind, const char *name, const char *fault)
{
    uint8_t *data = (uint8_t *)directory;
    uint32_t count = 7;
    assert_int_equal(read_file(kind, name, &data, &count), SN_ERROR_DATA);
    assert_null(data);
    assert_non_null(strstr(sn_error_message(), path_of(name)));
    if (!strstr(sn_error_message(), fault)) fail_msg("\"%s\" does not say \"%s\"", sn_error_message(), fault);
    assert_null(strchr(sn_error_message(), '\n'));
}

/* The same contents, plain and inside a sound gzip file, have the same fault. */
static void assert_contents_fault(file_kind kind, const uint8_t *contents, size_t bytes, const char *fault)
{
    write_file(directory, "plain", contents, bytes);
    assert_fault(kind, "plain", fault);
    size_t packed_bytes;
    uint8_t *packed = gzip(contents, bytes, &packed_bytes);
    write_file(directory, "packed.gz", packed, packed_bytes);
    assert_fault(kind, "packed.gz", fault);
    free(packed);
}

static void assert_reads_images(const char *name, uint32_t expected)
{
    uint8_t *data;
    uint32_t count;
    assert_int_equal(read_file(IMAGES, name, &data, &count), SN_OK);
    assert_int_equal(count, expected);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t p = 0; p < TEST_PIXELS; p++)
            assert_int_equal(data[(size_t)i * TEST_PIXELS + p], image_pixel(i, p));
    free(data);
}

static void test_reads_plain_and_gzip(void **state)
{
    (void)state;
    size_t bytes, packed_bytes;
    uint8_t *file = images_file(300, &bytes);
    uint8_t *packed = gzip(file, bytes, &packed_bytes);
    write_file(directory, "plain", file, bytes);
    write_file(directory, "packed.gz", packed, packed_bytes);
    write_file(directory, "packed-without-gz", packed, packed_bytes);
    write_file(directory, "plain.gz", file, bytes);
    assert_reads_images("plain", 300);
    assert_reads_images("packed.gz", 300);
    assert_reads_images("packed-without-gz", 300);
    assert_reads_images("plain.gz", 300);
    free(packed);
    free(file);

    file = labels_file(23, &bytes);
    write_file(directory, "labels", file, bytes);
    free(file);
    uint8_t *data;
    uint32_t count;
    assert_int_equal(read_file(LABELS, "labels", &data, &count), SN_OK);
    assert_int_equal(count, 23);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(data[i], i % 10);
    free(data);
}

/* RFC 1952: a gzip file is a series of members. */
static void test_reads_gzip_of_several_members(void **state)
{
    (void)state;
    size_t bytes, first_bytes, second_bytes;
    uint8_t *file = images_file(50, &bytes);
    uint8_t *first = gzip(file, 1000, &first_bytes);
    uint8_t *second = gzip(file + 1000, bytes - 1000, &second_bytes);
    uint8_t *both = malloc(first_bytes + second_bytes);
    assert_non_null(both);
    memcpy(both, first, first_bytes);
    memcpy(both + first_bytes, second, second_bytes);
    write_file(directory, "members.gz", both, first_bytes + second_bytes);
    assert_reads_images("members.gz", 50);
    free(both);
    free(second);
    free(first);
    free(file);
}

static void test_missing_and_unreadable(void **state)
{
    (void)state;
    assert_fault(IMAGES, "missing", "No such file");
    assert_fault(IMAGES, ".", "Is a directory");
}

static void test_wrong_magic(void **state)
{
    (void)state;
    size_t bytes;
    uint8_t *file = images_file(3, &bytes);
    assert_contents_fault(LABELS, file, bytes, "wrong magic number 2051 (images): 2049 (labels) is needed");
    file[2] = 0x0d; /* floats, not bytes */
    assert_contents_fault(IMAGES, file, bytes, "wrong magic number 3331: 2051 (images) is needed");
    free(file);
    assert_contents_fault(IMAGES, (const uint8_t *)"<html>not found</html>", 22, "a web page");
}

static void test_wrong_image_size(void **state)
{
    (void)state;
    size_t bytes;
    uint8_t *file = images_file(3, &bytes);
    file[11] = 32;
    assert_contents_fault(IMAGES, file, bytes, "wrong image size 32 x 28: 28 x 28 is needed");
    file[11] = 28;
    file[12] = 1;
    assert_contents_fault(IMAGES, file, bytes, "wrong image size 28 x 16777244");
    free(file);
}

static void test_truncated_at_every_length(void **state)
{
    (void)state;
    size_t bytes;
    uint8_t *file = images_file(2, &bytes);
    for (size_t length = 0; length < bytes; length += length < 32 ? 1 : 97)
        assert_contents_fault(IMAGES, file, length, "truncated");
    assert_contents_fault(IMAGES, file, bytes - 1,
                          "truncated: 1567 bytes of data where its header says 1568");
    free(file);
    file = labels_file(5, &bytes);
    for (size_t length = 0; length < bytes; length++)
        assert_contents_fault(LABELS, file, length, "truncated");
    free(file);
}

static void test_trailing_bytes(void **state)
{
    (void)state;
    size_t bytes;
    uint8_t *file = images_file(2, &bytes);
    file[7] = 1; /* says one image, has two */
    assert_contents_fault(IMAGES, file, bytes, "trailing bytes");
    assert_contents_fault(IMAGES, file, 16 + TEST_PIXELS + 1, "trailing bytes");
    free(file);
}

static void test_label_over_9(void **state)
{
    (void)state;
    size_t bytes;
    uint8_t *file = labels_file(30, &bytes);
    file[8 + 21] = 10;
    assert_contents_fault(LABELS, file, bytes, "label 10 at index 21");
    file[8 + 21] = 255;
    assert_contents_fault(LABELS, file, bytes, "label 255 at index 21");
    free(file);
}

static void test_empty_set(void **state)
{
    (void)state;
    size_t bytes;
    uint8_t *file = images_file(0, &bytes);
    assert_contents_fault(IMAGES, file, bytes, "empty");
    free(file);
    file = labels_file(0, &bytes);
    assert_contents_fault(LABELS, file, bytes, "empty");
    free(file);
}

/* A header may claim anything; what is allocated is bounded by what is there. A limit on the address space shows it
   (but for AddressSanitizer, which needs more than any limit). */
static void test_lying_header(void **state)
{
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
#ifndef SANITIZED
    const struct rlimit few = {.rlim_cur = (rlim_t)4 << 30, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_AS, &few), 0);
#endif
    size_t bytes;
    uint8_t *file = images_file(2, &bytes);
    file[4] = 0xff;
    assert_contents_fault(IMAGES, file, bytes, "absurd header: 4278190082 samples");
    file[4] = 0;
    file[5] = 0xff; /* 16,711,682 images: 13 GB, below the limit */
    assert_contents_fault(IMAGES, file, bytes,
                          "truncated: 1568 bytes of data where its header says 13101958688");
    free(file);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
}

static void test_broken_gzip(void **state)
{
    (void)state;
    size_t bytes, packed_bytes;
    uint8_t *file = images_file(20, &bytes);
    uint8_t *packed = gzip(file, bytes, &packed_bytes);
    for (size_t length = 2; length < packed_bytes;
         length += length < 32 || length > packed_bytes - 12 ? 1 : 53) {
        write_file(directory, "broken.gz", packed, length);
        assert_fault(IMAGES, "broken.gz", "truncated: the gzip stream ends early");
    }
    uint8_t *longer = malloc(packed_bytes + 1);
    assert_non_null(longer);
    memcpy(longer, packed, packed_bytes);
    longer[packed_bytes] = 0;
    write_file(directory, "broken.gz", longer, packed_bytes + 1);
    assert_fault(IMAGES, "broken.gz", "trailing bytes behind the gzip stream");
    free(longer);

    packed[packed_bytes - 6] ^= 1; /* the checksum */
    write_file(directory, "broken.gz", packed, packed_bytes);
    assert_fault(IMAGES, "broken.gz", "corrupt gzip stream");
    packed[packed_bytes - 6] ^= 1;
    packed[2] = 9; /* the method */
    write_file(directory, "broken.gz", packed, packed_bytes);
    assert_fault(IMAGES, "broken.gz", "corrupt gzip stream");
    free(packed);
    free(file);
}

/* Whatever bit of a gzip file flips, the file is refused or the contents are what they were. */
static void test_gzip_bit_flips(void **state)
{
    (void)state;
    size_t bytes, packed_bytes;
    uint8_t *file = images_file(2, &bytes);
    uint8_t *packed = gzip(file, bytes, &packed_bytes);
    for (size_t bit = 0; bit < 8 * packed_bytes; bit++) {
        packed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        write_file(directory, "flipped.gz", packed, packed_bytes);
        uint8_t *data;
        uint32_t count;
        if (read_file(IMAGES, "flipped.gz", &data, &count) == SN_OK) {
            assert_int_equal(count, 2);
            assert_memory_equal(data, file + 16, bytes - 16);
        }
        free(data);
        packed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(packed);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reads_plain_and_gzip, make, clear),
        cmocka_unit_test_setup_teardown(test_reads_gzip_of_several_members, make, clear),
        cmocka_unit_test_setup_teardown(test_missing_and_unreadable, make, clear),
        cmocka_unit_test_setup_teardown(test_wrong_magic, make, clear),
        cmocka_unit_test_setup_teardown(test_wrong_image_size, make, clear),
        cmocka_unit_test_setup_teardown(test_truncated_at_every_length, make, clear),
        cmocka_unit_test_setup_teardown(test_trailing_bytes, make, clear),
        cmocka_unit_test_setup_teardown(test_label_over_9, make, clear),
        cmocka_unit_test_setup_teardown(test_empty_set, make, clear),
        cmocka_unit_test_setup_teardown(test_lying_header, make, clear),
        cmocka_unit_test_setup_teardown(test_broken_gzip, make, clear),
        cmocka_unit_test_setup_teardown(test_gzip_bit_flips, make, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
