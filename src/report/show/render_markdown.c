#include "render.h"
#include "text.h"

static void put(FILE *out, const char *before, const char *text, const char *after)
{
    fputs(before, out);
    sn_put_text(out, SN_SYNTAX_MARKDOWN, text);
    fputs(after, out);
}

/* One picture of all, and in its order what each is. */
static void put_pictures(const sn_block *block, FILE *out)
{
    fprintf(out, "![%zu pictures, named below row by row](figures/%s)\n\n", block->picture_count,
            block->sheet);
    for (size_t i = 0; i < block->picture_count; i++) {
        const sn_report_picture *picture = &block->pictures[i];
        fprintf(out, "%zu. ", i + 1);
        put(out, "", picture->alternative, ": ");
        put(out, "", picture->note, "\n");
    }
    fputc('\n', out);
}

/* The fence is longer than any row of backquotes in the text, which would end it. */
static void put_code(const sn_block *block, FILE *out)
{
    size_t longest = 2, row = 0;
    for (const char *c = block->text; *c; c++) {
        row = *c == '`' ? row + 1 : 0;
        if (row > longest) longest = row;
    }
    if (block->heading) put(out, "", block->heading, ":\n\n");
    for (int end = 0; end < 2; end++) {
        for (size_t i = 0; i <= longest; i++)
            fputc('`', out);
        fputc('\n', out);
        if (end == 0) sn_put_lines(out, SN_SYNTAX_PLAIN, block->text);
    }
    fputc('\n', out);
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
        sn_put_running(out, SN_SYNTAX_MARKDOWN, block->text);
        fputs("\n\n", out);
        break;
    case SN_BLOCK_NOTE:
        put(out, "> ", block->text, "\n\n");
        break;
    case SN_BLOCK_TABLE:
        sn_render_table_markdown(block->table, out);
        break;
    case SN_BLOCK_CHART:
        fprintf(out, "**Figure %zu. ", block->chart->number);
        put(out, "", block->chart->title, ".** ");
        put(out, "", block->chart->caption, "\n\n");
        if (block->chart->svg) {
            put(out, "![", block->chart->title, "]");
            fprintf(out, "(figures/%s.svg)\n\n", block->chart->name);
        } else {
            fprintf(out,
                    "Not drawn: gnuplot was missing or failed. The data are in figures/%s.tsv, the script in "
                    "figures/%s.gp.\n\n",
                    block->chart->name, block->chart->name);
        }
        break;
    case SN_BLOCK_PICTURES:
        put_pictures(block, out);
        break;
    case SN_BLOCK_CODE:
        put_code(block, out);
        break;
    case SN_BLOCK_FILE:
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
