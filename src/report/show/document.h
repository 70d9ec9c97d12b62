#ifndef SN_REPORT_DOCUMENT_H
#define SN_REPORT_DOCUMENT_H

/*
 * The report as a sequence of blocks, without a format: what it says is written once and rendered as a page and as Markdown.
 * All text is plain text; the renderers escape it. Failures of memory are remembered and asked for at the end
 * (sn_document_status), so that building reads as writing.
 */

#include <stdbool.h>
#include <stddef.h>

#include "chart.h"
#include "syncnorm/base/error.h"

typedef struct sn_report_column {
    char *heading;
    bool numeric;
    const char *between;  /* of two numbers in a cell, which have a column each in CSV; NULL: one */
    const char *parts[2]; /* what their headings have behind this one */
    bool detail;          /* on the page it is folded away */
} sn_report_column;

typedef struct sn_report_cell {
    char *text;
    char *key;    /* what CSV has instead; NULL: the text */
    double shade; /* 0 to 1, the background; NaN: none */
} sn_report_cell;

typedef struct sn_report_table {
    char *name, *caption; /* stem of the CSV file */
    sn_report_column *columns;
    size_t column_count;
    sn_report_cell *cells; /* [rows][column_count] */
    size_t cell_count;
    bool square; /* a matrix: narrow cells, the first column is a heading */
    bool failed;
} sn_report_table;

typedef struct sn_report_picture {
    unsigned char grey[28 * 28];
    unsigned char *png; /* of it; owned */
    size_t size;
    char *alternative, *title, *note;
} sn_report_picture;

typedef enum sn_block_kind {
    SN_BLOCK_SECTION, /* text is the heading */
    SN_BLOCK_HEADING,
    SN_BLOCK_TEXT,
    SN_BLOCK_NOTE, /* what a reader must know, or what is left out */
    SN_BLOCK_TABLE,
    SN_BLOCK_CHART,
    SN_BLOCK_PICTURES,
    SN_BLOCK_CODE, /* preformatted; with a heading, folded away below it */
    SN_BLOCK_FILE, /* text goes into a file beside the page alone */
} sn_block_kind;

typedef struct sn_block {
    sn_block_kind kind;
    char *text, *heading;
    bool folded; /* of a table or of pictures: away below `heading` */
    sn_report_table *table;
    sn_chart *chart;
    sn_report_picture *pictures;
    size_t picture_count;
    char *sheet; /* file of the pictures in one, for Markdown */
    char *file;  /* of SN_BLOCK_FILE */
} sn_block;

typedef struct sn_document {
    char *title, *subtitle;
    sn_block *blocks;
    size_t count, capacity;
    size_t figures; /* numbered */
    char *left_out; /* what has no data, said at the end of the section */
    bool failed;
} sn_document;

void sn_document_section(sn_document *document, const char *heading);
void sn_document_heading(sn_document *document, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void sn_document_text(sn_document *document, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sn_document_note(sn_document *document, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** Notes that something is left out, and why: "Gradient norm (these runs did not record it)". */
void sn_document_leave_out(sn_document *document, const char *what, const char *why);
/** Ends a section: one note says what was left out. */
void sn_document_end_section(sn_document *document);
/** Each takes its object over. `heading` not NULL: folded away below it. */
void sn_document_table(sn_document *document, const char *heading, sn_report_table *table);
void sn_document_chart(sn_document *document, sn_chart *chart);
void sn_document_code(sn_document *document, const char *heading, const char *text);
/** A file NAME beside the page, which does not show it. */
void sn_document_file(sn_document *document, const char *name, const char *text);
/** An empty block of pictures, to be filled; NULL when out of memory. Valid until the next block. */
sn_block *sn_document_pictures(sn_document *document, const char *sheet);
sn_report_picture *sn_block_add_picture(sn_document *document, sn_block *block);

sn_status sn_document_status(const sn_document *document);
void sn_document_clear(sn_document *document);

/** NULL when out of memory; all functions on a table take that. */
sn_report_table *sn_report_table_create(const char *name, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** The cells of the last column are two numbers, "99.1 ± 0.2", or the first alone. */
void sn_report_table_split(sn_report_table *table, const char *between, const char *first,
                           const char *second);
/** The last column is one that few readers want: the page shows it when asked to. */
void sn_report_table_detail(sn_report_table *table);
/** Columns first, then cells row by row. */
void sn_report_table_column(sn_report_table *table, bool numeric, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void sn_report_table_cell(sn_report_table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** A name as the page and as CSV has it. */
void sn_report_table_name(sn_report_table *table, const char *brief, const char *whole);
/** A number, with `digits` after the point; nothing for NaN. */
void sn_report_table_number(sn_report_table *table, int digits, double value);
/** Shades the last cell. */
void sn_report_table_shade(sn_report_table *table, double shade);
/** Drops the columns without any value. */
void sn_report_table_drop_empty(sn_report_table *table);
size_t sn_report_table_rows(const sn_report_table *table);
void sn_report_table_destroy(sn_report_table *table);

/** A string of its own, NULL when out of memory. */
char *sn_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
