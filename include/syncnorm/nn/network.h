#ifndef SYNCNORM_NN_NETWORK_H
#define SYNCNORM_NN_NETWORK_H

/**
 * The network, as data: ten stages, each a convolution and, but for the last, ReLU, norm, dropout2d and perhaps a 2 x 2
 * max-pool. After the last come average pooling over the remaining 3 x 3 pixels and log-softmax. Not collective.
 */

#include <stdbool.h>

#include "syncnorm/base/error.h"
#include "syncnorm/nn/norm_kind.h"
#include "syncnorm/nn/parameters.h"

enum { SN_STAGES = 10, SN_NORMS = 9, SN_MAX_CHANNELS = 16 };

#define SN_NORM_EPSILON 1e-5
#define SN_RUNNING_MOMENTUM 0.1

typedef struct sn_stage {
    int in_channels, out_channels;
    int kernel, padding;
    int in_size, out_size;      /* square planes: of the input, and of the convolution's output */
    bool relu, norm;            /* ReLU, then norm and dropout follow: all but the last stage */
    bool pool;                  /* 2 x 2 max-pool after the dropout */
    int weight, bias;           /* indices into the parameters table */
    int norm_weight, norm_bias; /* likewise; -1 where the norm has none */
    int channel_offset; /* of this stage's channels among all normalized channels (running statistics) */
} sn_stage;

/** What networks differ in. */
typedef struct sn_network_options {
    sn_norm_kind norm;
    int groups;                  /* of group norm */
    bool weight_standardization; /* nn/weight_standardization.h */
} sn_network_options;

typedef struct sn_network {
    sn_network_options options;
    sn_stage stages[SN_STAGES];
    sn_parameter_table parameters;
    int norm_channels; /* of all norms together: 116 */
} sn_network;

/** Builds the network. SN_ERROR_USAGE when the channels of a layer do not divide into `groups` (group norm only). */
sn_status sn_network_build(sn_network_options options, sn_network *network);

/** Pixels of a side of what the stage hands on: out_size, halved by the pool. */
int sn_stage_handed_size(const sn_stage *stage);

#endif
