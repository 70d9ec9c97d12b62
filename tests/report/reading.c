#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reading.h"

char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) fail_msg("%s is not there", path);
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    for (int c; (c = getc(file)) != EOF;)
        putc(c, out);
    fclose(file);
    fclose(out);
    return text;
}

bool says(const char *path, const char *what)
{
    char *text = read_file(path);
    const bool found = strstr(text, what);
    free(text);
    return found;
}

void assert_says(const char *path, const char *what)
{
    if (!says(path, what)) fail_msg("%s does not say \"%s\"", path, what);
}

sn_report_outcome report(const char *directory, const char *const *paths, size_t count)
{
    sn_report_outcome outcome;
    assert_ok(sn_report_write(
        &(sn_report_request){.paths = paths, .path_count = count, .directory = directory}, &outcome));
    return outcome;
}

const made_run usual = {
    .norm = "gn", .seed = 1, .epochs = 3, .finished = 3, .test_accuracy = 99, .ranks = 1, .measured = true};
