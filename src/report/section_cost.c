/* What each norm costs: the time of a step, calls and bytes of the sums across ranks. Every run counts, repetitions on other numbers of
   ranks above all. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sections.h"
#include "speed.h"
#include "syncnorm/base/missing.h"

/* A column per training step, over the group's runs on that many ranks that have it. Steps are those that the rows are about: an epoch
   at work has none yet. */
static double per_step(const sn_report_group *group, double ranks, const char *column)
{
    double sum = 0, steps = 0;
    for (size_t i = 0; i < group->count; i++) {
        size_t rows;
        const double mine = sn_report_total(&group->runs[i], column, &rows),
                     done = sn_report_steps(&group->runs[i]);
        if (!sn_report_on_ranks(&group->runs[i], ranks) || !rows || isnan(done)) continue;
        sum += mine;
        steps += done;
    }
    return steps > 0 ? sum / steps : SN_MISSING;
}

/* A column of the table of cost: one of /metrics/epoch, per step. */
typedef struct quantity {
    const char *heading, *column;
    int digits;
    double unit;
} quantity;

/* What training itself needs is statistics and gradient; running statistics ride in the gradient's message. */
static const quantity quantities[] = {
    {"step (ms)", "seconds", 3, 1000},
    {"computation (ms)", "compute_seconds_mean", 3, 1000},
    {"statistics (ms)", "statistics_seconds_mean", 3, 1000},
    {"gradient (ms)", "gradient_seconds_mean", 3, 1000},
    {"instrument (ms)", "instrument_seconds_mean", 3, 1000},
    {"of these waiting (ms)", "wait_seconds_mean", 3, 1000},
    {"statistics calls", "statistics_calls", 1, 1},
    {"statistics bytes", "statistics_bytes", 0, 1},
    {"statistics bytes as float32", "statistics_bytes_float32", 0, 1},
    {"gradient calls", "gradient_calls", 1, 1},
    {"gradient bytes", "gradient_bytes", 0, 1},
    {"gradient bytes as float32", "gradient_bytes_float32", 0, 1},
    {"running statistics bytes", "running_bytes", 0, 1},
    {"running statistics bytes as float32", "running_bytes_float32", 0, 1},
    {"instrument calls", "instrument_calls", 3, 1},
    {"instrument bytes", "instrument_bytes", 0, 1},
    {"instrument bytes as float32", "instrument_bytes_float32", 0, 1},
};
enum { QUANTITIES = sizeof quantities / sizeof *quantities };

static void add_table(sn_document *document, const sn_report_runs *runs)
{
    sn_report_table *table = sn_report_table_create(
        "cost", "Per training step, mean over all steps; times also over ranks");
    sn_report_table_column(table, false, "experiment");
    sn_report_table_column(table, true, "ranks");
    sn_report_table_column(table, true, "images/s");
    for (size_t i = 0; i < QUANTITIES; i++)
        sn_report_table_column(table, true, "%s", quantities[i].heading);
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_report_group *group = &runs->groups[g];
        for (double ranks = sn_report_next_ranks(group, 0); !isnan(ranks);
             ranks = sn_report_next_ranks(group, ranks)) {
            sn_put_group(table, group);
            sn_report_table_number(table, 0, ranks);
            sn_report_table_number(table, 0, sn_report_speed(group, ranks));
            for (size_t i = 0; i < QUANTITIES; i++)
                sn_report_table_number(table, quantities[i].digits,
                                       quantities[i].unit * per_step(group, ranks, quantities[i].column));
        }
    }
    if (sn_report_table_rows(table) == 0) {
        sn_report_table_destroy(table);
        sn_document_leave_out(
            document, "the table of cost",
            "no run here says on how many ranks it ran, or all were on several numbers of them");
        return;
    }
    sn_report_table_drop_empty(table);
    sn_document_table(document, NULL, table);
    sn_document_text(
        document,
        "Statistics are the sums of batch statistics and of their gradients across "
        "ranks; gradient is the one sum of a step over "
        "all parameters: training needs these two. Running statistics ride in the gradient's message. The "
        "instrument's are what only the figures of disagreement and of running statistics need. Calls and "
        "bytes are the experiment's: with a rank for each "
        "worker, or, of one worker, several ranks that share its batch. "
        "Exact sums send 64-bit integers; the columns as float32 say "
        "what rounded sums would have sent. "
        "A step's time is the first rank's, its parts are means over the ranks, so that with their waiting "
        "they may add up to more. Waiting is what a rank's sums took in an epoch beyond the least of the "
        "ranks: of ranks that "
        "are late in turns it does not tell. Times depend on the machine and its load; results do not.");
}

/* A row is of one number of ranks; a run that went on with others has rows of all of them, and does not say which is which. */
static void tell_mixed(sn_document *document, const sn_report_runs *runs)
{
    size_t mixed = 0;
    for (size_t i = 0; i < runs->count; i++)
        mixed += runs->runs[i].run.provenance_count > 1 && isnan(sn_report_ranks(&runs->runs[i]));
    if (mixed)
        sn_document_note(
            document,
            "%zu of %zu runs went on with another number of ranks than they began with. Their "
            "epochs are in no figure and no row of this section, which are about one number of ranks each.",
            mixed, runs->count);
}

enum { PARTS = 5, BARS_MAX = 24 };
static const struct {
    const char *column, *label;
    size_t style;
    double least; /* of all time: less is not drawn */
} parts[PARTS] = {{"compute_seconds_mean", "computation", 0, -1},
                  {"statistics_seconds_mean", "statistics sums", 1, 1e-4},
                  {"gradient_seconds_mean", "gradient sums", 2, 1e-4},
                  {"instrument_seconds_mean", "instrument sums", 3, 1e-4},
                  {"seconds", "other", 7, 0.01}}; /* what the recorded parts leave */

/* The runs of a group on one number of ranks: milliseconds of a step in each part. */
typedef struct bar {
    const sn_report_group *group;
    double ranks, parts[PARTS];
} bar;

static bool measure_bar(const sn_report_group *group, double ranks, bar *b)
{
    *b = (bar){.group = group, .ranks = ranks};
    if (isnan(per_step(group, ranks, parts[0].column))) return false;
    double known = 0;
    for (int p = 0; p < PARTS - 1; p++) {
        b->parts[p] = fmax(0, 1000 * per_step(group, ranks, parts[p].column));
        known += b->parts[p];
    }
    b->parts[PARTS - 1] = fmax(0, 1000 * per_step(group, ranks, parts[PARTS - 1].column) - known);
    return true;
}

/* Up to BARS_MAX of them; returns how many there are. */
static size_t measure_bars(const sn_report_runs *runs, bar bars[BARS_MAX])
{
    size_t count = 0;
    for (size_t g = 0; g < runs->group_count; g++)
        for (double ranks = sn_report_next_ranks(&runs->groups[g], 0); !isnan(ranks);
             ranks = sn_report_next_ranks(&runs->groups[g], ranks)) {
            bar one;
            if (!measure_bar(&runs->groups[g], ranks, &one)) continue;
            if (count < BARS_MAX) bars[count] = one;
            count++;
        }
    return count;
}

static void add_time_split(sn_document *document, const sn_report_runs *runs)
{
    bar bars[BARS_MAX];
    const size_t count = measure_bars(runs, bars), shown = count < BARS_MAX ? count : BARS_MAX;
    const bool differ = sn_report_ranks_differ(runs);
    double all = 0, totals[PARTS] = {0};
    sn_chart *chart = sn_chart_create("time-split", "Where the time of a step goes", "milliseconds per step",
                                      "time of a step (ms)");
    if (chart) chart->form = SN_CHART_STACKED;
    for (size_t i = 0; i < shown; i++) {
        char label[SN_REPORT_LABEL + 32];
        snprintf(label, sizeof label, differ ? "%s, %g rank%s" : "%s", bars[i].group->brief, bars[i].ranks,
                 bars[i].ranks > 1 ? "s" : "");
        sn_chart_add_bar(chart, label);
        for (int p = 0; p < PARTS; p++) {
            all += bars[i].parts[p];
            totals[p] += bars[i].parts[p];
        }
    }
    for (size_t p = 0; p < PARTS; p++) {
        if (!(totals[p] > parts[p].least * all)) continue;
        sn_chart_add_series(chart, parts[p].label, SN_SERIES_LINE, parts[p].style);
        for (size_t i = 0; i < shown; i++)
            sn_chart_add_point(chart,
                               (sn_chart_point){(double)i + 1, bars[i].parts[p], SN_MISSING, SN_MISSING});
    }
    static const char caption[] =
        "Mean over ranks and steps. The sums include waiting for the slowest rank; all "
        "includes what else the machine did.";
    if (shown < count)
        sn_chart_caption(chart, "%s The first %zu of %zu are drawn; the table below has all.", caption, shown,
                         count);
    else
        sn_chart_caption(chart, "%s", caption);
    sn_add_chart(document, chart, "these runs did not record it");
}

void sn_section_cost(sn_document *document, const sn_report_runs *runs)
{
    sn_document_section(document, "Cost");
    tell_mixed(document, runs);
    add_time_split(document, runs);
    sn_add_scaling(document, runs);
    add_table(document, runs);
    sn_document_end_section(document);
}
