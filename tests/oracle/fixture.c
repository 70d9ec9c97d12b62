#include "fixture.h"

#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const int fixture_batches[FIXTURE_BATCHES] = {64, 37};

static _Noreturn void die(const char *what, const char *name)
{
    fprintf(stderr, "fixture: cannot read %s: %s\n", what, name);
    exit(2);
}

static hid_t open_file(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", SYNCNORM_FIXTURES, name);
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file < 0) die("file", path);
    return file;
}

static hid_t open_dataset(hid_t file, const char *path, size_t count)
{
    const hid_t dataset = H5Dopen(file, path, H5P_DEFAULT);
    if (dataset < 0) die("dataset", path);
    const hid_t space = H5Dget_space(dataset);
    if (H5Sget_simple_extent_npoints(space) != (hssize_t)count) die("dataset of this size", path);
    H5Sclose(space);
    return dataset;
}

static void read_all(hid_t file, const char *path, hid_t type, size_t count, void *values)
{
    const hid_t dataset = open_dataset(file, path, count);
    if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) die("dataset", path);
    H5Dclose(dataset);
}

static double attribute(hid_t object, const char *name)
{
    double value = 0;
    const hid_t a = H5Aopen(object, name, H5P_DEFAULT);
    if (a < 0 || H5Aread(a, H5T_NATIVE_DOUBLE, &value) < 0) die("attribute", name);
    H5Aclose(a);
    return value;
}

void fixture_read_inputs(fixture_inputs *inputs)
{
    const hid_t file = open_file("inputs.h5");
    read_all(file, "images", H5T_NATIVE_UINT8, sizeof inputs->pixels, inputs->pixels);
    read_all(file, "labels", H5T_NATIVE_UINT8, sizeof inputs->labels, inputs->labels);
    ref_normalize_images(sizeof inputs->pixels, inputs->pixels[0], inputs->images[0]);
    H5Fclose(file);
}

void fixture_read_order(int batch, uint32_t *order)
{
    char path[32];
    snprintf(path, sizeof path, "order/%d", batch);
    const hid_t file = open_file("inputs.h5");
    read_all(file, path, H5T_NATIVE_UINT32, (size_t)FIXTURE_STEPS * batch, order);
    H5Fclose(file);
}

void fixture_read_weights(const char *norm, const ref_network *network, double *weights)
{
    const hid_t file = open_file("inputs.h5");
    for (int i = 0; i < network->parameter_count; i++) {
        const ref_parameter *p = &network->parameters[i];
        char path[64];
        const bool own = !network->weight_standardization || strncmp(p->name, "conv", 4) == 0;
        const int length = (int)(own ? strlen(norm) : strcspn(norm, "-"));
        snprintf(path, sizeof path, "weights/%.*s/%s", length, norm, p->name);
        read_all(file, path, H5T_NATIVE_DOUBLE, p->count, weights + p->offset);
    }
    H5Fclose(file);
}

static fixture open_case(const char *name, const char *norm, int batch)
{
    const hid_t file = open_file(name);
    return (fixture){.norm = norm,
                     .batch = batch,
                     .file = file,
                     .learning_rate = attribute(file, "learning_rate"),
                     .momentum = attribute(file, "momentum"),
                     .l1 = attribute(file, "l1")};
}

fixture fixture_open(const char *norm, int batch)
{
    char name[32];
    snprintf(name, sizeof name, "%s-%d.h5", norm, batch);
    return open_case(name, norm, batch);
}

fixture fixture_open_ddp(void)
{
    return open_case("ddp.h5", "bn", 64);
}

void fixture_close(const fixture *f)
{
    H5Fclose((hid_t)f->file);
}

double fixture_read(const fixture *f, const char *path, size_t count, double *values)
{
    const hid_t dataset = open_dataset((hid_t)f->file, path, count);
    if (H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) die("dataset", path);
    const double error = attribute(dataset, "float32_error");
    H5Dclose(dataset);
    return error;
}

void fixture_read_sgd(double initial[FIXTURE_SGD_ELEMENTS], double values[FIXTURE_SGD_ELEMENTS],
                      double momentum[FIXTURE_SGD_ELEMENTS])
{
    const hid_t file = open_file("sgd.h5");
    read_all(file, "initial", H5T_NATIVE_DOUBLE, FIXTURE_SGD_ELEMENTS, initial);
    read_all(file, "values", H5T_NATIVE_DOUBLE, FIXTURE_SGD_ELEMENTS, values);
    read_all(file, "momentum", H5T_NATIVE_DOUBLE, FIXTURE_SGD_ELEMENTS, momentum);
    H5Fclose(file);
}

void fixture_gather(const fixture_inputs *inputs, int n, const uint32_t *index, double *images,
                    uint8_t *labels)
{
    for (int s = 0; s < n; s++) {
        memcpy(images + (size_t)s * 784, inputs->images[index[s]], sizeof inputs->images[0]);
        labels[s] = inputs->labels[index[s]];
    }
}

double fixture_read_running(const fixture *f, const char *prefix, const ref_network *network, double *mean,
                            double *var)
{
    double error = 0;
    for (int k = 0; k < REF_NORMS; k++) {
        const int first = network->stages[k].first_channel;
        const size_t channels = network->stages[k + 1].first_channel - first;
        char path[64];
        snprintf(path, sizeof path, "%s/norm%d.running_mean", prefix, k + 1);
        error = fmax(error, fixture_read(f, path, channels, mean + first));
        snprintf(path, sizeof path, "%s/norm%d.running_var", prefix, k + 1);
        error = fmax(error, fixture_read(f, path, channels, var + first));
    }
    return error;
}
