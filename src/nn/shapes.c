#include "syncnorm/nn/shapes.h"

#include <stdbool.h>

const int sn_shape_samples[SN_SHAPES] = {16, 4, 1};

/* What a block of each shape takes, measured (syncnorm bench), in hundredths of a sample in a block of 16. */
static const int cost[SN_SHAPES] = {1600, 420, 130};

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Fewer than 4 samples. */
static int cost_of_rest(int samples)
{
    return samples == 0 ? 0 : least(samples * cost[SN_SHAPE_1], cost[SN_SHAPE_4]);
}

/* Fewer than 16 samples without a block of 16. */
static int cost_of_small(int samples)
{
    return samples / 4 * cost[SN_SHAPE_4] + cost_of_rest(samples % 4);
}

static bool is_small(uint32_t left)
{
    return left < 16 && cost_of_small((int)left) < cost[SN_SHAPE_16];
}

sn_piece sn_next_piece(uint32_t left)
{
    if (!is_small(left)) return (sn_piece){SN_SHAPE_16, left < 16 ? (int)left : 16};
    if (left >= 4) return (sn_piece){SN_SHAPE_4, 4};
    return cost_of_rest((int)left) == cost[SN_SHAPE_4] ? (sn_piece){SN_SHAPE_4, (int)left}
                                                       : (sn_piece){SN_SHAPE_1, 1};
}

uint32_t sn_most_pieces(sn_shape shape, uint32_t largest)
{
    if (shape == SN_SHAPE_16) return (largest + 15) / 16;
    uint32_t most = 0;
    for (uint32_t samples = 1; samples < 16 && samples <= largest; samples++) {
        uint32_t pieces = 0;
        for (uint32_t left = samples; left > 0;) {
            const sn_piece piece = sn_next_piece(left);
            pieces += piece.shape == shape;
            left -= (uint32_t)piece.count;
        }
        if (pieces > most) most = pieces;
    }
    return most;
}

double sn_share_blocks(uint32_t samples)
{
    const uint32_t rest = samples % 16, whole = samples / 16;
    const int part = is_small(rest) ? cost_of_small((int)rest) : cost[SN_SHAPE_16];
    return (double)whole + (double)part / cost[SN_SHAPE_16];
}
