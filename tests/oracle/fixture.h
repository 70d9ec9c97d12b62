#ifndef SYNCNORM_TESTS_FIXTURE_H
#define SYNCNORM_TESTS_FIXTURE_H

/** The fixtures of make_fixtures.py, read with HDF5 alone. A missing file or dataset ends the test program. */

#include <stddef.h>
#include <stdint.h>

#include "reference.h"

enum { FIXTURE_IMAGES = 96, FIXTURE_STEPS = 20, FIXTURE_BATCHES = 2 };
extern const int fixture_batches[FIXTURE_BATCHES]; /* 64, 37 */

typedef struct fixture_inputs {
    uint8_t pixels[FIXTURE_IMAGES][784], labels[FIXTURE_IMAGES];
    double images[FIXTURE_IMAGES][784]; /* normalized */
} fixture_inputs;

void fixture_read_inputs(fixture_inputs *inputs);
/** Images of each step: order[20][batch]. */
void fixture_read_order(int batch, uint32_t *order);
/** Initial weights of "gn", "ln", "rms" or "bn", with weight standardization of "gn-ws" and so on, as the network's flat array. */
void fixture_read_weights(const char *norm, const ref_network *network, double *weights);

/** A case: NORM-BATCH.h5; "gn-ws" and so on are there for batches of 37 alone, with the gradients of convolutions alone. */
typedef struct fixture {
    const char *norm;
    int batch;
    long long file;
    double learning_rate, momentum, l1;
} fixture;

fixture fixture_open(const char *norm, int batch);
/** ddp.h5: two processes of PyTorch's DistributedDataParallel, bn. */
enum { FIXTURE_DDP_STEPS = 3 };
fixture fixture_open_ddp(void);
void fixture_close(const fixture *f);

/** Reads `count` values of the dataset; returns float32_error, the relative error of PyTorch's own float32 run. */
double fixture_read(const fixture *f, const char *path, size_t count, double *values);

/** sgd.h5: the optimizer alone. */
enum { FIXTURE_SGD_STEPS = 6, FIXTURE_SGD_ELEMENTS = 512 };
void fixture_read_sgd(double initial[FIXTURE_SGD_ELEMENTS], double values[FIXTURE_SGD_ELEMENTS],
                      double momentum[FIXTURE_SGD_ELEMENTS]);

/** Gathers rows of 784 by index. */
void fixture_gather(const fixture_inputs *inputs, int n, const uint32_t *index, double *images,
                    uint8_t *labels);

/** Running statistics of all norms, [116] each, from datasets PREFIX/normK.running_mean, ... Returns the larger
 *  float32_error. */
double fixture_read_running(const fixture *f, const char *prefix, const ref_network *network, double *mean,
                            double *var);

#endif
