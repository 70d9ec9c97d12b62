/* What tuning chose: the best setting of each experiment by the images held out, how much it matters, and whether the answer depends on it. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sections.h"
#include "syncnorm/base/ascending.h"
#include "syncnorm/base/missing.h"
#include "syncnorm/base/thousands.h"
#include "syncnorm/train/compare.h"
#include "text.h"

static double accuracy_of(const sn_report_run *run, const void *context)
{
    (void)context;
    return sn_report_last(run, "validation_accuracy");
}

static void put_accuracy(sn_report_table *table, const sn_report_group *group)
{
    sn_put_estimate(table, 2, sn_report_estimate(group, accuracy_of, NULL));
}

/* "lr"; "–" where the best lies within, or one value was tried. */
static void put_edges(sn_report_table *table, const sn_selection *s, const sn_trials *t)
{
    char text[256];
    size_t used = 0;
    for (size_t i = 0; i < s->attribute_count && used < sizeof text; i++)
        if (t->edge[i] || !t->tuned[i])
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s%s", used ? ", " : "",
                                     s->options[i], t->edge[i] ? "" : " (one value)");
    sn_report_table_cell(table, "%s", used ? text : "–");
}

static void add_table(sn_document *document, const sn_report_runs *runs, const sn_selection *s)
{
    sn_report_table *table = sn_report_table_create(
        "selection",
        "The best setting of each experiment by its accuracy on the images held out, mean over seeds");
    sn_report_table_column(table, false, "experiment");
    sn_report_table_column(table, true, "settings tried");
    sn_report_table_column(table, true, "seeds of the best");
    sn_report_table_column(table, false, "best setting");
    sn_estimate_column(table, "validation accuracy (%)");
    sn_report_table_column(table, false, "best at the edge of what was tried");
    sn_report_table_column(table, true, "worst setting (%%)");
    if (s->shared) {
        sn_report_table_column(table, false, "shared setting");
        sn_estimate_column(table, "validation accuracy at it (%)");
    }
    for (size_t i = 0; i < s->count; i++) {
        const sn_trials *t = &s->trials[i];
        const sn_report_group *best = &runs->groups[s->best[i]];
        char setting[256];
        sn_report_table_name(table, t->brief, t->label);
        sn_report_table_cell(table, "%zu", t->count);
        sn_report_table_cell(table, "%zu", best->shown);
        sn_selection_setting(s, best, setting, sizeof setting);
        sn_report_table_cell(table, "%s", setting);
        put_accuracy(table, best);
        put_edges(table, s, t);
        sn_report_table_number(table, 2, t->sorted[0]);
        if (!s->shared) continue;
        sn_selection_setting(s, &runs->groups[s->shared[i]], setting, sizeof setting);
        sn_report_table_cell(table, "%s", setting);
        put_accuracy(table, &runs->groups[s->shared[i]]);
    }
    sn_document_table(document, NULL, table);
}

/* ---- sensitivity ---- */

static int by_value(const void *left, const void *right)
{
    return sn_ascending(&((const sn_chart_point *)left)->x, &((const sn_chart_point *)right)->x);
}

/* Of the settings tried, those that have everything else tuned as the best has. */
static void add_line(sn_chart *chart, const sn_report_runs *runs, const sn_selection *s, size_t trials,
                     size_t option)
{
    const sn_trials *t = &s->trials[trials];
    const char *rest[SN_TUNED_MAX];
    size_t rest_count = 0;
    for (size_t i = 0; i < s->attribute_count; i++)
        if (i != option) rest[rest_count++] = s->attributes[i];
    sn_chart_point *points = calloc(t->count, sizeof *points);
    size_t count = 0;
    for (size_t k = 0; points && k < t->count; k++) {
        const sn_report_group *group = &runs->groups[t->groups[k]];
        bool beside = true;
        for (size_t i = 0; i < rest_count; i++)
            beside = beside &&
                     sn_experiments_share(sn_report_experiment(group),
                                          sn_report_experiment(&runs->groups[s->best[trials]]), rest[i]);
        const double x = sn_attributes_number(sn_report_experiment(group), s->attributes[option]);
        if (!beside || isnan(x)) continue;
        const sn_estimate e = sn_report_estimate(group, accuracy_of, NULL);
        points[count++] = (sn_chart_point){x, e.mean, e.low, e.high};
    }
    if (!points) chart->failed = true;
    if (count) qsort(points, count, sizeof *points, by_value);
    sn_chart_add_series(chart, t->label, SN_SERIES_ERRORS, trials);
    sn_chart_title_series(chart, t->brief);
    for (size_t k = 0; k < count; k++)
        sn_chart_add_point(chart, points[k]);
    free(points);
}

/* Whether values spread over a factor of four: then their axis is logarithmic. */
static bool is_wide(const sn_chart *chart)
{
    double least = HUGE_VAL, most = 0;
    for (size_t i = 0; i < chart->series_count; i++)
        for (size_t k = 0; k < chart->series[i].count; k++) {
            least = fmin(least, chart->series[i].points[k].x);
            most = fmax(most, chart->series[i].points[k].x);
        }
    return least > 0 && most >= 4 * least;
}

static void add_sensitivity(sn_document *document, const sn_report_runs *runs, const sn_selection *s,
                            size_t option)
{
    char name[96], title[128];
    snprintf(name, sizeof name, "sensitivity-%s", s->options[option]);
    snprintf(title, sizeof title, "Sensitivity to --%s", s->options[option]);
    sn_chart *chart = sn_chart_create(name, title, s->options[option], "validation accuracy (%)");
    if (!chart) {
        document->failed = true;
        return;
    }
    chart->y_axis = SN_AXIS_ACCURACY;
    sn_chart_caption(
        chart, "Accuracy on the images held out, mean over seeds with its 95 %% interval%s: flat is robust.",
        s->attribute_count > 1 ? ", everything else as the best setting has it" : "");
    for (size_t t = 0; t < s->count; t++)
        if (s->trials[t].tuned[option]) add_line(chart, runs, s, t, option);
    if (is_wide(chart)) chart->x_axis = SN_AXIS_LOG2;
    sn_add_chart(document, chart, "one value was tried, or it is no number");
}

static void add_expected_best(sn_document *document, const sn_selection *s)
{
    sn_chart *chart = sn_chart_create("expected-best", "Expected best of n settings", "settings tried",
                                      "validation accuracy (%)");
    if (!chart) {
        document->failed = true;
        return;
    }
    chart->y_axis = SN_AXIS_ACCURACY;
    sn_chart_caption(chart, "The best that one would expect to have found with fewer trials, drawn at random "
                            "from these: the unbiased "
                            "estimate of Tang et al. (2020).");
    for (size_t i = 0; i < s->count; i++) {
        const sn_trials *t = &s->trials[i];
        if (t->count < 2) continue;
        sn_chart_add_series(chart, t->label, SN_SERIES_ERRORS, i);
        sn_chart_title_series(chart, t->brief);
        for (size_t n = 1; n <= t->count; n++)
            sn_chart_add_point(chart, (sn_chart_point){(double)n, sn_expected_best(t->sorted, t->count, n),
                                                       SN_MISSING, SN_MISSING});
    }
    sn_add_chart(document, chart, "one setting was tried");
}

/* ---- the answer at a setting ---- */

static bool all_share_their_best(const sn_selection *s)
{
    for (size_t t = 0; s->shared && t < s->count; t++)
        if (s->best[t] != s->shared[t]) return false;
    return s->shared != NULL;
}

static sn_status add_answers(sn_document *document, const sn_report_runs *runs, const sn_selection *s,
                             double margin)
{
    char setting[256];
    sn_chosen shared;
    if (s->count < 2) return SN_OK;
    if (!s->shared) {
        sn_document_note(document, "There is no setting that all experiments were tried with.");
        return SN_OK;
    }
    sn_selection_setting(s, &runs->groups[s->shared[0]], setting, sizeof setting);
    if (all_share_their_best(s)) {
        sn_document_text(
            document, "All have their best at %s: the answer is the one at a shared setting, too.", setting);
        return SN_OK;
    }
    const sn_status status = sn_report_choose(runs, s->shared, s->count, margin, &shared);
    char *text = status == SN_OK ? sn_verdicts_text(&shared.runs, &shared.pairs) : NULL;
    document->failed = document->failed || !text;
    sn_document_text(document, "All at %s, the best in the mean over them:", setting);
    if (text) sn_add_paragraphs(document, text);
    free(text);
    sn_chosen_clear(&shared);
    return status;
}

/* "gn at lr 0.03 (98.87 %)". */
static void put_best(FILE *out, const sn_report_runs *runs, const sn_selection *s)
{
    for (size_t t = 0; t < s->count; t++) {
        char setting[256];
        const sn_trials *trials = &s->trials[t];
        sn_selection_setting(s, &runs->groups[s->best[t]], setting, sizeof setting);
        fprintf(out, "%s%s at %s (" SN_LINK("selection") "%.2f %%" SN_LINK_END ")", t ? ", " : "",
                trials->brief, setting, trials->scores[trials->best]);
    }
}

static void put_edges_of_all(FILE *out, const sn_selection *s)
{
    size_t named = 0;
    for (size_t t = 0; t < s->count; t++) {
        bool edge = false;
        for (size_t i = 0; i < s->attribute_count; i++)
            edge = edge || s->trials[t].edge[i];
        if (edge) fprintf(out, "%s%s", named++ ? ", " : "The best of ", s->trials[t].brief);
    }
    if (named) fprintf(out, " lies at the edge of what was tried, and a better one may lie beyond. ");
}

static size_t settings_tried(const sn_selection *s)
{
    size_t count = 0;
    for (size_t t = 0; t < s->count; t++)
        count += s->trials[t].count;
    return count;
}

static void put_selection(FILE *out, const sn_report_runs *runs, const sn_selection *s,
                          const char *between_best)
{
    char images[SN_THOUSANDS_SIZE], setting[256];
    const sn_attributes *first = sn_report_experiment(&runs->groups[0]);
    sn_thousands((int64_t)sn_attributes_number(first, "validation"), images);
    fprintf(out, "%zu settings of %zu experiments on %s", settings_tried(s), s->count,
            sn_report_text(first, "dataset"));
    if (*runs->common) fprintf(out, ", all with %s", runs->common);
    fprintf(out, "; the best of each by %s images held out: ", images);
    put_best(out, runs, s);
    fprintf(out, ". %s", between_best);
    if (all_share_their_best(s)) {
        sn_selection_setting(s, &runs->groups[s->shared[0]], setting, sizeof setting);
        fprintf(out, "\nAll have their best at %s, so that it is the answer at a shared setting, too. ",
                setting);
    } else {
        fputs("\nThe section Selection has the answer at a setting that all share, too. ", out);
    }
    put_edges_of_all(out, s);
    fputs(
        "The images that chose the settings favour them, by how much is not known: runs on fresh seeds, all "
        "training images and the test set decide (report --emit-final SEEDS).",
        out);
}

char *sn_selection_text(const sn_report_runs *runs, const sn_selection *selection, const sn_chosen *best)
{
    char *text = NULL, *verdicts = sn_verdicts_text(&best->runs, &best->pairs);
    size_t size;
    FILE *out = verdicts ? open_memstream(&text, &size) : NULL;
    if (out) put_selection(out, runs, selection, verdicts);
    free(verdicts);
    if (out && fclose(out) == 0) return text;
    free(text);
    return NULL;
}

/* A setting with more seeds than another has had more chances to show what it is worth. */
static void note_seeds(sn_document *document, const sn_report_runs *runs, const sn_selection *s)
{
    size_t least = SIZE_MAX, most = 0;
    for (size_t t = 0; t < s->count; t++)
        for (size_t i = 0; i < s->trials[t].count; i++) {
            const size_t seeds = runs->groups[s->trials[t].groups[i]].shown;
            least = seeds < least ? seeds : least;
            most = seeds > most ? seeds : most;
        }
    if (least < most)
        sn_document_note(
            document,
            "The settings were not tried with as many seeds, but with %zu to %zu: of few seeds a mean is "
            "more easily the greatest by chance.",
            least, most);
}

sn_status sn_section_selection(sn_document *document, const sn_report_runs *runs,
                               const sn_selection *selection, double margin)
{
    if (selection->count == 0) return SN_OK;
    sn_document_section(document, "Selection");
    add_table(document, runs, selection);
    note_seeds(document, runs, selection);
    SN_TRY(add_answers(document, runs, selection, margin));
    for (size_t i = 0; i < selection->attribute_count; i++)
        add_sensitivity(document, runs, selection, i);
    add_expected_best(document, selection);
    sn_document_text(
        document,
        "A best setting was found on the images that its accuracy here is of, so that accuracy promises a "
        "little too much, the more the more settings were tried; runs on fresh seeds and all training "
        "images, "
        "judged by the test set, do not. Where the best lies at the edge of what was tried, a better one may "
        "lie beyond.");
    sn_document_end_section(document);
    return SN_OK;
}
