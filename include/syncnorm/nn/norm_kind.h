#ifndef SYNCNORM_NN_NORM_KIND_H
#define SYNCNORM_NN_NORM_KIND_H

/** The norms, by what they pool before normalizing. */
typedef enum sn_norm_kind {
    SN_NORM_GROUP,    /* gn: the channels of a group, per sample */
    SN_NORM_LAYER,    /* ln: all channels of a sample; affine per element */
    SN_NORM_BATCH,    /* bn: all samples of the statistics group, per channel */
    SN_NORM_INSTANCE, /* in: nothing; a negative control */
    SN_NORM_NONE,     /* none: no normalization at all; a control */
} sn_norm_kind;

#endif
