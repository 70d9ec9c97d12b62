/* Running gnuplot, and taking its drawing into a page. */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chart.h"
#include "text.h"

/* A whole file as text; NULL when it cannot be read. */
static char *read_text(const char *directory, const char *name, const char *extension)
{
    char *path, *text = NULL;
    size_t size = 0;
    if (asprintf(&path, "%s/%s.%s", directory, name, extension) < 0) return NULL;
    FILE *file = fopen(path, "rb");
    free(path);
    if (!file) return NULL;
    FILE *out = open_memstream(&text, &size);
    for (int c; out && (c = getc(file)) != EOF;)
        putc(c, out);
    const bool failed = ferror(file) || !out || fclose(out) != 0;
    fclose(file);
    if (!failed) return text;
    free(text);
    return NULL;
}

/* The first line gnuplot printed that says what is wrong. */
static void read_reason(int pipe, char *reason, size_t size)
{
    char said[2048];
    size_t used = 0;
    for (;;) {
        char rest[256]; /* read to its end, so that gnuplot is never stopped by a full pipe */
        const bool room = used + 1 < sizeof said;
        const ssize_t got = read(pipe, room ? said + used : rest,
                                 room ? sizeof said - 1 - used : sizeof rest);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        if (room) used += (size_t)got;
    }
    said[used] = '\0';
    for (char *save, *line = strtok_r(said, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (!line[strspn(line, " ^")]) continue;
        snprintf(reason, size, "%s", line);
        if (strstr(line, "line ")) break;
    }
}

/* The user's own start-up files must not restyle a report: -d. */
static int run_gnuplot(const char *directory, char *const *arguments, char *reason, size_t size)
{
    int ends[2], status = -1;
    pid_t child = -1;
    posix_spawn_file_actions_t actions;
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    posix_spawn_file_actions_addchdir_np(&actions, directory);
    const int error = posix_spawnp(&child, "gnuplot", &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (error) {
        snprintf(reason, size, "%s", error == ENOENT ? "gnuplot is not installed" : strerror(error));
    } else {
        read_reason(ends[0], reason, size);
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            ;
    }
    close(ends[0]);
    return error ? -1 : status;
}

/* One that is left from before would pass for this one, and a part of one for the whole. */
static bool remove_drawing(const sn_chart *chart, const char *directory)
{
    static const char *const extensions[] = {"svg", "pdf"};
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
        char *drawing;
        if (asprintf(&drawing, "%s/%s.%s", directory, chart->name, extensions[i]) < 0) return false;
        unlink(drawing);
        free(drawing);
    }
    return true;
}

/* Whether it ends as it should, or is not there: not every gnuplot makes PDF. */
static bool is_whole_pdf(const sn_chart *chart, const char *directory)
{
    static const char mark[] = "%%EOF\n";
    char *path, end[sizeof mark] = "";
    if (asprintf(&path, "%s/%s.pdf", directory, chart->name) < 0) return false;
    FILE *file = fopen(path, "rb");
    const bool missing = !file && errno == ENOENT;
    const bool read = file && fseek(file, -(long)strlen(mark), SEEK_END) == 0 &&
                      fread(end, 1, strlen(mark), file) == strlen(mark);
    if (file) fclose(file);
    free(path);
    return missing || (read && strcmp(end, mark) == 0);
}

/* Its drawing, if there is a whole one; else none. */
static void take_drawing(sn_chart *chart, const char *directory)
{
    chart->svg = read_text(directory, chart->name, "svg");
    if (chart->svg && strstr(chart->svg, "</svg>") && is_whole_pdf(chart, directory)) return;
    free(chart->svg);
    chart->svg = NULL;
    remove_drawing(chart, directory);
}

bool sn_chart_draw(sn_chart *chart, const char *directory, char *reason, size_t size)
{
    char program[] = "gnuplot", defaults[] = "-d", *script;
    if (!remove_drawing(chart, directory) || asprintf(&script, "%s.gp", chart->name) < 0) return false;
    char *const arguments[] = {program, defaults, script, NULL};
    snprintf(reason, size, "gnuplot failed");
    if (run_gnuplot(directory, arguments, reason, size) == 0)
        take_drawing(chart, directory);
    else
        remove_drawing(chart, directory);
    free(script);
    return chart->svg;
}

void sn_charts_draw(sn_chart *const *charts, size_t count, const char *directory)
{
    char program[] = "gnuplot", defaults[] = "-d", command[] = "-e", again[] = "reset", reason[256];
    char **arguments = calloc(3 * count + 3, sizeof *arguments);
    size_t used = 0, scripts = 0;
    bool good = arguments != NULL;
    if (good) {
        arguments[used++] = program;
        arguments[used++] = defaults;
    }
    for (; good && scripts < count; scripts++) {
        char *script = NULL;
        good = remove_drawing(charts[scripts], directory) &&
               asprintf(&script, "%s.gp", charts[scripts]->name) > 0;
        if (!good) break;
        arguments[used++] = script;
        arguments[used++] = command;
        arguments[used++] = again;
    }
    if (good && run_gnuplot(directory, arguments, reason, sizeof reason) == 0)
        for (size_t i = 0; i < count; i++)
            take_drawing(charts[i], directory);
    for (size_t i = 0; i < scripts; i++)
        free(arguments[2 + 3 * i]);
    free(arguments);
}

static bool starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* gnuplot opens a group for each change of style and often draws nothing in it. */
static const char *skip_empty_group(const char *text)
{
    if (!starts(text, "<g ")) return text;
    const char *end = strchr(text, '>');
    if (!end) return text;
    end += 1 + strspn(end + 1, " \t\n");
    return starts(end, "</g>") ? end + 4 : text;
}

/* gnuplot's hypertext wants a script; a title is the same without one. */
static const char TIP[] = "<g onmousemove=\"gnuplot_svg.showHypertext(evt,'", TIP_END[] = "')\"";

static const char *put_tip(const char *text, FILE *out)
{
    const char *end = strstr(text += sizeof TIP - 1, TIP_END), *rest = end ? strstr(end, "</title>") : NULL;
    if (!rest) return text;
    fprintf(out, "<g class=\"tip\"><title>%.*s</title>", (int)(end - text), text);
    return rest + sizeof "</title>" - 1;
}

void sn_chart_put_inline(const sn_chart *chart, FILE *out)
{
    const char *box = strstr(chart->svg, "viewBox=\""), *body = strstr(chart->svg, "</desc>");
    const char *end = body ? strstr(body, "</svg>") : NULL;
    if (!box || !end) return;
    fprintf(out,
            "<svg %.*s xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\"",
            (int)(strcspn(box + 9, "\"") + 10), box);
    fprintf(out, " role=\"img\" aria-labelledby=\"%s-title %s-desc\">", chart->name, chart->name);
    fprintf(out, "<title id=\"%s-title\">", chart->name);
    sn_put_text(out, SN_SYNTAX_HTML, chart->title);
    fprintf(out, "</title><desc id=\"%s-desc\">", chart->name);
    char *description = NULL;
    size_t size;
    FILE *words = open_memstream(&description, &size);
    if (words) {
        sn_chart_describe(chart, words);
        fclose(words);
        sn_put_text(out, SN_SYNTAX_HTML, description);
    }
    free(description);
    fputs("</desc>", out);

    /* Ids are the page's, not the figure's; titles of single plots would pop up as tool tips. */
    static const char *const references[] = {"id='", "id=\"", "href='#", "href=\"#", "url(#"};
    for (const char *text = body + 7; text < end;) {
        const char *next = skip_empty_group(text);
        if (next != text) {
            text = next;
            continue;
        }
        if (starts(text, TIP)) {
            text = put_tip(text, out);
            continue;
        }
        if (starts(text, "<title>")) {
            const char *close = strstr(text, "</title>");
            text = close ? close + 8 : text + 7;
            continue;
        }
        size_t matched = 0;
        for (size_t i = 0; i < sizeof references / sizeof *references && !matched; i++)
            if (starts(text, references[i])) matched = strlen(references[i]);
        if (matched) {
            fprintf(out, "%.*s%s-", (int)matched, text, chart->name);
            text += matched;
        } else if (isspace((unsigned char)*text)) {
            text += strspn(text, " \t\n");
            putc(' ', out);
        } else {
            putc(*text++, out);
        }
    }
    fputs("</svg>", out);
}
