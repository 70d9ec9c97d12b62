#include "outputs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "syncnorm/io/whole_file.h"
#include "text.h"

static void put_names(const sn_document *document, FILE *out)
{
    static const char *const extensions[] = {"tsv", "gp", "svg", "pdf"};
    for (size_t i = 0; i < document->count; i++) {
        const sn_block *block = &document->blocks[i];
        for (size_t k = 0; block->chart && k < sizeof extensions / sizeof *extensions; k++)
            fprintf(out, "figures/%s.%s\n", block->chart->name, extensions[k]);
        if (block->sheet) fprintf(out, "figures/%s\n", block->sheet);
        if (block->file) fprintf(out, "%s\n", block->file);
        if (block->table) fprintf(out, "%s.csv\n", block->table->name);
    }
    fputs("report.md\nreport.html\n", out);
}

/* A name that a report can have given: NAME.EXTENSION, here or in figures, not hidden. The list could be anybody's. */
static bool is_output(const char *name)
{
    static const char *const extensions[] = {".tsv", ".gp", ".svg", ".pdf", ".png", ".csv", ".md", ".html"};
    if (strncmp(name, "figures/", 8) == 0) name += 8;
    const char *extension = strrchr(name, '.');
    if (*name == '.' || strchr(name, '/') || !extension) return false;
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
        if (strcmp(extension, extensions[i]) == 0) return true;
    return false;
}

/* Whether it is among the lines of `names`, and no drawing of gnuplot's, which may not come. */
static bool is_replaced(const char *names, const char *name)
{
    const size_t length = strlen(name);
    const char *extension = strrchr(name, '.');
    if (strcmp(extension, ".svg") == 0 || strcmp(extension, ".pdf") == 0) return false;
    for (const char *at = names; (at = strstr(at, name)); at++)
        if ((at == names || at[-1] == '\n') && at[length] == '\n') return true;
    return false;
}

/* Of a report that was killed. */
static void sweep(const char *path)
{
    if (sn_whole_file_sweep(path) != SN_OK) sn_error_clear(); /* it is in nobody's way */
}

/* What the last report wrote and this one, of `names`, does not. */
static void remove_listed(const char *directory, FILE *list, const char *names)
{
    char *line = NULL;
    size_t capacity = 0;
    for (ssize_t length; (length = getline(&line, &capacity, list)) > 0;) {
        if (line[length - 1] == '\n') line[length - 1] = '\0';
        char *path = is_output(line) ? sn_text("%s/%s", directory, line) : NULL;
        if (!path) continue;
        sweep(path);
        if (!is_replaced(names, line))
            unlink(path); /* what cannot be removed cannot be written either, and that is told */
        free(path);
    }
    free(line);
}

/* The list of the last report; NULL where this is the first. */
static FILE *open_list(const char *directory)
{
    char *path = sn_text("%s/" SN_OUTPUTS_LIST, directory);
    FILE *list = path ? fopen(path, "r") : NULL;
    if (path) sweep(path);
    free(path);
    return list;
}

sn_status sn_outputs_renew(const sn_document *document, const char *directory)
{
    char *names = NULL;
    size_t size;
    FILE *out = open_memstream(&names, &size);
    if (out) put_names(document, out);
    sn_status status = SN_OK;
    if (!out || fclose(out) != 0) {
        status = sn_fail(SN_ERROR_MEMORY, "out of memory: the list of files");
    } else {
        FILE *before = open_list(directory); /* still the old one when a new one has its name */
        status = sn_write_file(directory, SN_OUTPUTS_LIST, names, size);
        if (status == SN_OK && before) remove_listed(directory, before, names);
        if (before) fclose(before);
    }
    free(names);
    return status;
}
