#ifndef SYNCNORM_BASE_SAMPLES_H
#define SYNCNORM_BASE_SAMPLES_H

/** Samples and their distribution over ranks: the words that data sets and networks share. Not collective. */

#include <stddef.h>
#include <stdint.h>

enum { SN_IMAGE_SIZE = 28, SN_IMAGE_PIXELS = SN_IMAGE_SIZE * SN_IMAGE_SIZE, SN_CLASSES = 10 };

/** Images and labels, read-only: all of a set, or a selection. */
typedef struct sn_samples {
    const uint8_t *pixels; /* [][28][28] */
    const uint8_t *labels; /* [], 0 to 9 */
    uint32_t count;
    const uint32_t *index; /* [count] into the set; NULL: they are the first of it */
} sn_samples;

/** Where sample i stands in its set. */
static inline uint32_t sn_sample_index(sn_samples samples, uint32_t i)
{
    return samples.index ? samples.index[i] : i;
}

static inline uint8_t sn_sample_label(sn_samples samples, uint32_t i)
{
    return samples.labels[sn_sample_index(samples, i)];
}

static inline const uint8_t *sn_sample_pixels(sn_samples samples, uint32_t i)
{
    return samples.pixels + (size_t)sn_sample_index(samples, i) * SN_IMAGE_PIXELS;
}

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
