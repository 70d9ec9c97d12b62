#include "syncnorm/base/available_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 4352 };

static FILE *open_in(const char *directory, const char *name)
{
    char *path;
    if (asprintf(&path, "%s/%s", directory, name) < 0) return NULL;
    FILE *file = fopen(path, "re");
    free(path);
    return file;
}

/* The number behind `label` in a file, or its first number when label is NULL; UINT64_MAX where there is none, as in "max". */
static uint64_t number_in(const char *directory, const char *name, const char *label)
{
    FILE *file = open_in(directory, name);
    char line[LINE];
    uint64_t value = UINT64_MAX;
    if (!file) return value;
    while (fgets(line, sizeof line, file)) {
        const size_t skipped = label ? strlen(label) : 0;
        if (label && strncmp(line, label, skipped) != 0) continue;
        char *end;
        const uint64_t number = strtoull(line + skipped, &end, 10);
        if (end != line + skipped) value = number;
        break;
    }
    fclose(file);
    return value;
}

/* What a limit leaves beyond what is used; pages of files can be given back. */
static uint64_t left(const char *directory, const char *limit, const char *usage)
{
    const uint64_t most = number_in(directory, limit, NULL);
    const uint64_t files = number_in(directory, "memory.stat", "inactive_file ");
    uint64_t used = number_in(directory, usage, NULL);
    if (most == UINT64_MAX || used == UINT64_MAX) return UINT64_MAX;
    if (files != UINT64_MAX) used -= files < used ? files : used;
    return used < most ? most - used : 0;
}

/* The least that a group and those above it leave. A container may show its own group as the top, under another path: then that counts. */
static uint64_t least_left(const char *root, const char *mount, char *group, const char *limit,
                           const char *usage)
{
    uint64_t least = UINT64_MAX;
    for (;;) {
        char *directory;
        if (asprintf(&directory, "%s%s%s", root, mount, group) < 0) return least;
        const uint64_t here = left(directory, limit, usage);
        free(directory);
        if (here < least) least = here;
        char *slash = strrchr(group, '/');
        if (!slash) return least;
        *slash = '\0';
    }
}

/* Lines of /proc/self/cgroup: "0::/path" of version 2, "4:memory:/path" of version 1. */
static uint64_t left_by_groups(const char *root)
{
    char line[LINE];
    uint64_t least = UINT64_MAX;
    FILE *file = open_in(root, "proc/self/cgroup");
    if (!file) return least;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group) continue;
        *group++ = '\0';
        uint64_t here = UINT64_MAX;
        if (strncmp(line, "0:", 2) == 0)
            here = least_left(root, "/sys/fs/cgroup", group, "memory.max", "memory.current");
        else if (strstr(controllers + 1, "memory"))
            here = least_left(root, "/sys/fs/cgroup/memory", group, "memory.limit_in_bytes",
                              "memory.usage_in_bytes");
        if (here < least) least = here;
    }
    fclose(file);
    return least;
}

uint64_t sn_available_memory(const char *root)
{
    const uint64_t kilobytes = number_in(root, "proc/meminfo", "MemAvailable:");
    const uint64_t node = kilobytes == UINT64_MAX ? UINT64_MAX : kilobytes << 10;
    const uint64_t groups = left_by_groups(root);
    return groups < node ? groups : node;
}
