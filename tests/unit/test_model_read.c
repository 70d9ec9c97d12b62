/* Weights to start from: /model of any HDF5 file, as h5py and others write it. */

#include <hdf5.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sample_run.h"

static int nothing_open(void **state)
{
    (void)state;
    return (int)H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL);
}

static hid_t create(hid_t *model)
{
    const hid_t file = H5Fcreate("foreign.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    *model = H5Gcreate2(file, "model", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(*model >= 0);
    return file;
}

static void finish(hid_t file, hid_t model)
{
    assert_true(H5Gclose(model) >= 0 && H5Fclose(file) >= 0);
}

static void put(hid_t model, const char *name, hid_t stored, hid_t given, int rank, const hsize_t *shape,
                hid_t properties, const void *values)
{
    const hid_t space = H5Screate_simple(rank, shape, NULL);
    const hid_t set = H5Dcreate2(model, name, stored, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    assert_true(set >= 0);
    if (values) assert_true(H5Dwrite(set, given, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(set);
    H5Sclose(space);
}

static void numbers_of_any_type_and_storage_are_converted(void **state)
{
    (void)state;
    hid_t model;
    const hid_t file = create(&model);
    const float weight[] = {1.5F, -2, 3, 0.25F, 5, 6};
    const double real[] = {0.1, 1e-3};
    const int64_t tracked = 938;
    const hid_t deflated = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_chunk(deflated, 2, (hsize_t[]){2, 2}) >= 0 && H5Pset_deflate(deflated, 6) >= 0);
    put(model, "z.weight", H5T_IEEE_F32BE, H5T_NATIVE_FLOAT, 2, (hsize_t[]){2, 3}, deflated, weight);
    put(model, "b.double", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, (hsize_t[]){2}, H5P_DEFAULT, real);
    put(model, "a.tracked", H5T_STD_I32BE, H5T_NATIVE_INT64, 0, NULL, H5P_DEFAULT, &tracked);
    H5Pclose(deflated);
    finish(file, model);

    sn_tensors read;
    assert_ok(sn_model_read("foreign.h5", &read));
    assert_int_equal(read.count, 3);
    assert_string_equal(read.items[0].name, "a.tracked"); /* no creation order: by name */
    const sn_tensor *z = sn_tensors_find(&read, "z.weight"), *b = sn_tensors_find(&read, "b.double");
    assert_int_equal(z->type, SN_TYPE_F32);
    assert_int_equal(z->rank, 2);
    assert_int_equal(z->shape[1], 3);
    assert_memory_equal(z->data, weight, sizeof weight);
    assert_int_equal(b->type, SN_TYPE_F32);
    assert_true(((float *)b->data)[0] == 0.1F && ((float *)b->data)[1] == 1e-3F);
    assert_int_equal(read.items[0].type, SN_TYPE_I64);
    assert_int_equal(read.items[0].rank, 0);
    assert_int_equal(*(int64_t *)read.items[0].data, 938);
    sn_tensors_clear(&read);
}

static void a_file_with_a_user_block_is_hdf5_too(void **state)
{
    (void)state;
    sn_tensors read;
    const hid_t properties = H5Pcreate(H5P_FILE_CREATE);
    assert_true(H5Pset_userblock(properties, 2048) >= 0);
    const hid_t file = H5Fcreate("foreign.h5", H5F_ACC_TRUNC, properties, H5P_DEFAULT);
    const hid_t model = H5Gcreate2(file, "model", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    put(model, "w", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 0, NULL, H5P_DEFAULT, &(float){7});
    finish(file, model);
    H5Pclose(properties);
    assert_ok(sn_model_read("foreign.h5", &read));
    assert_true(*(float *)read.items[0].data == 7);
    sn_tensors_clear(&read);
}

static void assert_refused(hid_t file, hid_t model, const char *part)
{
    sn_tensors read;
    finish(file, model);
    assert_file_error(sn_model_read("foreign.h5", &read), part);
    assert_int_equal(read.count, 0);
    assert_null(read.items);
}

static void what_is_not_weights_is_refused(void **state)
{
    (void)state;
    hid_t model, file = create(&model);
    assert_refused(file, model, "foreign.h5: /model: there is no dataset in it");

    file = create(&model);
    const hid_t text = H5Tcopy(H5T_C_S1);
    put(model, "name", text, text, 0, NULL, H5P_DEFAULT, "x");
    H5Tclose(text);
    assert_refused(file, model, "/model/name: a dataset that does not hold numbers");

    file = create(&model);
    H5Gclose(H5Gcreate2(model, "conv1", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    assert_refused(file, model, "/model/conv1: not a dataset");

    file = create(&model);
    put(model, "w", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 5, (hsize_t[]){1, 1, 1, 1, 1}, H5P_DEFAULT, NULL);
    assert_refused(file, model, "/model/w: a dataset of 5 dimensions");

    file = create(&model);
    const hid_t chunked = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_chunk(chunked, 1, &(hsize_t){1024}) >= 0);
    put(model, "w", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 1, (hsize_t[]){1 << 27}, chunked,
        NULL); /* 512 MB of nothing */
    H5Pclose(chunked);
    assert_refused(file, model, "/model/w: a dataset larger than can be right");

    file = create(&model);
    assert_true(H5Lcreate_soft("/elsewhere", model, "w", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    assert_refused(file, model, "/model/w: a link to something elsewhere");

    file = H5Fcreate("foreign.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    model = H5Gcreate2(file, "weights", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_refused(file, model, "foreign.h5: /model: there is no such group");

    file = H5Fcreate("foreign.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    model = H5Gcreate2(file, "weights", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Lcreate_external("run.h5", "/model", file, "model", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    assert_refused(file, model, "foreign.h5: /model: a link to something elsewhere");
}

/* Where HDF5 keeps names without a checksum, a forger can give two datasets one name. */
static void a_name_that_is_there_twice_is_refused(void **state)
{
    (void)state;
    hid_t model;
    const hid_t file = create(&model);
    put(model, "twin.a", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 1, (hsize_t[]){1}, H5P_DEFAULT, NULL);
    put(model, "twin.b", H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 1, (hsize_t[]){1000}, H5P_DEFAULT, NULL);
    finish(file, model);
    size_t size;
    unsigned char *data = slurp("foreign.h5", &size);
    unsigned char *name = memmem(data, size, "twin.b", 6);
    assert_non_null(name);
    name[5] = 'a';
    spill("foreign.h5", data, size);
    free(data);
    sn_tensors read;
    assert_file_error(sn_model_read("foreign.h5", &read), "/model/twin.a: a second one of this name");
}

static void what_is_not_hdf5_is_refused(void **state)
{
    (void)state;
    sn_tensors read;
    spill("foreign.h5", "PK\3\4 a state_dict", 18);
    assert_file_error(sn_model_read("foreign.h5", &read), "foreign.h5: not an HDF5 file");
    spill("foreign.h5", "", 0);
    assert_file_error(sn_model_read("foreign.h5", &read), "foreign.h5: not an HDF5 file");
    assert_file_error(sn_model_read("missing.h5", &read), "missing.h5: cannot open it: No such file");
    assert_file_error(sn_model_read(".", &read), "a directory");
}

/* What libhdf5 does on the next H5Dread (ld --wrap). */
static enum { READ, CRASH, ABORT, GIVE_UP, USE_UP_ITS_TIME, KNOW_NO_BETTER } fate;

herr_t __real_H5Dread(hid_t set, hid_t type, hid_t memory, hid_t file, hid_t properties, void *values);
herr_t __wrap_H5Dread(hid_t set, hid_t type, hid_t memory, hid_t file, hid_t properties, void *values);

herr_t __wrap_H5Dread(hid_t set, hid_t type, hid_t memory, hid_t file, hid_t properties, void *values)
{
    if (fate == CRASH) raise(SIGSEGV);
    if (fate == ABORT) abort();
    if (fate == GIVE_UP) _exit(0);
    if (fate == USE_UP_ITS_TIME) raise(SIGXCPU);
    return fate == KNOW_NO_BETTER ? -1 : __real_H5Dread(set, type, memory, file, properties, values);
}

static void a_file_that_crashes_hdf5_is_one_line(void **state)
{
    (void)state;
    static const char *const reasons[] = {NULL,           "(Segmentation fault)",      "(Aborted)",
                                          "(it gave up)", "(CPU time limit exceeded)", "cannot read it: "};
    sn_tensors read;
    write_sample("run.h5", 1);
    for (fate = CRASH; fate <= KNOW_NO_BETTER; fate++) {
        assert_file_error(sn_model_read("run.h5", &read), reasons[fate]);
        assert_null(read.items);
        assert_int_equal(waitpid(-1, NULL, 0), -1); /* no child is left, and none was before */
    }
    fate = READ;
    assert_ok(sn_model_read("run.h5", &read));
    sn_tensors_clear(&read);
}

static void what_is_read_apart_is_the_same_to_the_bit(void **state)
{
    (void)state;
    sn_run run;
    sn_tensors read;
    write_sample("run.h5", 1);
    assert_ok(sn_run_read("run.h5", &run));
    assert_ok(sn_model_read("run.h5", &read));
    assert_int_equal(read.count, run.model.count);
    for (size_t i = 0; i < read.count; i++) {
        const sn_tensor *a = &read.items[i], *b = &run.model.items[i];
        assert_string_equal(a->name, b->name);
        assert_int_equal(a->type, b->type);
        assert_int_equal(a->rank, b->rank);
        assert_memory_equal(a->shape, b->shape, sizeof a->shape);
        assert_memory_equal(a->data, b->data, sn_tensor_count(a) * sn_type_size(a->type));
    }
    sn_tensors_clear(&read);
    sn_run_clear(&run);
}

static void a_run_file_has_its_hash_checked_first(void **state)
{
    (void)state;
    sn_tensors read;
    size_t size;
    write_sample("run.h5", 1);
    assert_ok(sn_model_read("run.h5", &read));
    sn_tensors_clear(&read);
    unsigned char *data = slurp("run.h5", &size);
    data[size / 2] ^= 1;
    spill("run.h5", data, size);
    assert_file_error(sn_model_read("run.h5", &read), "run.h5: damaged");
    free(data);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_teardown(name, nothing_open)
    const struct CMUnitTest tests[] = {
        CASE(numbers_of_any_type_and_storage_are_converted),
        CASE(a_file_with_a_user_block_is_hdf5_too),
        CASE(what_is_not_weights_is_refused),
        CASE(a_name_that_is_there_twice_is_refused),
        CASE(what_is_not_hdf5_is_refused),
        CASE(a_file_that_crashes_hdf5_is_one_line),
        CASE(what_is_read_apart_is_the_same_to_the_bit),
        CASE(a_run_file_has_its_hash_checked_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
