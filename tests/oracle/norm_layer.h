#ifndef SYNCNORM_TESTS_NORM_LAYER_H
#define SYNCNORM_TESTS_NORM_LAYER_H

/**
 * One norm with its dropout and pooling, forward and backward, twice: in the double-precision reference, and by syncnorm's
 * norm module and kernels on blocks of every shape, this rank's samples alone, batch statistics summed over the team.
 *
 * Everything is sample-major and double; inputs hold values that a float holds exactly.
 */

#include "reference.h"
#include "syncnorm/comm/team.h"
#include "syncnorm/nn/norm.h"

typedef struct norm_layer {
    sn_norm_kind kind;
    int groups, channels, size; /* planes of size x size */
    bool pool;
    int n;
    double *z;             /* [n][channels][size][size], not negative: after ReLU */
    double *keep;          /* [n][channels] */
    double *weight, *bias; /* [channels]; for ln and rms [channels][size][size]; bias NULL for rms */
    double *gradient;      /* [n][channels][out][out], out = size, halved by the pool */
} norm_layer;

/** What comes of it; mean and var are those of batch norm, [channels]. */
typedef struct norm_layer_result {
    double *y;               /* like `gradient` */
    double *dz;              /* like z: through the norm and the ReLU before it */
    double *dweight, *dbias; /* sums over all samples */
    double *mean, *var;
} norm_layer_result;

/** Allocates the arrays: random z around 1 (a third of it 0), about one channel in five dropped, random weights and gradient. */
norm_layer norm_layer_random(sn_norm_kind kind, int n, int channels, int size, bool pool, uint64_t seed);
void norm_layer_free(norm_layer *layer);

size_t norm_layer_elements(const norm_layer *layer); /* of z */
size_t norm_layer_outputs(const norm_layer *layer);  /* of y */
size_t norm_layer_parameters(const norm_layer *layer);

norm_layer_result norm_layer_reference(const norm_layer *layer);

/** Samples first ... first + count - 1 on this rank; y and dz are filled for these alone. Lanes without a sample hold NaN.
 *  Collective over the team; team == NULL: this rank's samples are all there are, whatever layer->n says. */
norm_layer_result norm_layer_run(const norm_layer *layer, const sn_kernels *kernels, sn_team *team, int first,
                                 int count);

void norm_layer_result_free(norm_layer_result *result);

#endif
