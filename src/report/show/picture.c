#include "picture.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

sn_status sn_png_encode(const unsigned char *grey, size_t width, size_t height, unsigned char **png,
                        size_t *size)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)width,
                       .height = (png_uint_32)height,
                       .format = PNG_FORMAT_GRAY};
    png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(image);
    *size = 0;
    *png = malloc(bytes);
    if (!*png || !png_image_write_to_memory(&image, *png, &bytes, 0, grey, 0, NULL)) {
        free(*png);
        *png = NULL;
        return sn_fail(SN_ERROR_MEMORY, "out of memory: a picture%s%s", *image.message ? ": " : "",
                       image.message);
    }
    *size = bytes;
    return SN_OK;
}
