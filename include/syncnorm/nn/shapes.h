#ifndef SYNCNORM_NN_SHAPES_H
#define SYNCNORM_NN_SHAPES_H

/**
 * How a rank's share of a batch is cut into blocks. A block takes as long as if all of its shape's samples were there, and a sample in a
 * block of few costs more than in one of 16; so the cut is the cheapest. It depends on the size of the share alone. Not collective.
 */

#include <stdint.h>

/** The shapes of blocks: samples side by side in a vector (kernels.h). */
typedef enum sn_shape { SN_SHAPE_16, SN_SHAPE_4, SN_SHAPE_1, SN_SHAPES } sn_shape;

extern const int sn_shape_samples[SN_SHAPES];

/** A block: `count` samples, at most its shape's. */
typedef struct sn_piece {
    sn_shape shape;
    int count;
} sn_piece;

/** The first block of a share of `left` > 0 samples. */
sn_piece sn_next_piece(uint32_t left);

/** Blocks of a shape that a share of at most `largest` samples has. */
uint32_t sn_most_pieces(sn_shape shape, uint32_t largest);

/** What a share takes, in units of a full block of 16. */
double sn_share_blocks(uint32_t samples);

#endif
