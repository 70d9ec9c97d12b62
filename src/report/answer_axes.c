/* The answer of a large study in sentences: by norm and scope, by workers, by shards; at which settings there is a verdict, and how great the
   differences are. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "axes.h"
#include "groups.h"
#include "syncnorm/base/memory.h"
#include "syncnorm/train/compare.h"
#include "text.h"

/* ---- the setting at which a pair is compared ---- */

enum { OPTIONS_SIZE = 256 };

/* The batch of all groups that have another than `usual`, for each worker; 0 where those differ, or where there is none. */
static double grown_batch(const sn_report_runs *runs, double usual)
{
    double each = 0;
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_attributes *e = sn_report_experiment(&runs->groups[g]);
        const double batch = sn_attributes_number(e, "batch");
        const double mine = batch / sn_attributes_number(e, "workers");
        if (fabs(batch - usual) <= 0) continue;
        if (!(mine >= 1) || (each > 0 && fabs(mine - each) > 0)) return 0;
        each = mine;
    }
    return each;
}

typedef struct options {
    const sn_report_runs *runs;
    double each; /* as of grown_batch() */
    FILE *out;
} options;

static void tell(void *context, const char *name, const char *value)
{
    const options *o = context;
    const char *attribute = sn_report_attribute_of(name);
    if (!attribute || sn_attribute_is_of_norm(attribute) || strcmp(attribute, "workers") == 0 ||
        strcmp(attribute, "shards") == 0 || sn_report_share(o->runs, attribute))
        return;
    if (ftell(o->out)) fputc(' ', o->out);
    if (strcmp(attribute, "batch") == 0 && o->each > 0)
        fprintf(o->out, "--batch-per-worker %g", o->each);
    else
        fprintf(o->out, "--%s%s%s", name, value ? " " : "", value ? value : "");
}

/* What the group differs from others in, as options: neither its norm nor what the sentence says in words, workers and shards. */
static void options_of(const sn_report_runs *runs, const sn_report_group *group, char text[OPTIONS_SIZE])
{
    static sn_experiment experiment, usual;
    text[0] = '\0';
    if (sn_experiment_from_attributes(sn_report_experiment(group), &experiment) != SN_OK) {
        sn_error_clear();
        return;
    }
    sn_experiment_default(&usual);
    FILE *out = fmemopen(text, OPTIONS_SIZE, "w");
    if (!out) return;
    sn_experiment_tell_options(&experiment, tell,
                               &(options){runs, grown_batch(runs, (double)usual.batch), out});
    fclose(out);
    text[OPTIONS_SIZE - 1] = '\0';
}

/* Files of before there were more have one. */
static double workers_of(const sn_report_group *group)
{
    const double workers = sn_attributes_number(sn_report_experiment(group), "workers");
    return workers > 1 ? workers : 1;
}

/* ---- a list of them ---- */

typedef struct place {
    const sn_finding *finding;
    double workers;
} place;

/* Findings to be told together. */
typedef struct places {
    place *of;
    size_t count;
} places;

static int by_workers(const void *left, const void *right)
{
    const double a = ((const place *)left)->workers, b = ((const place *)right)->workers;
    return a < b ? -1 : a > b;
}

/* "2, 8 and 32". */
static void put_workers(FILE *out, const places *list)
{
    for (size_t i = 0; i < list->count; i++)
        fprintf(out, "%s%.0f", i == 0 ? "" : i + 1 < list->count ? ", " : " and ", list->of[i].workers);
}

/* Whether they differ as the text has them, to a hundredth. */
static bool is_wide(double least, double most)
{
    return lround(100 * most) != lround(100 * least);
}

static void put_range(FILE *out, double least, double most)
{
    fputs("(" SN_LINK("axes"), out);
    sn_put_signed(out, 2, least, "+");
    if (is_wide(least, most)) {
        fputs(" to ", out);
        sn_put_signed(out, 2, most, "+");
    }
    fputs(SN_LINK_END " points)", out);
}

/* "(−0.20, −0.56 points)", in the order of the places; of many, from the least to the most. */
static void put_estimates(FILE *out, const places *list)
{
    enum { EACH_MAX = 5 };
    double least = HUGE_VAL, most = -HUGE_VAL;
    for (size_t i = 0; i < list->count; i++) {
        least = fmin(least, list->of[i].finding->points);
        most = fmax(most, list->of[i].finding->points);
    }
    if (list->count > EACH_MAX || !is_wide(least, most)) {
        put_range(out, least, most);
        return;
    }
    fputs("(" SN_LINK("axes"), out);
    for (size_t i = 0; i < list->count; i++) {
        if (i) fputs(", ", out);
        sn_put_signed(out, 2, list->of[i].finding->points, "+");
    }
    fputs(SN_LINK_END " points)", out);
}

static bool have_one_setting(const sn_report_runs *runs, const sn_report_group *a, const sn_report_group *b)
{
    char mine[OPTIONS_SIZE], other[OPTIONS_SIZE];
    options_of(runs, a, mine);
    options_of(runs, b, other);
    return strcmp(mine, other) == 0;
}

/* Takes from `from` those at the settings of its first, workers apart, by workers. */
static places take_setting(const sn_report_runs *runs, places *from, place *room)
{
    places taken = {room, 0};
    size_t kept = 0;
    const sn_report_group *first = from->of[0].finding->group;
    for (size_t i = 0; i < from->count; i++) {
        if (have_one_setting(runs, first, from->of[i].finding->group))
            taken.of[taken.count++] = from->of[i];
        else
            from->of[kept++] = from->of[i];
    }
    from->count = kept;
    qsort(taken.of, taken.count, sizeof *taken.of, by_workers);
    return taken;
}

/* " at 8 and 32 workers with --lr 0.1 (−0.20, −0.30 points)": once for each setting. `room` for as many again. */
static void put_places(FILE *out, const sn_report_runs *runs, places list, place *room)
{
    const char *between = "";
    while (list.count) {
        char text[OPTIONS_SIZE];
        const places next = take_setting(runs, &list, room);
        options_of(runs, next.of[0].finding->group, text);
        fputs(between, out);
        if (!sn_report_share(runs, "workers")) {
            fputs(" at ", out);
            put_workers(out, &next);
            fputs(next.count == 1 && next.of[0].workers <= 1 ? " worker" : " workers", out);
        }
        fprintf(out, "%s%s ", *text ? " with " : "", text);
        put_estimates(out, &next);
        between = ",";
    }
}

/* ---- the clause of a contrast ---- */

static const struct {
    sn_verdict verdict;
    const char *word, *than; /* than the fewest workers */
} told[] = {{SN_BETTER, "better", "than at"},
            {SN_WORSE, "worse", "than at"},
            {SN_EQUIVALENT, "equivalent", "to that at"},
            {SN_UNDECIDED, "undecided", "against"}};
enum { TOLD = sizeof told / sizeof *told };

static places with_verdict(const sn_contrast *c, sn_verdict verdict, bool (*is)(const sn_finding *, double),
                           double number, place *room)
{
    places list = {room, 0};
    for (size_t i = 0; i < c->count; i++)
        if (c->findings[i].verdict == verdict && is(&c->findings[i], number))
            list.of[list.count++] = (place){&c->findings[i], workers_of(c->findings[i].group)};
    return list;
}

static bool is_any(const sn_finding *f, double unused)
{
    (void)f;
    (void)unused;
    return true;
}

/* "worse in 4, undecided in 2 of 6 (−0.40 to +0.05 points)", of those that it `is`; nothing of none. */
static void put_counts(FILE *out, const sn_contrast *c, bool (*is)(const sn_finding *, double), double number,
                       const char *before)
{
    size_t verdicts[SN_VERDICTS] = {0}, all = 0;
    double least = HUGE_VAL, most = -HUGE_VAL;
    for (const sn_finding *f = c->findings; f < c->findings + c->count; f++) {
        if (!is(f, number)) continue;
        least = fmin(least, f->points);
        most = fmax(most, f->points);
        verdicts[f->verdict]++;
        all++;
    }
    if (all == 0) return;
    fputs(before, out);
    const char *between = "";
    for (int i = 0; i < TOLD; i++) {
        if (verdicts[told[i].verdict] == 0) continue;
        fprintf(out, "%s%s in %zu", between, told[i].word, verdicts[told[i].verdict]);
        between = ", ";
    }
    fprintf(out, " of %zu ", all);
    put_range(out, least, most);
}

/* " better at 32 workers (+0.30 points), undecided at 8 workers (+0.05 points)". */
static void put_by_setting(FILE *out, const sn_report_runs *runs, const sn_contrast *c, place *room)
{
    const char *between = " ";
    for (int i = 0; i < TOLD; i++) {
        const places list = with_verdict(c, told[i].verdict, is_any, 0, room);
        if (list.count == 0) continue;
        fprintf(out, "%s%s", between, told[i].word);
        put_places(out, runs, list, room + c->count);
        between = ", ";
    }
}

static bool is_from(const sn_finding *f, double workers)
{
    return fabs(workers_of(f->against) - workers) <= 0;
}

static bool is_among_more(const sn_finding *f, double workers)
{
    return workers_of(f->against) > workers;
}

static double fewest_workers(const sn_contrast *c)
{
    double fewest = HUGE_VAL;
    for (size_t i = 0; i < c->count; i++)
        fewest = fmin(fewest, workers_of(c->findings[i].against));
    return fewest;
}

/* " worse at 8 and 32 than at 1 (−0.30, −0.50 points), undecided at 2 (+0.02 points)". */
static void put_by_workers(FILE *out, const sn_contrast *c, place *room)
{
    const double fewest = fewest_workers(c);
    bool said = false;
    for (int i = 0; i < TOLD; i++) {
        const places list = with_verdict(c, told[i].verdict, is_from, fewest, room);
        if (list.count == 0) continue;
        qsort(list.of, list.count, sizeof *list.of, by_workers);
        fprintf(out, "%s%s at ", said ? ", " : " ", told[i].word);
        put_workers(out, &list);
        if (!said) fprintf(out, " %s %.0f", told[i].than, fewest);
        fputc(' ', out);
        put_estimates(out, &list);
        said = true;
    }
    put_counts(out, c, is_among_more, fewest, ", and among those, more against fewer, ");
}

/* How many settings there are, workers apart. */
static size_t settings_of(const sn_report_runs *runs, const sn_contrast *c)
{
    size_t count = 0;
    for (size_t i = 0; i < c->count; i++) {
        bool known = false;
        for (size_t k = 0; k < i && !known; k++)
            known = have_one_setting(runs, c->findings[i].group, c->findings[k].group);
        count += !known;
    }
    return count;
}

static void put_contrast(FILE *out, const sn_report_runs *runs, const sn_contrast *c)
{
    enum { SETTINGS_MOST = 3 };
    place *room = calloc(2 * c->count, sizeof *room);
    const size_t settings = room ? settings_of(runs, c) : SETTINGS_MOST + 1;
    fprintf(out, "%s is", c->findings->name);
    if (c->findings->respect == SN_RESPECT_WORKERS && settings == 1)
        put_by_workers(out, c, room);
    else if (c->findings->respect != SN_RESPECT_WORKERS && settings <= SETTINGS_MOST)
        put_by_setting(out, runs, c, room);
    else /* too many to list */
        put_counts(out, c, is_any, 0, " ");
    free(room);
}

/* ---- the sentence of a respect ---- */

static const struct {
    const char *heading, *undecided;
} sentences[SN_RESPECTS] = {
    [SN_RESPECT_NORM] = {"\nWhere all else is alike, with the estimates in brackets, ",
                         "\nNo difference between norms or scopes is decided yet"},
    [SN_RESPECT_WORKERS] = {"\nWith more workers, each with less of a batch that does not grow, ",
                            "\nWhat more workers do is undecided"},
    [SN_RESPECT_SHARDS] = {"\nBy what the workers' shards hold, ",
                           "\nWhat the workers' shards hold is not decided to matter"},
};

/* Where nothing is decided, what is nearest to it by its size. */
static void put_largest(FILE *out, const sn_report_runs *runs, const sn_contrast *largest)
{
    const sn_finding *f = largest->largest;
    char text[OPTIONS_SIZE];
    options_of(runs, f->group, text);
    fprintf(out, ". The largest is %s", f->name);
    if (!sn_report_share(runs, "workers"))
        fprintf(out, " at %.0f worker%s", workers_of(f->group), workers_of(f->group) > 1 ? "s" : "");
    fprintf(out, "%s%s (" SN_LINK("axes"), *text ? " with " : "", text);
    sn_put_signed(out, 2, f->points, "+");
    fputs(SN_LINK_END " points", out);
    if (f->pair->difference.deviation > 0) {
        fputs("; ", out);
        sn_put_more_seeds(out, f->pair);
    }
    fputs("). ", out);
}

static void put_undecided(FILE *out, const sn_contrast *list, size_t count)
{
    enum { NAMED_MAX = 6 };
    size_t all = 0, named = 0;
    for (size_t i = 0; i < count; i++)
        all += sn_contrast_decided(&list[i]) == 0;
    for (size_t i = 0; i < count && named < NAMED_MAX; i++) {
        if (sn_contrast_decided(&list[i])) continue;
        fprintf(out, "%s%s ",
                named      ? ", "
                : all == 1 ? "; undecided is "
                           : "; undecided are ",
                list[i].findings->name);
        put_range(out, list[i].least, list[i].most);
        named++;
    }
    if (all > named) fprintf(out, " and %zu more", all - named);
}

/* Those with a verdict, and what has none; the table has all. */
static void put_respect(FILE *out, const sn_report_runs *runs, const sn_contrast *list, size_t count)
{
    const sn_respect respect = list->findings->respect;
    size_t named = 0;
    for (size_t i = 0; i < count; i++) {
        if (sn_contrast_decided(&list[i]) == 0) continue;
        fputs(named++ ? "; " : sentences[respect].heading, out);
        put_contrast(out, runs, &list[i]);
    }
    if (named) {
        put_undecided(out, list, count);
        fputs(". ", out);
    } else {
        fputs(sentences[respect].undecided, out);
        put_largest(out, runs, list);
    }
}

/* ---- what scopes are called ---- */

static bool is_synchronized(const sn_report_group *group)
{
    const sn_attributes *e = sn_report_experiment(group);
    return sn_experiment_norm(e) == SN_NORM_BATCH && strcmp(sn_report_text(e, "bn_scope"), "sync") == 0;
}

static void put_first(FILE *out, const sn_report_runs *runs, bool (*is)(const sn_report_group *group),
                      const char *between, const char *has)
{
    for (size_t g = 0; g < runs->group_count; g++) {
        if (!is(&runs->groups[g])) continue;
        char name[SN_PART_NAME];
        sn_part_of_name(runs, &runs->groups[g], true, name);
        fprintf(out, "%s%s %s", between, name, has);
        return;
    }
}

/* Names are those of run files; what is behind the two that the question is about. */
static void put_scopes(FILE *out, const sn_report_runs *runs)
{
    bool any = false;
    for (size_t g = 0; g < runs->group_count; g++)
        any = any || sn_is_per_worker(&runs->groups[g]);
    if (!any) return;
    put_first(out, runs, sn_is_per_worker, ". ", "takes its statistics over each worker's samples");
    put_first(out, runs, is_synchronized, ", ", "over those of all");
}

static bool is_told(const sn_axes *axes, const sn_pair *pair)
{
    for (size_t i = 0; i < axes->count; i++)
        for (size_t k = 0; k < axes->contrasts[i].count; k++)
            if (axes->contrasts[i].findings[k].pair == pair) return true;
    return false;
}

static bool differ_in_one(const sn_report_runs *runs, const sn_pair *pair)
{
    return sn_experiments_respects(sn_report_experiment(&runs->groups[pair->first]),
                                   sn_report_experiment(&runs->groups[pair->second])) == 1;
}

/* Pairs that the sentences do not tell of one by one, and how many of them have a verdict. */
typedef struct untold {
    size_t count, decided;
} untold;

static void put_untold(FILE *out, const untold *pairs, const char *before, const char *what)
{
    char decided[32] = "none";
    if (pairs->count == 0) return;
    if (pairs->decided) snprintf(decided, sizeof decided, "%zu", pairs->decided);
    fprintf(out, "%s%zu %s, of which " SN_LINK("answer") "%s" SN_LINK_END " %s a verdict", before,
            pairs->count, what, decided, pairs->decided > 1 ? "have" : "has");
}

static void put_tested(FILE *out, const sn_report_runs *runs, const sn_pairs *pairs, const sn_axes *axes)
{
    untold other = {0}, baseline = {0};
    for (size_t i = 0; i < pairs->count; i++) {
        const sn_pair *pair = &pairs->pairs[i];
        if (pair->difference.count < 2 || is_told(axes, pair)) continue;
        untold *of = differ_in_one(runs, pair) ? &other : &baseline;
        of->count++;
        of->decided += pair->verdict != SN_UNDECIDED;
    }
    fprintf(out,
            "%zu pairs were tested, all at once: %zu that differ in norm, scope, workers or shards alone",
            pairs->tested, pairs->tested - other.count - baseline.count);
    put_untold(out, &other, "; ", "in another option");
    put_untold(out, &baseline, "; ", "with the baseline in more than one");
}

bool sn_put_axes(FILE *out, const sn_report_runs *runs, const sn_pairs *pairs)
{
    sn_axes axes;
    if (sn_axes_collect(runs, pairs, &axes) != SN_OK) return false;
    const bool any = axes.count > 0;
    if (any) {
        put_tested(out, runs, pairs, &axes);
        put_scopes(out, runs);
        fputs(". ", out);
    }
    for (size_t first = 0, next; first < axes.count; first = next) {
        const sn_respect respect = axes.contrasts[first].findings->respect;
        for (next = first; next < axes.count && axes.contrasts[next].findings->respect == respect;)
            next++;
        put_respect(out, runs, &axes.contrasts[first], next - first);
    }
    sn_axes_clear(&axes);
    return any;
}
