/* Batch statistics: how far workers disagree, running against precise, and four ways of evaluating. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "groups.h"
#include "sections.h"
#include "syncnorm/base/missing.h"
#include "syncnorm/train/ways.h"
#include "text.h"

/* Mean over the layers of a column per layer, at the last epoch. */
static double over_layers(const sn_report_group *group, const char *suffix)
{
    double sum = 0;
    for (int layer = 1; layer <= SN_REPORT_NORMS; layer++) {
        char column[SN_TENSOR_NAME];
        snprintf(column, sizeof column, "norm%d.%s", layer, suffix);
        sum += sn_group_mean(group, column);
    }
    return sum / SN_REPORT_NORMS;
}

static bool has_by_layer(const sn_report_group *group, const void *suffix)
{
    return !isnan(over_layers(group, suffix));
}

/* A column per layer, "norm3.between_share", at the last epoch. */
static bool add_by_layer(sn_document *document, const sn_report_runs *runs, const char *suffix,
                         sn_chart *chart, const char *missing)
{
    for (const sn_report_group *group = runs->groups; group < runs->groups + runs->group_count; group++) {
        if (!sn_report_draws(runs, group, has_by_layer, suffix)) continue;
        sn_add_group_series(chart, group, SN_SERIES_LINE, group->style);
        for (int layer = 1; layer <= SN_REPORT_NORMS; layer++) {
            char column[SN_TENSOR_NAME];
            snprintf(column, sizeof column, "norm%d.%s", layer, suffix);
            sn_chart_add_point(chart,
                               (sn_chart_point){layer, sn_group_mean(group, column), SN_MISSING, SN_MISSING});
        }
    }
    return sn_add_chart(document, chart, missing);
}

static void add_disagreement_table(sn_document *document, const sn_report_runs *runs)
{
    sn_report_table *table = sn_report_table_create(
        "disagreement", "Disagreement of the workers in the last epoch, mean over layers and seeds");
    sn_report_table_column(table, false, "experiment");
    sn_report_table_column(table, true, "workers");
    sn_report_table_column(table, true, "between-worker share of variance");
    sn_report_table_column(table, true, "beyond chance");
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_report_group *group = &runs->groups[g];
        const double share = over_layers(group, "between_share");
        if (isnan(share)) continue;
        sn_put_group(table, group);
        sn_report_table_number(table, 0, sn_attributes_number(sn_report_experiment(group), "workers"));
        sn_report_table_number(table, 4, share);
        sn_report_table_number(table, 4, over_layers(group, "between_share_corrected"));
    }
    sn_document_table(document, NULL, table);
    sn_document_text(document,
                     "A few samples of one distribution differ, and so do workers that have them: the last "
                     "column takes off what the samples within the workers say of that (one-way analysis of "
                     "variance of the samples' means). It is around 0 where all workers see alike and their "
                     "statistics are one; with "
                     "statistics of each worker, layers behind the first see samples that were made alike "
                     "within the worker, and are below 0.");
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
    chart = sn_chart_create("disagreement-beyond-chance",
                            "Disagreement of the workers beyond chance, by layer", "norm layer",
                            "between-worker share beyond chance");
    sn_chart_caption(chart, "The same share without what the samples of each worker, being few, put there.");
    add_by_layer(document, runs, "between_share_corrected", chart, "these runs did not record it");
    add_disagreement_table(document, runs);

    int figures = 0, more = 0;
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_report_group *group = &runs->groups[g];
        char name[64], title[SN_REPORT_LABEL + 64];
        snprintf(name, sizeof name, "disagreement-%zu", g + 1);
        snprintf(title, sizeof title, "Disagreement of the workers by epoch: %s", group->brief);
        chart = sn_chart_create(name, title, "epoch", "between-worker share of variance");
        if (chart) chart->ordinal = true;
        sn_chart_caption(chart, "The same share, layer by layer, over training.");
        for (int layer = 1; layer <= SN_REPORT_NORMS; layer++) {
            char column[SN_TENSOR_NAME], label[16];
            snprintf(column, sizeof column, "norm%d.between_share", layer);
            snprintf(label, sizeof label, "norm%d", layer);
            sn_add_epochs(chart, label, group, (size_t)layer - 1, sn_measure_column, column);
        }
        const bool data = sn_chart_has_data(chart);
        more += data && figures == FIGURES_MAX;
        if (data && figures < FIGURES_MAX) {
            sn_document_chart(document, chart);
            figures++;
        } else {
            sn_chart_destroy(chart);
        }
    }
    if (more)
        sn_document_note(document,
                         "By epoch, the disagreement of the first %d experiments is drawn; %d more have it. "
                         "A report of those runs alone shows it.",
                         figures, more);
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
                                "deviations or relative to its variance. Weights move during an epoch, so "
                                "that the averages are of older weights, too: not all of it is error.");
        add_by_layer(document, runs, gaps[i].suffix, chart, "these runs did not record it");
    }
}

static double precise_mean(const sn_report_run *run, const void *layer)
{
    return run->precise_mean_gap[*(const int *)layer];
}

static double precise_var(const sn_report_run *run, const void *layer)
{
    return run->precise_var_gap[*(const int *)layer];
}

static bool has_precise(const sn_report_group *group, const void *unused)
{
    (void)unused;
    return !isnan(sn_report_mean(group, precise_mean, &(int){0}));
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
            if (!sn_report_draws(runs, group, has_precise, NULL)) continue;
            sn_add_group_series(chart, group, SN_SERIES_LINE, group->style);
            for (int layer = 0; layer < SN_REPORT_NORMS; layer++)
                sn_chart_add_point(
                    chart, (sn_chart_point){layer + 1,
                                            sn_report_mean(group, kind ? precise_var : precise_mean, &layer),
                                            SN_MISSING, SN_MISSING});
        }
        sn_add_chart(document, chart, "it needs batch norm with --precise-bn");
    }
}

static double evaluation_mean(const sn_report_group *group, const char *name)
{
    return sn_report_mean(group, sn_value_evaluation, name);
}

static void add_evaluations(sn_document *document, const sn_report_runs *runs)
{
    sn_report_table *table = sn_report_table_create(
        "evaluations",
        "Final weights evaluated in different ways: accuracy (%%) and loss (nats), means over seeds");
    sn_report_table_column(table, false, "experiment");
    for (int w = 0; w < SN_WAYS; w++) {
        sn_report_table_column(table, true, "%s (%%)", sn_way_rows[w].heading);
        sn_report_table_column(table, true, "%s loss", sn_way_rows[w].heading);
    }
    sn_report_table_column(table, true, "training − %s (points)", sn_report_judge(runs));
    bool more = false;
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_report_group *group = &runs->groups[g];
        sn_put_group(table, group);
        for (int w = 0; w < SN_WAYS; w++) {
            const double accuracy = evaluation_mean(group, sn_way_rows[w].accuracy);
            more = more || (w > 0 && !isnan(accuracy));
            sn_report_table_number(table, 2, accuracy);
            sn_report_table_number(table, 4, evaluation_mean(group, sn_way_rows[w].loss));
        }
        sn_report_table_number(table, 2,
                               evaluation_mean(group, sn_way_rows[SN_WAY_TRAIN].accuracy) -
                                   evaluation_mean(group, sn_way_rows[SN_WAY_RUNNING].accuracy));
    }
    if (!more) {
        sn_report_table_destroy(table);
        sn_document_leave_out(
            document, "evaluation in four ways",
            "these runs were evaluated with running statistics alone, not on the training set");
        return;
    }
    sn_document_table(document, NULL, table);
    sn_document_text(
        document,
        "Images not trained on (%s) with running, precise and their own batches' statistics; training set in "
        "evaluation mode, without dropout. "
        "The last column is the gap between the two under the same, final weights.",
        sn_report_judge(runs));
}

/* What a program would report that keeps one worker's running statistics. */
static void add_workers(sn_document *document, const sn_report_runs *runs)
{
    sn_report_table *table = sn_report_table_create(
        "running-stats", "Whose running statistics: %s accuracy (%%) of the final weights, means over seeds",
        sn_report_judge(runs));
    sn_report_table_column(table, false, "experiment");
    sn_report_table_column(table, true, "merged");
    sn_report_table_column(table, true, "a worker's, mean");
    sn_report_table_column(table, true, "mean − merged (points)");
    sn_report_table_column(table, true, "the worst worker's");
    sn_report_table_column(table, true, "worst − merged (points)");
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_report_group *group = &runs->groups[g];
        const double merged = evaluation_mean(group, "accuracy"),
                     mean = evaluation_mean(group, "workers_accuracy"),
                     worst = evaluation_mean(group, "worst_worker_accuracy");
        if (isnan(mean)) continue;
        sn_put_group(table, group);
        sn_report_table_number(table, 3, merged);
        sn_report_table_number(table, 3, mean);
        sn_report_table_number(table, 3, mean - merged);
        sn_report_table_number(table, 3, worst);
        sn_report_table_number(table, 3, worst - merged);
    }
    if (sn_report_table_rows(table) == 0) {
        sn_report_table_destroy(table);
        return;
    }
    sn_document_table(document, NULL, table);
    sn_document_text(
        document,
        "With statistics of each worker, a program that keeps one worker's running statistics, as PyTorch's "
        "DDP keeps rank "
        "0's, evaluates with those; merged are all workers' by their samples. The weights are the same.");
}

void sn_put_running_statistics(FILE *out, const sn_report_runs *runs)
{
    const sn_report_group *most = NULL;
    double mean = 0, worst = 0;
    size_t count = 0;
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_report_group *group = &runs->groups[g];
        const double merged = evaluation_mean(group, "accuracy");
        const double of_worst = evaluation_mean(group, "worst_worker_accuracy") - merged;
        count += !isnan(of_worst);
        if (isnan(of_worst) || (most && of_worst >= worst)) continue;
        most = group;
        worst = of_worst;
        mean = evaluation_mean(group, "workers_accuracy") - merged;
    }
    if (!most) return;
    fprintf(out,
            "\nEvaluated with one worker's running statistics instead of all workers' merged, the weights of "
            "%s lose ",
            most->brief);
    fprintf(out,
            SN_LINK("running-stats") "%.2f points" SN_LINK_END
                                     " in the mean over workers and seeds, %.2f with "
                                     "the worst worker of each run on these images",
            fmax(0, -mean), fmax(0, -worst));
    if (count > 1) fprintf(out, ", the most of %zu experiments", count);
    fputs(". ", out);
}

void sn_section_statistics(sn_document *document, const sn_report_runs *runs)
{
    sn_document_section(document, "Batch statistics");
    sn_add_error_by_scope(document, runs);
    sn_add_shards(document, runs);
    sn_tell_drawn(document, runs, "all are in epochs.csv");
    add_disagreement(document, runs);
    add_running_gaps(document, runs);
    add_precise(document, runs);
    add_evaluations(document, runs);
    add_workers(document, runs);
    sn_document_end_section(document);
}
