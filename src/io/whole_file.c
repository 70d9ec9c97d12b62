#include "syncnorm/io/whole_file.h"

#include "container.h"

sn_status sn_whole_file_write(const char *path, const void *data, size_t size)
{
    const sn_bytes bytes = {.data = (unsigned char *)data, .size = size};
    return sn_file_replace(path, &bytes, false);
}

sn_status sn_whole_file_sweep(const char *path)
{
    return sn_file_sweep(path);
}

sn_status sn_whole_file_try(const char *path)
{
    return sn_file_try_replace(path);
}
