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

static sn_status find(const char *directory, const char *name, bool *there, char *path, size_t size)
{
    char dotted[64];
    snprintf(dotted, sizeof dotted, "%s", name);
    char *dash = strstr(dotted, "-idx");
    if (dash) *dash = '.';
    const char *const names[] = {name, dotted}, *const endings[] = {"", ".gz"};
    *there = false;
    for (int n = 0; n < 2 && !*there; n++)
        for (int e = 0; e < 2 && !*there; e++) {
            SN_TRY(look(directory, names[n], endings[e], path, size));
            *there = path[0];
        }
    return SN_OK;
}

sn_status sn_locate_file(const char *directory, const char *name, char *path, size_t size)
{
    bool there;
    SN_TRY(find(directory, name, &there, path, size));
    if (there) return SN_OK;
    return sn_fail(SN_ERROR_DATA, "%s/%s: no such file, plain or .gz (" DOWNLOAD ")", directory, name);
}

/* Also where they are, but cannot be looked at: that is to be said. */
static bool has_data(const char *directory)
{
    char file[4096];
    bool there;
    const sn_status status = find(directory, "train-images-idx3-ubyte", &there, file, sizeof file);
    if (status != SN_OK) sn_error_clear();
    return status != SN_OK || there;
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
