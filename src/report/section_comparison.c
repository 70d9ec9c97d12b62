/* The comparison: means over seeds, paired differences from a baseline, the published figures beside ours. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "missing.h"
#include "sections.h"
#include "syncnorm/report/statistics.h"

/* "99.12 ± 0.08"; without seeds to compare, the value alone. */
static void put_estimate(sn_report_table *table, int digits, sn_estimate e)
{
    if (e.count == 0)
        sn_report_table_cell(table, "–");
    else if (e.count == 1)
        sn_report_table_cell(table, "%.*f", digits, e.mean);
    else
        sn_report_table_cell(table, "%.*f ± %.*f", digits, e.mean, digits, e.high - e.mean);
}

static sn_estimate estimate(const sn_report_group *group, const char *column)
{
    double *values = calloc(group->count + 1, sizeof *values);
    sn_estimate none = {
        .mean = SN_MISSING, .low = SN_MISSING, .high = SN_MISSING, .deviation = SN_MISSING, .p = SN_MISSING};
    if (!values || !group->complete) {
        free(values);
        return none;
    }
    const sn_estimate e = sn_estimate_mean(values, sn_report_lasts(group, column, values));
    free(values);
    return e;
}

static const sn_report_run *with_seed(const sn_report_group *group, int64_t seed)
{
    for (size_t i = 0; i < group->count; i++)
        if (group->runs[i].shown && group->runs[i].seed == seed) return &group->runs[i];
    return NULL;
}

/* The paired difference of final test accuracy from the baseline, in points of percent. */
static sn_estimate difference(const sn_report_group *group, const sn_report_group *baseline)
{
    sn_estimate none = {
        .mean = SN_MISSING, .low = SN_MISSING, .high = SN_MISSING, .deviation = SN_MISSING, .p = SN_MISSING};
    if (!group->complete || !baseline->complete) return none;
    if (strcmp(sn_report_text(&group->runs->run.experiment, "dataset_digest"),
               sn_report_text(&baseline->runs->run.experiment, "dataset_digest")) != 0)
        return none; /* another test set */
    double *a = calloc(2 * group->count + 1, sizeof *a), *b = a + group->count;
    if (!a) return none;
    size_t pairs = 0;
    for (size_t i = 0; i < group->count; i++) {
        const sn_report_run *run = &group->runs[i], *other = with_seed(baseline, run->seed);
        if (!run->shown || !other) continue;
        a[pairs] = sn_report_last(run, "test_accuracy");
        b[pairs++] = sn_report_last(other, "test_accuracy");
    }
    const sn_estimate e = sn_estimate_difference(a, b, pairs);
    free(a);
    return e;
}

static void put_p(sn_report_table *table, double p)
{
    if (isnan(p))
        sn_report_table_cell(table, "–");
    else if (p < 1e-4)
        sn_report_table_cell(table, "%s", "< 0.0001");
    else
        sn_report_table_cell(table, "%.*f", p < 0.01 ? 4 : 3, p);
}

static void add_differences(sn_document *document, const sn_report_runs *runs)
{
    const sn_report_group *baseline = &runs->groups[runs->baseline];
    double *p = calloc(2 * runs->group_count + 1, sizeof *p), *adjusted = p + runs->group_count;
    if (!p) {
        document->failed = true;
        return;
    }
    for (size_t g = 0; g < runs->group_count; g++)
        p[g] = g == runs->baseline ? SN_MISSING : difference(&runs->groups[g], baseline).p;
    sn_holm(p, runs->group_count, adjusted);

    sn_report_table *table = sn_report_table_create(
        "differences", "Final test accuracy minus that of %s, paired by seed", baseline->label);
    sn_report_table_column(table, false, "experiment");
    sn_report_table_column(table, true, "pairs");
    sn_report_table_column(table, true, "difference (points)");
    sn_report_table_column(table, true, "95 %% interval");
    sn_report_table_column(table, true, "images of 10,000");
    sn_report_table_column(table, true, "p");
    sn_report_table_column(table, true, "p (Holm)");
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_estimate e = difference(&runs->groups[g], baseline);
        if (g == runs->baseline || e.count == 0) continue;
        sn_report_table_cell(table, "%s", runs->groups[g].label);
        sn_report_table_cell(table, "%zu", e.count);
        sn_report_table_cell(table, "%+.3f", e.mean);
        if (e.count > 1)
            sn_report_table_cell(table, "%+.3f to %+.3f", e.low, e.high);
        else
            sn_report_table_cell(table, "–");
        sn_report_table_cell(table, "%+.1f", e.mean * 100);
        put_p(table, e.p);
        put_p(table, adjusted[g]);
    }
    free(p);
    if (sn_report_table_rows(table) == 0) {
        sn_report_table_destroy(table);
        sn_document_leave_out(
            document, "differences from a baseline",
            "no other experiment has a complete run with a seed of the baseline on the same data");
        return;
    }
    sn_document_table(document, NULL, table);
    sn_document_text(
        document,
        "The same seed gives the same order of images and, where shapes match, the same initial weights, so "
        "differences are taken seed by seed: Student's t on n − 1 degrees of freedom, two-sided. The "
        "last column is adjusted for all the comparisons in the table. An interval is about "
        "seeds, on one test set; it does not cover other data.");
}

static void add_means(sn_document *document, const sn_report_runs *runs)
{
    sn_report_table *table = sn_report_table_create(
        "comparison", "After the last epoch: mean over seeds ± half of the 95 %% confidence interval");
    sn_report_table_column(table, false, "experiment");
    sn_report_table_column(table, true, "seeds");
    sn_report_table_column(table, true, "epochs");
    sn_report_table_column(table, true, "test accuracy (%%)");
    sn_report_table_column(table, true, "test loss (nats)");
    sn_report_table_column(table, true, "training accuracy (%%)");
    sn_report_table_column(table, true, "training loss (nats)");
    sn_report_table_column(table, true, "images/s");
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_report_group *group = &runs->groups[g];
        sn_report_table_cell(table, "%s", group->label);
        if (!group->complete) {
            sn_report_table_cell(table, "0 complete");
            sn_report_table_number(table, 0, sn_report_last(&group->runs[0], "epoch"));
            for (int i = 0; i < 5; i++)
                sn_report_table_cell(table, "–");
            continue;
        }
        sn_report_table_cell(table, "%zu", group->shown);
        sn_report_table_number(table, 0, sn_group_mean(group, "epoch"));
        put_estimate(table, 2, estimate(group, "test_accuracy"));
        put_estimate(table, 4, estimate(group, "test_loss"));
        put_estimate(table, 2, estimate(group, "train_accuracy"));
        put_estimate(table, 4, estimate(group, "train_cross_entropy"));
        sn_report_table_number(table, 0, sn_group_mean(group, "images_per_second"));
    }
    sn_document_table(document, NULL, table);
    sn_document_text(
        document,
        "Training figures are those of the last epoch while training, with dropout, the penalty apart. "
        "A single seed has no interval.");
}

static void add_published(sn_document *document, const sn_report_runs *runs)
{
    sn_report_table *table = sn_report_table_create(
        "published", "Ours (mean over seeds) beside the published study, after the same number of epochs");
    sn_report_table_column(table, false, "experiment");
    sn_report_table_column(table, true, "epoch");
    static const char *const names[] = {"training accuracy (%)", "test accuracy (%)", "test loss (nats)"};
    for (int i = 0; i < 3; i++) {
        sn_report_table_column(table, true, "%s", names[i]);
        sn_report_table_column(table, true, "published %s", names[i]);
    }
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_report_group *group = &runs->groups[g];
        sn_published rows[SN_PUBLISHED_EPOCHS];
        if (!group->published_recipe || !group->complete) continue;
        const size_t count = sn_published_epochs(group->preset, rows);
        const double epoch = sn_group_mean(group, "epoch");
        for (size_t i = 0; i < count; i++) {
            if (fabs(rows[i].epoch - epoch) > 1e-9) continue;
            sn_report_table_cell(table, "%s", group->label);
            sn_report_table_cell(table, "%d", rows[i].epoch);
            sn_report_table_number(table, 2, sn_group_mean(group, "train_accuracy"));
            sn_report_table_number(table, 2, rows[i].train_accuracy);
            sn_report_table_number(table, 2, sn_group_mean(group, "test_accuracy"));
            sn_report_table_number(table, 2, rows[i].test_accuracy);
            sn_report_table_number(table, 4, sn_group_mean(group, "test_loss"));
            sn_report_table_number(table, 4, rows[i].test_loss);
        }
    }
    if (sn_report_table_rows(table) == 0) {
        sn_report_table_destroy(table);
        sn_document_leave_out(document, "the published figures",
                              "no complete run has the published recipe on MNIST and at most its 15 epochs");
        return;
    }
    sn_document_table(document, NULL, table);
}

static const sn_report_group *find_preset(const sn_report_runs *runs, const char *preset)
{
    for (size_t g = 0; g < runs->group_count; g++)
        if (runs->groups[g].preset && strcmp(runs->groups[g].preset, preset) == 0) return &runs->groups[g];
    return NULL;
}

/* What bn-l1 is compared with must not be taken for the norm's doing. */
static void add_warning(sn_document *document, const sn_report_runs *runs)
{
    const sn_report_group *mixed = find_preset(runs, "bn-l1"), *plain = NULL;
    if (!mixed) return;
    for (size_t g = 0; g < runs->group_count; g++)
        if (strcmp(runs->groups[g].label, "bn") == 0) plain = &runs->groups[g];
    sn_document_note(
        document,
        "bn-l1 mixes two things: batch norm and an L1 penalty on all parameters, as the published study "
        "did. What distinguishes it from gn and ln is not the norm alone. %s",
        plain ? "Plain batch norm, bn, stands beside it: the norm without the penalty."
              : "No run of plain batch norm (--norm bn) is among these runs to tell them apart.");
}

void sn_section_comparison(sn_document *document, const sn_report_runs *runs)
{
    sn_document_section(document, "Comparison");
    if (runs->digests_differ)
        sn_document_note(
            document,
            "Warning: two runs of one experiment and seed have different digests. They must be equal "
            "to the bit; see the table of runs.");
    if (runs->unreadable)
        sn_document_note(document,
                         "%zu of the files given could not be read as run files and are not in this report.",
                         runs->unreadable);
    if (runs->incomplete)
        sn_document_note(document,
                         "%zu of %zu runs are not complete. Where an experiment has complete runs, only "
                         "these count; else its "
                         "curves show what there is.",
                         runs->incomplete, runs->count);
    if (runs->repeated)
        sn_document_note(
            document,
            "Runs that repeat the experiment and seed of another: %zu. They count once, except for speed.",
            runs->repeated);
    add_warning(document, runs);
    add_means(document, runs);
    add_differences(document, runs);
    add_published(document, runs);
    sn_document_end_section(document);
}
