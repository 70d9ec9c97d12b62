#ifndef SYNCNORM_IO_TOKEN_H
#define SYNCNORM_IO_TOKEN_H

/** A file by whose name others see whether they look into the same directory. Not collective. */

#include <stdbool.h>
#include <stddef.h>

#include "syncnorm/base/error.h"

/** Leaves an empty file of a new name in `directory`; its path is at most size - 1 characters. */
sn_status sn_token_leave(const char *directory, char *path, size_t size);

bool sn_token_is_there(const char *path);

void sn_token_take_back(const char *path);

#endif
