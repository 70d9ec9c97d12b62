/* Run files: what is written is what is read, to the bit and in order. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "sample_run.h"

static void every_part_of_a_run_is_read_as_it_was_written(void **state)
{
    (void)state;
    sn_run run, read;
    sample_run(&run, 3);
    assert_ok(sn_run_write(&run, "sample.h5")); /* check_run_file.py reads it too */
    assert_ok(sn_run_read("sample.h5", &read));
    assert_same_run(&run, &read);
    assert_ok(sn_run_verify("sample.h5"));
    sn_run_clear(&run);
    sn_run_clear(&read);
}

static void a_run_before_its_first_epoch_is_a_file_too(void **state)
{
    (void)state;
    sn_run run, read;
    sample_run(&run, 0);
    assert_ok(sn_run_write(&run, "fresh.h5"));
    assert_ok(sn_run_read("fresh.h5", &read));
    assert_same_run(&run, &read);
    sn_run_clear(&run);
    sn_run_clear(&read);
}

static void an_empty_run_gets_format_and_version(void **state)
{
    (void)state;
    const sn_run run = {0};
    sn_run read;
    assert_ok(sn_run_write(&run, "empty.h5"));
    assert_ok(sn_run_read("empty.h5", &read));
    assert_string_equal(sn_attributes_find(&read.root, "format")->text, "syncnorm-run");
    assert_int_equal(sn_attributes_find(&read.root, "format_version")->integer, 1);
    assert_int_equal(read.root.count, 2);
    assert_int_equal(read.model.count + read.epochs.column_count + read.provenance_count, 0);
    sn_run_clear(&read);
    assert_file_error(sn_run_verify("empty.h5"), "no digest");
}

/* HDF5's clock: a day passes between any two looks. */
int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    static time_t day;
    (void)zone;
    *now = (struct timeval){.tv_sec = ++day * 86400};
    return 0;
}

static void the_same_run_gives_the_same_bytes(void **state)
{
    (void)state;
    write_sample("one.h5", 2);
    write_sample("two.h5", 2);
    size_t one_size, two_size;
    unsigned char *one = slurp("one.h5", &one_size), *two = slurp("two.h5", &two_size);
    assert_int_equal(one_size, two_size);
    assert_memory_equal(one, two, one_size);
    free(one);
    free(two);
}

static void a_wrong_model_digest_fails_verification_alone(void **state)
{
    (void)state;
    sn_run run, read;
    sample_run(&run, 1);
    ((float *)run.model.items[0].data)[5] += 1e-3F;
    assert_ok(sn_run_write(&run, "digest.h5"));
    assert_ok(sn_run_read("digest.h5", &read));
    assert_file_error(sn_run_verify("digest.h5"), "digest.h5: the weights have digest");
    sn_run_clear(&run);
    sn_run_clear(&read);
}

static void a_digest_is_xxh3_128_of_the_values_in_order(void **state)
{
    (void)state;
    sn_tensors list = {0};
    char hex[33];
    const unsigned char ab[] = {'a', 'b'}, c[] = {'c'};
    sn_tensors_digest(&list, hex);
    assert_string_equal(hex, "99aa06d3014798d86001c324468d497f"); /* xxhsum -H2 of nothing */
    assert_ok(sn_tensors_set(&list, "first", SN_TYPE_U8, 1, (size_t[]){2}, ab));
    assert_ok(sn_tensors_set(&list, "second", SN_TYPE_U8, 2, (size_t[]){1, 1}, c));
    sn_tensors_digest(&list, hex);
    assert_string_equal(hex, "06b05ab6733a618578af5f94892f3950"); /* of "abc" */
    sn_tensors_clear(&list);
}

static void the_model_of_a_run_file_can_start_another(void **state)
{
    (void)state;
    sn_run run;
    sn_tensors model;
    sample_run(&run, 1);
    assert_ok(sn_run_write(&run, "init.h5"));
    assert_ok(sn_model_read("init.h5", &model));
    char hex[33];
    sn_tensors_digest(&model, hex);
    assert_string_equal(hex, sn_attributes_find(&run.model_attributes, "digest")->text);
    assert_int_equal(model.count, run.model.count);
    assert_int_equal(sn_tensors_find(&model, "norm1.num_batches_tracked")->type, SN_TYPE_I64);
    assert_string_equal(model.items[0].name, "conv1.weight");
    sn_tensors_clear(&model);
    sn_run_clear(&run);
}

static void tensors_are_replaced_in_place_and_bad_ones_refused(void **state)
{
    (void)state;
    sn_tensors list = {0};
    const float one = 1, two[] = {2, 3};
    assert_ok(sn_tensors_set(&list, "a", SN_TYPE_F32, 0, NULL, &one));
    assert_ok(sn_tensors_set(&list, "b", SN_TYPE_F32, 0, NULL, NULL));
    assert_ok(sn_tensors_set(&list, "a", SN_TYPE_F32, 1, (size_t[]){2}, two));
    assert_int_equal(list.count, 2);
    assert_int_equal(sn_tensor_count(&list.items[0]), 2);
    assert_true(((float *)list.items[0].data)[1] == 3);
    assert_true(*(float *)list.items[1].data == 0);
    assert_null(sn_tensors_find(&list, "c"));

    static const char *const bad[] = {
        "", "/a", "a/", "a//b", ".", "a/.", "a/b/c", "a_name_of_forty_eight_bytes_which_is_one_too_lon"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(sn_tensors_set(&list, bad[i], SN_TYPE_F32, 0, NULL, NULL), SN_ERROR_FAILED);
    assert_int_equal(sn_tensors_set(&list, "r", SN_TYPE_F32, 5, (size_t[]){1, 1, 1, 1, 1}, NULL),
                     SN_ERROR_FAILED);
    assert_int_equal(sn_tensors_set(&list, "m", SN_TYPE_F32, 2, (size_t[]){SIZE_MAX / 2, 3}, NULL),
                     SN_ERROR_MEMORY);
    assert_int_equal(list.count, 2);
    sn_tensors_clear(&list);
}

static void tables_grow_and_shrink_by_rows(void **state)
{
    (void)state;
    sn_table table = {0};
    assert_ok(sn_table_add_column(&table, "epoch", SN_TYPE_I64, ""));
    assert_ok(sn_table_add_column(&table, "loss", SN_TYPE_F64, "nats"));
    assert_int_equal(sn_table_add_column(&table, "loss", SN_TYPE_F64, "nats"), SN_ERROR_FAILED);
    assert_int_equal(sn_table_add_column(&table, "f", SN_TYPE_F32, ""), SN_ERROR_FAILED);
    for (int64_t i = 0; i < 1000; i++) {
        assert_ok(sn_table_add_row(&table));
        table.columns[0].integer[i] = i;
    }
    assert_ok(sn_table_add_column(&table, "new real", SN_TYPE_F64, ""));
    assert_ok(sn_table_add_column(&table, "new integer", SN_TYPE_I64, ""));
    assert_true(isnan(sn_table_get(&table, "new real", 999)));
    assert_true(sn_table_get(&table, "new integer", 0) == SN_COLUMN_UNKNOWN);
    sn_table_truncate(&table, 2000);
    assert_int_equal(table.rows, 1000);
    sn_table_truncate(&table, 10);
    assert_ok(sn_table_add_row(&table));
    assert_int_equal(table.rows, 11);
    assert_int_equal(table.columns[0].integer[9], 9);
    assert_int_equal(table.columns[0].integer[10], 0); /* not the row that was dropped */
    sn_table_truncate(&table, 0);
    assert_ok(sn_table_add_column(&table, "late", SN_TYPE_F64, ""));
    assert_ok(sn_table_add_row(&table));
    assert_true(sn_table_find(&table, "late")->real[0] == 0);
    sn_table_clear(&table);
}

static void the_library_has_a_version(void **state)
{
    (void)state;
    unsigned major = 0;
    assert_int_equal(sscanf(sn_hdf5_version(), "%u.", &major), 1);
    assert_in_range(major, 1, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_of_a_run_is_read_as_it_was_written),
        cmocka_unit_test(a_run_before_its_first_epoch_is_a_file_too),
        cmocka_unit_test(an_empty_run_gets_format_and_version),
        cmocka_unit_test(the_same_run_gives_the_same_bytes),
        cmocka_unit_test(a_wrong_model_digest_fails_verification_alone),
        cmocka_unit_test(a_digest_is_xxh3_128_of_the_values_in_order),
        cmocka_unit_test(the_model_of_a_run_file_can_start_another),
        cmocka_unit_test(tensors_are_replaced_in_place_and_bad_ones_refused),
        cmocka_unit_test(tables_grow_and_shrink_by_rows),
        cmocka_unit_test(the_library_has_a_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
