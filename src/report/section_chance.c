/* Where chance comes from: runs that differ in one seed of their own alone, as --init-seed 1-10 makes them. (The idea: Bouthillier et al., "Accounting for
   variance in machine learning benchmarks", MLSys 2021.) */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "groups.h"
#include "sections.h"
#include "syncnorm/base/missing.h"
#include "syncnorm/train/compare.h"

static const struct source {
    const char *attribute, *name;
} sources[] = {{"init_seed", "initial weights"},
               {"order_seed", "order and shards"},
               {"dropout_seed", "dropout masks"},
               {NULL, "all of them, by --seed"}};
enum { SOURCES = sizeof sources / sizeof *sources };

/* Percent, of complete runs; room for all of them. */
typedef struct sample {
    double *values;
    size_t count;
} sample;

static double score(const sn_report_run *run)
{
    return 100 * sn_report_correct(run) / (double)run->last / (double)sn_report_test_count(run);
}

static void add_run(sample *s, const sn_report_run *run)
{
    if (run->shown && run->complete && !isnan(score(run))) s->values[s->count++] = score(run);
}

/* Runs that are `base` but for one seed of their own; all sources: its own repetitions. */
static void collect(const sn_report_runs *runs, const sn_report_group *base, const char *attribute, sample *s)
{
    s->count = 0;
    if (!attribute) {
        for (size_t i = 0; i < base->count; i++)
            add_run(s, &base->runs[i]);
        return;
    }
    for (size_t k = 0; k < runs->aside; k++) {
        const sn_report_group *group = &runs->groups[runs->group_count + k];
        if (!sn_experiments_same_but(sn_report_experiment(base), sn_report_experiment(group), &attribute, 1))
            continue;
        for (size_t i = 0; i < group->count; i++) /* of one and the same --seed: the base's first */
            if (group->runs[i].seed == base->runs[0].seed) add_run(s, &group->runs[i]);
    }
}

static void put_row(sn_report_table *table, const sn_report_group *base, const struct source *source,
                    const sample *s, double all)
{
    const sn_estimate e = sn_estimate_mean(s->values, s->count);
    sn_put_group(table, base);
    sn_report_table_cell(table, "%s", source->name);
    sn_report_table_cell(table, "%zu", s->count);
    sn_report_table_number(table, 2, e.mean);
    sn_report_table_number(table, 3, e.deviation);
    sn_report_table_number(table, 2, all > 0 ? e.deviation * e.deviation / (all * all) : SN_MISSING);
}

static void add_base(sn_report_table *table, const sn_report_runs *runs, const sn_report_group *base,
                     sample *s)
{
    double all = SN_MISSING;
    collect(runs, base, NULL, s);
    if (s->count > 1) all = sn_estimate_mean(s->values, s->count).deviation;
    size_t parts = 0;
    for (size_t i = 0; i < SOURCES; i++) {
        collect(runs, base, sources[i].attribute, s);
        if (s->count < 2 || (!sources[i].attribute && parts == 0)) continue;
        parts++;
        put_row(table, base, &sources[i], s, all);
    }
}

void sn_section_chance(sn_document *document, const sn_report_runs *runs)
{
    if (runs->aside == 0) return;
    sample s = {.values = calloc(runs->count + 1, sizeof *s.values)};
    sn_report_table *table = sn_report_table_create("chance", "Where chance comes from: %s",
                                                    sn_report_measure(runs));
    sn_report_table_column(table, false, "experiment");
    sn_report_table_column(table, false, "what differs");
    sn_report_table_column(table, true, "runs");
    sn_report_table_column(table, true, "mean (%%)");
    sn_report_table_column(table, true, "spread (points)");
    sn_report_table_column(table, true, "variance, of that of all");
    sn_document_section(document, "Chance");
    if (!s.values) document->failed = true;
    for (size_t g = 0; s.values && g < runs->group_count; g++)
        add_base(table, runs, &runs->groups[g], &s);
    free(s.values);
    if (sn_report_table_rows(table)) {
        sn_document_table(document, NULL, table);
        sn_document_text(document, "One source of chance at a time: --init-seed 1-10, --order-seed 1-10 or "
                                   "--dropout-seed 1-10 with one --seed, and the "
                                   "runs of --seed 1-10 for all of them together. The parts need not add up "
                                   "to one: sources act on each other, and "
                                   "of few runs a variance is a rough guess. Runs with seeds of their own "
                                   "are in this section alone.");
    } else {
        sn_report_table_destroy(table);
        sn_document_leave_out(document, "parts of the variance",
                              "they need two complete runs that differ in one such seed alone");
    }
    sn_document_end_section(document);
}
