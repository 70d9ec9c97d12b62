/* What the same results cost on machines that somebody else has: their bits do not depend on it. Predicted from machine files (price/price.h). */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "groups.h"
#include "sections.h"
#include "syncnorm/base/missing.h"
#include "syncnorm/train/compare.h"

enum { MOST_RANKS = 4096, WORKER_BATCH = 64, TIE_PERCENT = 5 };

/* What is priced whatever the runs are. */
static const struct {
    const char *label;
    sn_norm_kind norm;
    bool synchronized;
} lines[] = {{"gn", SN_NORM_GROUP, false},
             {"ln", SN_NORM_LAYER, false},
             {"bn, synchronized", SN_NORM_BATCH, true},
             {"bn, by worker", SN_NORM_BATCH, false}};
enum { LINES = sizeof lines / sizeof *lines };

/* Seconds of a step of a global batch of 64, or of 64 for each rank. */
static double step_of_line(const sn_machine *machine, size_t line, bool weak, int ranks)
{
    const uint32_t batch = WORKER_BATCH * (uint32_t)(weak ? ranks : 1);
    const uint32_t scope = lines[line].synchronized ? batch : sn_share_of(batch, 0, ranks).count;
    const sn_price_work work = {.norm = lines[line].norm, .groups = 2, .batch = batch, .scope = scope};
    return sn_price_total(sn_price_step(machine, &work, ranks));
}

/* ---- what the runs reached ---- */

/* Mean test accuracy after an epoch, NaN where not all shown runs have it. */
static double accuracy_after(const sn_report_group *group, size_t row)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < group->count; i++) {
        if (!group->runs[i].shown) continue;
        sum += sn_report_epoch_value(&group->runs[i], "test_accuracy", row);
        count++;
    }
    return count ? sum / (double)count : SN_MISSING;
}

static size_t epochs_of(const sn_report_group *group)
{
    size_t most = 0;
    for (size_t i = 0; i < group->count; i++)
        if (group->runs[i].run.epochs.rows > most) most = group->runs[i].run.epochs.rows;
    return most;
}

/* The first after which the target is reached; NaN: never. */
static double epochs_to(const sn_report_group *group, double target)
{
    for (size_t row = 0; row < epochs_of(group); row++)
        if (accuracy_after(group, row) >= target) return (double)row + 1;
    return SN_MISSING;
}

/* The best that all groups reach, in hundredths; NaN without accuracies. */
static double common_target(const sn_report_runs *runs)
{
    double least = SN_MISSING;
    for (size_t g = 0; g < runs->group_count; g++) {
        double best = SN_MISSING;
        for (size_t row = 0; row < epochs_of(&runs->groups[g]); row++)
            best = fmax(best, accuracy_after(&runs->groups[g], row));
        least = fmin(least, best);
    }
    return floor(least * 100) / 100;
}

static double steps_to(const sn_report_group *group, double target)
{
    const double rows = epochs_to(group, target);
    for (size_t i = 0; i < group->count; i++)
        if (group->runs[i].shown && (double)group->runs[i].run.epochs.rows >= rows)
            return sn_report_steps_of_rows(&group->runs[i], rows);
    return SN_MISSING;
}

/* Seconds of a step of the group's experiment on that many ranks. */
static double step_of_group(const sn_machine *machine, const sn_report_group *group, int ranks)
{
    const sn_attributes *e = sn_report_experiment(group);
    const double batch = sn_attributes_number(e, "batch"), scope = sn_experiment_scope_samples(e);
    const double groups = sn_attributes_number(e, "groups");
    const int norm = sn_experiment_norm(e);
    if (norm == SN_NORM_KINDS || !(batch >= 1)) return SN_MISSING;
    const sn_price_work work = {.norm = (sn_norm_kind)norm,
                                .groups = groups >= 1 ? (int)groups : 2,
                                .batch = (uint32_t)batch,
                                .scope = scope >= 1 ? (uint32_t)scope : 1};
    return sn_price_total(sn_price_step(machine, &work, ranks));
}

static double seconds_to(const sn_machine *machine, const sn_report_group *group, double target, int ranks)
{
    return steps_to(group, target) * step_of_group(machine, group, ranks);
}

/* ---- figures and tables ---- */

/* Of a kind of figure there is one for each machine, on the same scale. */
typedef struct kind {
    const char *stem, *heading, *y_label, *caption;
    bool weak;
} kind;

static sn_chart *chart_of(const kind *k, const sn_machine *machine, size_t index)
{
    char file[64], heading[192];
    snprintf(file, sizeof file, "%s-%zu", k->stem, index + 1);
    snprintf(heading, sizeof heading, "%s: %s", k->heading, machine->name);
    sn_chart *chart = sn_chart_create(file, heading, "ranks", k->y_label);
    if (chart) chart->x_axis = SN_AXIS_LOG2;
    sn_chart_caption(chart, "%s", k->caption);
    return chart;
}

/* That of the first experiment with this norm, so that it looks alike in all figures; by worker dashed. */
static size_t style_of_line(const sn_report_runs *runs, size_t line)
{
    const size_t dashed = line > 0 && lines[line - 1].norm == lines[line].norm ? SN_CHART_COLOURS : 0;
    for (size_t g = 0; g < runs->group_count && g < SN_CHART_COLOURS; g++)
        if (sn_experiment_norm(sn_report_experiment(&runs->groups[g])) == (int)lines[line].norm)
            return g + dashed;
    return runs->group_count + (line - (dashed ? 1 : 0)) + dashed;
}

static void add_lines(sn_chart *chart, const sn_report_runs *runs, const sn_machine *machine, bool weak)
{
    if (chart && !weak) chart->y_axis = SN_AXIS_LOG;
    for (size_t line = 0; line < LINES; line++) {
        sn_chart_add_series(chart, lines[line].label, SN_SERIES_LINE, style_of_line(runs, line));
        const double alone = step_of_line(machine, line, weak, 1);
        for (int ranks = 1; ranks <= MOST_RANKS; ranks *= 2) {
            const double seconds = step_of_line(machine, line, weak, ranks);
            sn_chart_add_point(chart, (sn_chart_point){ranks, weak ? 100 * alone / seconds : 1000 * seconds,
                                                       SN_MISSING, SN_MISSING});
        }
    }
}

static void add_times(sn_chart *chart, const sn_report_runs *runs, const sn_machine *machine, double target)
{
    if (chart) chart->y_axis = SN_AXIS_LOG;
    for (size_t g = 0; g < runs->group_count; g++) {
        sn_add_group_series(chart, &runs->groups[g], SN_SERIES_LINE, g);
        for (int ranks = 1; ranks <= MOST_RANKS; ranks *= 2)
            sn_chart_add_point(chart,
                               (sn_chart_point){ranks, seconds_to(machine, &runs->groups[g], target, ranks),
                                                SN_MISSING, SN_MISSING});
    }
}

static void add_charts(sn_document *document, sn_chart **charts, size_t count, const kind *k,
                       const char *missing)
{
    sn_document_heading(document, "%s", k->heading);
    sn_chart_share_scale(charts, count);
    for (size_t m = 0; m < count; m++)
        sn_add_chart(document, charts[m], missing);
}

static void add_figures(sn_document *document, const sn_report_runs *runs, const sn_machine *machines,
                        size_t count, double target, bool reached)
{
    static const kind kinds[] = {
        {"price-strong", "A step of 64 samples", "step (ms)",
         "The batch is divided among the ranks; beyond 64 the others have no sample. By worker: "
         "over the samples of a rank, another experiment at each point.",
         false},
        {"price-weak", "Efficiency at 64 samples a rank", "of one rank (%)",
         "The time of a step on one rank over that on so many, each with 64 samples of its own.", true},
    };
    sn_chart *charts[SN_MACHINES_MAX];
    if (reached) {
        char heading[64], caption[160];
        snprintf(heading, sizeof heading, "Time to %.2f %%", target);
        snprintf(caption, sizeof caption,
                 "To a mean test accuracy of %.2f %%, each experiment with its own batch; evaluations not "
                 "counted.",
                 target);
        const kind times = {"price-target", heading, "seconds", caption, false};
        for (size_t m = 0; m < count; m++)
            add_times(charts[m] = chart_of(&times, &machines[m], m), runs, &machines[m], target);
        add_charts(document, charts, count, &times,
                   "no experiment reaches it, or the machine file does not know its norm");
    }
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        for (size_t m = 0; m < count; m++)
            add_lines(charts[m] = chart_of(&kinds[k], &machines[m], m), runs, &machines[m], kinds[k].weak);
        add_charts(document, charts, count, &kinds[k], "the machine file knows none of the norms");
    }
}

/* A machine of one node says nothing of more ranks than it has. */
static bool is_known(const sn_machine *machine, int ranks)
{
    return ranks <= machine->ranks_per_node || !isnan(machine->network.latency);
}

static void add_steps_table(sn_document *document, const sn_machine *machines, size_t count)
{
    sn_report_table *table = sn_report_table_create("price-steps", "Milliseconds of a step, predicted");
    sn_report_table_column(table, false, "machine");
    sn_report_table_column(table, true, "ranks");
    for (int weak = 0; weak < 2; weak++)
        for (size_t line = 0; line < LINES; line++)
            sn_report_table_column(table, true, "%s%s", lines[line].label, weak ? ", 64 a rank" : "");
    for (size_t m = 0; m < count; m++)
        for (int ranks = 1; ranks <= MOST_RANKS && is_known(&machines[m], ranks); ranks *= 2) {
            sn_report_table_cell(table, "%s", machines[m].name);
            sn_report_table_number(table, 0, ranks);
            for (int weak = 0; weak < 2; weak++)
                for (size_t line = 0; line < LINES; line++)
                    sn_report_table_number(table, 3, 1000 * step_of_line(&machines[m], line, weak, ranks));
        }
    sn_document_table(document, "Milliseconds of a step by ranks", table);
}

static void add_target_table(sn_document *document, const sn_report_runs *runs, const sn_machine *machines,
                             size_t count, double target)
{
    static const int shown[] = {1, 2, 4, 16, 64, 256, 1024, 4096};
    enum { SHOWN = sizeof shown / sizeof *shown };
    sn_report_table *table = sn_report_table_create("price-target", "Seconds to %.2f %%, predicted", target);
    sn_report_table_column(table, false, "machine");
    sn_report_table_column(table, false, "experiment");
    sn_report_table_column(table, true, "epochs");
    sn_report_table_column(table, true, "steps");
    for (size_t i = 0; i < SHOWN; i++)
        sn_report_table_column(table, true, "%d rank%s", shown[i], shown[i] == 1 ? "" : "s");
    for (size_t m = 0; m < count; m++)
        for (size_t g = 0; g < runs->group_count; g++) {
            sn_report_table_cell(table, "%s", machines[m].name);
            sn_put_group(table, &runs->groups[g]);
            sn_report_table_number(table, 0, epochs_to(&runs->groups[g], target));
            sn_report_table_number(table, 0, steps_to(&runs->groups[g], target));
            for (size_t i = 0; i < SHOWN; i++)
                sn_report_table_number(table, 2,
                                       seconds_to(&machines[m], &runs->groups[g], target, shown[i]));
        }
    sn_document_table(document, NULL, table);
}

/* ---- what follows ---- */

/* Those that are there first on so many ranks, or as good as first: "gn", "gn or bn"; the least of all seconds. NULL: none, or no memory. */
static char *first_on(const sn_report_runs *runs, const sn_machine *machine, double target, int ranks,
                      double *least)
{
    char *text = NULL;
    size_t size;
    *least = HUGE_VAL;
    for (size_t g = 0; g < runs->group_count; g++) {
        const double seconds = seconds_to(machine, &runs->groups[g], target, ranks);
        if (seconds < *least) *least = seconds;
    }
    FILE *out = isfinite(*least) ? open_memstream(&text, &size) : NULL;
    if (!out) return NULL;
    for (size_t g = 0; g < runs->group_count; g++)
        if (100 * seconds_to(machine, &runs->groups[g], target, ranks) <= (100 + TIE_PERCENT) * *least)
            fprintf(out, "%s%s", ftell(out) ? " or " : "", runs->groups[g].brief);
    if (fclose(out) == 0) return text;
    free(text);
    return NULL;
}

/* "gn on 1 to 16 ranks, gn or ln on 32 to 4096 ranks": where the lines cross. */
static void tell_who_is_first(sn_document *document, const sn_report_runs *runs, const sn_machine *machine,
                              double target)
{
    char *text = NULL, *best = NULL;
    size_t size;
    double least = HUGE_VAL, seconds;
    int best_ranks = 0, from = 1;
    FILE *out = open_memstream(&text, &size);
    if (!out) return;
    for (char *first = first_on(runs, machine, target, from, &seconds), *next; from <= MOST_RANKS;
         first = next) {
        int to = from;
        for (;; to *= 2) {
            if (first && seconds < least) {
                least = seconds;
                best_ranks = to;
                free(best);
                best = strdup(first);
            }
            next = 2 * to <= MOST_RANKS ? first_on(runs, machine, target, 2 * to, &seconds) : NULL;
            if (!first || !next || strcmp(first, next) != 0) break;
            free(next);
        }
        if (first) {
            fprintf(out, "%s%s on %d", ftell(out) ? ", " : "", first, from);
            if (to > from) fprintf(out, " to %d", to);
            fputs(from == 1 && to == 1 ? " rank" : " ranks", out);
        }
        free(first);
        from = 2 * to;
    }
    if (fclose(out) == 0 && best)
        sn_document_text(document,
                         "%s (%s): first at %.2f %% are %s; the least of all is %s on %d rank%s, %.3g s.",
                         machine->name, machine->measured ? "measured" : "stated, not measured", target, text,
                         best, best_ranks, best_ranks == 1 ? "" : "s", least);
    free(best);
    free(text);
}

static void add_machines(sn_document *document, const sn_machine *machines, size_t count)
{
    sn_report_table *table = sn_report_table_create("price-machines",
                                                    "The machines, as their files have them");
    static const char *const numbers[] = {"ranks a node",       "spread (%)",    "within a node (µs)", "GB/s",
                                          "between nodes (µs)", "overhead (µs)", "GB/s of a node"};
    sn_report_table_column(table, false, "machine");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sn_report_table_column(table, true, "%s", numbers[i]);
    sn_report_table_column(table, false, "from");
    for (size_t m = 0; m < count; m++) {
        const sn_link *node = &machines[m].node, *network = &machines[m].network;
        sn_report_table_cell(table, "%s", machines[m].name);
        sn_report_table_number(table, 0, machines[m].ranks_per_node);
        sn_report_table_number(table, 1, 100 * machines[m].spread);
        sn_report_table_number(table, 2, 1e6 * node->latency);
        sn_report_table_number(table, 1, 1e-9 / node->per_byte);
        sn_report_table_number(table, 2, 1e6 * network->latency);
        sn_report_table_number(table, 2, isnan(network->latency) ? SN_MISSING : 1e6 * network->overhead);
        sn_report_table_number(table, 2, 1e-9 / network->per_byte);
        sn_report_table_cell(table, "%s", machines[m].note);
    }
    sn_document_table(document, NULL, table);
}

/* What a step on other shares is then taken for. */
static void note_single_shares(sn_document *document, const sn_machine *machine)
{
    for (int norm = 0; norm < SN_NORM_KINDS; norm++)
        if (machine->steps[norm].count == 1)
            sn_document_note(
                document,
                "%s has the step of %s for one share alone, of %u samples: that of others is taken to be in "
                "proportion, which makes small shares too cheap.",
                machine->name, sn_norm_types[norm].name, machine->steps[norm].samples[0]);
}

static bool any_reaches(const sn_report_runs *runs, double target)
{
    for (size_t g = 0; g < runs->group_count; g++)
        if (!isnan(epochs_to(&runs->groups[g], target))) return true;
    return false;
}

void sn_section_price(sn_document *document, const sn_report_runs *runs, const sn_machine *machines,
                      size_t count, double target)
{
    if (count == 0) return;
    if (!(target > 0)) target = common_target(runs);
    sn_document_section(document, "Price");
    if (isnan(target)) {
        sn_document_leave_out(document, "all of it", "no run has a test accuracy yet");
        sn_document_end_section(document);
        return;
    }
    sn_document_text(document,
                     "The same bits on any machine: so how far training comes is known, and what "
                     "it costs elsewhere can be predicted. A "
                     "step is priced by few terms: computation by the samples of the largest "
                     "share, as the machine file has it; exact sums "
                     "by latency and bytes, within a node and between nodes; and waiting for the "
                     "slowest rank, once a step. Predictions, not measurements: what lies within %d %% of "
                     "the first is named with it. "
                     "Epochs are whole, but for one that --steps ended, and of the mean over these seeds.",
                     TIE_PERCENT);
    const bool reached = any_reaches(runs, target);
    if (!reached)
        sn_document_note(document, "No experiment here reaches %.2f %%: there is no time to it.", target);
    for (size_t m = 0; m < count; m++)
        tell_who_is_first(document, runs, &machines[m], target);
    add_machines(document, machines, count);
    for (size_t m = 0; m < count; m++)
        note_single_shares(document, &machines[m]);
    add_figures(document, runs, machines, count, target, reached);
    if (reached) add_target_table(document, runs, machines, count, target);
    add_steps_table(document, machines, count);
    sn_document_end_section(document);
}
