/* Speed by ranks: strong scaling, of one experiment on several numbers of ranks, and weak scaling, of experiments that are the same but for as many
   workers as ranks, each with a batch of one size. */

#include <math.h>
#include <string.h>

#include "sections.h"
#include "speed.h"
#include "syncnorm/base/missing.h"
#include "syncnorm/train/compare.h"

typedef struct point {
    double ranks, speed;
} point;

/* By ranks, ascending. */
enum { POINTS_MOST = 64 };
typedef struct line {
    char label[SN_REPORT_LABEL + 32], brief[SN_REPORT_LABEL + 32]; /* in the data, on the page */
    bool weak;
    size_t count;
    point points[POINTS_MOST];
} line;

static double number(const sn_report_group *group, const char *attribute)
{
    return sn_attributes_number(sn_report_experiment(group), attribute);
}

static bool is_size(const char *attribute)
{
    return strcmp(attribute, "workers") == 0 || strcmp(attribute, "batch") == 0;
}

static bool same_but_size(const sn_report_group *a, const sn_report_group *b)
{
    const double mine = number(a, "batch") * number(b, "workers"),
                 theirs = number(b, "batch") * number(a, "workers");
    return mine >= theirs && mine <= theirs &&
           sn_experiments_same(sn_report_experiment(a), sn_report_experiment(b), is_size);
}

static void add_point(line *l, double ranks, double speed)
{
    if (l->count == POINTS_MOST || isnan(speed)) return;
    size_t at = l->count++;
    for (; at > 0 && l->points[at - 1].ranks > ranks; at--)
        l->points[at] = l->points[at - 1];
    l->points[at] = (point){ranks, speed};
}

static void strong_line(const sn_report_group *group, line *l)
{
    *l = (line){0};
    snprintf(l->label, sizeof l->label, "%s", group->label);
    snprintf(l->brief, sizeof l->brief, "%s", group->brief);
    for (double ranks = sn_report_next_ranks(group, 0); !isnan(ranks);
         ranks = sn_report_next_ranks(group, ranks))
        add_point(l, ranks, sn_report_speed(group, ranks));
}

/* Of the groups from `first` on that go with it; none when it goes with one before. */
static void weak_line(const sn_report_runs *runs, size_t first, line *l)
{
    const sn_report_group *of = &runs->groups[first];
    *l = (line){.weak = true};
    snprintf(l->label, sizeof l->label, "%s, %g a rank", of->label,
             number(of, "batch") / number(of, "workers"));
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_report_group *group = &runs->groups[g];
        if (!same_but_size(of, group)) continue;
        if (g < first) {
            l->count = 0;
            return;
        }
        add_point(l, number(group, "workers"), sn_report_speed(group, number(group, "workers")));
    }
}

/* Whether the group has its point on a line of several. */
static bool on_weak_line(const sn_report_runs *runs, size_t g)
{
    size_t first = 0;
    while (first < g && !same_but_size(&runs->groups[first], &runs->groups[g]))
        first++;
    line l;
    weak_line(runs, first, &l);
    return l.count > 1 && !isnan(sn_report_speed(&runs->groups[g], number(&runs->groups[g], "workers")));
}

static double efficiency(const line *l, size_t i)
{
    return 100 * l->points[i].speed / l->points[0].speed * l->points[0].ranks / l->points[i].ranks;
}

static void add_rows(sn_report_table *table, const line *l)
{
    for (size_t i = 0; i < l->count; i++) {
        sn_report_table_name(table, l->brief, l->label);
        sn_report_table_cell(table, "%s", l->weak ? "weak" : "strong");
        sn_report_table_number(table, 0, l->points[i].ranks);
        sn_report_table_number(table, 0, l->points[i].speed);
        sn_report_table_number(table, 1, efficiency(l, i));
    }
}

static void add_line(sn_chart *speed, sn_chart *efficiencies, const line *l, size_t style)
{
    sn_chart_add_series(speed, l->label, SN_SERIES_LINE, style);
    sn_chart_title_series(speed, l->brief);
    sn_chart_add_series(efficiencies, l->label, SN_SERIES_LINE, style);
    sn_chart_title_series(efficiencies, l->brief);
    for (size_t i = 0; i < l->count; i++) {
        sn_chart_add_point(speed,
                           (sn_chart_point){l->points[i].ranks, l->points[i].speed, SN_MISSING, SN_MISSING});
        sn_chart_add_point(efficiencies,
                           (sn_chart_point){l->points[i].ranks, efficiency(l, i), SN_MISSING, SN_MISSING});
    }
}

static sn_chart *chart_of(const char *name, const char *title, const char *y_label)
{
    sn_chart *chart = sn_chart_create(name, title, "ranks", y_label);
    if (chart) chart->x_axis = SN_AXIS_LOG2;
    return chart;
}

void sn_add_scaling(sn_document *document, const sn_report_runs *runs)
{
    sn_chart *speed = chart_of("speed-by-ranks", "Speed by ranks", "training images/s");
    sn_chart *efficiencies = chart_of("efficiency-by-ranks", "Efficiency by ranks",
                                      "of the least ranks' speed (%)");
    sn_report_table *table = sn_report_table_create(
        "scaling", "Strong scaling: one batch, divided; weak: one batch size for each rank, a worker");
    if (speed) speed->y_axis = SN_AXIS_LOG;
    sn_chart_caption(speed, "Mean over epochs and runs; with one digest whatever the number of ranks.");
    sn_chart_caption(efficiencies, "Images/s of a rank, over those of a rank where there are fewest.");
    sn_report_table_column(table, false, "experiment");
    sn_report_table_column(table, false, "scaling");
    sn_report_table_column(table, true, "ranks");
    sn_report_table_column(table, true, "images/s");
    sn_report_table_column(table, true, "efficiency (%%)");
    const bool differ = sn_report_ranks_differ(runs);
    size_t lines = 0;
    for (int weak = 0; weak < 2; weak++)
        for (size_t g = 0; g < runs->group_count; g++) {
            line l;
            if (weak)
                weak_line(runs, g, &l);
            else
                strong_line(&runs->groups[g], &l);
            if (l.count < 2 && (weak || !differ || on_weak_line(runs, g))) continue;
            /* the colour is the experiment's, a dashed line weak scaling's */
            add_line(speed, l.count < 2 ? NULL : efficiencies, &l, g + (size_t)(weak ? SN_CHART_COLOURS : 0));
            if (l.count < 2) continue;
            add_rows(table, &l);
            lines++;
        }
    static const char missing[] = "the runs that kept to one number of ranks all had the same";
    sn_add_chart(document, speed, missing);
    if (lines) {
        sn_add_chart(document, efficiencies, missing);
        sn_document_table(document, NULL, table);
    } else {
        sn_chart_destroy(efficiencies);
        sn_report_table_destroy(table);
    }
}
