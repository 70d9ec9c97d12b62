#include "syncnorm/base/thousands.h"

#include <inttypes.h>
#include <stdio.h>

const char *sn_thousands(int64_t value, char text[SN_THOUSANDS_SIZE])
{
    char digits[SN_THOUSANDS_SIZE];
    const int length = snprintf(digits, sizeof digits, "%" PRId64, value);
    int used = 0;
    for (int i = 0; i < length && used < SN_THOUSANDS_SIZE - 2; i++) {
        if (i > 0 && (length - i) % 3 == 0) text[used++] = ',';
        text[used++] = digits[i];
    }
    text[used] = '\0';
    return text;
}
