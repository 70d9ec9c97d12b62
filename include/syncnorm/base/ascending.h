#ifndef SYNCNORM_BASE_ASCENDING_H
#define SYNCNORM_BASE_ASCENDING_H

/** For qsort(): numbers, the least first; none is NaN. A pure function. */
static inline int sn_ascending(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

#endif
