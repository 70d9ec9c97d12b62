#ifndef SN_REPORT_RENDER_H
#define SN_REPORT_RENDER_H

/* A document as files. */

#include "document.h"

/** One self-contained page. */
void sn_render_page(const sn_document *document, FILE *out);
/** Markdown, which refers to the files under figures/. */
void sn_render_markdown(const sn_document *document, FILE *out);

void sn_render_table_page(const sn_report_table *table, FILE *out);
void sn_render_table_markdown(const sn_report_table *table, FILE *out);
void sn_render_table_csv(const sn_report_table *table, FILE *out);

#endif
