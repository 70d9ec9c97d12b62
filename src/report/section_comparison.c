/* The comparison: means over seeds, paired differences from a baseline, the published figures beside ours. */

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "groups.h"
#include "sections.h"
#include "speed.h"
#include "syncnorm/base/missing.h"
#include "syncnorm/train/compare.h"

void sn_put_estimate(sn_report_table *table, int digits, sn_estimate e)
{
    if (e.count == 0)
        sn_report_table_cell(table, "–");
    else if (e.count == 1)
        sn_report_table_cell(table, "%.*f", digits, e.mean);
    else
        sn_report_table_cell(table, "%.*f ± %.*f", digits, e.mean, digits, e.high - e.mean);
}

void sn_estimate_column(sn_report_table *table, const char *heading)
{
    sn_report_table_column(table, true, "%s", heading);
    sn_report_table_split(table, " ± ", "", " ± 95 % interval");
}

void sn_put_p(sn_report_table *table, double p)
{
    if (isnan(p))
        sn_report_table_cell(table, "–");
    else if (p < 1e-4)
        sn_report_table_cell(table, "%s", "< 0.0001");
    else
        sn_report_table_cell(table, "%.*f", p < 0.01 ? 4 : 3, p);
}

static bool same_length(const sn_report_group *a, const sn_report_group *b)
{
    return sn_experiments_share(sn_report_experiment(a), sn_report_experiment(b), "epochs") &&
           sn_experiments_share(sn_report_experiment(a), sn_report_experiment(b), "steps");
}

/* What only one of them has goes without saying where the norms differ: groups belong to group norm, but standardized weights to any. */
static bool goes_without_saying(const sn_attributes *a, const sn_attributes *b, const char *name)
{
    return sn_attribute_is_of_norm(name) && strcmp(name, "weight_standardization") != 0 &&
           !sn_experiments_share(a, b, "norm") &&
           (!sn_attributes_find(a, name) || !sn_attributes_find(b, name));
}

static size_t put_differences(FILE *out, const sn_attributes *a, const sn_attributes *b, bool afterwards)
{
    size_t count = 0;
    for (int side = 0; side < 2; side++) {
        const sn_attributes *list = side ? b : a, *other = side ? a : b;
        size_t i = 0;
        for (const char *name; (name = sn_experiments_next_difference(list, other, &i));) {
            if (!afterwards && sn_attribute_is_afterwards(name)) continue;
            if (goes_without_saying(a, b, name) || (side && sn_attributes_find(a, name))) continue;
            fprintf(out, "%s%s", count++ ? ", " : "", name);
        }
    }
    return count;
}

static void put_what_differs(sn_document *document, sn_report_table *table, const sn_report_group *group,
                             const sn_report_group *baseline)
{
    char *names = NULL;
    size_t size;
    FILE *out = open_memstream(&names, &size);
    const sn_attributes *mine = sn_report_experiment(group), *other = sn_report_experiment(baseline);
    /* what is evaluated after training is a difference where there is no other */
    if (out && put_differences(out, mine, other, false) == 0) put_differences(out, mine, other, true);
    if (!out || fclose(out) != 0) document->failed = true;
    sn_report_table_cell(table, "%s", names ? names : "");
    free(names);
}

void sn_put_interval(sn_report_table *table, double low, double high)
{
    if (low < high)
        sn_report_table_cell(table, "%+.3f to %+.3f", low, high);
    else
        sn_report_table_cell(table, "–");
}

static void put_difference(sn_report_table *table, const sn_pair *pair)
{
    const sn_estimate *e = &pair->difference;
    sn_report_table_cell(table, "%zu", e->count);
    sn_report_table_cell(table, "%+.3f", sn_pair_points(pair, e->mean));
    sn_put_interval(table, sn_pair_points(pair, e->low), sn_pair_points(pair, e->high));
    sn_report_table_cell(table, "%+.1f", e->mean * 10000 / (double)pair->images);
    sn_put_p(table, e->p);
    sn_put_p(table, pair->adjusted_difference);
}

static void explain_differences(sn_document *document, const sn_report_runs *runs, const sn_pairs *pairs,
                                bool lengths)
{
    sn_document_text(
        document,
        "Differences are taken seed by seed: Student's t on n − 1 degrees of freedom, two-sided; no interval "
        "and no p where "
        "all are equal. Runs of one seed see the same images in the same order, unless batch, workers, "
        "shards or shuffle are among what differs, and begin with the same weights where shapes match and "
        "--init is the same, all of it unless they have seeds of their own; what is "
        "not shared is left to chance, which the interval has in it. Intervals and the first p are each "
        "pair's alone; the "
        "last p is adjusted for the %zu pairs of these experiments that were tested. An interval is about "
        "seeds, on one set of images; it "
        "does not cover other data.",
        pairs->tested);
    if (lengths)
        sn_document_note(document,
                         "Some experiments were not trained as long as %s (epochs or steps is among what "
                         "differs): their difference is one of length, too.",
                         runs->groups[runs->baseline].brief);
}

static void add_differences(sn_document *document, const sn_report_runs *runs, const sn_pairs *pairs)
{
    const sn_report_group *baseline = &runs->groups[runs->baseline];
    const char *measure = sn_report_measure(runs);
    sn_report_table *table = sn_report_table_create("differences", "%c%s minus that of %s, paired by seed",
                                                    toupper((unsigned char)*measure), measure + 1,
                                                    baseline->brief);
    sn_report_table_column(table, false, "experiment");
    sn_report_table_column(table, true, "pairs");
    sn_report_table_column(table, true, "difference (points)");
    sn_report_table_column(table, true, "95 %% interval");
    sn_report_table_split(table, " to ", " from", " to");
    sn_report_table_column(table, true, "images of 10,000");
    sn_report_table_column(table, true, "p");
    sn_report_table_column(table, true, "p (adjusted)");
    sn_report_table_column(table, false, "what differs");
    bool lengths = false;
    size_t left_out = 0;
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_report_group *group = &runs->groups[g];
        if (g == runs->baseline) continue;
        const sn_pair pair = sn_report_difference(pairs, g, runs->baseline);
        if (pair.difference.count == 0) {
            left_out++;
            continue;
        }
        sn_put_group(table, group);
        put_difference(table, &pair);
        put_what_differs(document, table, group, baseline);
        lengths = lengths || !same_length(group, baseline);
    }
    if (sn_report_table_rows(table) == 0) {
        sn_report_table_destroy(table);
        sn_document_leave_out(
            document, "differences from a baseline",
            "no other experiment has a complete run with a seed of the baseline on the same data");
        return;
    }
    sn_document_table(document, NULL, table);
    if (left_out)
        sn_document_note(document,
                         "%zu other experiment%s not in this table: no complete run with a seed of %s on the "
                         "same data.",
                         left_out, left_out == 1 ? " is" : "s are", baseline->brief);
    explain_differences(document, runs, pairs, lengths);
}

static bool have_one_judge(const sn_report_runs *runs)
{
    for (size_t i = 1; i < runs->count; i++)
        if (runs->runs[i].held_out != runs->runs[0].held_out) return false;
    return true;
}

static void add_means(sn_document *document, const sn_report_runs *runs)
{
    sn_report_table *table = sn_report_table_create(
        "comparison", "After the last epoch: mean over seeds ± half of the 95 %% confidence interval");
    sn_report_table_column(table, false, "experiment");
    sn_report_table_column(table, true, "seeds");
    sn_report_table_column(table, true, "epochs");
    const bool judged_alike = have_one_judge(runs);
    if (!judged_alike) sn_report_table_column(table, false, "judged by");
    char accuracy[64], loss[64];
    snprintf(accuracy, sizeof accuracy, "%s accuracy (%%)", sn_report_judge(runs));
    snprintf(loss, sizeof loss, "%s loss (nats)", sn_report_judge(runs));
    sn_estimate_column(table, accuracy);
    sn_estimate_column(table, loss);
    sn_estimate_column(table, "training accuracy (%)");
    sn_estimate_column(table, "training loss (nats)");
    sn_report_table_column(table, true, "images/s");
    static const struct {
        const char *column;
        int digits;
    } figures[] = {{"test_accuracy", 2}, {"test_loss", 4}, {"train_accuracy", 2}, {"train_cross_entropy", 4}};
    bool mixed = false;
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_report_group *group = &runs->groups[g];
        sn_put_group(table, group);
        if (!group->complete) {
            sn_report_table_cell(table, "0 complete");
            sn_report_table_number(table, 0, sn_report_last(&group->runs[0], "epoch"));
            for (int i = 0; i < (judged_alike ? 5 : 6); i++)
                sn_report_table_cell(table, "–");
            continue;
        }
        sn_report_table_cell(table, "%zu", group->shown);
        sn_report_table_number(table, 0, sn_group_mean(group, "epoch"));
        if (!judged_alike)
            sn_report_table_cell(table, "%s", group->runs[0].held_out ? "images held out" : "test set");
        for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
            sn_put_estimate(table, figures[i].digits,
                            sn_report_estimate(group, sn_value_last, figures[i].column));
        const double ranks = sn_report_common_ranks(group);
        mixed = mixed || isnan(ranks);
        sn_report_table_number(table, 0, sn_report_speed(group, ranks));
    }
    sn_document_table(document, NULL, table);
    sn_document_text(
        document,
        "Training figures are those of the last epoch while training, with dropout, the penalty apart. "
        "Images/s are means over the epochs. A single seed has no interval.%s",
        mixed ? " Images/s is left out where runs had different numbers of ranks: see Cost." : "");
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
            sn_put_group(table, group);
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

static bool is_penalized_bn(const sn_report_group *group)
{
    const sn_attributes *experiment = sn_report_experiment(group);
    return !isnan(sn_experiment_scope_samples(experiment)) && sn_attributes_number(experiment, "l1") > 0;
}

static bool is_penalty_or_afterwards(const char *attribute)
{
    return strcmp(attribute, "l1") == 0 || sn_attribute_is_afterwards(attribute);
}

/* The group that lacks the penalty, and nothing else. */
static const sn_report_group *without_penalty(const sn_report_runs *runs, const sn_report_group *mixed)
{
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_attributes *experiment = sn_report_experiment(&runs->groups[g]);
        if (!(sn_attributes_number(experiment, "l1") > 0) &&
            sn_experiments_same(experiment, sn_report_experiment(mixed), is_penalty_or_afterwards))
            return &runs->groups[g];
    }
    return NULL;
}

/* What a penalized batch norm is compared with must not be taken for the norm's doing. */
static void add_warning(sn_document *document, const sn_report_runs *runs)
{
    enum { NAMED_MAX = 6 };
    size_t mixed = 0, paired = 0;
    char *names = NULL, *pairs = NULL;
    size_t names_size, pairs_size;
    FILE *out = open_memstream(&names, &names_size), *beside = open_memstream(&pairs, &pairs_size);
    for (size_t g = 0; out && beside && g < runs->group_count; g++) {
        const sn_report_group *group = &runs->groups[g];
        if (!is_penalized_bn(group)) continue;
        const sn_report_group *plain = without_penalty(runs, group);
        if (mixed++ < NAMED_MAX) fprintf(out, "%s%s", mixed > 1 ? ", " : "", group->brief);
        if (plain && paired++ < NAMED_MAX)
            fprintf(beside, "%s%s beside %s", paired > 1 ? ", " : "", plain->brief, group->brief);
    }
    if (mixed > NAMED_MAX) fprintf(out, " and %zu more", mixed - NAMED_MAX);
    if (paired > NAMED_MAX) fprintf(beside, " and %zu more", paired - NAMED_MAX);
    if (!out || fclose(out) != 0) document->failed = true;
    if (!beside || fclose(beside) != 0) document->failed = true;
    if (mixed && names && pairs)
        sn_document_note(
            document,
            "%s mix%s two things: batch norm and an L1 penalty on all parameters, as the published study "
            "did. What distinguishes %s from gn and ln is not the norm alone. %s%s",
            names, mixed > 1 ? "" : "es", mixed > 1 ? "them" : "it",
            paired ? "The norm without the penalty, and else the same: "
                   : "No run of plain batch norm (--norm bn), else the same, is among these runs to tell "
                     "them apart.",
            paired ? pairs : "");
    free(names);
    free(pairs);
}

void sn_section_comparison(sn_document *document, const sn_report_runs *runs, const sn_pairs *pairs)
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
    add_differences(document, runs, pairs);
    sn_add_error_by_workers(document, runs);
    add_published(document, runs);
    sn_document_end_section(document);
}
