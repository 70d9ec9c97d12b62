/* check_known_set NAME [DIRECTORY]: the published data set is what it is known to be, by digest and by published
   figures. Exit code 77 (skipped) when the directory, $MNIST_DIR by default, does not hold it. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "syncnorm/dataset/dataset.h"

enum { SKIPPED = 77 };

/* Samples per class as counted by everybody; mean and deviation of the training pixels / 255 as everybody normalizes. */
static const struct known_set {
    const char *name;
    uint32_t train[SN_CLASSES], test[SN_CLASSES];
    double mean, deviation;
} known_sets[] = {
    {"MNIST",
     {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949},
     {980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009},
     0.1307,
     0.3081},
    {"Fashion-MNIST",
     {6000, 6000, 6000, 6000, 6000, 6000, 6000, 6000, 6000, 6000},
     {1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000},
     0.2860,
     0.3530},
};

static int failures;

static void check(bool condition, const char *what)
{
    if (condition) return;
    printf("FAILED: %s\n", what);
    failures++;
}

static void check_classes(sn_samples samples, const uint32_t expected[SN_CLASSES], const char *what)
{
    uint32_t count[SN_CLASSES] = {0};
    for (uint32_t i = 0; i < samples.count; i++)
        count[samples.labels[i]]++;
    check(memcmp(count, expected, sizeof count) == 0, what);
}

static void check_set(const sn_dataset *dataset, const struct known_set *known)
{
    check(strcmp(sn_dataset_name(dataset), known->name) == 0, "the name that its digest says");
    const sn_samples train = sn_dataset_train(dataset), test = sn_dataset_test(dataset);
    check(train.count == 60000 && test.count == 10000, "60,000 and 10,000 samples");
    check_classes(train, known->train, "training samples per class");
    check_classes(test, known->test, "test samples per class");
    uint64_t sum = 0, squares = 0;
    for (size_t i = 0; i < (size_t)train.count * SN_IMAGE_PIXELS; i++) {
        sum += train.pixels[i];
        squares += (uint64_t)train.pixels[i] * train.pixels[i];
    }
    const double pixels = (double)train.count * SN_IMAGE_PIXELS;
    const double mean = (double)sum / pixels / 255;
    const double deviation = sqrt((double)squares / pixels / (255.0 * 255.0) - mean * mean);
    check(fabs(mean - known->mean) < 5e-5, "mean of the training pixels");
    check(fabs(deviation - known->deviation) < 6e-5, "deviation of the training pixels");
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    const char *directory = argc > 2 ? argv[2] : getenv("MNIST_DIR");
    const struct known_set *known = NULL;
    for (size_t i = 0; i < sizeof known_sets / sizeof *known_sets; i++)
        if (strcmp(name, known_sets[i].name) == 0) known = &known_sets[i];
    if (!known) return 2;
    if (!directory || access(directory, R_OK) != 0) {
        printf("SKIPPED: no %s in %s\n", name, directory ? directory : "$MNIST_DIR, which is not set");
        return SKIPPED;
    }
    sn_team *world;
    if (sn_comm_start(&world) != SN_OK) return 1;
    sn_dataset *dataset;
    bool skipped = false;
    if (sn_dataset_open(world, directory, &dataset) != SN_OK) {
        check(false, sn_error_message());
    } else if (argc <= 2 && strcmp(sn_dataset_name(dataset), "Fashion-MNIST") == 0) {
        printf("SKIPPED: MNIST_DIR holds Fashion-MNIST\n");
        skipped = true;
    } else {
        check_set(dataset, known);
    }
    sn_dataset_close(dataset);
    sn_comm_finish(world);
    return skipped ? SKIPPED : failures > 0;
}
