#include "text.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "syncnorm/io/whole_file.h"

/* Length of the UTF-8 sequence at `text` that XML and terminals take, 0 when there is none. */
static size_t sequence(const unsigned char *text)
{
    if (text[0] < 0x80) return text[0] >= 0x20 && text[0] != 0x7f;
    const size_t length = text[0] >= 0xc2 && text[0] < 0xe0   ? 2
                          : text[0] >= 0xe0 && text[0] < 0xf0 ? 3
                          : text[0] >= 0xf0 && text[0] < 0xf5 ? 4
                                                              : 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80) return 0;
    if (text[0] == 0xe0 && text[1] < 0xa0) return 0;                     /* overlong */
    if (text[0] == 0xed && text[1] > 0x9f) return 0;                     /* surrogates */
    if (text[0] == 0xf0 && text[1] < 0x90) return 0;                     /* overlong */
    if (text[0] == 0xf4 && text[1] > 0x8f) return 0;                     /* beyond Unicode */
    if (text[0] == 0xef && text[1] == 0xbf && text[2] >= 0xbe) return 0; /* no characters */
    if (text[0] == 0xc2 && text[1] < 0xa0) return 0;                     /* C1 controls */
    if (text[0] == 0xe2 && text[1] == 0x80 && text[2] >= 0xaa && text[2] <= 0xae)
        return 0; /* text direction */
    return length;
}

static const char *escaped(sn_syntax syntax, char c)
{
    switch (syntax) {
    case SN_SYNTAX_HTML:
        return c == '&'    ? "&amp;"
               : c == '<'  ? "&lt;"
               : c == '>'  ? "&gt;"
               : c == '"'  ? "&quot;"
               : c == '\'' ? "&#39;"
                           : NULL;
    case SN_SYNTAX_MARKDOWN:
        return c == '&'    ? "&amp;"
               : c == '<'  ? "&lt;"
               : c == '|'  ? "\\|"
               : c == '*'  ? "\\*"
               : c == '_'  ? "\\_"
               : c == '`'  ? "\\`"
               : c == '['  ? "\\["
               : c == ']'  ? "\\]"
               : c == '\\' ? "\\\\"
                           : NULL;
    case SN_SYNTAX_CSV:
        return c == '"' ? "\"\"" : NULL;
    case SN_SYNTAX_GNUPLOT: /* it runs what it finds between backquotes */
        return c == '"' ? "\\\"" : c == '\\' ? "\\\\" : c == '`' ? "'" : NULL;
    case SN_SYNTAX_PLAIN:
    case SN_SYNTAX_TSV:
        break;
    }
    return NULL;
}

/* Up to the end of the text or of its line; a sequence of UTF-8 has no end of line in it. */
static void put_until(FILE *out, sn_syntax syntax, const char *text, const char *end)
{
    while (text < end) {
        const size_t length = sequence((const unsigned char *)text);
        const char *escape = length == 1 ? escaped(syntax, *text) : NULL;
        if (escape)
            fputs(escape, out);
        else if (length)
            fwrite(text, 1, length, out);
        else if (strchr("\t\n\r", *text))
            putc(' ', out);
        else
            fputs("\xef\xbf\xbd", out);
        text += length ? length : 1;
    }
}

void sn_put_text(FILE *out, sn_syntax syntax, const char *text)
{
    const bool quoted = syntax == SN_SYNTAX_CSV && text[strcspn(text, ",\"\n\r")];
    if (quoted) putc('"', out);
    put_until(out, syntax, text, text + strlen(text));
    if (quoted) putc('"', out);
}

enum { LINK = '\002', WORDS = '\037', LINK_END = '\003' };

/* Behind the table that a link leads to, at `text`; NULL: it is none. */
static const char *words_of(const char *text)
{
    const char *words = *text == LINK ? strchr(text, WORDS) : NULL;
    return words && strchr(words, LINK_END) ? words + 1 : NULL;
}

void sn_put_running(FILE *out, sn_syntax syntax, const char *text)
{
    const bool html = syntax == SN_SYNTAX_HTML;
    bool open = false;
    while (*text) {
        const char *words = words_of(text);
        if (words) {
            char table[64];
            const size_t length = (size_t)(words - 1 - (text + 1));
            snprintf(table, sizeof table, "%.*s", (int)length, text + 1);
            char slug[64];
            sn_slug(table, slug, sizeof slug);
            if (html && !open) fprintf(out, "<a href=\"#table-%s\">", slug);
            open = true;
            text = words;
            continue;
        }
        if (*text == LINK_END && open) {
            if (html) fputs("</a>", out);
            open = false;
            text++;
            continue;
        }
        const char *end = text + 1 + strcspn(text + 1, "\002\003");
        put_until(out, syntax, text, end);
        text = end;
    }
    if (html && open) fputs("</a>", out);
}

void sn_without_links(char *text)
{
    char *to = text;
    for (const char *from = text; *from;) {
        const char *words = words_of(from);
        if (words)
            from = words;
        else if (*from == LINK_END)
            from++;
        else
            *to++ = *from++;
    }
    *to = '\0';
}

void sn_put_lines(FILE *out, sn_syntax syntax, const char *text)
{
    while (*text) {
        const char *end = text + strcspn(text, "\n");
        put_until(out, syntax, text, end);
        putc('\n', out);
        text = *end ? end + 1 : end;
    }
}

void sn_put_base64(FILE *out, const void *data, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i += 3) {
        const size_t left = size - i;
        const uint32_t group = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                               (left > 2 ? bytes[i + 2] : 0);
        putc(digits[group >> 18], out);
        putc(digits[group >> 12 & 63], out);
        putc(left > 1 ? digits[group >> 6 & 63] : '=', out);
        putc(left > 2 ? digits[group & 63] : '=', out);
    }
}

void sn_slug(const char *text, char *slug, size_t size)
{
    size_t used = 0;
    for (; *text && used + 1 < size; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c < 0x80 && (isalnum(c) || c == '.'))
            slug[used++] = (char)tolower(c);
        else if (used && slug[used - 1] != '-')
            slug[used++] = '-';
    }
    while (used && slug[used - 1] == '-')
        used--;
    slug[used] = '\0';
}

sn_status sn_write_file(const char *directory, const char *name, const void *data, size_t size)
{
    char *path;
    if (asprintf(&path, "%s/%s", directory, name) < 0) return sn_fail(SN_ERROR_MEMORY, "out of memory");
    const sn_status status = sn_whole_file_write(path, data, size);
    free(path);
    return status;
}

sn_status sn_make_directory(const char *path)
{
    char *part = strdup(path);
    if (!part) return sn_fail(SN_ERROR_MEMORY, "out of memory");
    int error = 0;
    for (char *end = part + 1; part[0] && end; end++) {
        end = strchr(end, '/');
        if (end) *end = '\0';
        error = mkdir(part, 0777) == 0 || errno == EEXIST ? 0 : errno;
        if (!end || error) break;
        *end = '/';
        if (!end[1]) break;
    }
    free(part);
    struct stat status;
    if (!error && stat(path, &status) != 0) error = errno;
    if (!error && !S_ISDIR(status.st_mode)) error = ENOTDIR;
    if (error) return sn_fail(SN_ERROR_FILE, "%s: cannot be made: %s", path, strerror(error));
    return SN_OK;
}
