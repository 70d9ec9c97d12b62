/* Test error against the number of workers, the question of these studies: a line for each norm and scope, of a batch that stays; of one that
   grows with them in a second figure. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "groups.h"
#include "sections.h"
#include "syncnorm/train/compare.h"
#include "text.h"

static const char *const along[] = {"workers", "batch"};
enum { ALONG = sizeof along / sizeof *along };

typedef struct place {
    const sn_report_group *group;
    double workers;
} place;

static double number_of(const sn_report_group *group, const char *attribute)
{
    return sn_attributes_number(sn_report_experiment(group), attribute);
}

static bool is_of_workers(const char *attribute)
{
    return strcmp(attribute, "workers") == 0 || strcmp(attribute, "batch") == 0;
}

/* Of the batch that rates are given for there is nothing to scale by. */
static bool is_of_growth(const char *attribute)
{
    return is_of_workers(attribute) || strcmp(attribute, "lr_scaling") == 0;
}

/* `grows`: as many samples for each worker. */
static bool has_batch_of(const sn_report_group *a, const sn_report_group *b, bool grows)
{
    const double mine = number_of(a, "batch"), other = number_of(b, "batch");
    return fabs(mine * (grows ? number_of(b, "workers") : 1) -
                other * (grows ? number_of(a, "workers") : 1)) <= 0;
}

static bool are_same(const sn_report_group *a, const sn_report_group *b, bool (*but)(const char *))
{
    return sn_experiments_same(sn_report_experiment(a), sn_report_experiment(b), but);
}

bool sn_begins_per_worker(const sn_report_group *one, const sn_report_group *many)
{
    return number_of(one, "workers") <= 1 && sn_is_by_worker(one) && number_of(many, "workers") > 1 &&
           sn_is_per_worker(many) &&
           sn_experiments_respects(sn_report_experiment(one), sn_report_experiment(many)) == 1;
}

static bool joins(const sn_report_group *line, const sn_report_group *group, bool grows)
{
    return has_batch_of(line, group, grows) &&
           (sn_begins_per_worker(group, line) ||
            (grows ? sn_experiments_scale_alike(sn_report_experiment(line), sn_report_experiment(group)) &&
                         are_same(line, group, is_of_growth)
                   : are_same(line, group, is_of_workers)));
}

static int by_workers(const void *left, const void *right)
{
    const double a = ((const place *)left)->workers, b = ((const place *)right)->workers;
    return a < b ? -1 : a > b;
}

/* The groups on the line of `first`, by workers, no number twice; none where an earlier group has drawn it, or will another. */
static size_t collect(const sn_report_runs *runs, const sn_report_group *first, bool grows, place *line)
{
    size_t count = 0;
    if (grows && sn_begins_growth(first)) return 0;
    for (const sn_report_group *group = runs->groups; group < runs->groups + runs->group_count; group++) {
        const double workers = number_of(group, "workers");
        if (!group->complete || isnan(workers) || !joins(first, group, grows)) continue;
        if (group < first && !(grows && sn_begins_growth(group)) &&
            sn_is_per_worker(group) == sn_is_per_worker(first))
            return 0;
        bool taken = false;
        for (size_t i = 0; i < count; i++)
            taken = taken || fabs(line[i].workers - workers) <= 0;
        if (!taken) line[count++] = (place){group, workers};
    }
    qsort(line, count, sizeof *line, by_workers);
    return count;
}

static bool draw(sn_chart *chart, const sn_report_runs *runs, const sn_report_group *first, bool grows,
                 place *line, size_t style)
{
    char brief[SN_REPORT_LABEL];
    const size_t count = collect(runs, first, grows, line);
    if (count < 2) return false;
    if (sn_report_brief_name(runs, first, along, ALONG, brief, sizeof brief) != SN_OK) {
        sn_error_clear();
        snprintf(brief, sizeof brief, "%s", first->brief);
    }
    sn_chart_add_series(chart, first->label, SN_SERIES_LINE, style);
    sn_chart_title_series(chart, brief);
    for (size_t i = 0; i < count; i++) {
        const sn_estimate e = sn_report_estimate(line[i].group, sn_value_error, NULL);
        sn_chart_add_point(chart, (sn_chart_point){line[i].workers, e.mean, e.low, e.high});
    }
    return true;
}

static size_t draw_lines(sn_chart *chart, const sn_report_runs *runs, bool grows)
{
    size_t lines = 0;
    place *line = calloc(runs->group_count + 1, sizeof *line);
    if (!line) chart->failed = true;
    chart->x_axis = SN_AXIS_LOG2;
    for (size_t g = 0; line && g < runs->group_count; g++) {
        const sn_report_group *first = &runs->groups[g];
        if (!first->complete || isnan(number_of(first, "workers"))) continue;
        lines += draw(chart, runs, first, grows, line, lines);
    }
    free(line);
    return lines;
}

void sn_add_error_by_workers(sn_document *document, const sn_report_runs *runs)
{
    char y_label[64];
    snprintf(y_label, sizeof y_label, "%s error (%%)", sn_report_judge(runs));
    sn_chart *stays = sn_chart_create("error-by-workers", "Error by workers", "workers", y_label);
    sn_chart *grows = sn_chart_create("error-by-workers-growing", "Error by workers, of a batch that grows",
                                      "workers", y_label);
    if (!stays || !grows) document->failed = true;
    sn_chart_caption(stays, "A line joins experiments that differ in their workers alone. Means over seeds, "
                            "bands 95 %% confidence intervals. One worker's statistics are those of the "
                            "batch, so that batch norm with statistics of each worker begins where the "
                            "synchronized one does.");
    sn_chart_caption(grows, "The same, of experiments that have as many samples on each worker.");
    if (stays) draw_lines(stays, runs, false);
    const bool any = grows && draw_lines(grows, runs, true);
    sn_add_chart(document, stays, "it needs experiments that differ in --workers alone");
    if (any)
        sn_add_chart(document, grows, NULL);
    else
        sn_chart_destroy(grows);
}
