#include "syncnorm/report/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "groups.h"
#include "outputs.h"
#include "picture.h"
#include "render.h"
#include "runs.h"
#include "sections.h"
#include "syncnorm/base/log.h"
#include "syncnorm/io/lock.h"
#include "syncnorm/io/whole_file.h"
#include "text.h"

/* A file of the report, as `put` writes it. */
static sn_status write_text(const char *directory, const char *name, const void *object,
                            void (*put)(const void *object, FILE *out))
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out) put(object, out);
    sn_status status = SN_OK;
    if (!out || fclose(out) != 0)
        status = sn_fail(SN_ERROR_MEMORY, "out of memory: %s", name);
    else
        status = sn_write_file(directory, name, text, size);
    free(text);
    return status;
}

static void put_page(const void *document, FILE *out)
{
    sn_render_page(document, out);
}

static void put_markdown(const void *document, FILE *out)
{
    sn_render_markdown(document, out);
}

static void put_csv(const void *table, FILE *out)
{
    sn_render_table_csv(table, out);
}

static void describe(sn_document *document, const sn_report_runs *runs)
{
    const sn_attributes *first = sn_report_experiment(&runs->groups[0]);
    const char *dataset = sn_report_text(first, "dataset");
    bool one = true;
    for (size_t g = 1; g < runs->group_count; g++)
        one = one && strcmp(dataset, sn_report_text(sn_report_experiment(&runs->groups[g]), "dataset")) == 0;
    document->title = sn_text("%s on %s", runs->group_count > 1 ? "Norms compared" : runs->groups[0].label,
                              !one       ? "several data sets"
                              : *dataset ? dataset
                                         : "unknown data");
    document->subtitle = sn_text(
        "%zu run%s of %zu experiment%s, trained data-parallel by syncnorm. The same "
        "experiment gives the same bits on any number of "
        "ranks: no difference here is the machine's. Chance remains: every seed "
        "differs, and so does a run whose learning rate differs in its seventh digit.",
        runs->count, runs->count == 1 ? "" : "s", runs->group_count, runs->group_count == 1 ? "" : "s");
    document->failed = document->failed || !document->title || !document->subtitle;
}

/* Data and scripts of all, and a gnuplot for all of them. */
static sn_status draw_together(sn_document *document, const char *directory, sn_report_outcome *outcome)
{
    sn_chart **charts = calloc(document->count + 1, sizeof(sn_chart *)); /* of pointers */
    if (!charts) return sn_fail(SN_ERROR_MEMORY, "out of memory: the figures");
    sn_status status = SN_OK;
    for (size_t i = 0; i < document->count && status == SN_OK; i++) {
        sn_chart *chart = document->blocks[i].chart;
        if (!chart) continue;
        charts[outcome->figures++] = chart;
        status = sn_chart_write(chart, directory);
    }
    if (status == SN_OK && outcome->figures) sn_charts_draw(charts, outcome->figures, directory);
    free(charts);
    return status;
}

/* What is not drawn then, one after the other; the first reason why one did not draw is the one that is told. */
static sn_status write_charts(sn_document *document, const char *directory, sn_report_outcome *outcome)
{
    char reason[256] = "";
    bool missing = false;
    SN_TRY(draw_together(document, directory, outcome));
    for (size_t i = 0; i < document->count; i++) {
        sn_chart *chart = document->blocks[i].chart;
        if (!chart) continue;
        char why[256] = "";
        if (chart->svg || (!missing && sn_chart_draw(chart, directory, why, sizeof why))) {
            outcome->drawn++;
            continue;
        }
        missing = missing || strstr(why, "not installed");
        if (!*reason) snprintf(reason, sizeof reason, "%s", why);
    }
    if (*reason)
        sn_log_warning("%zu of %zu figures are not drawn: %s; data and scripts are in %s",
                       outcome->figures - outcome->drawn, outcome->figures, reason, directory);
    return SN_OK;
}

/* The pictures of a block in one, ten to a row, twice their size. */
static sn_status write_sheet(const char *directory, const sn_block *block)
{
    enum { ROW = 10, SIDE = 28, SCALE = 2, CELL = SIDE * SCALE + 8 };
    const size_t rows = (block->picture_count + ROW - 1) / ROW;
    const size_t columns = block->picture_count < ROW ? block->picture_count : ROW;
    const size_t width = columns * CELL, height = rows * CELL;
    if (!rows) return SN_OK;
    unsigned char *sheet = malloc(width * height), *png = NULL;
    if (!sheet) return sn_fail(SN_ERROR_MEMORY, "out of memory: %s", block->sheet);
    memset(sheet, 255, width * height);
    for (size_t i = 0; i < block->picture_count; i++) {
        const size_t left = i % ROW * CELL + 4, top = i / ROW * CELL + 4;
        for (size_t y = 0; y < SIDE * SCALE; y++)
            for (size_t x = 0; x < SIDE * SCALE; x++)
                sheet[(top + y) * width + left + x] = block->pictures[i].grey[y / SCALE * SIDE + x / SCALE];
    }
    size_t size;
    sn_status status = sn_png_encode(sheet, width, height, &png, &size);
    if (status == SN_OK) status = sn_write_file(directory, block->sheet, png, size);
    free(png);
    free(sheet);
    return status;
}

static sn_status write_files(sn_document *document, const char *directory, sn_report_outcome *outcome)
{
    char *figures = sn_text("%s/figures", directory);
    if (!figures) return sn_fail(SN_ERROR_MEMORY, "out of memory");
    sn_status status = sn_make_directory(figures);
    if (status == SN_OK) status = sn_outputs_renew(document, directory);
    if (status == SN_OK) status = write_charts(document, figures, outcome);
    for (size_t i = 0; i < document->count && status == SN_OK; i++) {
        const sn_block *block = &document->blocks[i];
        if (block->sheet) status = write_sheet(figures, block);
        if (block->file && status == SN_OK)
            status = sn_write_file(directory, block->file, block->text, strlen(block->text));
        if (!block->table || status != SN_OK) continue;
        char *name = sn_text("%s.csv", block->table->name);
        status = name ? write_text(directory, name, block->table, put_csv)
                      : sn_fail(SN_ERROR_MEMORY, "out of memory");
        free(name);
    }
    free(figures);
    SN_TRY(status);
    SN_TRY(write_text(directory, "report.md", document, put_markdown));
    return write_text(directory, "report.html", document, put_page);
}

/* Two reports at once into a directory would remove each other's files. */
static sn_status write_document(sn_document *document, const char *directory, sn_report_outcome *outcome)
{
    sn_lock *lock = NULL;
    bool busy;
    SN_TRY(sn_document_status(document));
    SN_TRY(sn_make_directory(directory));
    char *page = sn_text("%s/report.html", directory);
    if (!page) return sn_fail(SN_ERROR_MEMORY, "out of memory");
    sn_status status = sn_lock_acquire(page, &lock, &busy);
    if (status == SN_OK) status = sn_whole_file_try(page); /* before anything is replaced */
    free(page);
    if (status == SN_OK) status = write_files(document, directory, outcome);
    sn_lock_release(lock);
    return status;
}

static sn_status refuse_baseline(const sn_report_runs *runs, const char *label)
{
    enum { NAMED_MAX = 12 };
    char *names = NULL;
    size_t size;
    FILE *out = open_memstream(&names, &size);
    for (size_t g = 0; out && g < runs->group_count && g < NAMED_MAX; g++) {
        fputs(g ? ", " : "", out);
        sn_put_text(out, SN_SYNTAX_PLAIN, runs->groups[g].brief);
    }
    if (out && runs->group_count > NAMED_MAX) fprintf(out, " and %zu more", runs->group_count - NAMED_MAX);
    if (!out || fclose(out) != 0) {
        free(names);
        return sn_fail(SN_ERROR_MEMORY, "out of memory");
    }
    const sn_status status = sn_fail(SN_ERROR_USAGE, "--baseline '%.60s': it must be one of %s", label,
                                     names);
    free(names);
    return status;
}

/* "a.json,b.json" */
static sn_status read_machines(const char *list, sn_machine machines[SN_MACHINES_MAX], size_t *count)
{
    *count = 0;
    while (list && *list) {
        char path[4096];
        const size_t length = strcspn(list, ",");
        if (*count == SN_MACHINES_MAX)
            return sn_fail(SN_ERROR_USAGE, "--machine: more than %d files", SN_MACHINES_MAX);
        snprintf(path, sizeof path, "%.*s", (int)length, list);
        SN_TRY(sn_machine_read(path, &machines[(*count)++]));
        list += length + (list[length] == ',');
    }
    return SN_OK;
}

static double margin_of(const sn_report_request *request)
{
    return request->margin > 0 ? request->margin : 0.1;
}

/* Read, in groups, with a verdict on each pair; both are to be cleared, whatever is returned. */
static sn_status read_runs(const sn_report_request *request, sn_report_runs *runs, sn_pairs *pairs)
{
    *pairs = (sn_pairs){0};
    SN_TRY(sn_report_runs_load(request->paths, request->path_count, runs));
    SN_TRY(sn_report_judge_by_last(runs, request->last ? request->last : 1));
    SN_TRY(sn_report_runs_group(runs));
    if (!sn_report_runs_choose_baseline(runs, request->baseline))
        return refuse_baseline(runs, request->baseline);
    return sn_report_pairs(runs, margin_of(request), pairs);
}

sn_status sn_report_answer(const char *const *paths, size_t count, const char *select, char **answer)
{
    sn_report_runs runs;
    sn_pairs pairs;
    sn_selection selection = {0};
    const sn_report_request request = {.paths = paths, .path_count = count};
    *answer = NULL;
    sn_status status = read_runs(&request, &runs, &pairs);
    if (status == SN_OK && select && sn_report_select(&runs, select, &selection) != SN_OK) {
        sn_error_clear(); /* nothing to choose by: what is there is compared */
        sn_selection_clear(&selection);
    }
    if (status == SN_OK && selection.count > 1) {
        sn_chosen best;
        status = sn_report_choose(&runs, selection.best, selection.count, margin_of(&request), &best);
        if (status == SN_OK) *answer = sn_selection_text(&runs, &selection, &best);
        sn_chosen_clear(&best);
    } else if (status == SN_OK) {
        *answer = sn_answer_text(&runs, &pairs);
    }
    if (*answer) {
        sn_without_links(*answer);
        sn_trim_lines(*answer);
    }
    sn_selection_clear(&selection);
    sn_report_pairs_clear(&pairs);
    sn_report_runs_clear(&runs);
    return status;
}

sn_status sn_report_write(const sn_report_request *request, sn_report_outcome *outcome)
{
    sn_report_runs runs;
    sn_pairs pairs;
    sn_document document = {0};
    sn_machine machines[SN_MACHINES_MAX];
    size_t machine_count;
    *outcome = (sn_report_outcome){0};
    SN_TRY(read_machines(request->machines, machines, &machine_count));
    sn_selection selection = {0};
    sn_status status = read_runs(request, &runs, &pairs);
    outcome->runs = runs.count;
    outcome->groups = runs.group_count;
    outcome->unreadable = runs.unreadable;
    if (status == SN_OK && request->select) status = sn_report_select(&runs, request->select, &selection);
    if (status == SN_OK && request->final_seeds)
        status = sn_final_commands(&runs, &selection, request->final_seeds, &outcome->commands);
    if (status == SN_OK) {
        describe(&document, &runs);
        status = sn_section_answer(&document, &runs, &pairs, &selection, margin_of(request));
    }
    if (status == SN_OK) {
        status = sn_section_selection(&document, &runs, &selection, margin_of(request));
    }
    if (status == SN_OK) {
        sn_section_comparison(&document, &runs, &pairs);
        sn_section_curves(&document, &runs);
        sn_section_statistics(&document, &runs);
        sn_section_cost(&document, &runs);
        sn_section_target(&document, &runs, request->target);
        sn_section_price(&document, &runs, machines, machine_count, request->target);
        sn_section_chance(&document, &runs);
        sn_section_calibration(&document, &runs);
        sn_section_mistakes(&document, &runs);
        sn_section_recipe(&document, &runs);
        status = write_document(&document, request->directory, outcome);
    }
    sn_selection_clear(&selection);
    sn_report_pairs_clear(&pairs);
    sn_document_clear(&document);
    sn_report_runs_clear(&runs);
    return status;
}
