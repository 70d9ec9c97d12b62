/* Reading what is not a good run file: one line for the user, never bytes that nobody vouched for. */

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sample_run.h"
#include "syncnorm/base/digest.h"

enum { TRAILER = 64, HASH = 32 }; /* src/io/README.md */

static unsigned char *good;
static size_t good_size;

static int write_good(void **state)
{
    (void)state;
    write_sample("good.h5", 1);
    good = slurp("good.h5", &good_size);
    return 0;
}

static int free_good(void **state)
{
    (void)state;
    free(good);
    return 0;
}

static int nothing_open(void **state)
{
    (void)state;
    return (int)H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL); /* HDF5 ids that somebody forgot */
}

/* A file with these contents cannot be read, the error says `part`, and the run is empty. */
static void assert_bad_as(sn_status status, const void *data, size_t size, const char *part)
{
    sn_run run;
    spill("bad.h5", data, size);
    assert_fails_as(status, sn_run_read("bad.h5", &run), part);
    assert_int_equal(strncmp(sn_error_message(), "bad.h5: ", 8), 0);
    const sn_run empty = {0};
    assert_memory_equal(&run, &empty, sizeof run);
}

static void assert_bad(const void *data, size_t size, const char *part)
{
    assert_bad_as(SN_ERROR_FILE, data, size, part);
}

static void truncation_to_any_length_is_noticed(void **state)
{
    (void)state;
    for (size_t size = 0; size < good_size; size += size + 300 < good_size ? 211 : 1)
        assert_bad(good, size, size ? "trailer" : "empty");
}

static void appended_bytes_are_noticed(void **state)
{
    (void)state;
    unsigned char *longer = calloc(1, good_size + TRAILER);
    assert_non_null(longer);
    memcpy(longer, good, good_size);
    for (size_t more = 1; more < TRAILER; more++)
        assert_bad(longer, good_size + more, "trailer");
    memcpy(longer + good_size, good + good_size - TRAILER, TRAILER);
    assert_bad(longer, good_size + TRAILER, "damaged");
    free(longer);
}

static void a_flipped_bit_anywhere_is_noticed(void **state)
{
    (void)state;
    unsigned char *copy = malloc(good_size);
    assert_non_null(copy);
    memcpy(copy, good, good_size);
    for (size_t byte = 0; byte < good_size; byte += byte + TRAILER < good_size ? 173 : 1)
        for (int bit = byte + TRAILER < good_size ? (int)(byte % 8) : 0; bit < 8;
             bit += byte + TRAILER < good_size ? 8 : 1) {
            copy[byte] ^= (unsigned char)(1 << bit);
            assert_bad(copy, good_size, byte + TRAILER + 16 < good_size ? "damaged" : "");
            copy[byte] = good[byte];
        }
    free(copy);
}

/* splitmix64 (Vigna, public domain): the same flips in every run. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

enum { FLIPS = 2000, FLIPS_AT_ONCE = 4 };

static void random_flips_are_noticed(void **state)
{
    (void)state;
    uint64_t random = 1;
    unsigned char *copy = malloc(good_size);
    assert_non_null(copy);
    for (int trial = 0; trial < FLIPS; trial++) {
        memcpy(copy, good, good_size);
        const uint64_t flips = 1 + next_random(&random) % FLIPS_AT_ONCE;
        for (uint64_t i = 0; i < flips; i++) {
            const uint64_t at = next_random(&random) % (8 * good_size);
            copy[at / 8] ^= (unsigned char)(1 << at % 8);
        }
        if (memcmp(copy, good, good_size) != 0) assert_bad(copy, good_size, "");
    }
    free(copy);
}

/* Damage that weights to start from are read with, sealed or not. */
static void weights_of_a_damaged_run_are_refused(void **state)
{
    (void)state;
    uint64_t random = 2;
    sn_tensors model;
    unsigned char *copy = malloc(good_size);
    assert_non_null(copy);
    for (int trial = 0; trial < FLIPS / 4;
         trial++) { /* flips of the magic's bytes would make it a foreign file */
        memcpy(copy, good, good_size);
        const uint64_t at = next_random(&random) % (8 * (good_size - TRAILER));
        copy[at / 8] ^= (unsigned char)(1 << at % 8);
        spill("bad.h5", copy, good_size);
        assert_file_error(sn_model_read("bad.h5", &model), "bad.h5: damaged");
        assert_null(model.items);
    }
    free(copy);
    for (size_t size = 0; size < good_size - TRAILER; size += good_size / 24) { /* HDF5 judges what is left */
        spill("bad.h5", good, size);
        assert_file_error(sn_model_read("bad.h5", &model), "bad.h5: ");
        assert_null(model.items);
    }
}

static void swapped_blocks_and_trailers_are_noticed(void **state)
{
    (void)state;
    unsigned char *copy = malloc(good_size);
    assert_non_null(copy);
    memcpy(copy, good, good_size);
    memcpy(copy + 4096, good + 8192, 4096);
    memcpy(copy + 8192, good + 4096, 4096);
    assert_bad(copy, good_size, "damaged");

    size_t other_size;
    write_sample("other.h5", 2);
    unsigned char *other = slurp("other.h5", &other_size);
    memcpy(copy, good, good_size);
    memcpy(copy + good_size - TRAILER, other + other_size - TRAILER, TRAILER);
    assert_bad(copy, good_size, "damaged");
    free(other);
    free(copy);
}

static void the_generation_before_is_pointed_out(void **state)
{
    (void)state;
    sn_run run;
    spill("broken.h5", good, 1000);
    spill("broken.h5.prev", good, good_size);
    assert_file_error(sn_run_read("broken.h5", &run), "; the generation before it is broken.h5.prev");
    assert_ok(sn_run_verify("broken.h5.prev"));
}

static void what_is_no_file_of_ours_gets_one_clear_line(void **state)
{
    (void)state;
    sn_run run;
    assert_bad("epoch,loss\n1,0.3\n", 17, "not a run file");
    assert_bad(good, good_size - TRAILER, "HDF5 file without the trailer");
    assert_file_error(sn_run_read("missing.h5", &run),
                      "missing.h5: cannot open it: No such file or directory");
    assert_file_error(sn_run_read(".", &run), ".: a directory");
    unlink("fifo");
    assert_int_equal(mkfifo("fifo", 0666), 0);
    assert_file_error(sn_run_read("fifo", &run), "fifo: not a regular file");
    assert_file_error(sn_run_read("/dev/zero", &run), "not a regular file");
    assert_file_error(sn_run_read("good.h5/x", &run), "Not a directory");
}

/* The hash of a whole file, set right. */
static void rehash(unsigned char *data, size_t size)
{
    char hex[SN_DIGEST_HEX];
    sn_digest_hex(sn_digest_of(data, size - HASH), hex);
    memcpy(data + size - HASH, hex, HASH);
}

/* Appends a good trailer: README.md in plain code. */
static void spill_sealed(const char *path, const unsigned char *image, size_t size)
{
    unsigned char *sealed = calloc(1, size + TRAILER);
    assert_non_null(sealed);
    memcpy(sealed, image, size);
    memcpy(sealed + size, "syncnorm trailer", 16);
    sealed[size + 16] = 1;
    sealed[size + 20] = TRAILER;
    for (int i = 0; i < 8; i++)
        sealed[size + 24 + (size_t)i] = (unsigned char)(size >> 8 * i);
    rehash(sealed, size + TRAILER);
    spill(path, sealed, size + TRAILER);
    free(sealed);
}

static void a_trailer_of_another_version_or_size_is_refused(void **state)
{
    (void)state;
    static const struct {
        size_t offset;
        sn_status status;
        const char *part;
    } fields[] = {{16, SN_ERROR_VERSION, "trailer version 32; this syncnorm reads version 1"},
                  {20, SN_ERROR_FILE, "another size"},
                  {24, SN_ERROR_FILE, "another size"},
                  {31, SN_ERROR_FILE, "another size"}};
    unsigned char *copy = malloc(good_size);
    assert_non_null(copy);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        memcpy(copy, good, good_size);
        copy[good_size - TRAILER + fields[i].offset] ^= 0x21;
        rehash(copy, good_size);
        assert_bad_as(fields[i].status, copy, good_size, fields[i].part);
    }
    free(copy);
}

/* A well sealed file that is another's work: the good image after `alter`. */
static void forge(const char *path, void (*alter)(hid_t file))
{
    spill("image.h5", good, good_size - TRAILER);
    const hid_t file = H5Fopen("image.h5", H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(file >= 0);
    alter(file);
    assert_true(H5Fclose(file) >= 0);
    size_t size;
    unsigned char *image = slurp("image.h5", &size);
    spill_sealed(path, image, size);
    free(image);
}

/* Replaces what is at `path` by a dataset; close nothing, check everything. */
static void put(hid_t file, const char *path, hid_t type, int rank, const hsize_t *shape, hid_t properties)
{
    if (H5Lexists(file, path, H5P_DEFAULT) > 0) assert_true(H5Ldelete(file, path, H5P_DEFAULT) >= 0);
    const hid_t space = H5Screate_simple(rank, shape, NULL);
    const hid_t set = H5Dcreate2(file, path, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    assert_true(set >= 0);
    H5Dclose(set);
    H5Sclose(space);
}

static void put_attribute(hid_t file, const char *name, hid_t type, const void *value)
{
    H5Adelete(file, name);
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t id = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(id >= 0 && H5Awrite(id, type, value) >= 0);
    H5Aclose(id);
    H5Sclose(space);
}

static void change_nothing(hid_t file)
{
    (void)file;
}

static void another_version(hid_t file)
{
    put_attribute(file, "format_version", H5T_STD_I64LE, &(int64_t){2});
}

static void no_format(hid_t file)
{
    assert_true(H5Adelete(file, "format") >= 0);
}

static void no_model(hid_t file)
{
    assert_true(H5Ldelete(file, "model", H5P_DEFAULT) >= 0);
}

static void unequal_columns(hid_t file)
{
    const hid_t set = H5Dopen2(file, "metrics/step/loss", H5P_DEFAULT);
    assert_true(H5Dset_extent(set, &(hsize_t){7}) >= 0);
    H5Dclose(set);
}

static void column_of_two_dimensions(hid_t file)
{
    put(file, "metrics/epoch/accuracy", H5T_IEEE_F64LE, 2, (hsize_t[]){1, 1}, H5P_DEFAULT);
}

static void column_without_units(hid_t file)
{
    put(file, "metrics/epoch/accuracy", H5T_IEEE_F64LE, 1, (hsize_t[]){1}, H5P_DEFAULT);
}

static void long_units(hid_t file)
{
    const hid_t set = H5Dopen2(file, "metrics/epoch/accuracy", H5P_DEFAULT);
    const hid_t type = H5Tcopy(H5T_C_S1);
    assert_true(H5Tset_size(type, H5T_VARIABLE) >= 0);
    put_attribute(set, "units", type, &(const char *){"thirty-two bytes are one too many"});
    H5Tclose(type);
    H5Dclose(set);
}

static void five_dimensions(hid_t file)
{
    put(file, "model/conv1.weight", H5T_IEEE_F32LE, 5, (hsize_t[]){1, 1, 1, 1, 1}, H5P_DEFAULT);
}

static void more_values_than_bytes(hid_t file) /* nothing is stored, so the file stays small */
{
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_chunk(properties, 2, (hsize_t[]){1024, 1024}) >= 0);
    put(file, "model/huge", H5T_IEEE_F32LE, 2, (hsize_t[]){1 << 20, 1 << 20}, properties);
    H5Pclose(properties);
}

static void more_values_than_numbers(hid_t file) /* 2^64, which is 0 */
{
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t side = (hsize_t)1 << 40;
    assert_true(H5Pset_chunk(properties, 2, (hsize_t[]){1024, 1024}) >= 0);
    put(file, "evaluation/huge", H5T_STD_U8LE, 2, (hsize_t[]){side, side >> 16}, properties);
    H5Pclose(properties);
}

static void values_elsewhere(hid_t file)
{
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_external(properties, "/etc/passwd", 0, 16) >= 0);
    put(file, "model/conv1.bias", H5T_STD_U8LE, 1, (hsize_t[]){16}, properties);
    H5Pclose(properties);
}

static void a_link_elsewhere(hid_t file)
{
    assert_true(H5Lcreate_external("good.h5", "/model/conv1.bias", file, "model/linked", H5P_DEFAULT,
                                   H5P_DEFAULT) >= 0);
}

static void half_floats(hid_t file)
{
    const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    assert_true(H5Tset_fields(type, 15, 10, 5, 0, 10) >= 0 && H5Tset_size(type, 2) >= 0);
    put(file, "model/half", type, 0, NULL, H5P_DEFAULT);
    H5Tclose(type);
}

static void groups_in_groups(hid_t file)
{
    assert_true(H5Lcreate_hard(file, "/", file, "evaluation/all", H5P_DEFAULT, H5P_DEFAULT) >= 0);
}

static void a_long_name(hid_t file)
{
    put(file, "optimizer/a_name_of_forty_eight_bytes_which_is_one_too_lon", H5T_IEEE_F32LE, 0, NULL,
        H5P_DEFAULT);
}

static void an_attribute_of_bytes(hid_t file)
{
    put_attribute(file, "created", H5T_STD_B8LE, &(uint8_t){7});
}

static void sealed_files_of_another_schema_are_refused(void **state)
{
    (void)state;
    static const struct {
        void (*alter)(hid_t file);
        const char *part;
    } forgeries[] = {
        {no_format, "forged.h5: not a run file"},
        {no_model, "forged.h5: /model: there is no such group"},
        {unequal_columns, "forged.h5: /metrics/step/loss: 7 rows, but step has 938"},
        {column_of_two_dimensions, "/metrics/epoch/accuracy: a column of 2 dimensions"},
        {column_without_units, "/metrics/epoch/accuracy: a column without units"},
        {long_units, "/metrics/epoch/accuracy: a column whose units are too long"},
        {five_dimensions, "/model/conv1.weight: a dataset of 5 dimensions; at most 4"},
        {more_values_than_bytes, "/model/huge: a dataset larger than can be right"},
        {more_values_than_numbers, "/evaluation/huge: a dataset larger than can be right"},
        {values_elsewhere, "/model/conv1.bias: a dataset whose values are in another file"},
        {a_link_elsewhere, "/model/linked: a link to something elsewhere"},
        {half_floats, "/model/half: a dataset of a type that run files do not have"},
        {groups_in_groups, "not a dataset"},
        {a_long_name, "/optimizer: the name a_name_of_forty_eight_bytes_which_is_one_too_lo... is too long"},
        {an_attribute_of_bytes, "forged.h5: /created: an attribute that is neither"},
    };
    sn_run run;
    forge("forged.h5", change_nothing);
    assert_ok(sn_run_verify("forged.h5")); /* forging works */
    for (size_t i = 0; i < sizeof forgeries / sizeof forgeries[0]; i++) {
        forge("forged.h5", forgeries[i].alter);
        assert_file_error(sn_run_read("forged.h5", &run), forgeries[i].part);
        assert_int_equal(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
    }
    forge("forged.h5", another_version);
    assert_fails_as(SN_ERROR_VERSION, sn_run_read("forged.h5", &run),
                    "forged.h5: format version 2; this syncnorm reads version 1");
}

static void sealed_bytes_that_are_not_hdf5_are_refused(void **state)
{
    (void)state;
    sn_run run;
    unsigned char *image = calloc(1, good_size);
    assert_non_null(image);
    spill_sealed("forged.h5", image, good_size);
    assert_file_error(sn_run_read("forged.h5", &run), "no HDF5 in front of the trailer");
    memcpy(image, good, 100); /* a beginning of HDF5 and nothing more */
    spill_sealed("forged.h5", image, good_size);
    assert_file_error(sn_run_read("forged.h5", &run), "forged.h5: cannot read it: ");
    free(image);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_teardown(name, nothing_open)
    const struct CMUnitTest tests[] = {
        CASE(truncation_to_any_length_is_noticed),
        CASE(appended_bytes_are_noticed),
        CASE(a_flipped_bit_anywhere_is_noticed),
        CASE(random_flips_are_noticed),
        CASE(weights_of_a_damaged_run_are_refused),
        CASE(swapped_blocks_and_trailers_are_noticed),
        CASE(the_generation_before_is_pointed_out),
        CASE(what_is_no_file_of_ours_gets_one_clear_line),
        CASE(a_trailer_of_another_version_or_size_is_refused),
        CASE(sealed_files_of_another_schema_are_refused),
        CASE(sealed_bytes_that_are_not_hdf5_are_refused),
    };
    return cmocka_run_group_tests(tests, write_good, free_good);
}
