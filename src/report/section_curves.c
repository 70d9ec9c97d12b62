/* Learning curves: the four of the published study, and what else changes from epoch to epoch. */

#include <math.h>
#include <string.h>

#include "missing.h"
#include "sections.h"

double sn_measure_column(const sn_report_run *run, size_t row, const void *column)
{
    return sn_report_epoch_value(run, column, row);
}

double sn_group_mean(const sn_report_group *group, const char *column)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < group->count; i++) {
        const double value = group->runs[i].shown ? sn_report_last(&group->runs[i], column) : SN_MISSING;
        if (isnan(value)) continue;
        sum += value;
        count++;
    }
    return count ? sum / (double)count : SN_MISSING;
}

void sn_add_epochs(sn_chart *chart, const char *label, const sn_report_group *group, size_t style,
                   sn_measure measure, const void *context)
{
    sn_chart_add_series(chart, label, SN_SERIES_LINE, style);
    size_t rows = 0;
    for (size_t i = 0; i < group->count; i++)
        if (group->runs[i].shown && group->runs[i].run.epochs.rows > rows)
            rows = group->runs[i].run.epochs.rows;
    for (size_t row = 0; row < rows; row++) {
        double sum = 0, low = HUGE_VAL, high = -HUGE_VAL, epoch = (double)row + 1;
        size_t count = 0;
        for (size_t i = 0; i < group->count; i++) {
            const sn_report_run *run = &group->runs[i];
            const double value = run->shown ? measure(run, row, context) : SN_MISSING;
            if (!isfinite(value)) continue;
            const double numbered = sn_report_epoch_value(run, "epoch", row);
            if (!isnan(numbered)) epoch = numbered;
            sum += value;
            low = fmin(low, value);
            high = fmax(high, value);
            count++;
        }
        const bool several = count > 1;
        if (count)
            sn_chart_add_point(chart, (sn_chart_point){epoch, sum / (double)count, several ? low : SN_MISSING,
                                                       several ? high : SN_MISSING});
    }
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
        if (!group->published_recipe) continue;
        size_t longest = 0;
        for (size_t i = 0; i < group->count; i++)
            if (group->runs[i].run.epochs.rows > longest) longest = group->runs[i].run.epochs.rows;
        char label[SN_REPORT_LABEL + 16];
        snprintf(label, sizeof label, "%s published", group->label);
        sn_chart_add_series(chart, label, SN_SERIES_POINTS, g);
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
     "Mean cross-entropy over the test images.", SN_AXIS_LOG, true},
    {"train-accuracy", "Training accuracy", "training accuracy (%)", "train_accuracy",
     "While training, with dropout. The axis is logarithmic in the distance from 100 %.", SN_AXIS_ACCURACY,
     true},
    {"test-accuracy", "Test accuracy", "test accuracy (%)", "test_accuracy",
     "The axis is logarithmic in the distance from 100 %: as far from 98 to 99 as from 99 to 99.5.",
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

static void add_groups(sn_document *document, const sn_report_runs *runs, sn_chart *chart, sn_measure measure,
                       const void *context, const char *missing)
{
    for (size_t g = 0; g < runs->group_count; g++)
        sn_add_epochs(chart, runs->groups[g].label, &runs->groups[g], g, measure, context);
    sn_add_chart(document, chart, missing);
}

void sn_section_curves(sn_document *document, const sn_report_runs *runs)
{
    sn_document_section(document, "Learning curves");
    sn_document_text(document, "Lines are means over seeds; bands reach from the lowest to the highest seed. "
                               "Hollow points are the published study's, where the recipe is its own.");
    for (size_t c = 0; c < sizeof curves / sizeof *curves; c++) {
        const struct curve *curve = &curves[c];
        sn_chart *chart = sn_chart_create(curve->name, curve->title, "epoch", curve->y_label);
        if (chart) chart->y_axis = curve->axis;
        sn_chart_caption(chart, "%s", curve->caption);
        for (size_t g = 0; g < runs->group_count; g++)
            sn_add_epochs(chart, runs->groups[g].label, &runs->groups[g], g, sn_measure_column,
                          curve->column);
        if (curve->published && sn_chart_has_data(chart)) add_published(chart, runs, curve->column);
        sn_add_chart(document, chart, "no epoch has been finished");
    }
    sn_chart *chart = sn_chart_create("gap", "Test minus training loss", "epoch",
                                      "test minus training (nats)");
    sn_chart_caption(chart, "Above 0 the test images are harder than the training images were. Below 0 at "
                            "first: training loss is "
                            "measured with dropout and on the weights before the epoch's end.");
    add_groups(document, runs, chart, gap, NULL, "no epoch has been finished");

    chart = sn_chart_create("penalty", "L1 penalty", "epoch", "penalty (nats)");
    sn_chart_caption(chart,
                     "What the training objective adds to the cross-entropy, averaged over the epoch.");
    add_groups(document, runs, chart, penalty, NULL, "no run has one");

    chart = sn_chart_create("gradient-norm", "Gradient norm", "epoch", "gradient norm");
    if (chart) chart->y_axis = SN_AXIS_LOG;
    sn_chart_caption(chart, "Euclidean norm of the gradient over all parameters, as recorded for the epoch.");
    add_groups(document, runs, chart, sn_measure_column, "gradient_norm", "these runs did not record it");

    if (varies(runs, "learning_rate")) {
        chart = sn_chart_create("learning-rate", "Learning rate", "epoch", "learning rate");
        sn_chart_caption(chart, "As the schedule and its warm-up set it.");
        add_groups(document, runs, chart, sn_measure_column, "learning_rate", "");
    }
    sn_document_end_section(document);
}
