#ifndef SYNCNORM_IO_TEXT_FILE_H
#define SYNCNORM_IO_TEXT_FILE_H

/** Text files that are there whole or not at all. */

#include "syncnorm/base/error.h"

/** Writes `text` beside `path`, then in its place, with the mode of a file that was there. Only a regular file is replaced; missing
 *  directories are made. */
sn_status sn_text_file_write(const char *path, const char *text);

/** Whether that can be done, before the work that makes the text. */
sn_status sn_text_file_try(const char *path);

#endif
