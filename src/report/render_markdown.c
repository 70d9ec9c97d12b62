#include "render.h"
#include "text.h"

static void put(FILE *out, const char *before, const char *text, const char *after)
{
    fputs(before, out);
    sn_put_text(out, SN_SYNTAX_MARKDOWN, text);
    fputs(after, out);
}

static void put_pictures(const sn_block *block, FILE *out)
{
    fputs("![", out);
    for (size_t i = 0; i < block->picture_count; i++)
        put(out, i ? "; " : "", block->pictures[i].alternative, "");
    fprintf(out, "](figures/%s)\n\n", block->sheet);
}

static void put_block(const sn_block *block, FILE *out)
{
    switch (block->kind) {
    case SN_BLOCK_SECTION:
        put(out, "## ", block->text, "\n\n");
        break;
    case SN_BLOCK_HEADING:
        put(out, "### ", block->text, "\n\n");
        break;
    case SN_BLOCK_TEXT:
        put(out, "", block->text, "\n\n");
        break;
    case SN_BLOCK_NOTE:
        put(out, "> ", block->text, "\n\n");
        break;
    case SN_BLOCK_TABLE:
        sn_render_table_markdown(block->table, out);
        break;
    case SN_BLOCK_CHART:
        put(out, "**", block->chart->title, "** ");
        put(out, "", block->chart->caption, "\n\n");
        if (block->chart->svg) {
            put(out, "![", block->chart->title, "]");
            fprintf(out, "(figures/%s.svg)\n\n", block->chart->name);
        } else {
            fprintf(out, "Not drawn: data in figures/%s.tsv, script in figures/%s.gp.\n\n",
                    block->chart->name, block->chart->name);
        }
        break;
    case SN_BLOCK_PICTURES:
        put_pictures(block, out);
        break;
    case SN_BLOCK_CODE:
        if (block->heading) put(out, "", block->heading, ":\n\n");
        fprintf(out, "```\n");
        for (const char *c = block->text; *c; c++) /* a fence in it would end it */
            fputc(*c == '`' ? '\'' : *c, out);
        fputs("```\n\n", out);
        break;
    }
}

void sn_render_markdown(const sn_document *document, FILE *out)
{
    put(out, "# ", document->title, "\n\n");
    put(out, "", document->subtitle, "\n\n");
    for (size_t i = 0; i < document->count; i++)
        put_block(&document->blocks[i], out);
}
