/* What a norm, a scope, the number of workers and their shards do, each over all settings that are otherwise alike. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "axes.h"
#include "syncnorm/base/memory.h"
#include "syncnorm/train/compare.h"

enum { NAME = SN_PART_NAME };

static bool is_setting(const char *attribute)
{
    return !sn_attribute_is_of_norm(attribute);
}

void sn_part_of_name(const sn_report_runs *runs, const sn_report_group *group, bool of_norm,
                     char name[SN_PART_NAME])
{
    const sn_attributes *mine = sn_report_experiment(group);
    const char *without[SN_EXPERIMENT_OPTIONS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < mine->count && count < SN_EXPERIMENT_OPTIONS_MAX; i++)
        if (sn_attribute_identifies(mine->items[i].name) && is_setting(mine->items[i].name) == of_norm)
            without[count++] = mine->items[i].name;
    char text[SN_REPORT_LABEL];
    if (sn_report_brief_name(runs, group, without, count, text, sizeof text) != SN_OK) {
        sn_error_clear();
        snprintf(text, sizeof text, "%s", group->brief);
    }
    const char *start = text;
    if (!of_norm) { /* a name begins with its norm */
        const char *dash = strchr(text, '-');
        start = dash ? dash + 1 : "";
    }
    snprintf(name, NAME, "%.*s", NAME - 1, start);
}

/* The next finding, but for its name. `turned`: of the pair's first against its second. */
static sn_finding *add(const sn_report_runs *runs, sn_finding *next, sn_respect respect, const sn_pair *pair,
                       bool turned)
{
    const sn_report_group *first = &runs->groups[pair->first], *second = &runs->groups[pair->second];
    sn_verdict verdict = pair->verdict;
    if (turned) verdict = verdict == SN_BETTER ? SN_WORSE : verdict == SN_WORSE ? SN_BETTER : verdict;
    *next = (sn_finding){.respect = respect,
                         .pair = pair,
                         .group = turned ? first : second,
                         .against = turned ? second : first,
                         .verdict = verdict,
                         .points = (turned ? -1 : 1) * sn_pair_points(pair, pair->difference.mean)};
    sn_setting_of(runs,
                  respect == SN_RESPECT_GROWTH && sn_begins_growth(next->group) ? next->against : next->group,
                  respect, next->setting);
    return next;
}

static void add_norms(const sn_report_runs *runs, sn_finding *next, const sn_pair *pair, const char *first,
                      const char *second)
{
    sn_finding *f = add(runs, next, SN_RESPECT_NORM, pair, false);
    snprintf(f->name, sizeof f->name, "%s against %s", second, first);
}

/* Other shards against random ones, whichever is the first of the pair; else as the pair has them. */
static void add_shards(const sn_report_runs *runs, sn_finding *next, const sn_pair *pair, const char *kind)
{
    const sn_report_group *second = &runs->groups[pair->second];
    const bool turned = strcmp(sn_report_text(sn_report_experiment(second), "shards"), "iid") == 0;
    sn_finding *f = add(runs, next, SN_RESPECT_SHARDS, pair, turned);
    snprintf(f->name, sizeof f->name, "%s with shards %.32s against %.32s", kind,
             sn_report_text(sn_report_experiment(f->group), "shards"),
             sn_report_text(sn_report_experiment(f->against), "shards"));
}

static void add_workers(const sn_report_runs *runs, sn_finding *next, const sn_pair *pair, bool turned)
{
    const bool stays = sn_experiments_share(sn_report_experiment(&runs->groups[pair->first]),
                                            sn_report_experiment(&runs->groups[pair->second]), "batch");
    sn_finding *f = add(runs, next, stays ? SN_RESPECT_WORKERS : SN_RESPECT_GROWTH, pair, turned);
    sn_part_of_name(runs, f->group, true, f->name);
}

/* Whether the pair differs in one of the axes alone; then it is the next finding. */
static bool find(const sn_report_runs *runs, const sn_pair *pair, sn_finding *next)
{
    const sn_report_group *first = &runs->groups[pair->first], *second = &runs->groups[pair->second];
    const sn_attributes *a = sn_report_experiment(first), *b = sn_report_experiment(second);
    char one[NAME], other[NAME];
    const bool turned = sn_begins_per_worker(second, first);
    if (turned || sn_begins_per_worker(first, second)) {
        add_workers(runs, next, pair, turned);
        return true;
    }
    if (sn_experiments_respects(a, b) != 1) return false;
    sn_part_of_name(runs, first, true, one);
    sn_part_of_name(runs, second, true, other);
    if (strcmp(one, other) != 0)
        add_norms(runs, next, pair, one, other);
    else if (!sn_experiments_share(a, b, "workers"))
        add_workers(runs, next, pair,
                    sn_attributes_number(a, "workers") > sn_attributes_number(b, "workers"));
    else if (!sn_experiments_share(a, b, "shards"))
        add_shards(runs, next, pair, one);
    else
        return false;
    return true;
}

/* Findings of one name together, in the order of their pairs. */
static int by_name(const void *left, const void *right)
{
    const sn_finding *a = left, *b = right;
    if (a->respect != b->respect) return a->respect < b->respect ? -1 : 1;
    const int order = strcmp(a->name, b->name);
    return order ? order : a->pair < b->pair ? -1 : a->pair > b->pair;
}

static int by_size(const void *left, const void *right)
{
    const sn_contrast *a = left, *b = right;
    if (a->findings->respect != b->findings->respect)
        return a->findings->respect < b->findings->respect ? -1 : 1;
    const double mine = fabs(a->largest->points), other = fabs(b->largest->points);
    return mine > other ? -1 : mine < other ? 1 : strcmp(a->findings->name, b->findings->name);
}

static sn_contrast contrast_of(const sn_finding *findings, size_t count)
{
    sn_contrast c = {.findings = findings,
                     .largest = findings,
                     .count = count,
                     .least = findings->points,
                     .most = findings->points};
    for (const sn_finding *f = findings; f < findings + count; f++) {
        c.least = fmin(c.least, f->points);
        c.most = fmax(c.most, f->points);
        c.verdicts[f->verdict]++;
        if (fabs(f->points) > fabs(c.largest->points)) c.largest = f;
    }
    return c;
}

static sn_status make_room(sn_axes *axes, size_t findings)
{
    *axes = (sn_axes){0};
    SN_TRY(SN_ALLOCATE(axes->findings, findings + 1, "the answer"));
    const sn_status status = SN_ALLOCATE(axes->contrasts, findings + 1, "the answer");
    if (status != SN_OK) sn_axes_clear(axes);
    return status;
}

sn_status sn_axes_collect(const sn_report_runs *runs, const sn_pairs *pairs, sn_axes *axes)
{
    SN_TRY(make_room(axes, pairs->count));
    size_t count = 0;
    const size_t seeds = pairs->tested ? 2 : 1;
    for (size_t i = 0; i < pairs->count; i++)
        if (pairs->pairs[i].difference.count >= seeds)
            count += find(runs, &pairs->pairs[i], &axes->findings[count]);
    qsort(axes->findings, count, sizeof *axes->findings, by_name);
    for (size_t first = 0, next; first < count; first = next) {
        const sn_finding *f = &axes->findings[first];
        for (next = first + 1; next < count; next++)
            if (axes->findings[next].respect != f->respect || strcmp(axes->findings[next].name, f->name) != 0)
                break;
        axes->contrasts[axes->count++] = contrast_of(f, next - first);
    }
    qsort(axes->contrasts, axes->count, sizeof *axes->contrasts, by_size);
    return SN_OK;
}

sn_status sn_axes_narrow(const sn_contrast *contrasts, size_t count, const char *setting, sn_axes *narrowed)
{
    size_t all = 0;
    for (size_t i = 0; i < count; i++)
        all += contrasts[i].count;
    SN_TRY(make_room(narrowed, all));
    sn_finding *next = narrowed->findings;
    for (const sn_contrast *c = contrasts; c < contrasts + count; c++) {
        sn_finding *first = next;
        for (size_t i = 0; i < c->count; i++)
            if (strcmp(c->findings[i].setting, setting) == 0) *next++ = c->findings[i];
        if (next > first) narrowed->contrasts[narrowed->count++] = contrast_of(first, (size_t)(next - first));
    }
    qsort(narrowed->contrasts, narrowed->count, sizeof *narrowed->contrasts, by_size);
    return SN_OK;
}

void sn_axes_clear(sn_axes *axes)
{
    sn_free(axes->contrasts);
    sn_free(axes->findings);
    *axes = (sn_axes){0};
}

static void add_row(const sn_report_runs *runs, sn_report_table *table, const sn_contrast *c)
{
    char at[NAME], than[NAME];
    sn_part_of_name(runs, c->largest->group, false, at);
    sn_part_of_name(runs, c->largest->against, false, than);
    sn_report_table_cell(
        table, "%s%s%s", sn_is_of_workers(c->findings) ? "more workers: " : "", c->findings->name,
        c->findings->respect == SN_RESPECT_GROWTH ? " with a batch that grows with them" : "");
    sn_report_table_cell(table, "%zu", c->count);
    sn_report_table_cell(table, "%+.3f", c->least);
    sn_report_table_cell(table, "%+.3f", c->most);
    if (sn_is_of_workers(c->findings))
        sn_report_table_cell(table, "%s against %s", at, *than ? than : "1 worker");
    else
        sn_report_table_cell(table, "%s", at);
    sn_report_table_cell(table, "%zu", c->verdicts[SN_BETTER]);
    sn_report_table_cell(table, "%zu", c->verdicts[SN_WORSE]);
    sn_report_table_cell(table, "%zu", c->verdicts[SN_EQUIVALENT]);
    sn_report_table_cell(table, "%zu", c->verdicts[SN_UNDECIDED]);
}

void sn_add_axes(sn_document *document, const sn_report_runs *runs, const sn_pairs *pairs)
{
    sn_axes axes;
    if (runs->group_count <= SN_GROUPS_ALL) return;
    if (sn_axes_collect(runs, pairs, &axes) != SN_OK) {
        document->failed = true;
        return;
    }
    sn_report_table *table = sn_report_table_create(
        "axes", "Pairs that differ in one respect, by what that is: %s", sn_report_measure(runs));
    sn_report_table_column(table, false, "comparison");
    sn_report_table_column(table, true, "pairs");
    sn_report_table_column(table, true, "least (points)");
    sn_report_table_column(table, true, "most (points)");
    sn_report_table_column(table, false, "largest in size at");
    sn_report_table_column(table, true, "better");
    sn_report_table_column(table, true, "worse");
    sn_report_table_column(table, true, "equivalent");
    sn_report_table_column(table, true, "undecided");
    for (size_t i = 0; i < axes.count; i++)
        add_row(runs, table, &axes.contrasts[i]);
    sn_axes_clear(&axes);
    if (sn_report_table_rows(table))
        sn_document_table(document, NULL, table);
    else
        sn_report_table_destroy(table);
}
