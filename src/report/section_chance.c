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

typedef struct sample {
    int64_t seed; /* --seed */
    uint64_t own; /* that of the source */
    double score; /* percent */
} sample;

/* Of complete runs; room for all of them. */
typedef struct samples {
    sample *of;
    size_t count;
} samples;

static double score(const sn_report_run *run)
{
    return 100 * sn_report_correct(run) / (double)run->last / (double)sn_report_test_count(run);
}

/* `attribute` NULL: all sources, by --seed, as if it were one and the same. */
static void add_runs(samples *s, const sn_report_group *group, const char *attribute)
{
    for (size_t i = 0; i < group->count; i++) {
        const sn_report_run *run = &group->runs[i];
        if (!run->shown || !run->complete || isnan(score(run))) continue;
        const char *own = attribute ? sn_report_text(&run->run.experiment, attribute) : "";
        s->of[s->count++] = (sample){attribute ? run->seed : 0,
                                     *own ? strtoull(own, NULL, 10) : (uint64_t)run->seed, score(run)};
    }
}

static int by_seeds(const void *left, const void *right)
{
    const sample *a = left, *b = right;
    if (a->seed != b->seed) return a->seed < b->seed ? -1 : 1;
    return a->own < b->own ? -1 : a->own > b->own;
}

/* The runs of `base`, and those that differ from it in that seed of their own alone. A seed of its own that is the run's --seed is no other run. */
static void collect(const sn_report_runs *runs, const sn_report_group *base, const char *attribute,
                    samples *s)
{
    s->count = 0;
    add_runs(s, base, attribute);
    for (size_t k = 0; attribute && k < runs->aside; k++) {
        const sn_report_group *group = &runs->groups[runs->group_count + k];
        if (sn_experiments_same_but(sn_report_experiment(base), sn_report_experiment(group), &attribute, 1))
            add_runs(s, group, attribute);
    }
    qsort(s->of, s->count, sizeof *s->of, by_seeds);
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++)
        if (kept == 0 || by_seeds(&s->of[kept - 1], &s->of[i]) != 0) s->of[kept++] = s->of[i];
    s->count = kept;
}

/* Over runs that have all but the source in common, of each --seed its own, and at least two of it. */
typedef struct part {
    size_t runs, freedom;
    double mean, deviation;
} part;

static part part_of(const samples *s)
{
    part p = {0};
    double sum = 0, squares = 0;
    for (size_t first = 0, next; first < s->count; first = next) {
        double mine = 0;
        for (next = first; next < s->count && s->of[next].seed == s->of[first].seed; next++)
            mine += s->of[next].score;
        const size_t count = next - first;
        if (count < 2) continue;
        for (size_t i = first; i < next; i++)
            squares += pow(s->of[i].score - mine / (double)count, 2);
        sum += mine;
        p.runs += count;
        p.freedom += count - 1;
    }
    p.mean = p.runs ? sum / (double)p.runs : SN_MISSING;
    p.deviation = p.freedom ? sqrt(squares / (double)p.freedom) : SN_MISSING;
    return p;
}

static void put_row(sn_report_table *table, const sn_report_group *base, const struct source *source,
                    const part *p, const part *all)
{
    sn_put_group(table, base);
    sn_report_table_cell(table, "%s", source->name);
    sn_report_table_cell(table, "%zu", p->runs);
    sn_report_table_number(table, 2, p->mean);
    sn_report_table_number(table, 3, p->deviation);
    sn_report_table_number(table, 2, all->deviation > 0 ? pow(p->deviation / all->deviation, 2) : SN_MISSING);
}

static void add_base(sn_report_table *table, const sn_report_runs *runs, const sn_report_group *base,
                     samples *s)
{
    collect(runs, base, NULL, s);
    const part all = part_of(s);
    size_t parts = 0;
    for (size_t i = 0; i < SOURCES; i++) {
        collect(runs, base, sources[i].attribute, s);
        const part p = part_of(s);
        if (p.runs == 0 || (!sources[i].attribute && parts == 0)) continue;
        parts++;
        put_row(table, base, &sources[i], &p, &all);
    }
}

void sn_section_chance(sn_document *document, const sn_report_runs *runs)
{
    if (runs->aside == 0) return;
    samples s = {.of = calloc(runs->count + 1, sizeof *s.of)};
    sn_report_table *table = sn_report_table_create("chance", "Where chance comes from: %s",
                                                    sn_report_measure(runs));
    sn_report_table_column(table, false, "experiment");
    sn_report_table_column(table, false, "what differs");
    sn_report_table_column(table, true, "runs");
    sn_report_table_column(table, true, "mean (%%)");
    sn_report_table_column(table, true, "spread (points)");
    sn_report_table_column(table, true, "variance, of that of all");
    sn_document_section(document, "Chance");
    if (!s.of) document->failed = true;
    for (size_t g = 0; s.of && g < runs->group_count; g++)
        add_base(table, runs, &runs->groups[g], &s);
    free(s.of);
    if (sn_report_table_rows(table)) {
        sn_document_table(document, NULL, table);
        sn_document_text(document,
                         "One source of chance at a time: runs of one --seed with --init-seed 1-10, "
                         "--order-seed 1-10 or --dropout-seed 1-10 (of several, the variance within "
                         "each), and the "
                         "runs of --seed 1-10 for all of them together. The parts need not add up "
                         "to one: sources act on each other, and "
                         "of few runs a variance is a rough guess. Runs with seeds of their own "
                         "are in this section alone.");
    } else {
        sn_report_table_destroy(table);
        sn_document_leave_out(
            document, "parts of the variance",
            "they need two complete runs that differ in one such seed alone, of which one may have --seed's");
    }
    sn_document_end_section(document);
}
