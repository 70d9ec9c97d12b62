/* How long it takes to come to an accuracy: epochs, steps and samples, which are the same on any machine. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "groups.h"
#include "sections.h"
#include "syncnorm/base/ascending.h"
#include "syncnorm/base/memory.h"
#include "syncnorm/base/missing.h"

/* Epochs until a run has the accuracy; infinite: never. */
static double epochs_of_run(const sn_report_run *run, double target)
{
    for (size_t row = 0; row < run->run.epochs.rows; row++)
        if (sn_report_epoch_value(run, "test_accuracy", row) >= target) return (double)row + 1;
    return HUGE_VAL;
}

/* The median over the complete runs: of half that never reach it, none. */
typedef struct reach {
    size_t runs, reached;
    double epochs, steps, samples; /* NaN: half of the runs or more never do */
} reach;

static const sn_report_run *any_complete(const sn_report_group *group)
{
    const sn_report_run *run = group->runs;
    while (!run->shown || !run->complete)
        run++;
    return run;
}

static reach reach_of(sn_document *document, const sn_report_group *group, double target)
{
    reach r = {.epochs = SN_MISSING, .steps = SN_MISSING, .samples = SN_MISSING};
    double *epochs = calloc(group->count + 1, sizeof *epochs);
    if (!epochs) document->failed = true;
    for (size_t i = 0; epochs && i < group->count; i++) {
        const sn_report_run *run = &group->runs[i];
        if (!run->shown || !run->complete) continue;
        epochs[r.runs] = epochs_of_run(run, target);
        r.reached += isfinite(epochs[r.runs++]) != 0;
    }
    if (r.runs) {
        qsort(epochs, r.runs, sizeof *epochs, sn_ascending);
        const double median = (epochs[(r.runs - 1) / 2] + epochs[r.runs / 2]) / 2;
        if (isfinite(median)) {
            r.epochs = median;
            r.steps = sn_report_steps_of_rows(any_complete(group), median);
            r.samples = sn_report_samples_of_rows(any_complete(group), median);
        }
    }
    free(epochs);
    return r;
}

static void add_table(sn_document *document, const sn_report_runs *runs, const reach *reaches, double target)
{
    sn_report_table *table = sn_report_table_create("target", "To %.2f %% %s accuracy: medians over the runs",
                                                    target, sn_report_judge(runs));
    sn_report_table_column(table, false, "experiment");
    sn_report_table_column(table, true, "workers");
    sn_report_table_column(table, true, "batch");
    sn_report_table_column(table, true, "runs");
    sn_report_table_column(table, true, "runs that reach it");
    sn_report_table_column(table, true, "never");
    sn_report_table_column(table, true, "epochs");
    sn_report_table_column(table, true, "steps");
    sn_report_table_column(table, true, "samples");
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_attributes *e = sn_report_experiment(&runs->groups[g]);
        const reach *r = &reaches[g];
        if (r->runs == 0) continue;
        sn_put_group(table, &runs->groups[g]);
        sn_report_table_number(table, 0, sn_attributes_number(e, "workers"));
        sn_report_table_number(table, 0, sn_attributes_number(e, "batch"));
        sn_report_table_cell(table, "%zu", r->runs);
        sn_report_table_cell(table, "%zu", r->reached);
        sn_report_table_cell(table, "%zu", r->runs - r->reached);
        sn_report_table_number(table, 1, r->epochs);
        sn_report_table_number(table, 0, r->steps);
        sn_report_table_number(table, 0, r->samples);
    }
    sn_document_table(document, NULL, table);
}

/* ---- against batch and workers ---- */

static bool line_name(const sn_report_runs *runs, size_t group, char *name, size_t size)
{
    static const char *const size_of_run[] = {"batch", "workers", "lr_scaling"};
    const bool known = sn_report_brief_name(runs, &runs->groups[group], size_of_run, 3, name, size) == SN_OK;
    if (!known) sn_error_clear();
    return known;
}

static int by_x(const void *left, const void *right)
{
    return sn_ascending(&((const sn_chart_point *)left)->x, &((const sn_chart_point *)right)->x);
}

/* The first of the line that group g is on draws it all. */
static void add_line(sn_document *document, sn_chart *chart, const sn_report_runs *runs, const reach *reaches,
                     size_t g, const char *attribute)
{
    char mine[SN_REPORT_LABEL], other[SN_REPORT_LABEL];
    sn_chart_point *points = calloc(runs->group_count, sizeof *points);
    size_t count = 0;
    bool first = points && line_name(runs, g, mine, sizeof mine);
    if (!points) document->failed = true;
    for (size_t k = 0; first && k < runs->group_count; k++) {
        if (!line_name(runs, k, other, sizeof other) || strcmp(mine, other) != 0) continue;
        if (k < g) first = false;
        const double x = sn_attributes_number(sn_report_experiment(&runs->groups[k]), attribute);
        if (!isnan(x) && !isnan(reaches[k].steps))
            points[count++] = (sn_chart_point){x, reaches[k].steps, SN_MISSING, SN_MISSING};
    }
    if (first && count > 1) {
        qsort(points, count, sizeof *points, by_x);
        if (points[count - 1].x > points[0].x) {
            sn_chart_add_series(chart, mine, SN_SERIES_ERRORS, g);
            for (size_t k = 0; k < count; k++)
                if (k == 0 || points[k].x > points[k - 1].x) sn_chart_add_point(chart, points[k]);
        }
    }
    free(points);
}

static void add_figure(sn_document *document, const sn_report_runs *runs, const reach *reaches, double target,
                       const char *attribute)
{
    char name[64], title[96];
    snprintf(name, sizeof name, "target-by-%s", attribute);
    snprintf(title, sizeof title, "Steps to %.2f %% by %s", target, attribute);
    sn_chart *chart = sn_chart_create(name, title, attribute, "steps");
    if (!chart) {
        document->failed = true;
        return;
    }
    chart->x_axis = SN_AXIS_LOG2;
    chart->y_axis = SN_AXIS_LOG;
    sn_chart_caption(chart, "Median over the runs; what half of the runs never reach has no point.");
    for (size_t g = 0; g < runs->group_count; g++)
        add_line(document, chart, runs, reaches, g, attribute);
    sn_add_chart(document, chart, "it needs experiments that differ in it and reach the target");
}

void sn_section_target(sn_document *document, const sn_report_runs *runs, double target)
{
    if (!(target > 0)) return;
    reach *reaches = calloc(runs->group_count + 1, sizeof *reaches);
    if (!reaches) {
        document->failed = true;
        return;
    }
    size_t reached = 0, all = 0;
    for (size_t g = 0; g < runs->group_count; g++) {
        reaches[g] = reach_of(document, &runs->groups[g], target);
        reached += reaches[g].reached;
        all += reaches[g].runs;
    }
    sn_document_section(document, "Target");
    sn_document_text(document,
                     "%zu of %zu runs reach %.2f %%, first after the epochs below; evaluations are after "
                     "epochs, so that steps are whole "
                     "epochs'. What these cost in time on a machine is the section Price, with --machine.",
                     reached, all, target);
    add_table(document, runs, reaches, target);
    add_figure(document, runs, reaches, target, "batch");
    add_figure(document, runs, reaches, target, "workers");
    sn_document_end_section(document);
    free(reaches);
}
