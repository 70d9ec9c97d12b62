/* Feeds the files named, or all files of the directories named, to a fuzz target: the seeds as a test, without libFuzzer. */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "target.h"

/* Replaying changes no input. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most)
{
    (void)data;
    (void)most;
    return size;
}

static void require(int holds, const char *path)
{
    if (holds) return;
    perror(path);
    exit(2);
}

static void replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    require(file != NULL, path);
    require(fseek(file, 0, SEEK_END) == 0, path);
    const long size = ftell(file);
    require(size >= 0, path);
    rewind(file);
    uint8_t *data = malloc((size_t)size + 1);
    require(data != NULL, path);
    require(fread(data, 1, (size_t)size, file) == (size_t)size, path);
    fclose(file);
    printf("%s\n", path);
    fflush(stdout); /* a crash must not take the name along */
    LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
}

static int replay(const char *path)
{
    struct stat status;
    require(stat(path, &status) == 0, path);
    if (!S_ISDIR(status.st_mode)) {
        replay_file(path);
        return 1;
    }
    int count = 0;
    struct dirent **entries;
    const int found = scandir(path, &entries, NULL, alphasort);
    require(found >= 0, path);
    for (int i = 0; i < found; i++) {
        char name[4096];
        snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.') count += replay(name);
        free(entries[i]);
    }
    free(entries);
    return count;
}

int main(int argc, char **argv)
{
    int count = 0;
    for (int i = 1; i < argc; i++)
        count += replay(argv[i]);
    printf("%d inputs\n", count);
    return count > 0 ? 0 : 2; /* nothing replayed is nothing shown */
}
