/* Batch statistics: over how many samples, how far workers disagree, running against precise, and four ways of evaluating. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "missing.h"
#include "sections.h"
#include "syncnorm/report/statistics.h"

static double error_of(const sn_report_run *run)
{
    return 100 - sn_report_last(run, "test_accuracy");
}

static sn_estimate estimate_error(const sn_report_group *group)
{
    double *values = calloc(group->count + 1, sizeof *values);
    size_t count = 0;
    for (size_t i = 0; values && i < group->count; i++)
        if (group->runs[i].shown && group->complete) values[count++] = error_of(&group->runs[i]);
    const sn_estimate e = sn_estimate_mean(values, count);
    free(values);
    return e;
}

static bool same_value(const sn_attribute *a, const sn_attribute *b)
{
    if (!a || !b) return a == b;
    char x[256], y[256];
    sn_attribute_print(a, x, sizeof x);
    sn_attribute_print(b, y, sizeof y);
    return strcmp(x, y) == 0;
}

/* One experiment but for the scope of its statistics: the groups of one line of the figure. */
static bool same_but_scope(const sn_report_group *a, const sn_report_group *b)
{
    const sn_attributes *x = &a->runs->run.experiment, *y = &b->runs->run.experiment;
    for (int side = 0; side < 2; side++) {
        const sn_attributes *one = side ? y : x, *other = side ? x : y;
        for (size_t i = 0; i < one->count; i++) {
            const char *name = one->items[i].name;
            if (!sn_report_is_identity(name) || strcmp(name, "bn_scope") == 0 || strcmp(name, "workers") == 0)
                continue;
            if (!same_value(&one->items[i], sn_attributes_find(other, name))) return false;
        }
    }
    return true;
}

/* Whether a norm without batch statistics was trained alike, so that it can stand beside as a line. */
static bool comparable(const sn_report_group *a, const sn_report_group *b)
{
    static const char *const names[] = {"dataset_digest", "batch", "lr",       "lr_scaling",
                                        "epochs",         "steps", "schedule", "shards"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!same_value(sn_attributes_find(&a->runs->run.experiment, names[i]),
                        sn_attributes_find(&b->runs->run.experiment, names[i])))
            return false;
    return true;
}

static bool is_batch_norm(const sn_report_group *group)
{
    return group->complete && !isnan(sn_report_scope(group->runs));
}

/* Groups are sorted by scope, wide ones first: walked backwards, x ascends. */
static size_t add_scopes(sn_chart *chart, const sn_report_runs *runs, size_t first)
{
    const sn_report_group *series = &runs->groups[first];
    double narrow = HUGE_VAL, wide = 0;
    for (size_t g = 0; g < runs->group_count; g++)
        if (is_batch_norm(&runs->groups[g]) && same_but_scope(series, &runs->groups[g])) {
            narrow = fmin(narrow, sn_report_scope(runs->groups[g].runs));
            wide = fmax(wide, sn_report_scope(runs->groups[g].runs));
        }
    if (!(narrow < wide)) return 0;
    sn_chart_add_series(chart, series->label, SN_SERIES_ERRORS, first);
    size_t added = 0;
    for (size_t g = runs->group_count; g-- > 0;) {
        const sn_report_group *group = &runs->groups[g];
        if (!is_batch_norm(group) || !same_but_scope(series, group)) continue;
        const sn_estimate e = estimate_error(group);
        sn_chart_add_point(chart, (sn_chart_point){sn_report_scope(group->runs), e.mean, e.low, e.high});
        added++;
    }
    return added;
}

static void add_across(sn_chart *chart, const sn_report_runs *runs, const sn_report_group *series)
{
    double low = HUGE_VAL, high = 0;
    for (size_t s = 0; chart && s < chart->series_count; s++)
        for (size_t i = 0; i < chart->series[s].count; i++) {
            low = fmin(low, chart->series[s].points[i].x);
            high = fmax(high, chart->series[s].points[i].x);
        }
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_report_group *group = &runs->groups[g];
        if (!group->complete || !isnan(sn_report_scope(group->runs)) || !comparable(group, series)) continue;
        const sn_estimate e = estimate_error(group);
        sn_chart_add_series(chart, group->label, SN_SERIES_ACROSS, g);
        sn_chart_add_point(chart, (sn_chart_point){low, e.mean, e.low, e.high});
        sn_chart_add_point(chart, (sn_chart_point){high, e.mean, e.low, e.high});
    }
}

static void add_error_by_scope(sn_document *document, const sn_report_runs *runs)
{
    sn_chart *chart = sn_chart_create("error-by-scope", "Test error by samples per statistics group",
                                      "samples per statistics group", "test error (%)");
    if (chart) chart->x_axis = SN_AXIS_LOG2;
    sn_chart_caption(chart, "Batch norm with its statistics pooled over ever fewer samples: the whole batch "
                            "at the right. Points are means "
                            "over seeds, bars 95 %% confidence intervals. Norms that look at one sample do "
                            "not depend on it: lines across.");
    const sn_report_group *series = NULL;
    for (size_t g = 0; g < runs->group_count; g++) {
        bool seen = !is_batch_norm(&runs->groups[g]);
        for (size_t k = 0; k < g && !seen; k++)
            seen = is_batch_norm(&runs->groups[k]) && same_but_scope(&runs->groups[k], &runs->groups[g]);
        if (!seen && add_scopes(chart, runs, g) && !series) series = &runs->groups[g];
    }
    if (series) add_across(chart, runs, series);
    sn_add_chart(document, chart,
                 "it needs batch norm with at least two scopes of its statistics, --bn-scope");
}

/* A column per layer, "norm3.between_share", at the last epoch. */
static bool add_by_layer(sn_document *document, const sn_report_runs *runs, const char *suffix,
                         sn_chart *chart, const char *missing)
{
    for (size_t g = 0; g < runs->group_count; g++) {
        sn_chart_add_series(chart, runs->groups[g].label, SN_SERIES_LINE, g);
        for (int layer = 1; layer <= SN_REPORT_NORMS; layer++) {
            char column[SN_TENSOR_NAME];
            snprintf(column, sizeof column, "norm%d.%s", layer, suffix);
            sn_chart_add_point(chart, (sn_chart_point){layer, sn_group_mean(&runs->groups[g], column),
                                                       SN_MISSING, SN_MISSING});
        }
    }
    return sn_add_chart(document, chart, missing);
}

static void add_disagreement(sn_document *document, const sn_report_runs *runs)
{
    enum { FIGURES_MAX = 6 };
    static const char missing[] = "it needs batch norm with several workers, --workers";
    sn_chart *chart = sn_chart_create("disagreement-by-layer", "Disagreement of the workers, by layer",
                                      "norm layer", "between-worker share of variance");
    sn_chart_caption(chart, "Share of a channel's variance that lies between the workers' means, averaged "
                            "over channels, in the last epoch. 0: "
                            "every worker sees the same statistics; 1: all variance is between workers.");
    if (!add_by_layer(document, runs, "between_share", chart, missing)) return;

    int figures = 0;
    for (size_t g = 0; g < runs->group_count && figures < FIGURES_MAX; g++) {
        const sn_report_group *group = &runs->groups[g];
        char name[64], title[SN_REPORT_LABEL + 64];
        snprintf(name, sizeof name, "disagreement-%zu", g + 1);
        snprintf(title, sizeof title, "Disagreement of the workers by epoch: %s", group->label);
        chart = sn_chart_create(name, title, "epoch", "between-worker share of variance");
        if (chart) chart->ordinal = true;
        sn_chart_caption(chart, "The same share, layer by layer, over training.");
        for (int layer = 1; layer <= SN_REPORT_NORMS; layer++) {
            char column[SN_TENSOR_NAME], label[16];
            snprintf(column, sizeof column, "norm%d.between_share", layer);
            snprintf(label, sizeof label, "norm%d", layer);
            sn_add_epochs(chart, label, group, (size_t)layer - 1, sn_measure_column, column);
        }
        if (sn_chart_has_data(chart)) {
            sn_document_chart(document, chart);
            figures++;
        } else {
            sn_chart_destroy(chart);
        }
    }
}

static void add_running_gaps(sn_document *document, const sn_report_runs *runs)
{
    static const struct {
        const char *name, *title, *y_label, *suffix;
    } gaps[] = {
        {"running-mean-gap", "Running means against the epoch's own", "difference (standard deviations)",
         "running_mean_gap"},
        {"running-var-gap", "Running variances against the epoch's own", "relative difference",
         "running_var_gap"},
    };
    for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++) {
        sn_chart *chart = sn_chart_create(gaps[i].name, gaps[i].title, "norm layer", gaps[i].y_label);
        if (chart) chart->y_axis = SN_AXIS_LOG;
        sn_chart_caption(chart, "How far the running statistics, with which the network is evaluated, are "
                                "from the statistics of the "
                                "last epoch: root mean square over channels, in the epoch's standard "
                                "deviations or relative to its variance.");
        add_by_layer(document, runs, gaps[i].suffix, chart, "these runs did not record it");
    }
}

static void add_precise(sn_document *document, const sn_report_runs *runs)
{
    for (int kind = 0; kind < 2; kind++) {
        sn_chart *chart = sn_chart_create(
            kind ? "precise-var-gap" : "precise-mean-gap",
            kind ? "Running against precise variances" : "Running against precise means", "norm layer",
            kind ? "relative difference" : "difference (standard deviations)");
        if (chart) chart->y_axis = SN_AXIS_LOG;
        sn_chart_caption(chart, "Precise statistics are those of the whole training set under the final "
                                "weights; root mean square over channels.");
        for (size_t g = 0; g < runs->group_count; g++) {
            const sn_report_group *group = &runs->groups[g];
            sn_chart_add_series(chart, group->label, SN_SERIES_LINE, g);
            for (int layer = 0; layer < SN_REPORT_NORMS; layer++) {
                double sum = 0;
                size_t count = 0;
                for (size_t i = 0; i < group->count; i++) {
                    const double *gaps = kind ? group->runs[i].precise_var_gap
                                              : group->runs[i].precise_mean_gap;
                    if (!group->runs[i].shown || isnan(gaps[layer])) continue;
                    sum += gaps[layer];
                    count++;
                }
                sn_chart_add_point(chart,
                                   (sn_chart_point){layer + 1, count ? sum / (double)count : SN_MISSING,
                                                    SN_MISSING, SN_MISSING});
            }
        }
        sn_add_chart(document, chart, "it needs batch norm with --precise-bn");
    }
}

static double evaluation_mean(const sn_report_group *group, const char *name)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < group->count; i++) {
        const double value = group->runs[i].shown
                                 ? sn_report_number(&group->runs[i].run.evaluation_attributes, name)
                                 : SN_MISSING;
        if (isnan(value)) continue;
        sum += value;
        count++;
    }
    return count ? sum / (double)count : SN_MISSING;
}

static void add_evaluations(sn_document *document, const sn_report_runs *runs)
{
    static const struct {
        const char *loss, *accuracy, *heading;
    } ways[] = {{"loss", "accuracy", "running"},
                {"precise_loss", "precise_accuracy", "precise"},
                {"batch_loss", "batch_accuracy", "batch"},
                {"train_loss", "train_accuracy", "training set"}};
    sn_report_table *table = sn_report_table_create(
        "evaluations",
        "Final weights evaluated in different ways: accuracy (%%) and loss (nats), means over seeds");
    sn_report_table_column(table, false, "experiment");
    for (int w = 0; w < 4; w++) {
        sn_report_table_column(table, true, "%s (%%)", ways[w].heading);
        sn_report_table_column(table, true, "loss");
    }
    sn_report_table_column(table, true, "training − test (points)");
    bool more = false;
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_report_group *group = &runs->groups[g];
        sn_report_table_cell(table, "%s", group->label);
        for (int w = 0; w < 4; w++) {
            const double accuracy = evaluation_mean(group, ways[w].accuracy);
            more = more || (w > 0 && !isnan(accuracy));
            sn_report_table_number(table, 2, accuracy);
            sn_report_table_number(table, 4, evaluation_mean(group, ways[w].loss));
        }
        sn_report_table_number(table, 2,
                               evaluation_mean(group, "train_accuracy") - evaluation_mean(group, "accuracy"));
    }
    if (!more) {
        sn_report_table_destroy(table);
        sn_document_leave_out(document, "evaluation in four ways",
                              "these runs were evaluated with running statistics on the test set only");
        return;
    }
    sn_document_table(document, NULL, table);
    sn_document_text(
        document, "Test set with running, precise and its own batches' statistics; training set in "
                  "evaluation mode, without dropout. "
                  "The last column is the gap between training and test set under the same, final weights.");
}

void sn_section_statistics(sn_document *document, const sn_report_runs *runs)
{
    sn_document_section(document, "Batch statistics");
    add_error_by_scope(document, runs);
    add_disagreement(document, runs);
    add_running_gaps(document, runs);
    add_precise(document, runs);
    add_evaluations(document, runs);
    sn_document_end_section(document);
}
