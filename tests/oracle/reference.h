#ifndef SYNCNORM_TESTS_REFERENCE_H
#define SYNCNORM_TESTS_REFERENCE_H

/**
 * The network and its layers in plain double precision: naive loops, sample-major arrays [N, C, H, W], no blocks, no
 * lanes, no strips. Written from the definitions, sharing no code with src/, so that an error here and there alike is
 * unlikely. test_reference checks it by finite differences and against PyTorch.
 *
 * Backward functions overwrite their outputs; gradients are of a scalar whose gradient with respect to the layer's output
 * is given. Nothing here can fail but for memory, and then it aborts.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "syncnorm/nn/norm_kind.h"

/** Zeroed doubles, aborting without memory; free() them. */
double *ref_doubles(size_t count);

/* ---- layers (reference_layers.c) ---- */

typedef struct ref_conv {
    int in, out;         /* channels */
    int size;            /* of the square input planes */
    int kernel, padding; /* the output's size is size + 2 * padding - kernel + 1 */
} ref_conv;

int ref_conv_output_size(const ref_conv *conv);

/** x [n][in][size][size], weight [out][in][kernel][kernel], bias [out], y [n][out][s][s]. */
void ref_conv_forward(const ref_conv *conv, int n, const double *weight, const double *bias, const double *x,
                      double *y);
void ref_conv_backward(const ref_conv *conv, int n, const double *weight, const double *x, const double *dy,
                       double *dx, double *dweight, double *dbias);

void ref_relu_forward(size_t count, const double *x, double *y);
/** The gradient at 0 is 0. */
void ref_relu_backward(size_t count, const double *x, const double *dy, double *dx);

/**
 * A norm partitions the elements of [n][channels][pixels] into sets and normalizes each by its own mean and biased
 * variance (epsilon 1e-5): (sample, channel) for `in`, (sample, group of channels) for `gn`, (sample) for `ln`,
 * (statistics group, channel) for `bn`. `rms` divides by the root mean square of a sample instead, and has no bias: NULL. `none` is
 * the identity, without parameters.
 */
typedef struct ref_norm {
    sn_norm_kind kind;
    int groups; /* gn */
    int n, channels, pixels;
    const int *statistics_group; /* bn: [n], 0 ... n-1; NULL: all samples are one */
} ref_norm;

/** Sets of this norm, and the set of an element. */
int ref_norm_sets(const ref_norm *norm);
int ref_norm_set(const ref_norm *norm, int sample, int channel);
/** Elements of weight and bias: channels, channels * pixels (ln, rms), 0 (none). */
size_t ref_norm_parameters(const ref_norm *norm);

/** mean and var [sets] are what the batch gives (biased; for rms 0 and the mean square); sets without elements get 0. */
void ref_norm_moments(const ref_norm *norm, const double *x, double *mean, double *var);
/** y = x-hat * weight + bias, x-hat from the given mean and var; y has x's shape. */
void ref_norm_forward(const ref_norm *norm, const double *mean, const double *var, const double *weight,
                      const double *bias, const double *x, double *y);
/** Through the statistics: mean and var are those of x. */
void ref_norm_backward(const ref_norm *norm, const double *mean, const double *var, const double *weight,
                       const double *x, const double *dy, double *dx, double *dweight, double *dbias);

/** 2 x 2, stride 2, the first of equals in row-major order; planes of size x size, an even number. choice [planes][s/2][s/2]
 *  is the pixel chosen. */
void ref_pool_forward(int planes, int size, const double *x, double *y, int *choice);
void ref_pool_backward(int planes, int size, const int *choice, const double *dy, double *dx);

/** Mean over the pixels of each plane. */
void ref_average_forward(int planes, int pixels, const double *x, double *y);
void ref_average_backward(int planes, int pixels, const double *dy, double *dx);

/** Negative log-likelihood of log-softmax: losses [n] (may be NULL), dlogits [n][classes] = softmax - onehot, per sample, not
 *  divided by n (may be NULL). Returns the sum of the losses. */
double ref_cross_entropy(int n, int classes, const double *logits, const uint8_t *labels, double *losses,
                         double *dlogits);

/* ---- the network (reference_network.c) ---- */

enum { REF_STAGES = 10, REF_NORMS = 9, REF_NORM_CHANNELS = 116, REF_PARAMETERS_MAX = 40, REF_CLASSES = 10 };

typedef struct ref_parameter {
    char name[32]; /* state-dict name */
    size_t offset, count;
} ref_parameter;

typedef struct ref_network {
    sn_norm_kind kind;
    int groups;
    bool weight_standardization; /* false as built */
    int parameter_count;
    ref_parameter parameters[REF_PARAMETERS_MAX]; /* in the order of the state dict */
    size_t total;
    struct {
        int weight, bias, norm_weight, norm_bias; /* indices, -1 without */
        int first_channel;                        /* of the stage among all normalized channels */
    } stages[REF_STAGES];
} ref_network;

void ref_network_build(sn_norm_kind kind, int groups, ref_network *network);

/** What a forward pass runs on. */
typedef struct ref_batch {
    int n;
    const double *images;                     /* [n][784], normalized */
    const double *keep;                       /* [n][116]: dropout's factor per sample and channel; NULL: 1 */
    const int *statistics_group;              /* [n]; NULL: one */
    const double *running_mean, *running_var; /* [116]: evaluation mode of bn; NULL: batch statistics */
} ref_batch;

typedef struct ref_pass ref_pass;

/** Keeps references to the network, parameters and batch; ref_pass_free it. */
ref_pass *ref_forward(const ref_network *network, const double *parameters, const ref_batch *batch);
const double *ref_logits(const ref_pass *pass); /* [n][10], before log-softmax */

/** gradient [total] for the given gradient of the logits [n][10]. */
void ref_backward(const ref_pass *pass, const double *dlogits, double *gradient);

/** running = 0.9 * running + 0.1 * (mean, unbiased variance) of the statistics group 0; bn only. */
void ref_update_running(const ref_pass *pass, double running_mean[REF_NORM_CHANNELS],
                        double running_var[REF_NORM_CHANNELS]);

/** Smallest distance of an activation from a kink of ReLU or max-pooling (exact ties aside): a comparison of gradients with
 *  float32 makes sense where it is above the float32 error of activations. */
double ref_kink_distance(const ref_pass *pass);

void ref_pass_free(ref_pass *pass);

/** (pixel / 255 - 0.1307) / 0.3081 */
void ref_normalize_images(size_t count, const uint8_t *pixels, double *x);

/** ||a - b|| / ||b||; 0 when both are 0. NaN is handed on. */
double ref_relative_error(size_t count, const double *a, const double *b);

/** Random numbers for tests: splitmix64, uniform in [-1, 1). */
double ref_random(uint64_t *state);

#endif
