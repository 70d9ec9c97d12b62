#ifndef SYNCNORM_BASE_SAMPLES_H
#define SYNCNORM_BASE_SAMPLES_H

/** Samples and their distribution over ranks: the words that data sets and networks share. Not collective. */

#include <stdint.h>

enum { SN_IMAGE_SIZE = 28, SN_IMAGE_PIXELS = SN_IMAGE_SIZE * SN_IMAGE_SIZE, SN_CLASSES = 10 };

/** Images and labels, read-only. */
typedef struct sn_samples {
    const uint8_t *pixels; /* [count][28][28] */
    const uint8_t *labels; /* [count], 0 to 9 */
    uint32_t count;
} sn_samples;

/** A rank's share of `total` positions or samples: contiguous, in rank order, sizes differ by at most one; empty when
 *  there are more ranks than positions. */
typedef struct sn_share {
    uint32_t first, count;
} sn_share;

static inline sn_share sn_share_of(uint32_t total, int rank, int size)
{
    const uint32_t r = (uint32_t)rank, n = (uint32_t)size;
    const uint32_t each = total / n, more = total % n; /* the first `more` ranks take one more */
    return (sn_share){r * each + (r < more ? r : more), each + (r < more)};
}

#endif
