/* The answer of a large study: what a norm, a scope, the number of workers and their shards do, each over all settings that are otherwise
   alike. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sections.h"
#include "syncnorm/base/memory.h"
#include "syncnorm/base/missing.h"
#include "syncnorm/train/compare.h"
#include "text.h"

enum { KINDS_MAX = 12, NAME = SN_PART_NAME, NAMES = 2 * NAME + 80 };

/* Pairs of one kind against one other, of one kind with more workers against fewer, or with other shards. */
typedef struct contrast {
    char name[NAMES];
    double least, most; /* points */
    char at[NAME];      /* the setting of the larger of them, whose pair is */
    const sn_pair *largest;
    size_t count, better, worse, equivalent;
} contrast;

typedef struct contrasts {
    contrast items[KINDS_MAX];
    size_t count, dropped;
} contrasts;

/* What two experiments may differ in. */
typedef struct axes {
    contrasts norms, workers, shards;
} axes;

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

static contrast *find(contrasts *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].name, name) == 0) return &list->items[i];
    if (list->count == KINDS_MAX) {
        list->dropped++;
        return NULL;
    }
    contrast *c = &list->items[list->count++];
    *c = (contrast){.least = HUGE_VAL, .most = -HUGE_VAL};
    snprintf(c->name, sizeof c->name, "%s", name);
    return c;
}

/* `turned`: the first against the second. */
static void add(contrasts *list, const char *name, const sn_pair *pair, bool turned, const char *setting)
{
    contrast *c = find(list, name);
    if (!c) return;
    const double points = (turned ? -1 : 1) * sn_pair_points(pair, pair->difference.mean);
    const bool up = pair->verdict == (turned ? SN_WORSE : SN_BETTER);
    const bool down = pair->verdict == (turned ? SN_BETTER : SN_WORSE);
    if (fabs(points) > fmax(fabs(c->least), fabs(c->most)) || c->count == 0) {
        snprintf(c->at, sizeof c->at, "%s", setting);
        c->largest = pair;
    }
    c->least = fmin(c->least, points);
    c->most = fmax(c->most, points);
    c->count++;
    c->better += up;
    c->worse += down;
    c->equivalent += pair->verdict == SN_EQUIVALENT;
}

/* Other shards against random ones, whichever is the first of the pair; else as the pair has them. */
static void add_shards(contrasts *list, const char *kind, const sn_pair *pair, const sn_attributes *a,
                       const sn_attributes *b, const char *setting)
{
    const char *mine = sn_report_text(b, "shards"), *against = sn_report_text(a, "shards");
    const bool turned = strcmp(mine, "iid") == 0;
    char name[NAMES];
    snprintf(name, sizeof name, "%s with shards %.32s against %.32s", kind, turned ? against : mine,
             turned ? mine : against);
    add(list, name, pair, turned, setting);
}

static void add_workers(const sn_report_runs *runs, contrasts *list, const sn_pair *pair, bool turned)
{
    const sn_report_group *more = &runs->groups[turned ? pair->first : pair->second];
    char kind[NAME], setting[NAME], name[NAMES];
    sn_part_of_name(runs, more, true, kind);
    sn_part_of_name(runs, more, false, setting);
    snprintf(name, sizeof name, "%s%s", kind,
             sn_experiments_share(sn_report_experiment(&runs->groups[pair->first]),
                                  sn_report_experiment(&runs->groups[pair->second]), "batch")
                 ? ""
                 : " with a batch that grows with them");
    add(list, name, pair, turned, setting);
}

static void collect(const sn_report_runs *runs, const sn_pairs *pairs, axes *all)
{
    for (size_t i = 0; i < pairs->count; i++) {
        const sn_pair *pair = &pairs->pairs[i];
        const sn_report_group *first = &runs->groups[pair->first], *second = &runs->groups[pair->second];
        const sn_attributes *a = sn_report_experiment(first), *b = sn_report_experiment(second);
        if (pair->difference.count == 0) continue;
        const bool turned = sn_begins_per_worker(second, first);
        if (turned || sn_begins_per_worker(first, second)) {
            add_workers(runs, &all->workers, pair, turned);
            continue;
        }
        if (sn_experiments_respects(a, b) != 1) continue;
        char one[NAME], other[NAME], setting[NAME], name[NAMES];
        sn_part_of_name(runs, first, true, one);
        sn_part_of_name(runs, second, true, other);
        if (strcmp(one, other) != 0) {
            sn_part_of_name(runs, second, false, setting);
            snprintf(name, sizeof name, "%s against %s", other, one);
            add(&all->norms, name, pair, false, setting);
        } else if (!sn_experiments_share(a, b, "workers")) {
            add_workers(runs, &all->workers, pair,
                        sn_attributes_number(a, "workers") > sn_attributes_number(b, "workers"));
        } else if (!sn_experiments_share(a, b, "shards")) {
            sn_part_of_name(runs, second, false, setting);
            add_shards(&all->shards, one, pair, a, b, setting);
        }
    }
}

static void put_points(FILE *out, double points)
{
    fprintf(out, "%s%.2f", points < 0 ? "−" : "+", fabs(points));
}

static size_t decided(const contrast *c)
{
    return c->better + c->worse + c->equivalent;
}

/* Whether its settings differ as the text has them, to a hundredth. */
static bool is_wide(const contrast *c)
{
    return c->most - c->least > 0.005;
}

static void put_range(FILE *out, const contrast *c)
{
    fputs("(" SN_LINK("axes"), out);
    put_points(out, c->least);
    if (is_wide(c)) {
        fputs(" to ", out);
        put_points(out, c->most);
    }
    fputs(SN_LINK_END " points", out);
}

static void put_contrast(FILE *out, const contrast *c)
{
    const struct {
        size_t count;
        const char *word;
    } verdicts[] = {{c->better, "better"},
                    {c->worse, "worse"},
                    {c->equivalent, "equivalent"},
                    {c->count - decided(c), "undecided"}};
    const char *between = "";
    fprintf(out, "%s is ", c->name);
    for (int i = 0; i < 4; i++) {
        if (verdicts[i].count == 0) continue;
        fprintf(out, "%s%s in %zu", between, verdicts[i].word, verdicts[i].count);
        between = ", ";
    }
    fprintf(out, " of %zu ", c->count);
    put_range(out, c);
    if (is_wide(c) && *c->at) fprintf(out, ", the largest at %s", c->at);
    fputc(')', out);
}

/* Where nothing is decided, what is nearest to it by its size: the first. */
static void put_largest(FILE *out, const contrasts *list)
{
    const contrast *largest = &list->items[0];
    const sn_pair *pair = largest->largest;
    const double points = fabs(sn_pair_points(pair, pair->difference.mean));
    fprintf(out, ". The largest is %s%s%s (" SN_LINK("axes"), largest->name, *largest->at ? ", " : "",
            largest->at);
    put_points(out, fabs(largest->most) >= points - 1e-9 ? largest->most : largest->least);
    fputs(SN_LINK_END " points", out);
    if (pair->difference.deviation > 0) {
        fputs("; ", out);
        sn_put_more_seeds(out, pair);
    }
    fputs("). ", out);
}

static void put_undecided(FILE *out, const contrasts *list)
{
    enum { NAMED_MAX = 6 };
    size_t all = 0, named = 0;
    for (size_t i = 0; i < list->count; i++)
        all += decided(&list->items[i]) == 0;
    for (size_t i = 0; i < list->count && named < NAMED_MAX; i++) {
        if (decided(&list->items[i])) continue;
        fprintf(out, "%s%s ",
                named      ? ", "
                : all == 1 ? "; undecided is "
                           : "; undecided are ",
                list->items[i].name);
        put_range(out, &list->items[i]);
        fputc(')', out);
        named++;
    }
    if (all > named) fprintf(out, " and %zu more", all - named);
}

/* Those with a verdict, and what has none; the table has all. */
static void put_list(FILE *out, const contrasts *list, const char *heading, const char *none)
{
    size_t named = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (decided(&list->items[i]) == 0) continue;
        fputs(named++ ? "; " : heading, out);
        put_contrast(out, &list->items[i]);
    }
    if (named) {
        put_undecided(out, list);
        fputs(". ", out);
    } else if (list->count) {
        fputs(none, out);
        put_largest(out, list);
    }
}

/* The largest differences first. */
static int by_size(const void *left, const void *right)
{
    const contrast *a = left, *b = right;
    const double mine = fmax(fabs(a->least), fabs(a->most)), other = fmax(fabs(b->least), fabs(b->most));
    return mine > other ? -1 : mine < other ? 1 : strcmp(a->name, b->name);
}

static void sort(contrasts *list)
{
    qsort(list->items, list->count, sizeof *list->items, by_size);
}

static sn_status gather(const sn_report_runs *runs, const sn_pairs *pairs, axes **all)
{
    SN_TRY(SN_ALLOCATE(*all, 1, "the answer"));
    collect(runs, pairs, *all);
    sort(&(*all)->norms);
    sort(&(*all)->workers);
    sort(&(*all)->shards);
    return SN_OK;
}

bool sn_put_axes(FILE *out, const sn_report_runs *runs, const sn_pairs *pairs)
{
    axes *all;
    if (gather(runs, pairs, &all) != SN_OK) return false;
    const bool any = all->norms.count + all->workers.count + all->shards.count > 0;
    if (any) {
        fprintf(out,
                "%zu pairs that differ in one respect, or are with the baseline, were tested, all at once. ",
                pairs->tested);
        put_list(out, &all->norms, "Where all else is alike, with the estimates in brackets, ",
                 "No difference between norms or scopes is decided yet");
        put_list(out, &all->workers,
                 "With more workers than fewer, each with less of a batch that does not grow, ",
                 "What more workers do is undecided");
        put_list(out, &all->shards, "By what the workers' shards hold, ",
                 "What the workers' shards hold is not decided to matter");
    }
    sn_free(all);
    return any;
}

static void add_rows(sn_report_table *table, const contrasts *list, const char *prefix)
{
    for (size_t i = 0; i < list->count; i++) {
        const contrast *c = &list->items[i];
        sn_report_table_cell(table, "%s%s", prefix, c->name);
        sn_report_table_cell(table, "%zu", c->count);
        sn_report_table_cell(table, "%+.3f", c->least);
        sn_report_table_cell(table, "%+.3f", c->most);
        sn_report_table_cell(table, "%s", c->at);
        sn_report_table_cell(table, "%zu", c->better);
        sn_report_table_cell(table, "%zu", c->worse);
        sn_report_table_cell(table, "%zu", c->equivalent);
        sn_report_table_cell(table, "%zu", c->count - decided(c));
    }
}

void sn_add_axes(sn_document *document, const sn_report_runs *runs, const sn_pairs *pairs)
{
    axes *all;
    if (runs->group_count <= SN_GROUPS_ALL) return;
    if (gather(runs, pairs, &all) != SN_OK) {
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
    add_rows(table, &all->norms, "");
    add_rows(table, &all->workers, "more workers: ");
    add_rows(table, &all->shards, "");
    sn_free(all);
    if (sn_report_table_rows(table))
        sn_document_table(document, NULL, table);
    else
        sn_report_table_destroy(table);
}
