#ifndef SYNCNORM_NN_NORM_KIND_H
#define SYNCNORM_NN_NORM_KIND_H

/** The norms, a row each. Everything that a norm is, and everything that is said of it, derives from its row. */

#include <stdbool.h>

/** Which planes' moments are pooled into one mean and variance. */
typedef enum sn_norm_over {
    SN_OVER_NOTHING, /* no statistics at all */
    SN_OVER_PLANE,   /* each (sample, channel) by itself */
    SN_OVER_GROUP,   /* the channels of a group, per sample */
    SN_OVER_LAYER,   /* all channels, per sample */
    SN_OVER_BATCH,   /* all samples of a statistics group, per channel: the only one that needs other ranks */
} sn_norm_over;

/** Shapes of the affine parameters. */
typedef enum sn_norm_parameters {
    SN_AFFINE_NONE,
    SN_AFFINE_CHANNEL,        /* weight and bias [C] */
    SN_AFFINE_ELEMENT,        /* weight and bias [C][H][W] */
    SN_AFFINE_ELEMENT_WEIGHT, /* weight [C][H][W], no bias */
} sn_norm_parameters;

/**
 * X(kind, value of --norm, PyTorch's layer, what --norm's help calls it, pools over, centred: subtracts the mean, affine)
 * RMS: Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019; torch.nn.RMSNorm((C, H, W), eps=1e-5).
 * Instance norm and none are controls: with either nothing, or hardly anything, is learnt here.
 */
#define SN_NORM_ROWS(X)                                                                                      \
    X(GROUP, "gn", "GroupNorm", "group", SN_OVER_GROUP, true, SN_AFFINE_CHANNEL)                             \
    X(LAYER, "ln", "LayerNorm", "layer", SN_OVER_LAYER, true, SN_AFFINE_ELEMENT)                             \
    X(RMS, "rms", "RMSNorm", "root mean square", SN_OVER_LAYER, false, SN_AFFINE_ELEMENT_WEIGHT)             \
    X(BATCH, "bn", "BatchNorm2d", "batch", SN_OVER_BATCH, true, SN_AFFINE_CHANNEL)                           \
    X(INSTANCE, "in", "InstanceNorm2d", "instance", SN_OVER_PLANE, true, SN_AFFINE_CHANNEL)                  \
    X(NONE, "none", "Identity", "none", SN_OVER_NOTHING, false, SN_AFFINE_NONE)

#define SN_NORM_KIND(kind, ...) SN_NORM_##kind,
#define SN_NORM_MARK(...) "."
typedef enum sn_norm_kind { SN_NORM_ROWS(SN_NORM_KIND) } sn_norm_kind;
enum { SN_NORM_KINDS = sizeof(SN_NORM_ROWS(SN_NORM_MARK)) - 1 }; /* a mark each */

typedef struct sn_norm_type {
    const char *name, *pytorch, *help;
    sn_norm_over over;
    bool centred;
    sn_norm_parameters affine;
} sn_norm_type;

extern const sn_norm_type sn_norm_types[SN_NORM_KINDS];

/** True when the statistics are pooled over samples: there are running ones, and training may exchange them. */
static inline bool sn_norm_pools_batch(sn_norm_kind kind)
{
    return sn_norm_types[kind].over == SN_OVER_BATCH;
}

#endif
