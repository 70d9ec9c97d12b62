/* The answer on the page: its sentences, the differences as a figure and a table, and the commands that would decide more. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sections.h"
#include "speed.h"
#include "syncnorm/base/missing.h"
#include "syncnorm/train/compare.h"

static const char *const words[] = {[SN_UNDECIDED] = "undecided",
                                    [SN_BETTER] = "better",
                                    [SN_WORSE] = "worse",
                                    [SN_EQUIVALENT] = "equivalent"};

/* Of a large study the pairs that it is most likely about: batch norm's scopes; then synchronized batch norm beside group norm of several groups.
   All else alike. */
static bool is_of_scopes(const sn_attributes *a, const sn_attributes *b)
{
    return sn_experiment_norm(a) == SN_NORM_BATCH && sn_experiment_norm(b) == SN_NORM_BATCH &&
           !sn_experiments_share(a, b, "bn_scope") && sn_experiments_share(a, b, "workers");
}

static bool is_of_norms(const sn_attributes *a, const sn_attributes *b)
{
    const sn_attributes *group = sn_experiment_norm(a) == SN_NORM_GROUP ? a : b, *batch = group == a ? b : a;
    return sn_experiment_norm(group) == SN_NORM_GROUP && sn_attributes_number(group, "groups") > 1 &&
           sn_experiment_norm(batch) == SN_NORM_BATCH &&
           strcmp(sn_report_text(batch, "bn_scope"), "sync") == 0;
}

static bool is_drawn(const sn_report_runs *runs, const sn_pair *pair, int round)
{
    const sn_attributes *a = sn_report_experiment(&runs->groups[pair->first]),
                        *b = sn_report_experiment(&runs->groups[pair->second]);
    if (runs->group_count <= SN_GROUPS_ALL) return round == 0;
    return sn_experiments_respects(a, b) == 1 && (round == 0 ? is_of_scopes(a, b) : is_of_norms(a, b));
}

static void label_of(const sn_report_runs *runs, const sn_pair *pair, char *label, size_t size)
{
    const sn_report_group *first = &runs->groups[pair->first], *second = &runs->groups[pair->second];
    if (runs->group_count > SN_GROUPS_ALL) {
        char one[SN_PART_NAME], other[SN_PART_NAME], setting[SN_PART_NAME];
        sn_part_of_name(runs, first, true, one);
        sn_part_of_name(runs, second, true, other);
        sn_part_of_name(runs, second, false, setting);
        snprintf(label, size, "%s − %s%s%s: %s", other, one, *setting ? ", " : "", setting,
                 words[pair->verdict]);
    } else {
        snprintf(label, size, "%s − %s: %s", second->brief, first->brief, words[pair->verdict]);
    }
}

static void add_forest(sn_document *document, const sn_report_runs *runs, const sn_pairs *pairs)
{
    enum { ROWS_MAX = 28 };
    char title[64];
    snprintf(title, sizeof title, "Differences of %s accuracy", sn_report_judge(runs));
    sn_chart *chart = sn_chart_create("answer", title, "points", "");
    if (chart) {
        chart->form = SN_CHART_FOREST;
        chart->margin = sn_pair_points(&pairs->pairs[0], pairs->pairs[0].margin);
    }
    sn_chart_caption(
        chart,
        "Each difference with an interval that holds for all %zu at once (95 %%). Grey: within ±%g points; "
        "an interval inside shows equivalence. An arrow: an interval goes on; a number beside it: so "
        "great is a difference that is not on the axis.%s",
        pairs->tested, chart ? chart->margin : 0,
        runs->group_count > SN_GROUPS_ALL ? " Batch norm's scopes, and synchronized batch norm against group "
                                            "norm, where all else is alike; the table has all pairs."
        : pairs->count > ROWS_MAX         ? " The first pairs; the table has all."
                                          : "");
    sn_chart_add_series(chart, "difference", SN_SERIES_ERRORS, 0);
    size_t row = 0;
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < pairs->count && row < ROWS_MAX; i++) {
            const sn_pair *pair = &pairs->pairs[i];
            char label[2 * SN_REPORT_LABEL + 32];
            if (!is_drawn(runs, pair, round)) continue;
            label_of(runs, pair, label, sizeof label);
            sn_chart_add_bar(chart, label);
            sn_chart_add_point(
                chart, (sn_chart_point){(double)row++, sn_pair_points(pair, pair->difference.mean),
                                        sn_pair_points(pair, pair->low), sn_pair_points(pair, pair->high)});
        }
    sn_add_chart(document, chart, "no pair");
}

static void put_seeds(sn_report_table *table, size_t seeds)
{
    if (seeds)
        sn_report_table_cell(table, "%zu", seeds);
    else
        sn_report_table_cell(table, "–");
}

static void add_table(sn_document *document, const sn_report_runs *runs, const sn_pairs *pairs)
{
    const double margin = sn_pair_points(&pairs->pairs[0], pairs->pairs[0].margin);
    sn_report_table *table = sn_report_table_create(
        "answer", "%s: the second's %s minus the first's, paired by seed",
        runs->group_count > SN_GROUPS_ALL ? "Pairs that differ in one respect, and those with the baseline"
                                          : "All pairs",
        sn_report_measure(runs));
    sn_report_table_column(table, false, "second");
    sn_report_table_column(table, false, "first");
    sn_report_table_column(table, false, "verdict");
    sn_report_table_column(table, true, "seeds");
    sn_report_table_column(table, true, "difference (points)");
    sn_report_table_column(table, true, "simultaneous 95 %% interval");
    sn_report_table_split(table, " to ", " from", " to");
    sn_report_table_column(table, true, "± over seeds");
    sn_report_table_detail(table);
    sn_report_table_column(table, true, "± over seeds and images");
    sn_report_table_detail(table);
    sn_report_table_column(table, true, "spread");
    sn_report_table_detail(table);
    sn_report_table_column(table, true, "correlation");
    sn_report_table_detail(table);
    sn_report_table_column(table, true, "p of no difference");
    sn_report_table_detail(table);
    sn_report_table_column(table, true, "adjusted p of no difference");
    sn_report_table_column(table, true, "p by sign flips, exact");
    sn_report_table_detail(table);
    sn_report_table_column(table, true, "p of ±%g or more", margin);
    sn_report_table_detail(table);
    sn_report_table_column(table, true, "adjusted p of ±%g or more", margin);
    sn_report_table_column(table, true, "seeds in all to decide it");
    sn_report_table_column(table, true, "seeds in all to show ±%g", margin);
    sn_report_table_detail(table);
    sn_report_table_column(table, true, "seeds in all to show less");
    sn_report_table_detail(table);
    for (size_t i = 0; i < pairs->count; i++) {
        const sn_pair *pair = &pairs->pairs[i];
        const sn_estimate *d = &pair->difference;
        sn_put_group(table, &runs->groups[pair->second]);
        sn_put_group(table, &runs->groups[pair->first]);
        sn_report_table_cell(table, "%s", words[pair->verdict]);
        sn_report_table_cell(table, "%zu", d->count);
        sn_report_table_cell(table, "%+.3f", sn_pair_points(pair, d->mean));
        sn_put_interval(table, sn_pair_points(pair, pair->low), sn_pair_points(pair, pair->high));
        sn_report_table_number(table, 3, sn_pair_points(pair, d->high - d->mean));
        sn_report_table_number(table, 3, sn_pair_points(pair, pair->crossed));
        sn_report_table_number(table, 3, sn_pair_points(pair, d->deviation));
        sn_report_table_number(table, 2, pair->correlation);
        sn_put_p(table, d->p);
        sn_put_p(table, pair->adjusted_difference);
        sn_put_p(table, pair->sign_flip);
        sn_put_p(table, pair->within);
        sn_put_p(table, pair->adjusted_within);
        put_seeds(table, pair->verdict == SN_UNDECIDED ? pair->needed : 0);
        put_seeds(table, pair->for_difference);
        put_seeds(table, pair->for_equivalence);
    }
    sn_document_table(document, runs->group_count > SN_GROUPS_ALL ? "All these pairs, one by one" : NULL,
                      table);
}

/* ---- what would decide more ---- */

enum { SEEDS_SENSIBLE = 1000 };

/* The seeds that the group needs for the pairs that it is in, 0: those it has. */
static size_t seeds_needed(const sn_pairs *pairs, size_t group)
{
    size_t most = 0;
    for (size_t i = 0; i < pairs->count; i++) {
        const sn_pair *pair = &pairs->pairs[i];
        const bool mine = pair->first == group || pair->second == group;
        if (!mine || pair->verdict != SN_UNDECIDED || pair->needed > SEEDS_SENSIBLE) continue;
        const size_t needed = pair->needed > pair->difference.count ? pair->needed
                                                                    : pair->difference.count + 1;
        if (pair->needed && needed > most) most = needed;
    }
    return most;
}

/* Seconds of a run, as long as the group's took on the ranks that they were on. */
static double seconds_of_run(const sn_report_group *group)
{
    double sum = 0;
    for (size_t i = 0; i < group->count; i++) {
        size_t rows;
        if (group->runs[i].shown) sum += sn_report_total(&group->runs[i], "seconds", &rows);
    }
    return sum / (double)group->shown;
}

/* Where its runs are, by the first; false where study puts them anyway. */
static bool find_directory(const sn_report_group *group, char *directory, size_t size)
{
    const char *path = group->runs[0].path, *slash = strrchr(path, '/');
    if (slash)
        snprintf(directory, size, "%.*s", slash > path ? (int)(slash - path) : 1, path);
    else
        snprintf(directory, size, ".");
    return strcmp(directory, "runs") != 0;
}

static void put_more_runs(FILE *out, const sn_report_group *group, size_t needed)
{
    int64_t last = 0;
    for (size_t i = 0; i < group->count; i++)
        if (group->runs[i].shown && group->runs[i].seed > last) last = group->runs[i].seed;
    const size_t more = needed - group->shown;
    char seeds[64], directory[SN_PATH_SIZE];
    if (more == 1)
        snprintf(seeds, sizeof seeds, "%lld", (long long)last + 1);
    else
        snprintf(seeds, sizeof seeds, "%lld-%lld", (long long)last + 1, (long long)last + (long long)more);
    sn_put_study(out, &group->runs[0], seeds,
                 find_directory(group, directory, sizeof directory) ? directory : NULL);
    const double minutes = fmax(0.1, (double)more * seconds_of_run(group) / 60);
    fprintf(out, "  # %zu run%s, about %.*f %s as these were run\n", more, more == 1 ? "" : "s",
            minutes < 10 ? 1 : 0, minutes < 120 ? minutes : minutes / 60,
            minutes < 120 ? "minutes" : "hours");
}

static void add_commands(sn_document *document, const sn_report_runs *runs, const sn_pairs *pairs)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    for (size_t g = 0; out && g < runs->group_count; g++) {
        const size_t needed = seeds_needed(pairs, g);
        if (needed > runs->groups[g].shown) put_more_runs(out, &runs->groups[g], needed);
    }
    if (!out || fclose(out) != 0)
        document->failed = true;
    else if (size) {
        sn_document_code(document, "Commands that add the seeds", text);
        sn_document_text(document,
                         "Settle how many seeds there are to be, and look again when all are there: "
                         "whoever adds some until there is a verdict is wrong more often than in 5 %% "
                         "of studies.");
    }
    free(text);
}

static void explain_verdicts(sn_document *document, double margin)
{
    sn_document_text(
        document,
        "A verdict is two tests on the differences seed by seed: Student's t of no difference, and "
        "two one-sided ones of a difference of ±%g points or more. A p is the probability of such "
        "differences if there were none, or one of the margin. P-values are adjusted for all pairs "
        "at once (a closed test, which is Holm's with what is known of pairs), so that, where "
        "differences are about normal and the seeds were settled before, with 95 %% probability no "
        "verdict but undecided is wrong; intervals are simultaneous by Bonferroni and a little "
        "wider than the tests.",
        margin);
    sn_document_text(
        document, "The exact p takes nothing for normal: each difference could as well have had the other "
                  "sign; 3 seeds cannot give less than 0.25, 5 than 0.0625, 10 than 0.002, so that verdicts "
                  "of few seeds rest on the normal distribution. Spread and correlation are over seeds: the "
                  "standard deviation of a pair's differences, and how its two accuracies go together. An "
                  "interval over seeds is about these images; one over seeds and images, from the analysis "
                  "of variance of both, is about others like it, too: where it is hardly wider, seeds are "
                  "what there is too few of.");
    sn_document_text(
        document,
        "How many seeds are for 80 %% power, adjusted like the tests: to decide a pair whose "
        "difference and spread are as they are here; to show a difference of ±%g; to show that it "
        "is less where there is none. Of few seeds they are a rough guess: the true spread is 0.5 "
        "to 6 times that of 3 seeds, 0.7 to 1.8 times that of 10 (95 %%).",
        margin);
}

static void add_answer(sn_document *document, const sn_report_runs *runs, const sn_pairs *pairs, char *text)
{
    document->failed = document->failed || !text;
    sn_document_section(document, "The answer");
    if (text) sn_add_paragraphs(document, text);
    free(text);
    if (pairs->count) {
        if (pairs->tested) add_forest(document, runs, pairs);
        sn_add_axes(document, runs, pairs);
        add_table(document, runs, pairs);
        add_commands(document, runs, pairs);
        explain_verdicts(document, sn_pair_points(&pairs->pairs[0], pairs->pairs[0].margin));
    }
    sn_document_end_section(document);
}

sn_status sn_section_answer(sn_document *document, const sn_report_runs *runs, const sn_pairs *pairs,
                            const sn_selection *selection, double margin)
{
    if (selection->count < 2) {
        if (runs->group_count > 1) add_answer(document, runs, pairs, sn_answer_text(runs, pairs));
        return SN_OK;
    }
    sn_chosen best;
    const sn_status status = sn_report_choose(runs, selection->best, selection->count, margin, &best);
    if (status == SN_OK)
        add_answer(document, &best.runs, &best.pairs, sn_selection_text(runs, selection, &best));
    sn_chosen_clear(&best);
    return status;
}
