/* Where errors come from: functions of the system that can fail, which the program calls through these (the linker's --wrap, in builds
   with SYNCNORM_FAULTS). The list is the one in CMakeLists.txt beside this file. Removing files is not among them: what is left
   then is nobody's fault. */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "syncnorm/base/fault.h"

/* WRAP(what it returns when it fails, errno then, return type, name, (parameters), (arguments)) */
#define WRAP(failure, code, type, name, parameters, arguments)                                               \
    type __real_##name parameters;                                                                           \
    type __wrap_##name parameters;                                                                           \
    type __wrap_##name parameters                                                                            \
    {                                                                                                        \
        if (!sn_fault_random(#name)) return __real_##name arguments;                                         \
        errno = (code);                                                                                      \
        return (failure);                                                                                    \
    }

WRAP(NULL, ENOMEM, void *, malloc, (size_t size), (size))
WRAP(NULL, ENOMEM, void *, calloc, (size_t count, size_t size), (count, size))
WRAP(NULL, ENOMEM, void *, realloc, (void *old, size_t size), (old, size))
WRAP(NULL, ENOMEM, void *, reallocarray, (void *old, size_t count, size_t size), (old, count, size))
WRAP(NULL, ENOMEM, void *, aligned_alloc, (size_t alignment, size_t size), (alignment, size))
WRAP(NULL, ENOMEM, char *, strdup, (const char *text), (text))
WRAP(NULL, ENOMEM, char *, strndup, (const char *text, size_t size), (text, size))
WRAP(-1, ENOMEM, int, vasprintf, (char **text, const char *format, va_list list), (text, format, list))
WRAP(NULL, ENOMEM, FILE *, open_memstream, (char **text, size_t *size), (text, size))
WRAP(NULL, EMFILE, FILE *, fopen, (const char *path, const char *mode), (path, mode))
WRAP(-1, EIO, ssize_t, read, (int file, void *data, size_t size), (file, data, size))
WRAP(-1, EIO, int, fsync, (int file), (file))
WRAP(-1, EACCES, int, rename, (const char *from, const char *to), (from, to))
WRAP(-1, EMLINK, int, link, (const char *from, const char *to), (from, to))
WRAP(-1, EMFILE, int, pipe2, (int *ends, int flags), (ends, flags))
WRAP(-1, EAGAIN, pid_t, fork, (void), ())

/* What is said on standard error is not meant. */
ssize_t __real_write(int file, const void *data, size_t size);
ssize_t __wrap_write(int file, const void *data, size_t size);
ssize_t __wrap_write(int file, const void *data, size_t size)
{
    if (file == STDERR_FILENO || !sn_fault_random("write")) return __real_write(file, data, size);
    errno = ENOSPC;
    return -1;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (!sn_fault_random("open")) return __real_open(path, flags, mode);
    errno = EMFILE;
    return -1;
}

int __wrap_asprintf(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap_asprintf(char **text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int length = __wrap_vasprintf(text, format, arguments);
    va_end(arguments);
    return length;
}

/* The file is closed all the same, as Linux does it. */
int __real_close(int file);
int __wrap_close(int file);
int __wrap_close(int file)
{
    const int code = __real_close(file);
    if (!sn_fault_random("close")) return code;
    errno = EIO;
    return -1;
}
