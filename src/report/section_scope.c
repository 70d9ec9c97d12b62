/* Test error against the number of samples whose statistics are pooled: by --bn-scope, and by --workers where each worker has
   its own. A line joins experiments that are the same in everything else. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "groups.h"
#include "sections.h"
#include "syncnorm/base/missing.h"
#include "syncnorm/train/compare.h"

/* An experiment with batch statistics, and the line it is on. */
typedef struct pooled {
    const sn_report_group *group;
    size_t style;
    double samples;
    bool drawn;   /* on a line of the kind at work */
    bool on_line; /* of any kind */
} pooled;

typedef struct member {
    pooled *of;
} member;

static double scope_of(const sn_report_group *group)
{
    return sn_experiment_scope_samples(sn_report_experiment(group));
}

bool sn_is_per_worker(const sn_report_group *group)
{
    return strcmp(sn_report_text(sn_report_experiment(group), "bn_scope"), "worker") == 0;
}

bool sn_is_by_worker(const sn_report_group *group)
{
    const double workers = sn_attributes_number(sn_report_experiment(group), "workers");
    return sn_is_per_worker(group) ||
           (workers <= 1 && scope_of(group) >= sn_attributes_number(sn_report_experiment(group), "batch"));
}

static bool is_scope(const char *attribute)
{
    return strcmp(attribute, "bn_scope") == 0;
}

static bool is_scope_or_workers(const char *attribute)
{
    return is_scope(attribute) || strcmp(attribute, "workers") == 0;
}

static bool is_scope_or_running(const char *attribute)
{
    return is_scope(attribute) || strcmp(attribute, "running_stats") == 0;
}

/* Whose running statistics is a question for statistics per worker alone. */
static bool same_but_scope(const sn_report_group *a, const sn_report_group *b)
{
    return sn_experiments_same(sn_report_experiment(a), sn_report_experiment(b),
                               sn_is_per_worker(a) && sn_is_per_worker(b) ? is_scope : is_scope_or_running);
}

static bool same_but_workers(const sn_report_group *a, const sn_report_group *b)
{
    return sn_is_by_worker(a) && sn_is_by_worker(b) &&
           sn_experiments_same(sn_report_experiment(a), sn_report_experiment(b), is_scope_or_workers);
}

static int by_samples(const void *left, const void *right)
{
    const pooled *a = ((const member *)left)->of, *b = ((const member *)right)->of;
    return a->samples < b->samples ? -1 : a->samples > b->samples;
}

/* Those on a line with `first`, by their samples, no number twice: where it is (groups of 8, and 8 workers of 64 samples), the first one
   is on this line and the other on another. */
static size_t collect(pooled *all, size_t count, const pooled *first,
                      bool (*joins)(const sn_report_group *a, const sn_report_group *b), member *line)
{
    size_t members = 0;
    for (size_t i = 0; i < count; i++) {
        bool taken = all[i].drawn || !joins(first->group, all[i].group);
        for (size_t k = 0; k < members && !taken; k++)
            taken = line[k].of->samples >= all[i].samples && line[k].of->samples <= all[i].samples;
        if (!taken) line[members++].of = &all[i];
    }
    qsort(line, members, sizeof *line, by_samples);
    return members;
}

static void draw(sn_chart *chart, const sn_report_group *group, const char *addition, const member *line,
                 size_t count, size_t style)
{
    char label[SN_REPORT_LABEL + 16], brief[SN_REPORT_LABEL + 16];
    snprintf(label, sizeof label, "%s%s", group->label, addition);
    snprintf(brief, sizeof brief, "%s%s", group->brief, addition);
    sn_chart_add_series(chart, label, SN_SERIES_ERRORS, style);
    sn_chart_title_series(chart, brief);
    for (size_t i = 0; i < count; i++) {
        const sn_estimate e = sn_report_estimate(line[i].of->group, sn_value_error, NULL);
        sn_chart_add_point(chart, (sn_chart_point){line[i].of->samples, e.mean, e.low, e.high});
    }
}

static void mark(const member *line, size_t count, bool on_line)
{
    for (size_t i = 0; i < count; i++) {
        line[i].of->drawn = true;
        line[i].of->on_line = line[i].of->on_line || on_line;
    }
}

static bool draw_by_scope(sn_chart *chart, pooled *all, size_t count, member *line)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        const size_t members = all[i].drawn ? 0 : collect(all, count, &all[i], same_but_scope, line);
        if (members < 2) continue;
        draw(chart, all[i].group, "", line, members, all[i].style);
        mark(line, members, true);
        any = true;
    }
    return any;
}

/* Lines by workers need two numbers of them. They go over points that lines by scope may have, too. */
static bool draw_by_workers(sn_chart *chart, pooled *all, size_t count, member *line)
{
    bool any = false;
    for (size_t i = 0; i < count; i++)
        all[i].drawn = false;
    for (size_t i = 0; i < count; i++) {
        if (all[i].drawn || !sn_is_by_worker(all[i].group)) continue;
        const size_t members = collect(all, count, &all[i], same_but_workers, line);
        size_t divided = 0, style = all[i].style;
        for (size_t k = 0; k < members; k++)
            if (sn_is_per_worker(line[k].of->group) && divided++ == 0) style = line[k].of->style;
        mark(line, members, divided >= 2);
        if (divided < 2) continue;
        draw(chart, all[i].group, ", by workers", line, members, style);
        any = true;
    }
    return any;
}

/* What has nothing beside it that differs in scope alone is a point. */
static void draw_single(sn_chart *chart, pooled *all, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const member single = {&all[i]};
        if (!all[i].on_line) draw(chart, all[i].group, "", &single, 1, all[i].style);
    }
}

/* Norms without batch statistics, where they were trained like one that is drawn. */
static void draw_across(sn_chart *chart, const sn_report_runs *runs, const pooled *all, size_t count)
{
    double low = HUGE_VAL, high = 0;
    for (size_t i = 0; i < count; i++) {
        low = fmin(low, all[i].samples);
        high = fmax(high, all[i].samples);
    }
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_report_group *group = &runs->groups[g];
        bool comparable = false;
        for (size_t i = 0; i < count && !comparable; i++)
            comparable = sn_experiments_same(sn_report_experiment(group), sn_report_experiment(all[i].group),
                                             sn_attribute_is_of_norm);
        if (!group->complete || !isnan(scope_of(group)) || !comparable) continue;
        const sn_estimate e = sn_report_estimate(group, sn_value_error, NULL);
        sn_add_group_series(chart, group, SN_SERIES_ACROSS, g);
        sn_chart_add_point(chart, (sn_chart_point){low, e.mean, e.low, e.high});
        sn_chart_add_point(chart, (sn_chart_point){high, e.mean, e.low, e.high});
    }
}

void sn_add_error_by_scope(sn_document *document, const sn_report_runs *runs)
{
    char y_label[64];
    snprintf(y_label, sizeof y_label, "%s error (%%)", sn_report_judge(runs));
    sn_chart *chart = sn_chart_create("error-by-scope", "Error by samples per statistics group",
                                      "samples per statistics group", y_label);
    pooled *all = calloc(runs->group_count + 1, sizeof *all);
    member *line = calloc(runs->group_count + 1, sizeof *line);
    if (!chart || !all || !line) document->failed = true;
    size_t count = 0;
    for (size_t g = 0; all && g < runs->group_count; g++) {
        const sn_report_group *group = &runs->groups[g];
        if (group->complete && !isnan(scope_of(group)))
            all[count++] = (pooled){group, g, scope_of(group), false, false};
    }
    if (chart) chart->x_axis = SN_AXIS_LOG2;
    sn_chart_caption(
        chart,
        "Batch norm with its statistics over the whole batch (the most samples of a line), over each "
        "worker's samples, "
        "or over groups: a line joins experiments that differ in nothing else. Norms that look at one sample "
        "have no such number: lines across, where they were trained alike. All are means over seeds, bars "
        "and bands 95 %% confidence intervals.");
    bool any = chart && line && draw_by_scope(chart, all, count, line);
    any = (chart && line && draw_by_workers(chart, all, count, line)) || any;
    if (any) draw_single(chart, all, count);
    if (any) draw_across(chart, runs, all, count);
    sn_add_chart(document, chart,
                 "it needs batch norm with two scopes of its statistics, --bn-scope or --workers");
    free(all);
    free(line);
}
