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

static bool is_workers(const char *attribute)
{
    return strcmp(attribute, "workers") == 0;
}

static bool is_scope_or_workers(const char *attribute)
{
    return is_scope(attribute) || is_workers(attribute);
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

/* The group's, as in other figures; where those do not draw all, of this one alone, which has few. */
static size_t style_of(const sn_chart *chart, const sn_report_runs *runs, const sn_report_group *group)
{
    return sn_report_draws_all(runs) ? group->style : chart->series_count;
}

static void draw(sn_chart *chart, const char *label, const char *brief, const member *line, size_t count,
                 size_t style)
{
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

static bool draw_by_scope(sn_chart *chart, const sn_report_runs *runs, pooled *all, size_t count,
                          member *line)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        const size_t members = all[i].drawn ? 0 : collect(all, count, &all[i], same_but_scope, line);
        if (members < 2) continue;
        draw(chart, all[i].group->label, all[i].group->brief, line, members,
             style_of(chart, runs, all[i].group));
        mark(line, members, true);
        any = true;
    }
    return any;
}

/* By the name of its `first` in the data; on the page without the workers that its `divided` has. */
static void draw_line_by_workers(sn_chart *chart, const sn_report_runs *runs, const sn_report_group *first,
                                 const pooled *divided, const member *line, size_t count)
{
    static const char *const along[] = {"workers"};
    char name[SN_REPORT_LABEL], label[SN_REPORT_LABEL + 16], brief[SN_REPORT_LABEL + 16];
    if (sn_report_brief_name(runs, divided->group, along, 1, name, sizeof name) != SN_OK) {
        sn_error_clear();
        snprintf(name, sizeof name, "%s", divided->group->brief);
    }
    snprintf(label, sizeof label, "%s, by workers", first->label);
    snprintf(brief, sizeof brief, "%s, by workers", name);
    draw(chart, label, brief, line, count, style_of(chart, runs, divided->group));
}

/* Lines by workers need two numbers of them. They go over points that lines by scope may have, too. */
static bool draw_by_workers(sn_chart *chart, const sn_report_runs *runs, pooled *all, size_t count,
                            member *line)
{
    bool any = false;
    for (size_t i = 0; i < count; i++)
        all[i].drawn = false;
    for (size_t i = 0; i < count; i++) {
        if (all[i].drawn || !sn_is_by_worker(all[i].group)) continue;
        const size_t members = collect(all, count, &all[i], same_but_workers, line);
        size_t divided = 0;
        const pooled *least = NULL;
        for (size_t k = members; k-- > 0;)
            if (sn_is_per_worker(line[k].of->group)) {
                divided++;
                least = line[k].of;
            }
        mark(line, members, divided >= 2);
        if (divided < 2) continue;
        draw_line_by_workers(chart, runs, all[i].group, least, line, members);
        any = true;
    }
    return any;
}

/* What has nothing beside it that differs in scope alone is a point. */
static void draw_single(sn_chart *chart, const sn_report_runs *runs, pooled *all, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const member single = {&all[i]};
        if (!all[i].on_line)
            draw(chart, all[i].group->label, all[i].group->brief, &single, 1,
                 style_of(chart, runs, all[i].group));
    }
}

/* A norm without batch statistics that was trained like one that is drawn. */
static bool is_across(const sn_report_group *group, const pooled *all, size_t count)
{
    if (!group->complete || !isnan(scope_of(group))) return false;
    for (size_t i = 0; i < count; i++)
        if (sn_experiments_same(sn_report_experiment(group), sn_report_experiment(all[i].group),
                                sn_attribute_is_of_norm))
            return true;
    return false;
}

static double workers_of(const sn_report_group *group)
{
    return sn_attributes_number(sn_report_experiment(group), "workers");
}

static bool has_fewest_workers(const sn_report_runs *runs, const sn_report_group *group, const pooled *all,
                               size_t count)
{
    for (const sn_report_group *g = runs->groups; g < runs->groups + runs->group_count; g++)
        if (workers_of(g) < workers_of(group) && is_across(g, all, count) &&
            sn_experiments_same(sn_report_experiment(g), sn_report_experiment(group), is_workers))
            return false;
    return true;
}

/* More workers are no other norm: one line is enough. */
static void draw_across(sn_chart *chart, const sn_report_runs *runs, const pooled *all, size_t count)
{
    double low = HUGE_VAL, high = 0;
    for (size_t i = 0; i < count; i++) {
        low = fmin(low, all[i].samples);
        high = fmax(high, all[i].samples);
    }
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_report_group *group = &runs->groups[g];
        if (!is_across(group, all, count) || !has_fewest_workers(runs, group, all, count)) continue;
        const sn_estimate e = sn_report_estimate(group, sn_value_error, NULL);
        sn_add_group_series(chart, group, SN_SERIES_ACROSS, style_of(chart, runs, group));
        sn_chart_add_point(chart, (sn_chart_point){low, e.mean, e.low, e.high});
        sn_chart_add_point(chart, (sn_chart_point){high, e.mean, e.low, e.high});
    }
}

/* Of a batch that stays or of one that `grows` with the workers; false where nothing differs in scope. */
static bool draw_lines(sn_chart *chart, const sn_report_runs *runs, bool grows)
{
    pooled *all = calloc(runs->group_count + 1, sizeof *all);
    member *line = calloc(runs->group_count + 1, sizeof *line);
    bool any = false;
    if (all && line) {
        size_t count = 0;
        for (size_t g = 0; g < runs->group_count; g++) {
            const sn_report_group *group = &runs->groups[g];
            if (group->complete && !isnan(scope_of(group)) && sn_grows(runs, group) == grows)
                all[count++] = (pooled){group, scope_of(group), false, false};
        }
        chart->x_axis = SN_AXIS_LOG2;
        any = draw_by_scope(chart, runs, all, count, line);
        any = draw_by_workers(chart, runs, all, count, line) || any;
        if (any) draw_single(chart, runs, all, count);
        if (any && !grows) draw_across(chart, runs, all, count);
    } else
        chart->failed = true;
    free(all);
    free(line);
    return any;
}

void sn_add_error_by_scope(sn_document *document, const sn_report_runs *runs)
{
    char y_label[64];
    snprintf(y_label, sizeof y_label, "%s error (%%)", sn_report_judge(runs));
    sn_chart *stays = sn_chart_create("error-by-scope", "Error by samples per statistics group",
                                      "samples per statistics group", y_label);
    sn_chart *grows = sn_chart_create("error-by-scope-growing",
                                      "Error by samples per statistics group, of a batch that grows",
                                      "samples per statistics group", y_label);
    if (!stays || !grows) document->failed = true;
    sn_chart_caption(
        stays,
        "Batch norm with its statistics over the whole batch (the most samples of a line), over each "
        "worker's samples, "
        "or over groups: a line joins experiments that differ in nothing else. Norms that look at one sample "
        "have no such number: lines across, of the fewest workers, where they were trained alike. All are "
        "means over seeds, bars and bands 95 %% confidence intervals.");
    sn_chart_caption(grows, "The same of batch norm, where the batch grows with the workers.");
    if (stays) draw_lines(stays, runs, false);
    const bool any = grows && draw_lines(grows, runs, true);
    sn_add_chart(document, stays,
                 "it needs batch norm with two scopes of its statistics, --bn-scope or --workers");
    if (any)
        sn_add_chart(document, grows, NULL);
    else
        sn_chart_destroy(grows);
}
