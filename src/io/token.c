#include "syncnorm/io/token.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

sn_status sn_token_leave(const char *directory, char *path, size_t size)
{
    const bool fits = (size_t)snprintf(path, size, "%s/.syncnorm-XXXXXX", directory) < size;
    errno = ENAMETOOLONG;
    const int file = fits ? mkstemp(path) : -1;
    if (file < 0)
        return sn_fail(SN_ERROR_FILE, "%s: cannot make a file there: %s", directory, strerror(errno));
    close(file);
    return SN_OK;
}

bool sn_token_is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

void sn_token_take_back(const char *path)
{
    unlink(path);
}
