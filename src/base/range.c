#include "syncnorm/base/range.h"

bool sn_read_range(const char *text, size_t length, uint64_t *first, uint64_t *last)
{
    uint64_t *value = first;
    size_t digits = 0;
    *first = *last = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '-' && value == first && digits > 0) {
            value = last;
            digits = 0;
            continue;
        }
        if (text[i] < '0' || text[i] > '9') return false;
        if (__builtin_mul_overflow(*value, UINT64_C(10), value) ||
            __builtin_add_overflow(*value, (uint64_t)(text[i] - '0'), value))
            return false;
        digits++;
    }
    if (value == first) *last = *first;
    return digits > 0;
}
