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

static void put_range(FILE *out, const char *what, double least, double most)
{
    fprintf(out, "(%s" SN_LINK("axes"), what);
    sn_put_signed(out, 2, least, "+");
    if (is_wide(least, most)) {
        fputs(" to ", out);
        sn_put_signed(out, 2, most, "+");
    }
    fputs(SN_LINK_END " points)", out);
}

/* "(−0.20, −0.56 points)", in the order of the places; from the least to the most of many, without a verdict of more than two. */
static void put_estimates(FILE *out, const places *list)
{
    const size_t each_most = list->of[0].finding->verdict == SN_UNDECIDED ? 2 : 5;
    double least = HUGE_VAL, most = -HUGE_VAL;
    for (size_t i = 0; i < list->count; i++) {
        least = fmin(least, list->of[i].finding->points);
        most = fmax(most, list->of[i].finding->points);
    }
    if (list->count > each_most || !is_wide(least, most)) {
        put_range(out, "", least, most);
        return;
    }
    fputs("(" SN_LINK("axes"), out);
    for (size_t i = 0; i < list->count; i++) {
        if (i) fputs(", ", out);
        sn_put_signed(out, 2, list->of[i].finding->points, "+");
    }
    fputs(SN_LINK_END " points)", out);
}

/* Takes from `from` those at the settings of its first, workers apart, by workers. */
static places take_setting(places *from, place *room)
{
    places taken = {room, 0};
    size_t kept = 0;
    const char *first = from->of[0].finding->setting;
    for (size_t i = 0; i < from->count; i++) {
        if (strcmp(first, from->of[i].finding->setting) == 0)
            taken.of[taken.count++] = from->of[i];
        else
            from->of[kept++] = from->of[i];
    }
    from->count = kept;
    qsort(taken.of, taken.count, sizeof *taken.of, by_workers);
    return taken;
}

static void put_setting(FILE *out, const char *setting, const char *said)
{
    if (strcmp(setting, said) != 0) fprintf(out, " with %s", setting);
}

/* " at 8 and 32 workers with --lr 0.1 (−0.20, −0.30 points)": once for each setting but the one that is `said`; without "workers" where that
   is said `again`. `room` for as many again. */
static void put_places(FILE *out, const sn_report_runs *runs, places list, const char *said, bool again,
                       place *room)
{
    const char *between = "";
    while (list.count) {
        const places next = take_setting(&list, room);
        fputs(between, out);
        if (!sn_report_share(runs, "workers")) {
            fputs(" at ", out);
            put_workers(out, &next);
            if (!again) fputs(next.count == 1 && next.of[0].workers <= 1 ? " worker" : " workers", out);
        }
        put_setting(out, next.of[0].finding->setting, said);
        fputc(' ', out);
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

/* "worse in 4, undecided in 2 of 6 (all −0.40 to +0.05 points)", of those that it `is`; nothing of none. */
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
    int kinds = 0;
    for (int i = 0; i < TOLD; i++) {
        if (verdicts[told[i].verdict] == 0) continue;
        kinds++;
        fprintf(out, "%s%s in %zu", between, told[i].word, verdicts[told[i].verdict]);
        between = ", ";
    }
    fprintf(out, " of %zu ", all);
    put_range(out, kinds > 1 ? "all " : "", least, most);
}

/* " better at 32 workers (+0.30 points), undecided at 8 (+0.05 points)". */
static void put_by_setting(FILE *out, const sn_report_runs *runs, const sn_contrast *c, const char *said,
                           place *room)
{
    const char *between = " ";
    for (int i = 0; i < TOLD; i++) {
        const places list = with_verdict(c, told[i].verdict, is_any, 0, room);
        if (list.count == 0) continue;
        fprintf(out, "%s%s", between, told[i].word);
        put_places(out, runs, list, said, *between == ',', room + c->count);
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
    char among[64];
    snprintf(among, sizeof among, ", and beyond %.0f, more against fewer, ", fewest);
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
    put_counts(out, c, is_among_more, fewest, among);
}

/* Settings that differ in more than workers. */
enum { SETTINGS_MOST = 3 };

typedef struct settings {
    const char *of[SETTINGS_MOST];
    size_t count;
} settings;

/* Those of `c` that are not yet in `all`; none of so many that a sentence cannot list them. */
static bool add_settings(const sn_contrast *c, settings *all)
{
    for (size_t i = 0; i < c->count; i++) {
        size_t k = 0;
        while (k < all->count && strcmp(all->of[k], c->findings[i].setting) != 0)
            k++;
        if (k == SETTINGS_MOST) return false;
        if (k == all->count) all->of[all->count++] = c->findings[i].setting;
    }
    return true;
}

static void put_contrast(FILE *out, const sn_report_runs *runs, const sn_contrast *c, const char *said)
{
    settings all = {0};
    place *room = calloc(2 * c->count, sizeof *room);
    const bool can_list = room && add_settings(c, &all);
    const bool of_workers = sn_is_of_workers(c->findings);
    fprintf(out, "%s is", c->findings->name);
    if (can_list && of_workers && all.count == 1)
        put_by_workers(out, c, room);
    else if (can_list && !of_workers)
        put_by_setting(out, runs, c, said, room);
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
    [SN_RESPECT_GROWTH] = {"\nWith more workers, each with as many samples, so that the batch grows, ",
                           "\nWhat more workers with as many samples each do is undecided"},
    [SN_RESPECT_SHARDS] = {"\nBy what the workers' shards hold, ",
                           "\nWhat the workers' shards hold is not decided to matter"},
};

/* Where nothing is decided, what is nearest to it by its size. */
static void put_largest(FILE *out, const sn_report_runs *runs, const sn_contrast *largest)
{
    const sn_finding *f = largest->largest;
    fprintf(out, ". The largest is %s", f->name);
    if (!sn_report_share(runs, "workers"))
        fprintf(out, " at %.0f worker%s", workers_of(f->group), workers_of(f->group) > 1 ? "s" : "");
    if (sn_is_of_workers(f)) fprintf(out, " against %.0f", workers_of(f->against));
    put_setting(out, f->setting, "");
    fputs(" (" SN_LINK("axes"), out);
    sn_put_signed(out, 2, f->points, "+");
    fputs(SN_LINK_END " points", out);
    if (f->pair->difference.deviation > 0) {
        fputs("; ", out);
        sn_put_more_seeds(out, f->pair);
    }
    fputs("). ", out);
}

static void put_undecided(FILE *out, const sn_contrast *list, size_t count, const char *between)
{
    enum { NAMED_MAX = 8 };
    size_t all = 0, named = 0;
    for (size_t i = 0; i < count; i++)
        all += sn_contrast_decided(&list[i]) == 0;
    for (size_t i = 0; i < count && named < NAMED_MAX; i++) {
        if (sn_contrast_decided(&list[i])) continue;
        if (named)
            fputs(", ", out);
        else
            fprintf(out, "%sundecided %s ", between, all == 1 ? "is" : "are");
        fprintf(out, "%s ", list[i].findings->name);
        put_range(out, "", list[i].least, list[i].most);
        named++;
    }
    if (all > named) fprintf(out, " and %zu more", all - named);
}

/* Those with a verdict, and what has none; the table has all. */
static void put_verdicts(FILE *out, const sn_report_runs *runs, const sn_contrast *list, size_t count,
                         const char *said)
{
    const char *between = "";
    for (size_t i = 0; i < count; i++) {
        if (sn_contrast_decided(&list[i]) == 0) continue;
        fputs(between, out);
        put_contrast(out, runs, &list[i], said);
        between = "; ";
    }
    put_undecided(out, list, count, between);
}

static int by_text(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void put_heading(FILE *out, sn_respect respect, const char *setting, bool first)
{
    const bool again = !first && respect == SN_RESPECT_NORM;
    fputs(again ? "\nWith the options " : sentences[respect].heading, out);
    if (*setting) fprintf(out, "%s%s, ", again ? "" : "with ", setting);
}

/* Of few settings one after the other, the one without options first; of many in one. */
static void put_by_settings(FILE *out, const sn_report_runs *runs, const sn_contrast *list, size_t count)
{
    settings all = {0};
    sn_axes of_setting;
    bool listed = true;
    for (size_t i = 0; i < count && listed; i++)
        listed = add_settings(&list[i], &all);
    if (!listed) {
        put_heading(out, list->findings->respect, "", true);
        put_verdicts(out, runs, list, count, "");
        return;
    }
    qsort(all.of, all.count, sizeof *all.of, by_text);
    for (size_t i = 0; i < all.count; i++) {
        if (sn_axes_narrow(list, count, all.of[i], &of_setting) != SN_OK) {
            sn_error_clear();
            return;
        }
        if (i) fputs(". ", out);
        put_heading(out, list->findings->respect, all.of[i], i == 0);
        put_verdicts(out, runs, of_setting.contrasts, of_setting.count, all.of[i]);
        sn_axes_clear(&of_setting);
    }
}

static bool have_epochs(const sn_report_runs *runs)
{
    for (size_t g = 0; g < runs->group_count; g++)
        if (sn_attributes_number(sn_report_experiment(&runs->groups[g]), "steps") > 0) return false;
    return true;
}

/* What else changes with the workers where the batch grows. */
static void put_confounded(FILE *out, const sn_report_runs *runs)
{
    const bool fewer = have_epochs(runs), scaled = sn_has_scaled_rates(runs);
    if (!fewer && !scaled) return;
    fprintf(out, "; how much of that is the larger batch's%s%s doing is not told apart",
            fewer && scaled ? ", the fewer steps'"
            : fewer         ? " or the fewer steps'"
                            : "",
            scaled ? " or a scaled learning rate's" : "");
}

static void put_respect(FILE *out, const sn_report_runs *runs, const sn_contrast *list, size_t count)
{
    size_t decided = 0;
    for (size_t i = 0; i < count; i++)
        decided += sn_contrast_decided(&list[i]);
    if (decided) {
        put_by_settings(out, runs, list, count);
        if (list->findings->respect == SN_RESPECT_GROWTH) put_confounded(out, runs);

        fputs(". ", out);
    } else {
        fputs(sentences[list->findings->respect].undecided, out);
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
    put_first(out, runs, sn_is_per_worker, "; ", "takes its statistics over each worker's samples");
    put_first(out, runs, is_synchronized, ", ", "over those of all");
    for (size_t g = 0; g < runs->group_count; g++)
        if (is_synchronized(&runs->groups[g]) && workers_of(&runs->groups[g]) <= 1) {
            fputs(", which on 1 worker is the same", out);
            return;
        }
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

static bool has_respect(const sn_axes *axes, sn_respect respect)
{
    for (size_t i = 0; i < axes->count; i++)
        if (axes->contrasts[i].findings->respect == respect) return true;
    return false;
}

/* "norm, scope or workers alone". */
static void put_respects(FILE *out, const sn_report_runs *runs, const sn_axes *axes)
{
    const bool norms = has_respect(axes, SN_RESPECT_NORM), norm = !sn_report_share(runs, "norm"),
               scope = !sn_report_share(runs, "bn_scope"), stays = has_respect(axes, SN_RESPECT_WORKERS),
               grows = has_respect(axes, SN_RESPECT_GROWTH);
    const struct {
        bool is;
        const char *name;
    } all[] = {{norms && norm, "norm"},
               {norms && scope, "scope"},
               {norms && !norm && !scope, "the norm's options"},
               {has_respect(axes, SN_RESPECT_SHARDS), "shards"},
               {stays && !grows, "workers"},
               {!stays && grows, "workers with the batch that grows with them"},
               {stays && grows, "workers (of one batch, or with one that grows)"}};
    enum { ALL = sizeof all / sizeof *all };
    size_t left = 0;
    for (size_t i = 0; i < ALL; i++)
        left += all[i].is;
    for (size_t i = 0; i < ALL; i++) {
        if (!all[i].is) continue;
        left--;
        fprintf(out, "%s%s", all[i].name, left > 1 ? ", " : left == 1 ? " or " : " alone");
    }
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
    const size_t told_of = pairs->tested - other.count - baseline.count;
    fprintf(out, "%zu pair%s tested, all at once: %zu that differ%s in ", pairs->tested,
            pairs->tested == 1 ? " was" : "s were", told_of, told_of == 1 ? "s" : "");
    put_respects(out, runs, axes);
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
