/* The probabilities of the final predictions: how good they are, and whether they say how often a prediction is right. */

#include <math.h>

#include "groups.h"
#include "sections.h"
#include "syncnorm/base/missing.h"

static double error_of(const sn_report_run *run, const void *context)
{
    (void)context;
    return 100 * run->calibration.error;
}

static double log_likelihood_of(const sn_report_run *run, const void *context)
{
    (void)context;
    return isnan(run->calibration.error) ? SN_MISSING : sn_report_last(run, "test_loss");
}

static double excess_of(const sn_report_run *run, const void *context)
{
    (void)context;
    return 100 * run->calibration.excess;
}

static void add_table(sn_document *document, const sn_report_runs *runs)
{
    sn_report_table *table = sn_report_table_create(
        "calibration",
        "Probabilities of the final predictions: mean over seeds ± half of the 95 %% confidence interval");
    static const char *const headings[] = {"negative log-likelihood (nats)",
                                           "expected calibration error (points)",
                                           "confidence − accuracy (points)"};
    sn_report_table_column(table, false, "experiment");
    sn_report_table_column(table, true, "seeds");
    for (size_t i = 0; i < sizeof headings / sizeof *headings; i++)
        sn_estimate_column(table, headings[i]);
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_report_group *group = &runs->groups[g];
        const sn_estimate error = sn_report_estimate(group, error_of, NULL);
        if (!group->complete || error.count == 0) continue;
        sn_put_group(table, group);
        sn_report_table_cell(table, "%zu", error.count);
        sn_put_estimate(table, 4, sn_report_estimate(group, log_likelihood_of, NULL));
        sn_put_estimate(table, 3, error);
        sn_put_estimate(table, 3, sn_report_estimate(group, excess_of, NULL));
    }
    sn_document_table(document, NULL, table);
}

static bool has_complete(const sn_report_group *group, const void *unused)
{
    (void)unused;
    return group->complete && !isnan(sn_report_mean(group, error_of, NULL));
}

/* A point for each bin, mean over the runs of the group: how often they are right beyond what they say. */
static void add_series(sn_chart *chart, const sn_report_group *group)
{
    sn_add_group_series(chart, group, SN_SERIES_ERRORS, group->style);
    for (int b = 0; b < SN_CALIBRATION_BINS; b++) {
        double confidence = 0, right = 0;
        size_t count = 0;
        for (size_t i = 0; i < group->count; i++) {
            const sn_report_run *run = &group->runs[i];
            if (!run->shown || isnan(run->calibration.error)) continue;
            confidence += run->calibration.confidence[b];
            right += run->calibration.right[b];
            count++;
        }
        if (count)
            sn_chart_add_point(chart, (sn_chart_point){b + 1, 100 * (right - confidence) / (double)count,
                                                       SN_MISSING, SN_MISSING});
    }
}

void sn_section_calibration(sn_document *document, const sn_report_runs *runs)
{
    size_t images = 0;
    for (size_t i = 0; i < runs->count; i++) {
        const sn_report_run *run = &runs->runs[i];
        if (run->shown && run->complete && !isnan(run->calibration.error)) images = sn_report_test_count(run);
    }
    if (!images) return;
    sn_document_section(document, "Probabilities");
    sn_tell_drawn(document, runs, "the table has all");
    add_table(document, runs);
    sn_chart *chart = sn_chart_create("reliability", "Reliability",
                                      "fifteenth of the predictions, the least confident first",
                                      "accuracy − confidence (points)");
    sn_chart_caption(chart, "0: predictions are right as often as their probability says; below, they are "
                            "too sure. Each point is a fifteenth of "
                            "the images.");
    for (size_t g = 0; g < runs->group_count; g++)
        if (sn_report_draws(runs, &runs->groups[g], has_complete, NULL)) add_series(chart, &runs->groups[g]);
    sn_add_chart(document, chart, "no run has its probabilities on record");
    sn_document_text(document,
                     "Confidence is the probability given to the class that was predicted. The expected "
                     "calibration error is the mean distance "
                     "of confidence and accuracy in bins of equal numbers of images; it is never 0, even of "
                     "probabilities that are true, since "
                     "a bin of %d images has its accuracy by chance, too.",
                     (int)(images / SN_CALIBRATION_BINS));
    sn_document_end_section(document);
}
