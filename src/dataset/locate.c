#include "locate.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HERE "data/mnist"
#define DOWNLOAD "data/get-mnist.sh, installed syncnorm-get-mnist, downloads MNIST"

static const char *set(const char *variable)
{
    const char *value = getenv(variable);
    return value && *value ? value : NULL;
}

/* False without a home. */
static bool name_home(char *path, size_t size)
{
    const char *data = set("XDG_DATA_HOME"), *home = set("HOME");
    if (data) return (size_t)snprintf(path, size, "%s/syncnorm/mnist", data) < size;
    return home && (size_t)snprintf(path, size, "%s/.local/share/syncnorm/mnist", home) < size;
}

/* SN_OK with path[0] == '\0': there is none. */
static sn_status look(const char *directory, const char *name, const char *ending, char *path, size_t size)
{
    if ((size_t)snprintf(path, size, "%s/%s%s", directory, name, ending) >= size)
        return sn_fail(SN_ERROR_DATA, "%.200s...: the name of the data directory is too long", directory);
    if (access(path, F_OK) == 0) return SN_OK;
    if (errno != ENOENT && errno != ENOTDIR)
        return sn_fail(SN_ERROR_DATA, "%s: cannot be opened: %s", path, strerror(errno));
    path[0] = '\0';
    return SN_OK;
}

sn_status sn_locate_file(const char *directory, const char *name, char *path, size_t size)
{
    char dotted[64];
    snprintf(dotted, sizeof dotted, "%s", name);
    char *dash = strstr(dotted, "-idx");
    if (dash) *dash = '.';
    const char *const names[] = {name, dotted}, *const endings[] = {"", ".gz"};
    for (int n = 0; n < 2; n++)
        for (int e = 0; e < 2; e++) {
            SN_TRY(look(directory, names[n], endings[e], path, size));
            if (path[0]) return SN_OK;
        }
    return sn_fail(SN_ERROR_DATA, "%s/%s: no such file, plain or .gz (" DOWNLOAD ")", directory, name);
}

static bool has_data(const char *directory)
{
    char file[4096];
    if (sn_locate_file(directory, "train-images-idx3-ubyte", file, sizeof file) == SN_OK) return true;
    sn_error_clear();
    return false;
}

sn_status sn_locate_directory(const char *given, char *path, size_t size)
{
    const char *chosen = given ? given : set("MNIST_DIR");
    if (!chosen && has_data(HERE)) chosen = HERE;
    if (chosen) {
        if ((size_t)snprintf(path, size, "%s", chosen) < size) return SN_OK;
        return sn_fail(SN_ERROR_DATA, "%.200s...: the name of the data directory is too long", chosen);
    }
    const bool home = name_home(path, size);
    if (home && has_data(path)) return SN_OK;
    return sn_fail(SN_ERROR_DATA,
                   "no data set: %s%s%.500s ha%s no train-images-idx3-ubyte, plain or .gz (" DOWNLOAD
                   "; --data and MNIST_DIR name another directory)",
                   HERE, home ? " and " : "", home ? path : "", home ? "ve" : "s");
}
