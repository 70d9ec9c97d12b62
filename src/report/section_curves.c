/* Learning curves: the four of the published study, and what else changes from epoch to epoch. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "groups.h"
#include "sections.h"
#include "syncnorm/base/missing.h"

double sn_measure_column(const sn_report_run *run, size_t row, const void *column)
{
    return sn_report_epoch_value(run, column, row);
}

double sn_group_mean(const sn_report_group *group, const char *column)
{
    return sn_report_mean(group, sn_value_last, column);
}

void sn_add_group_series(sn_chart *chart, const sn_report_group *group, sn_series_kind kind, size_t style)
{
    sn_chart_add_series(chart, group->label, kind, style);
    sn_chart_title_series(chart, group->brief);
}

void sn_put_group(sn_report_table *table, const sn_report_group *group)
{
    sn_report_table_name(table, group->brief, group->label);
}

void sn_tell_drawn(sn_document *document, const sn_report_runs *runs, const char *all)
{
    if (sn_report_draws_all(runs)) return;
    sn_document_text(document,
                     "Of %zu experiments the most and the least accurate of each norm, after the last epoch, "
                     "have a line, of those that have what a figure shows; %s.",
                     runs->group_count, all);
}

/* Each run's last epoch, where there are several. */
static void add_dots(sn_chart *chart, const char *label, const sn_report_group *group, size_t style,
                     sn_measure measure, const void *context)
{
    char name[SN_REPORT_LABEL + 16];
    if (group->shown < 2) return;
    snprintf(name, sizeof name, "%s, each seed", label);
    sn_chart_add_series(chart, name, SN_SERIES_DOTS, style);
    for (size_t i = 0; i < group->count; i++) {
        const sn_report_run *run = &group->runs[i];
        const size_t rows = run->run.epochs.rows;
        if (!run->shown || rows == 0) continue;
        sn_chart_add_point(chart, (sn_chart_point){sn_report_epoch_value(run, "epoch", rows - 1),
                                                   measure(run, rows - 1, context), SN_MISSING, SN_MISSING});
    }
}

void sn_add_epochs(sn_chart *chart, const char *label, const sn_report_group *group, size_t style,
                   sn_measure measure, const void *context)
{
    sn_chart_add_series(chart, label, SN_SERIES_LINE, style);
    if (strcmp(label, group->label) == 0) sn_chart_title_series(chart, group->brief);
    size_t rows = 0;
    for (size_t i = 0; i < group->count; i++)
        if (group->runs[i].shown && group->runs[i].run.epochs.rows > rows)
            rows = group->runs[i].run.epochs.rows;
    double *values = calloc(group->count + 1, sizeof *values);
    for (size_t row = 0; values && row < rows; row++) {
        double epoch = (double)row + 1;
        size_t count = 0;
        for (size_t i = 0; i < group->count; i++) {
            const sn_report_run *run = &group->runs[i];
            const double value = run->shown ? measure(run, row, context) : SN_MISSING;
            if (!isfinite(value)) continue;
            const double numbered = sn_report_epoch_value(run, "epoch", row);
            if (!isnan(numbered)) epoch = numbered;
            values[count++] = value;
        }
        if (!count) continue;
        const sn_estimate e = sn_estimate_mean(values, count);
        sn_chart_add_point(chart, (sn_chart_point){epoch, e.mean, e.low, e.high});
    }
    free(values);
    add_dots(chart, label, group, style, measure, context);
}

bool sn_add_chart(sn_document *document, sn_chart *chart, const char *missing)
{
    if (chart && !chart->failed && !sn_chart_has_data(chart)) {
        sn_document_leave_out(document, chart->title, missing);
        sn_chart_destroy(chart);
        return false;
    }
    sn_document_chart(document, chart);
    return true;
}

/* The penalty is what the objective has beside the cross-entropy. */
static double penalty(const sn_report_run *run, size_t row, const void *context)
{
    (void)context;
    const double value = sn_report_epoch_value(run, "train_loss", row) -
                         sn_report_epoch_value(run, "train_cross_entropy", row);
    return value > 1e-9 ? value : SN_MISSING;
}

static double gap(const sn_report_run *run, size_t row, const void *context)
{
    (void)context;
    return sn_report_epoch_value(run, "test_loss", row) -
           sn_report_epoch_value(run, "train_cross_entropy", row);
}

static void add_published(sn_chart *chart, const sn_report_runs *runs, const char *column)
{
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_report_group *group = &runs->groups[g];
        sn_published rows[SN_PUBLISHED_EPOCHS];
        if (!group->published_recipe || !sn_report_draws(runs, group, NULL, NULL)) continue;
        size_t longest = 0;
        for (size_t i = 0; i < group->count; i++)
            if (group->runs[i].run.epochs.rows > longest) longest = group->runs[i].run.epochs.rows;
        char label[SN_REPORT_LABEL + 16];
        snprintf(label, sizeof label, "%s published", group->label);
        sn_chart_add_series(chart, label, SN_SERIES_POINTS, group->style);
        const size_t count = sn_published_epochs(group->preset, rows);
        for (size_t i = 0; i < count && (size_t)rows[i].epoch <= longest; i++) {
            const double value = strcmp(column, "test_loss") == 0       ? rows[i].test_loss
                                 : strcmp(column, "test_accuracy") == 0 ? rows[i].test_accuracy
                                                                        : rows[i].train_accuracy;
            sn_chart_add_point(chart, (sn_chart_point){rows[i].epoch, value, SN_MISSING, SN_MISSING});
        }
    }
}

static const struct curve {
    const char *name, *title, *y_label, *column, *caption;
    sn_axis axis;
    bool published;
} curves[] = {
    {"train-loss", "Training loss", "training cross-entropy (nats)", "train_cross_entropy",
     "Mean cross-entropy over the epoch's images while training, with dropout and changing weights; a "
     "penalty is not in it.",
     SN_AXIS_LOG, false},
    {"test-loss", "Test loss", "test cross-entropy (nats)", "test_loss",
     "Mean cross-entropy over the images.", SN_AXIS_LOG, true},
    {"train-accuracy", "Training accuracy", "training accuracy (%)", "train_accuracy",
     "While training, with dropout. The axis is logarithmic in the distance from 100 %.", SN_AXIS_ACCURACY,
     true},
    {"test-accuracy", "Test accuracy", "test accuracy (%)", "test_accuracy",
     "The axis is logarithmic in the distance from 100 %: as far from 98 to 99 as from 99 to 99.5.",
     SN_AXIS_ACCURACY, true},
};

/* Whether a measure is there and is not the same number everywhere. */
static bool varies(const sn_report_runs *runs, const char *column)
{
    double first = SN_MISSING;
    for (size_t i = 0; i < runs->count; i++)
        for (size_t row = 0; row < runs->runs[i].run.epochs.rows; row++) {
            const double value = sn_report_epoch_value(&runs->runs[i], column, row);
            if (isnan(value)) continue;
            if (isnan(first)) first = value;
            if (value < first || value > first) return true;
        }
    return false;
}

/* What a figure is of. */
typedef struct measured {
    sn_measure measure;
    const void *context;
} measured;

static bool is_measured(const sn_report_group *group, const void *of)
{
    const measured *m = of;
    for (size_t i = 0; i < group->count; i++) {
        const sn_report_run *run = &group->runs[i];
        for (size_t row = 0; run->shown && row < run->run.epochs.rows; row++)
            if (isfinite(m->measure(run, row, m->context))) return true;
    }
    return false;
}

static void add_lines(const sn_report_runs *runs, sn_chart *chart, sn_measure measure, const void *context)
{
    const measured of = {measure, context};
    for (const sn_report_group *g = runs->groups; g < runs->groups + runs->group_count; g++)
        if (sn_report_draws(runs, g, is_measured, &of))
            sn_add_epochs(chart, g->label, g, g->style, measure, context);
}

static void add_groups(sn_document *document, const sn_report_runs *runs, sn_chart *chart, sn_measure measure,
                       const void *context, const char *missing)
{
    add_lines(runs, chart, measure, context);
    sn_add_chart(document, chart, missing);
}

static double evaluated_gap(const sn_report_run *run, const void *context)
{
    (void)context;
    return sn_report_last(run, "test_loss") - sn_value_evaluation(run, "train_loss");
}

static double training_gap(const sn_report_run *run, const void *context)
{
    (void)context;
    return sn_report_last(run, "test_loss") - sn_report_last(run, "train_cross_entropy");
}

/* The two gaps there can be, side by side, so that nobody compares one experiment's with another's other. */
static void add_gaps(sn_document *document, const sn_report_runs *runs)
{
    sn_report_table *table = sn_report_table_create(
        "gaps", "Gap between training and %s after the last epoch: loss in nats, means over seeds",
        sn_report_judge(runs));
    static const char *const headings[] = {"training set in evaluation mode", "gap to it",
                                           "while training, with dropout", "gap to that"};
    sn_report_table_column(table, false, "experiment");
    sn_report_table_column(table, true, "%s loss", sn_report_judge(runs));
    for (size_t i = 0; i < sizeof headings / sizeof *headings; i++)
        sn_report_table_column(table, true, "%s", headings[i]);
    size_t evaluated = 0, count = 0;
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_report_group *group = &runs->groups[g];
        if (!group->complete) continue;
        const double gap_evaluated = sn_report_mean(group, evaluated_gap, NULL);
        evaluated += !isnan(gap_evaluated);
        count++;
        sn_put_group(table, group);
        sn_report_table_number(table, 4, sn_group_mean(group, "test_loss"));
        sn_report_table_number(table, 4, sn_report_mean(group, sn_value_evaluation, "train_loss"));
        if (isnan(gap_evaluated))
            sn_report_table_cell(table, "not measured");
        else
            sn_report_table_cell(table, "%+.4f", gap_evaluated);
        sn_report_table_number(table, 4, sn_group_mean(group, "train_cross_entropy"));
        sn_report_table_cell(table, "%+.4f", sn_report_mean(group, training_gap, NULL));
    }
    if (count == 0) {
        sn_report_table_destroy(table);
        sn_document_leave_out(document, "the gap between training and test", "no run is complete");
        return;
    }
    sn_document_table(document, NULL, table);
    sn_document_text(
        document,
        "The first gap is under the same, final weights, without dropout: above 0, what "
        "generalization costs; below 0, by chance or because the images not trained on are easier. The "
        "second has dropout and "
        "the change of the weights in it and is no measure of that.%s",
        evaluated == count ? ""
        : evaluated        ? " Where the training set was not evaluated, only the second is there; "
                             "compare experiments by one and the same."
                           : " These runs did not evaluate the training set, so only the second is there.");
}

/* "Test loss", "test accuracy (%)" with the word for what the runs are judged by. */
static void judged(const char *text, const char *judge, char words[96])
{
    const bool capital = strncmp(text, "Test", 4) == 0;
    if (!capital && strncmp(text, "test", 4) != 0) {
        snprintf(words, 96, "%s", text);
        return;
    }
    snprintf(words, 96, "%s%s", judge, text + 4);
    if (capital) words[0] = (char)(words[0] - 'a' + 'A');
}

void sn_section_curves(sn_document *document, const sn_report_runs *runs)
{
    sn_document_section(document, "Learning curves");
    sn_document_text(
        document,
        "Lines are means over seeds, bands their 95 %% intervals, dots the single seeds in their last epoch. "
        "Hollow points are the published study's, where the recipe is its own.");
    sn_tell_drawn(document, runs, "all are in epochs.csv");
    const char *judge = sn_report_judge(runs);
    for (size_t c = 0; c < sizeof curves / sizeof *curves; c++) {
        const struct curve *curve = &curves[c];
        char title[96], y_label[96];
        judged(curve->title, judge, title);
        judged(curve->y_label, judge, y_label);
        sn_chart *chart = sn_chart_create(curve->name, title, "epoch", y_label);
        if (chart) chart->y_axis = curve->axis;
        sn_chart_caption(chart, "%s", curve->caption);
        add_lines(runs, chart, sn_measure_column, curve->column);
        if (curve->published && sn_chart_has_data(chart)) add_published(chart, runs, curve->column);
        sn_add_chart(document, chart, "no epoch has been finished");
    }
    char title[96], y_label[96];
    judged("Test loss minus loss while training", judge, title);
    judged("test minus training (nats)", judge, y_label);
    sn_chart *chart = sn_chart_create("gap", title, "epoch", y_label);
    sn_chart_caption(
        chart,
        "The loss while training is a mean over the epoch: with dropout, and on the weights before the "
        "epoch's end. Both raise it, so that the difference can be below 0; the table below has the gap to "
        "the training set in evaluation mode where it was measured.");
    add_groups(document, runs, chart, gap, NULL, "no epoch has been finished");

    chart = sn_chart_create("penalty", "L1 penalty", "epoch", "penalty (nats)");
    sn_chart_caption(chart,
                     "What the training objective adds to the cross-entropy, averaged over the epoch.");
    add_groups(document, runs, chart, penalty, NULL, "no run has one");

    chart = sn_chart_create("gradient-norm", "Gradient norm", "epoch", "gradient norm");
    if (chart) chart->y_axis = SN_AXIS_LOG;
    sn_chart_caption(chart, "Euclidean norm, over all parameters, of the mean gradient of a batch without "
                            "penalties; mean over the epoch's steps.");
    add_groups(document, runs, chart, sn_measure_column, "gradient_norm", "these runs did not record it");

    if (varies(runs, "learning_rate")) {
        chart = sn_chart_create("learning-rate", "Learning rate", "epoch", "learning rate");
        sn_chart_caption(chart, "As the schedule and its warm-up set it.");
        add_groups(document, runs, chart, sn_measure_column, "learning_rate", "");
    }
    add_gaps(document, runs);
    sn_document_end_section(document);
}
