#include "target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void claim(int holds, const char *text, const char *file, int line)
{
    if (holds) return;
    fprintf(stderr, "%s:%d: this does not hold: %s (message: \"%s\")\n", file, line, text,
            sn_error_message());
    abort();
}

void claim_one_line(sn_status status, sn_status expected, const char *path)
{
    const char *message = sn_error_message();
    if (status == SN_OK) {
        CLAIM(message[0] == '\0');
    } else {
        const int another = expected == SN_ERROR_FILE && status == SN_ERROR_VERSION;
        CLAIM(status == expected || another || status == SN_ERROR_MEMORY);
        CLAIM(strncmp(message, path, strlen(path)) == 0 || status == SN_ERROR_MEMORY);
        for (const char *c = message; *c; c++)
            CLAIM((unsigned char)*c >= ' ');
    }
    sn_error_clear();
}

int file_of(const uint8_t *data, size_t size, char path[32])
{
    const int file = memfd_create("input", MFD_CLOEXEC);
    CLAIM(file >= 0);
    for (size_t done = 0; done < size;) {
        const ssize_t wrote = write(file, data + done, size - done);
        CLAIM(wrote > 0);
        done += (size_t)wrote;
    }
    snprintf(path, 32, "/proc/self/fd/%d", file);
    return file;
}
