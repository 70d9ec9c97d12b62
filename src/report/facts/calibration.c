#include <math.h>
#include <stdlib.h>

#include "syncnorm/base/missing.h"
#include "syncnorm/report/statistics.h"

typedef struct prediction {
    float confidence;
    unsigned char right;
    size_t index;
} prediction;

/* By confidence; equal ones as they come, so that the bins are a function of the values. */
static int by_confidence(const void *left, const void *right)
{
    const prediction *a = left, *b = right;
    if (a->confidence < b->confidence || a->confidence > b->confidence)
        return a->confidence < b->confidence ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

static void fill_bin(const prediction *sorted, size_t first, size_t end, double *confidence, double *right)
{
    for (size_t i = first; i < end; i++) {
        *confidence += (double)sorted[i].confidence / (double)(end - first);
        *right += (double)sorted[i].right / (double)(end - first);
    }
}

sn_calibration sn_calibrate(const float *confidence, const unsigned char *right, size_t count)
{
    sn_calibration c = {.error = SN_MISSING, .excess = SN_MISSING};
    prediction *sorted = count >= SN_CALIBRATION_BINS ? malloc(count * sizeof *sorted) : NULL;
    if (!sorted) return c;
    for (size_t i = 0; i < count; i++)
        sorted[i] = (prediction){confidence[i], right[i], i};
    qsort(sorted, count, sizeof *sorted, by_confidence);
    c.error = c.excess = 0;
    for (size_t b = 0; b < SN_CALIBRATION_BINS; b++) {
        const size_t first = b * count / SN_CALIBRATION_BINS, end = (b + 1) * count / SN_CALIBRATION_BINS;
        fill_bin(sorted, first, end, &c.confidence[b], &c.right[b]);
        const double share = (double)(end - first) / (double)count, excess = c.confidence[b] - c.right[b];
        c.error += share * fabs(excess);
        c.excess += share * excess;
    }
    free(sorted);
    return c;
}
