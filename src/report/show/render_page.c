/* The document as one page: semantic elements, the style sheet and everything else in it. */

#include <stdlib.h>

#include "page_style.h"
#include "render.h"
#include "text.h"

static void put(FILE *out, const char *before, const char *text, const char *after)
{
    fputs(before, out);
    sn_put_text(out, SN_SYNTAX_HTML, text);
    fputs(after, out);
}

static bool is_toggled(const sn_chart_series *series)
{
    return series->kind != SN_SERIES_DOTS && series->kind != SN_SERIES_POINTS;
}

static bool has_toggles(const sn_chart *chart)
{
    enum { FEW = 3 };
    size_t count = 0;
    for (size_t s = 0; s < chart->series_count; s++)
        count += is_toggled(&chart->series[s]);
    return chart->svg && chart->form == SN_CHART_LINES && count >= FEW;
}

/* A box that is not ticked takes its series' parts of the drawing away. */
static void put_toggle_rules(const sn_document *document, FILE *out)
{
    for (size_t i = 0; i < document->count; i++) {
        const sn_chart *chart = document->blocks[i].chart;
        for (size_t s = 0; chart && has_toggles(chart) && s < chart->series_count; s++) {
            size_t plots[SN_PLOTS_MAX];
            const size_t count = is_toggled(&chart->series[s]) ? sn_chart_plots_of(chart, s, plots) : 0;
            for (size_t k = 0; k < count; k++)
                fprintf(out, "%s#show-%s-%zu:not(:checked) ~ svg #%s-gnuplot_plot_%zu", k ? ", " : "",
                        chart->name, s, chart->name, plots[k]);
            fputs(count ? " { display: none; }\n" : "", out);
        }
    }
}

static void put_toggles(const sn_chart *chart, FILE *out)
{
    for (size_t s = 0; has_toggles(chart) && s < chart->series_count; s++) {
        if (!is_toggled(&chart->series[s])) continue;
        fprintf(out, "<input class=\"toggle\" type=\"checkbox\" checked id=\"show-%s-%zu\">", chart->name, s);
        fprintf(out, "<label class=\"toggle\" for=\"show-%s-%zu\">", chart->name, s);
        put(out, "", sn_series_title(&chart->series[s]), "</label> ");
    }
}

static void put_files(const sn_chart *chart, FILE *out)
{
    static const char *const extensions[] = {"svg", "pdf", "tsv", "gp"};
    fputs(" <span class=\"files\">", out);
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
        fprintf(out, "%s<a href=\"figures/%s.%s\">%s</a>", i ? " " : "", chart->name, extensions[i],
                extensions[i]);
    fputs("</span>", out);
}

static void put_chart(const sn_chart *chart, FILE *out)
{
    fprintf(out, "<figure class=\"chart\" id=\"%s\">", chart->name);
    if (chart->svg) {
        put_toggles(chart, out);
        sn_chart_put_inline(chart, out);
    } else
        fprintf(out,
                "<p class=\"note\">Not drawn: gnuplot was missing or failed. The data are in figures/%s.tsv, "
                "the script in "
                "figures/%s.gp.</p>",
                chart->name, chart->name);
    fprintf(out, "<figcaption><strong>Figure %zu. ", chart->number);
    put(out, "", chart->title, ".</strong> ");
    put(out, "", chart->caption, "");
    if (chart->svg) put_files(chart, out);
    fputs("</figcaption></figure>\n", out);
}

static void put_pictures(const sn_block *block, FILE *out)
{
    fputs("<ul class=\"pictures\">\n", out);
    for (size_t i = 0; i < block->picture_count; i++) {
        const sn_report_picture *picture = &block->pictures[i];
        fputs("<li><figure><img width=\"56\" height=\"56\" alt=\"", out);
        put(out, "", picture->alternative, "\" src=\"data:image/png;base64,");
        sn_put_base64(out, picture->png, picture->size);
        put(out, "\"><figcaption><b>", picture->title, "</b><br>");
        put(out, "", picture->note, "</figcaption></figure></li>\n");
    }
    fputs("</ul>\n", out);
}

static void open_fold(const sn_block *block, FILE *out)
{
    if (block->folded) put(out, "<details><summary>", block->heading, "</summary>\n");
}

static void close_fold(const sn_block *block, FILE *out)
{
    if (block->folded) fputs("</details>\n", out);
}

static void put_code(const sn_block *block, FILE *out)
{
    open_fold(block, out);
    fputs("<pre tabindex=\"0\">", out);
    sn_put_lines(out, SN_SYNTAX_HTML, block->text);
    fputs("</pre>\n", out);
    close_fold(block, out);
}

static void put_block(const sn_block *block, FILE *out)
{
    switch (block->kind) {
    case SN_BLOCK_SECTION:
        break; /* put_sections() */
    case SN_BLOCK_HEADING:
        put(out, "<h3>", block->text, "</h3>\n");
        break;
    case SN_BLOCK_TEXT:
        fputs("<p>", out);
        sn_put_running(out, SN_SYNTAX_HTML, block->text);
        fputs("</p>\n", out);
        break;
    case SN_BLOCK_NOTE:
        put(out, "<p class=\"note\">", block->text, "</p>\n");
        break;
    case SN_BLOCK_TABLE:
        open_fold(block, out);
        sn_render_table_page(block->table, out);
        close_fold(block, out);
        break;
    case SN_BLOCK_CHART:
        put_chart(block->chart, out);
        break;
    case SN_BLOCK_PICTURES:
        open_fold(block, out);
        put_pictures(block, out);
        close_fold(block, out);
        break;
    case SN_BLOCK_CODE:
        put_code(block, out);
        break;
    case SN_BLOCK_FILE:
        break;
    }
}

/* Neighbouring figures share a grid. */
static bool in_grid(const sn_document *document, size_t i)
{
    return i < document->count && document->blocks[i].kind == SN_BLOCK_CHART;
}

static void put_sections(const sn_document *document, FILE *out)
{
    bool open = false;
    for (size_t i = 0; i < document->count; i++) {
        const sn_block *block = &document->blocks[i];
        if (block->kind == SN_BLOCK_SECTION) {
            char id[64];
            sn_slug(block->text, id, sizeof id);
            fprintf(out, "%s<section id=\"section-%s\">\n", open ? "</section>\n" : "", id);
            put(out, "<h2>", block->text, "</h2>\n");
            open = true;
            continue;
        }
        if (in_grid(document, i) && (i == 0 || !in_grid(document, i - 1)))
            fputs("<div class=\"grid\">\n", out);
        put_block(block, out);
        if (in_grid(document, i) && !in_grid(document, i + 1)) fputs("</div>\n", out);
    }
    if (open) fputs("</section>\n", out);
}

void sn_render_page(const sn_document *document, FILE *out)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n",
          out);
    put(out, "<title>", document->title, "</title>\n");
    fprintf(out, "<style>\n%s", page_style);
    put_toggle_rules(document, out);
    fputs("</style>\n</head>\n<body>\n<header>\n", out);
    put(out, "<h1>", document->title, "</h1>\n");
    put(out, "<p>", document->subtitle, "</p>\n<nav aria-label=\"Sections\"><ul>\n");
    for (size_t i = 0; i < document->count; i++) {
        if (document->blocks[i].kind != SN_BLOCK_SECTION) continue;
        char id[64];
        sn_slug(document->blocks[i].text, id, sizeof id);
        fprintf(out, "<li><a href=\"#section-%s\">", id);
        put(out, "", document->blocks[i].text, "</a></li>\n");
    }
    fputs("</ul></nav>\n</header>\n<main>\n", out);
    put_sections(document, out);
    fputs("</main>\n</body>\n</html>\n", out);
}
