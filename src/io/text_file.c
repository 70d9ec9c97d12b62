#include "syncnorm/io/text_file.h"

#include <string.h>

#include "container.h"

sn_status sn_text_file_write(const char *path, const char *text)
{
    const sn_bytes bytes = {.data = (unsigned char *)text, .size = strlen(text)};
    return sn_file_replace(path, &bytes, false);
}

sn_status sn_text_file_try(const char *path)
{
    return sn_file_try_replace(path);
}
