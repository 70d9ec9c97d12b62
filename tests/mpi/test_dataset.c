/* Opening a data set by a team: the same samples on every rank, the same error on every rank. Data sets are made up. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "idx_files.h"
#include "syncnorm/dataset/dataset.h"

static sn_team *world;
static char directory[TEST_PATH]; /* made by the root, known to all */

enum { TRAIN = 130, TEST = 37 };

static int make(void **state)
{
    (void)state;
    sn_error_clear();
    if (sn_team_is_root(world)) make_directory(directory);
    sn_team_broadcast(world, directory, sizeof directory, 0);
    return 0;
}

static int clear(void **state)
{
    (void)state;
    sn_team_barrier(world);
    if (sn_team_is_root(world)) remove_directory(directory);
    return 0;
}

static void write_set(bool compressed)
{
    if (sn_team_is_root(world)) write_dataset(directory, TRAIN, TEST, compressed);
    sn_team_barrier(world);
}

static void assert_samples(sn_samples samples, uint32_t count)
{
    assert_int_equal(samples.count, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(samples.labels[i], i % 10);
        for (uint32_t p = 0; p < TEST_PIXELS; p++)
            assert_int_equal(samples.pixels[(size_t)i * TEST_PIXELS + p], image_pixel(i, p));
    }
}

/* The digest is over the contents of the files, one after the other. */
static sn_digest expected_digest(void)
{
    sn_hasher *hasher = sn_hasher_create();
    const uint32_t counts[] = {TRAIN, TEST};
    for (int i = 0; i < 2; i++) {
        size_t bytes;
        uint8_t *file = images_file(counts[i], &bytes);
        sn_hasher_add(hasher, file, bytes);
        free(file);
        file = labels_file(counts[i], &bytes);
        sn_hasher_add(hasher, file, bytes);
        free(file);
    }
    return sn_hasher_finish(hasher);
}

static void assert_opens(const char *where)
{
    sn_dataset *dataset;
    assert_int_equal(sn_dataset_open(world, where, &dataset), SN_OK);
    assert_samples(sn_dataset_train(dataset), TRAIN);
    assert_samples(sn_dataset_test(dataset), TEST);
    const sn_digest digest = sn_dataset_digest(dataset), expected = expected_digest();
    assert_memory_equal(&digest, &expected, sizeof digest);
    char hex[SN_DIGEST_HEX], name[64];
    sn_digest_hex(expected, hex);
    snprintf(name, sizeof name, "unknown (%s)", hex);
    assert_string_equal(sn_dataset_name(dataset), name);
    sn_dataset_close(dataset);
}

/* Every rank gets SN_ERROR_DATA and one and the same line, with `file` and `fault` in it. */
static void assert_refused(const char *file, const char *fault)
{
    sn_dataset *dataset;
    sn_error_clear();
    assert_int_equal(sn_dataset_open(world, directory, &dataset), SN_ERROR_DATA);
    assert_null(dataset);
    if (!strstr(sn_error_message(), fault) || !strstr(sn_error_message(), file))
        fail_msg("\"%s\" does not say \"%s\" of %s", sn_error_message(), fault, file);
    assert_null(strchr(sn_error_message(), '\n'));
    char line[SN_MESSAGE_SIZE] = {0};
    snprintf(line, sizeof line, "%s", sn_error_message());
    assert_true(sn_team_same(world, line, sizeof line, NULL));
}

static void test_every_rank_sees_the_samples(void **state)
{
    (void)state;
    for (int compressed = 0; compressed < 2; compressed++) {
        write_set(compressed);
        assert_opens(directory);
        sn_team_barrier(world);
        if (sn_team_is_root(world)) remove_directory(directory), make_directory(directory);
        sn_team_broadcast(world, directory, sizeof directory, 0);
    }
}

static void test_directory_from_the_environment(void **state)
{
    (void)state;
    write_set(true);
    const char *before = getenv("MNIST_DIR");
    char *saved = before ? strdup(before) : NULL;
    setenv("MNIST_DIR", directory, 1);
    assert_opens(NULL);
    if (saved)
        setenv("MNIST_DIR", saved, 1);
    else
        unsetenv("MNIST_DIR");
    free(saved);
}

static void test_plain_file_wins(void **state)
{
    (void)state;
    write_set(false);
    if (sn_team_is_root(world)) write_file(directory, "train-images-idx3-ubyte.gz", (const uint8_t *)"?", 1);
    sn_team_barrier(world);
    assert_opens(directory);
}

static void test_missing_files_name_the_script(void **state)
{
    (void)state;
    assert_refused("train-images-idx3-ubyte", "data/get-mnist.sh");
    write_set(true);
    char path[TEST_PATH + 64];
    snprintf(path, sizeof path, "%s/t10k-labels-idx1-ubyte.gz", directory);
    if (sn_team_is_root(world)) unlink(path);
    sn_team_barrier(world);
    assert_refused("t10k-labels-idx1-ubyte", "data/get-mnist.sh");
}

/* One fault in one file; the other three are right. */
static void test_a_fault_in_any_file(void **state)
{
    (void)state;
    static const char *const names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                        "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};
    for (int file = 0; file < 4; file++)
        for (int fault = 0; fault < 4; fault++) {
            const bool images = file % 2 == 0, train = file < 2;
            static const char *const words[] = {"truncated", "trailing bytes", "wrong magic number"};
            if (sn_team_is_root(world)) {
                write_dataset(directory, TRAIN, TEST, false);
                /* one sample less than the partner, for the fourth fault */
                const uint32_t count = (train ? TRAIN : TEST) - (fault == 3);
                size_t bytes;
                uint8_t *data = images ? images_file(count, &bytes) : labels_file(count, &bytes);
                if (fault == 1) data[7]--;
                if (fault == 2) data[3] = 7;
                write_file(directory, names[file], data, bytes - (fault == 0));
                free(data);
            }
            sn_team_barrier(world);
            char counts[64];
            snprintf(counts, sizeof counts, "%d labels for the %d images", (train ? TRAIN : TEST) - !images,
                     (train ? TRAIN : TEST) - images);
            assert_refused(names[file], fault < 3 ? words[fault] : counts);
            sn_team_barrier(world);
        }
}

static void test_a_directory_name_without_end(void **state)
{
    (void)state;
    char name[2 * TEST_PATH];
    memset(name, 'd', sizeof name);
    name[sizeof name - 1] = '\0';
    sn_dataset *dataset;
    assert_int_equal(sn_dataset_open(world, name, &dataset), SN_ERROR_DATA);
    assert_null(dataset);
}

/* Two halves of the team open data sets of their own, as the teams of a study do. */
static void test_teams_side_by_side(void **state)
{
    (void)state;
    write_set(true);
    sn_team *half;
    assert_int_equal(sn_team_split(world, sn_team_rank(world) % 2, &half), SN_OK);
    sn_dataset *first, *second;
    assert_int_equal(sn_dataset_open(half, directory, &first), SN_OK);
    assert_int_equal(sn_dataset_open(half, directory, &second), SN_OK);
    assert_samples(sn_dataset_train(first), TRAIN);
    sn_dataset_close(first);
    assert_samples(sn_dataset_test(second), TEST);
    sn_dataset_close(second);
    sn_dataset_close(NULL);
    sn_team_destroy(half);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_rank_sees_the_samples, make, clear),
        cmocka_unit_test_setup_teardown(test_directory_from_the_environment, make, clear),
        cmocka_unit_test_setup_teardown(test_plain_file_wins, make, clear),
        cmocka_unit_test_setup_teardown(test_missing_files_name_the_script, make, clear),
        cmocka_unit_test_setup_teardown(test_a_fault_in_any_file, make, clear),
        cmocka_unit_test_setup_teardown(test_a_directory_name_without_end, make, clear),
        cmocka_unit_test_setup_teardown(test_teams_side_by_side, make, clear),
    };
    if (sn_comm_start(&world) != SN_OK) return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sn_comm_finish(world);
    return failed;
}
