#ifndef SN_REPORT_TEXT_H
#define SN_REPORT_TEXT_H

/* Text for each of the formats written here. What comes out of a run file is foreign: control characters and bytes that
   are no UTF-8 become U+FFFD, what the format would read as its own is escaped. */

#include <stddef.h>
#include <stdio.h>

#include "syncnorm/base/error.h"

typedef enum sn_syntax {
    SN_SYNTAX_PLAIN,    /* one line of UTF-8 */
    SN_SYNTAX_HTML,     /* of elements and of quoted attributes */
    SN_SYNTAX_MARKDOWN, /* of paragraphs and table cells */
    SN_SYNTAX_CSV,      /* a whole field, quoted where needed (RFC 4180) */
    SN_SYNTAX_TSV,
    SN_SYNTAX_GNUPLOT, /* between double quotes */
} sn_syntax;

void sn_put_text(FILE *out, sn_syntax syntax, const char *text);

/** Running text may lead to tables of the page: "seven " SN_LINK("cost") "times" SN_LINK_END " as long". */
#define SN_LINK(table) "\002" table "\037"
#define SN_LINK_END "\003"
/** With links as HTML has them; in any other syntax the words alone. */
void sn_put_running(FILE *out, sn_syntax syntax, const char *text);
/** Takes the links out of a text, in place. */
void sn_without_links(char *text);

/** Text of several lines: an end of line is no control character here, and each line is ended. */
void sn_put_lines(FILE *out, sn_syntax syntax, const char *text);

/** Base64 (RFC 4648) of `size` bytes. */
void sn_put_base64(FILE *out, const void *data, size_t size);

/** `text` as part of a file name or an id: lower case letters, digits, dots and dashes. */
void sn_slug(const char *text, char *slug, size_t size);

/** Writes DIRECTORY/NAME, whole or not at all; SN_ERROR_FILE. */
sn_status sn_write_file(const char *directory, const char *name, const void *data, size_t size);

/** Makes the directory and those above it; SN_ERROR_FILE. */
sn_status sn_make_directory(const char *path);

#endif
