#ifndef SN_REPORT_PICTURE_H
#define SN_REPORT_PICTURE_H

#include <stddef.h>

#include "syncnorm/base/error.h"

/** Encodes [height][width] grey values, 0 black, as PNG. *png is allocated. SN_ERROR_MEMORY alone. */
sn_status sn_png_encode(const unsigned char *grey, size_t width, size_t height, unsigned char **png,
                        size_t *size);

#endif
