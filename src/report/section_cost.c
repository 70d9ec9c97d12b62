/* What each norm costs: the time of a step, calls and bytes of the sums across ranks, speed by ranks. Every run counts, repetitions
   on other numbers of ranks above all. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "missing.h"
#include "sections.h"

static double ranks_of(const sn_report_run *run)
{
    const size_t entries = run->run.provenance_count;
    return entries ? sn_report_number(&run->run.provenance[entries - 1], "ranks") : SN_MISSING;
}

static bool on_ranks(const sn_report_run *run, double ranks)
{
    const double mine = ranks_of(run);
    return isnan(ranks) ? isnan(mine) : mine >= ranks && mine <= ranks;
}

/* The next larger number of ranks that a run of the group had, NaN after the last. */
static double next_ranks(const sn_report_group *group, double after)
{
    double next = SN_MISSING;
    for (size_t i = 0; i < group->count; i++) {
        const double ranks = ranks_of(&group->runs[i]);
        if (group->runs[i].run.epochs.rows && ranks > after && !(ranks >= next)) next = ranks;
    }
    return next;
}

/* Over all epochs of the group's runs on that many ranks. */
static double total(const sn_report_group *group, double ranks, const char *column)
{
    double sum = 0;
    bool any = false;
    for (size_t i = 0; i < group->count; i++)
        for (size_t row = 0; on_ranks(&group->runs[i], ranks) && row < group->runs[i].run.epochs.rows;
             row++) {
            const double value = sn_report_epoch_value(&group->runs[i], column, row);
            if (isnan(value)) continue;
            sum += value;
            any = true;
        }
    return any ? sum : SN_MISSING;
}

static double steps(const sn_report_group *group, double ranks)
{
    double sum = 0;
    for (size_t i = 0; i < group->count; i++) {
        const double done = sn_report_steps(&group->runs[i]);
        if (on_ranks(&group->runs[i], ranks) && !isnan(done)) sum += done;
    }
    return sum > 0 ? sum : SN_MISSING;
}

static double speed(const sn_report_group *group, double ranks)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < group->count; i++)
        for (size_t row = 0; on_ranks(&group->runs[i], ranks) && row < group->runs[i].run.epochs.rows;
             row++) {
            const double value = sn_report_epoch_value(&group->runs[i], "images_per_second", row);
            if (isnan(value)) continue;
            sum += value;
            count++;
        }
    return count ? sum / (double)count : SN_MISSING;
}

static void add_table(sn_document *document, const sn_report_runs *runs)
{
    static const char *const times[] = {"seconds", "compute_seconds_mean", "statistics_seconds_mean",
                                        "gradient_seconds_mean", "wait_seconds_mean"};
    static const char *const counts[] = {"statistics_calls", "statistics_bytes", "statistics_bytes_float32",
                                         "gradient_calls",   "gradient_bytes",   "gradient_bytes_float32"};
    sn_report_table *table = sn_report_table_create(
        "cost", "Per training step, mean over all steps; times also over ranks");
    sn_report_table_column(table, false, "experiment");
    static const char *const headings[] = {"ranks",
                                           "images/s",
                                           "step (ms)",
                                           "computation (ms)",
                                           "statistics (ms)",
                                           "gradient (ms)",
                                           "of these waiting (ms)",
                                           "statistics calls",
                                           "statistics bytes",
                                           "statistics bytes as float32",
                                           "gradient calls",
                                           "gradient bytes",
                                           "gradient bytes as float32"};
    for (size_t i = 0; i < sizeof headings / sizeof *headings; i++)
        sn_report_table_column(table, true, "%s", headings[i]);
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_report_group *group = &runs->groups[g];
        for (double ranks = next_ranks(group, 0); !isnan(ranks); ranks = next_ranks(group, ranks)) {
            const double n = steps(group, ranks);
            sn_report_table_cell(table, "%s", group->label);
            sn_report_table_number(table, 0, ranks);
            sn_report_table_number(table, 0, speed(group, ranks));
            for (size_t i = 0; i < sizeof times / sizeof *times; i++)
                sn_report_table_number(table, 3, 1000 * total(group, ranks, times[i]) / n);
            for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
                sn_report_table_number(table, i % 3 ? 0 : 1, total(group, ranks, counts[i]) / n);
        }
    }
    if (sn_report_table_rows(table) == 0) {
        sn_report_table_destroy(table);
        sn_document_leave_out(document, "the table of cost", "no run here says on how many ranks it ran");
        return;
    }
    sn_report_table_drop_empty(table);
    sn_document_table(document, NULL, table);
    sn_document_text(document, "Statistics are the sums of batch statistics and of their gradients across "
                               "ranks; gradient is the one sum of a step over "
                               "all parameters. Exact sums send 64-bit integers; the columns as float32 say "
                               "what rounded sums would have sent. "
                               "Times depend on the machine and its load; results do not.");
}

static bool ranks_differ(const sn_report_runs *runs)
{
    for (size_t g = 0; g < runs->group_count; g++) {
        const double first = next_ranks(&runs->groups[0], 0), mine = next_ranks(&runs->groups[g], 0);
        if (first < mine || first > mine || !isnan(next_ranks(&runs->groups[g], mine))) return true;
    }
    return false;
}

/* What the recorded parts leave of all the time. */
static double other_share(const sn_report_runs *runs)
{
    double all = 0, known = 0;
    for (size_t g = 0; g < runs->group_count; g++)
        for (double ranks = next_ranks(&runs->groups[g], 0); !isnan(ranks);
             ranks = next_ranks(&runs->groups[g], ranks)) {
            const double compute = total(&runs->groups[g], ranks, "compute_seconds_mean");
            if (isnan(compute)) continue;
            all += fmax(0, total(&runs->groups[g], ranks, "seconds"));
            known += compute + fmax(0, total(&runs->groups[g], ranks, "statistics_seconds_mean")) +
                     fmax(0, total(&runs->groups[g], ranks, "gradient_seconds_mean"));
        }
    return all > 0 ? 1 - known / all : 0;
}

static void add_time_split(sn_document *document, const sn_report_runs *runs)
{
    enum { BARS_MAX = 24 };
    static const struct {
        const char *column, *label;
    } parts[] = {{"compute_seconds_mean", "computation"},
                 {"statistics_seconds_mean", "statistics sums"},
                 {"gradient_seconds_mean", "gradient sums"},
                 {NULL, "other"}};
    enum { PARTS = sizeof parts / sizeof *parts };
    sn_chart *chart = sn_chart_create("time-split", "Where the time of a step goes", "milliseconds per step",
                                      "time of a step (ms)");
    if (chart) chart->stacked = true;
    sn_chart_caption(chart, "Mean over ranks and steps. The sums include waiting for the slowest rank.");
    const bool differ = ranks_differ(runs);
    for (size_t p = 0; p < PARTS; p++) {
        if (!parts[p].column && !(other_share(runs) > 0.01)) break;
        sn_chart_add_series(chart, parts[p].label, SN_SERIES_LINE, p == PARTS - 1 ? 7 : p);
        size_t bars = 0;
        for (size_t g = 0; g < runs->group_count; g++) {
            const sn_report_group *group = &runs->groups[g];
            for (double ranks = next_ranks(group, 0); !isnan(ranks); ranks = next_ranks(group, ranks)) {
                const double n = steps(group, ranks) / 1000;
                if (isnan(total(group, ranks, parts[0].column)) || isnan(n) || bars++ == BARS_MAX) break;
                double known = 0;
                for (size_t k = 0; k < PARTS - 1; k++)
                    known += fmax(0, total(group, ranks, parts[k].column));
                const double value = parts[p].column ? fmax(0, total(group, ranks, parts[p].column))
                                                     : fmax(0, total(group, ranks, "seconds") - known);
                sn_chart_add_point(chart, (sn_chart_point){(double)bars, value / n, SN_MISSING, SN_MISSING});
                if (p) continue;
                char label[SN_REPORT_LABEL + 32];
                snprintf(label, sizeof label, differ ? "%s, %g rank%s" : "%s", group->label, ranks,
                         ranks > 1 ? "s" : "");
                sn_chart_add_bar(chart, label);
            }
        }
    }
    sn_add_chart(document, chart, "these runs did not record it");
}

static void add_speed_by_ranks(sn_document *document, const sn_report_runs *runs)
{
    sn_chart *chart = sn_chart_create("speed-by-ranks", "Speed by ranks", "ranks", "training images/s");
    if (chart) chart->x_axis = SN_AXIS_LOG2;
    if (chart) chart->y_axis = SN_AXIS_LOG;
    sn_chart_caption(chart, "Mean over epochs and runs; with one digest whatever the number of ranks.");
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_report_group *group = &runs->groups[g];
        sn_chart_add_series(chart, group->label, SN_SERIES_LINE, g);
        if (!ranks_differ(runs)) continue;
        for (double ranks = next_ranks(group, 0); !isnan(ranks); ranks = next_ranks(group, ranks))
            sn_chart_add_point(chart, (sn_chart_point){ranks, speed(group, ranks), SN_MISSING, SN_MISSING});
    }
    sn_add_chart(document, chart, "all runs had the same number of ranks");
}

void sn_section_cost(sn_document *document, const sn_report_runs *runs)
{
    sn_document_section(document, "Cost");
    add_time_split(document, runs);
    add_speed_by_ranks(document, runs);
    add_table(document, runs);
    sn_document_end_section(document);
}
