/* The answer in sentences, for somebody who reads nothing else: a verdict on each pair, and what these runs cannot say. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "groups.h"
#include "sections.h"
#include "speed.h"
#include "syncnorm/base/missing.h"
#include "syncnorm/base/thousands.h"
#include "syncnorm/train/compare.h"
#include "text.h"

enum { NAMED_MAX = 6 };

void sn_put_signed(FILE *out, int digits, double value, const char *plus)
{
    fprintf(out, "%s%.*f", value < 0 ? "−" : plus, digits, fabs(value));
}

static void put_interval(FILE *out, const sn_pair *pair)
{
    sn_put_signed(out, 2, sn_pair_points(pair, pair->low), "+");
    fputs(" to ", out);
    sn_put_signed(out, 2, sn_pair_points(pair, pair->high), "+");
}

static void put_images(FILE *out, double images, size_t of)
{
    char all[SN_THOUSANDS_SIZE];
    images = fabs(images);
    fprintf(out, SN_LINK("answer") "%.*f image%s" SN_LINK_END " of %s", images < 10 ? 1 : 0, images,
            fabs(images - 1) < 0.05 ? "" : "s", sn_thousands((int64_t)of, all));
}

/* ---- the sentence of a pair ---- */

static const char *name_of(const sn_report_runs *runs, size_t group)
{
    return runs->groups[group].brief;
}

static void put_decided(FILE *out, const sn_report_runs *runs, const sn_pair *pair)
{
    const bool up = pair->difference.mean > 0;
    fprintf(out, "%s is better than %s: ", name_of(runs, up ? pair->second : pair->first),
            name_of(runs, up ? pair->first : pair->second));
    put_images(out, pair->difference.mean, pair->images);
    fprintf(out, " more are right (%.2f points, ", fabs(sn_pair_points(pair, pair->difference.mean)));
    sn_put_signed(out, 2, up ? sn_pair_points(pair, pair->low) : -sn_pair_points(pair, pair->high), "");
    fputs(" to ", out);
    sn_put_signed(out, 2, up ? sn_pair_points(pair, pair->high) : -sn_pair_points(pair, pair->low), "");
    fputs(").", out);
}

static void put_equivalent(FILE *out, const sn_report_runs *runs, const sn_pair *pair)
{
    fprintf(out, "%s and %s are equivalent within ±%g points: ", name_of(runs, pair->second),
            name_of(runs, pair->first), sn_pair_points(pair, pair->margin));
    put_images(out, pair->difference.mean, pair->images);
    fputs(" apart (", out);
    put_interval(out, pair);
    if (pair->differs)
        fprintf(out, "); small as it is, the difference is real, and %s ahead.",
                name_of(runs, pair->difference.mean > 0 ? pair->second : pair->first));
    else
        fputs(").", out);
}

void sn_put_more_seeds(FILE *out, const sn_pair *pair)
{
    const size_t have = pair->difference.count;
    if (pair->needed == 0)
        fprintf(out, "more than %d seeds would be needed", SN_SEEDS_MOST);
    else
        fprintf(out, "about %zu more seed%s", pair->needed > have ? pair->needed - have : 1,
                pair->needed > have + 1 ? "s" : "");
}

static void put_undecided(FILE *out, const sn_report_runs *runs, const sn_pair *pair)
{
    fprintf(out, "%s against %s is undecided: ", name_of(runs, pair->second), name_of(runs, pair->first));
    if (pair->difference.count == 1) {
        fputs("one seed.", out);
        return;
    }
    if (!(pair->difference.deviation > 0)) {
        fprintf(out, "%zu seeds with the same difference, ", pair->difference.count);
        put_images(out, pair->difference.mean, pair->images);
        fputs(", say nothing about how far seeds differ.", out);
        return;
    }
    put_interval(out, pair);
    fputs(" points; ", out);
    sn_put_more_seeds(out, pair);
    fputc('.', out);
}

static void put_verdict(FILE *out, const sn_report_runs *runs, const sn_pair *pair)
{
    switch (pair->verdict) {
    case SN_BETTER:
    case SN_WORSE:
        put_decided(out, runs, pair);
        break;
    case SN_EQUIVALENT:
        put_equivalent(out, runs, pair);
        break;
    case SN_UNDECIDED:
        put_undecided(out, runs, pair);
        break;
    }
}

/* ---- one sentence for many pairs ---- */

static bool is_decided(sn_verdict verdict)
{
    return verdict == SN_BETTER || verdict == SN_WORSE;
}

static size_t count_of(const sn_pairs *pairs, bool (*is)(sn_verdict verdict))
{
    size_t count = 0;
    for (size_t i = 0; i < pairs->count; i++)
        count += is(pairs->pairs[i].verdict);
    return count;
}

static bool is_equivalent(sn_verdict verdict)
{
    return verdict == SN_EQUIVALENT;
}

static bool is_undecided(sn_verdict verdict)
{
    return verdict == SN_UNDECIDED;
}

/* The pairs of a kind, largest differences first where they are decided. */
static void put_pairs(FILE *out, const sn_report_runs *runs, const sn_pairs *pairs,
                      bool (*is)(sn_verdict verdict), const char *heading, const char *between)
{
    double before = HUGE_VAL;
    size_t named = 0, at = pairs->count;
    const size_t all = count_of(pairs, is);
    if (all == 0) return;
    fprintf(out, "%s", heading);
    for (; named < all && named < NAMED_MAX; named++) {
        size_t next = pairs->count; /* the greatest below the one before, or as great and behind it */
        for (size_t i = 0; i < pairs->count; i++) {
            const double size = fabs(pairs->pairs[i].difference.mean);
            if (!is(pairs->pairs[i].verdict) || size > before ||
                (size >= before && i <= at && at < pairs->count))
                continue;
            if (next == pairs->count || size > fabs(pairs->pairs[next].difference.mean)) next = i;
        }
        const sn_pair *pair = &pairs->pairs[next];
        const bool up = pair->difference.mean > 0;
        fprintf(out, "%s%s %s %s (", named ? ", " : " ", name_of(runs, up ? pair->second : pair->first),
                between, name_of(runs, up ? pair->first : pair->second));
        fprintf(out, SN_LINK("answer") "%.*f" SN_LINK_END, fabs(pair->difference.mean) < 10 ? 1 : 0,
                fabs(pair->difference.mean));
        if (pair->verdict == SN_UNDECIDED && pair->difference.deviation > 0) {
            fputs("; ", out);
            sn_put_more_seeds(out, pair);
        }
        fputc(')', out);
        before = fabs(pair->difference.mean);
        at = next;
    }
    if (all > named) fprintf(out, " and %zu more", all - named);
    fputs(". ", out);
}

static void put_many(FILE *out, const sn_report_runs *runs, const sn_pairs *pairs)
{
    char heading[160], all[SN_THOUSANDS_SIZE];
    const sn_pair *any = &pairs->pairs[0];
    fprintf(out, "Of %zu pairs, in images of %s: ", pairs->count, sn_thousands((int64_t)any->images, all));
    put_pairs(out, runs, pairs, is_decided, "better are", "than");
    snprintf(heading, sizeof heading, "%s within ±%g points are",
             count_of(pairs, is_decided) ? "Equivalent" : "equivalent", sn_pair_points(any, any->margin));
    put_pairs(out, runs, pairs, is_equivalent, heading, "and");
    put_pairs(out, runs, pairs, is_undecided,
              count_of(pairs, is_undecided) < pairs->count ? "Undecided are" : "undecided are", "against");
}

/* ---- around them ---- */

static void put_what_was_compared(FILE *out, const sn_report_runs *runs)
{
    const char *dataset = sn_report_text(sn_report_experiment(&runs->groups[0]), "dataset");
    size_t least = 0, most = 0, without = 0;
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_report_group *group = &runs->groups[g];
        without += !group->complete;
        if (!group->complete) continue;
        if (!least || group->shown < least) least = group->shown;
        if (group->shown > most) most = group->shown;
    }
    fprintf(out, "%zu experiments", runs->group_count);
    if (*dataset && sn_report_share(runs, "dataset_digest")) fprintf(out, " on %s", dataset);
    if (most) fprintf(out, ", %zu", least);
    if (most > least) fprintf(out, " to %zu", most);
    if (most) fprintf(out, " seed%s each", most == 1 ? "" : "s");
    if (most && without) fprintf(out, " but for %zu without a complete run", without);
    if (*runs->common) fprintf(out, ", all with %s", runs->common);
    if (runs->last > 1)
        fprintf(out, ", by their %s. ", sn_report_measure(runs));
    else
        fprintf(out, ", by their %s accuracy after the last epoch. ", sn_report_judge(runs));
}

static bool have_one_length(const sn_report_runs *runs)
{
    return sn_report_share(runs, "epochs") && sn_report_share(runs, "steps");
}

static void put_lengths(FILE *out, const sn_report_runs *runs)
{
    if (have_one_length(runs)) return;
    fputs("Their lengths differ: ", out);
    for (size_t g = 0; g < runs->group_count && g <= NAMED_MAX; g++) {
        if (g == NAMED_MAX) {
            fprintf(out, " and %zu more", runs->group_count - g);
            break;
        }
        const sn_attributes *e = sn_report_experiment(&runs->groups[g]);
        const double steps = sn_attributes_number(e, "steps");
        const bool cut = steps > 0;
        const double length = cut ? steps : sn_attributes_number(e, "epochs");
        fprintf(out, "%s%s %.0f %s%s", g ? ", " : "", name_of(runs, g), length, cut ? "step" : "epoch",
                length > 1 ? "s" : "");
    }
    fputs(". ", out);
}

static void put_verdicts(FILE *out, const sn_report_runs *runs, const sn_pairs *pairs)
{
    enum { EACH_MAX = 3 };
    if (pairs->count == 0) {
        fputs("No two of them have a complete run of one seed judged by the same images: there is nothing to "
              "compare. ",
              out);
    } else if (pairs->tested == 0) {
        fputs("Every pair is undecided: one seed. ", out);
    } else if (runs->group_count > SN_GROUPS_ALL && sn_put_axes(out, runs, pairs)) {
        return;
    } else if (pairs->count > EACH_MAX) {
        put_many(out, runs, pairs);
    } else {
        for (size_t i = 0; i < pairs->count; i++) {
            put_verdict(out, runs, &pairs->pairs[i]);
            fputc(' ', out);
        }
    }
}

/* The greatest speed of an epoch: the one that other work on the machine disturbed least. */
static double best_speed(const sn_report_group *group)
{
    double best = 0;
    for (size_t i = 0; i < group->count; i++)
        for (size_t row = 0; group->runs[i].shown && row < group->runs[i].run.epochs.rows; row++)
            best = fmax(best, sn_report_epoch_value(&group->runs[i], "images_per_second", row));
    return best;
}

static double best_speed_of_norm(const sn_report_runs *runs, const sn_report_group *group)
{
    char mine[SN_PART_NAME], other[SN_PART_NAME];
    double best = 0;
    sn_part_of_name(runs, group, true, mine);
    for (size_t g = 0; g < runs->group_count; g++) {
        sn_part_of_name(runs, &runs->groups[g], true, other);
        if (strcmp(mine, other) == 0) best = fmax(best, best_speed(&runs->groups[g]));
    }
    return best;
}

/* What a norm costs, whatever else its experiments differ in: by the slowest and the fastest, where all were on as many ranks and where it is
   worth a word. */
static void put_cost(FILE *out, const sn_report_runs *runs)
{
    static const double NOTICED = 1.05;
    double least = HUGE_VAL, most = 0, ranks = SN_MISSING;
    char slowest[SN_PART_NAME] = "", fastest[SN_PART_NAME] = "";
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_report_group *group = &runs->groups[g];
        const double mine = sn_report_common_ranks(group), speed = best_speed_of_norm(runs, group);
        if (isnan(mine) || !(speed > 0) || (g > 0 && fabs(mine - ranks) > 0)) return;
        ranks = mine;
        if (speed > most) {
            most = speed;
            sn_part_of_name(runs, group, true, fastest);
        }
        if (speed < least) {
            least = speed;
            sn_part_of_name(runs, group, true, slowest);
        }
    }
    if (!(most > 0) || most < NOTICED * least) return;
    fprintf(out, "On %.0f rank%s the fastest epoch of %s took %.2f times as long as that of %s. ", ranks,
            ranks > 1 ? "s" : "", slowest, most / least, fastest);
}

/* ---- what they cannot say ---- */

static size_t parameters_of(const sn_report_group *group)
{
    const sn_attributes *e = sn_report_experiment(group);
    const double groups = sn_attributes_number(e, "groups");
    const int norm = sn_experiment_norm(e);
    sn_network network;
    if (norm == SN_NORM_KINDS ||
        sn_network_build((sn_network_options){(sn_norm_kind)norm, groups >= 1 ? (int)groups : 2, false},
                         &network) != SN_OK)
        return 0;
    return network.parameters.total;
}

static bool pools_all_of_a_sample(const sn_report_group *group)
{
    const sn_attributes *e = sn_report_experiment(group);
    return sn_experiment_norm(e) == SN_NORM_GROUP && fabs(sn_attributes_number(e, "groups") - 1) <= 0;
}

/* What has several times the parameters of the others is no comparison of norms alone. */
static void put_parameters(FILE *out, const sn_report_runs *runs, const char **between)
{
    size_t least = SIZE_MAX, most = 0;
    const sn_report_group *largest = NULL, *control = NULL;
    for (size_t g = 0; g < runs->group_count; g++) {
        const size_t mine = parameters_of(&runs->groups[g]);
        if (!control && pools_all_of_a_sample(&runs->groups[g])) control = &runs->groups[g];
        if (mine && mine < least) least = mine;
        if (mine > most) {
            most = mine;
            largest = &runs->groups[g];
        }
    }
    if (!largest || most < 2 * least) return;
    char many[SN_THOUSANDS_SIZE], few[SN_THOUSANDS_SIZE], name[SN_PART_NAME];
    sn_part_of_name(runs, largest, true, name);
    fprintf(out,
            "%show much of what %s does is its %s parameters' doing, with an affine pair for each element "
            "where others, of %s, "
            "have one for each channel (%s pools alike, with one for each channel)",
            *between, name, sn_thousands((int64_t)most, many), sn_thousands((int64_t)least, few),
            control ? control->brief : "gn with --groups 1");
    *between = "; ";
}

/* Settings of every run were chosen by images held out, as its file says. */
static bool were_chosen(const sn_report_runs *runs)
{
    for (size_t i = 0; i < runs->count; i++) {
        const sn_run *run = &runs->runs[i].run;
        bool said = false;
        for (size_t k = 0; k < run->provenance_count; k++)
            said = said || *sn_report_text(&run->provenance[k], "chosen_from");
        if (!said) return false;
    }
    return true;
}

static size_t most_seeds(const sn_pairs *pairs)
{
    size_t most = 0;
    for (size_t i = 0; i < pairs->count; i++)
        if (pairs->pairs[i].difference.count > most) most = pairs->pairs[i].difference.count;
    return most;
}

static bool any_has_own_seed(const sn_report_runs *runs)
{
    for (size_t g = 0; g < runs->group_count; g++)
        if (sn_report_has_own_seed(&runs->groups[g])) return true;
    return false;
}

/* Where there are verdicts, of so few seeds that no signs could have given them. */
static bool rest_on_normality(const sn_pairs *pairs)
{
    bool decided = false;
    for (size_t i = 0; i < pairs->count; i++)
        decided = decided || pairs->pairs[i].verdict != SN_UNDECIDED;
    return decided && most_seeds(pairs) < 6;
}

bool sn_has_scaled_rates(const sn_report_runs *runs)
{
    for (size_t g = 0; g < runs->group_count; g++)
        if (strcmp(sn_report_text(sn_report_experiment(&runs->groups[g]), "lr_scaling"), "linear") == 0)
            return true;
    return false;
}

/* " of gn-lr3, ln". */
static void put_incomplete(FILE *out, const sn_report_runs *runs)
{
    size_t count = 0;
    for (const sn_report_group *g = runs->groups; g < runs->groups + runs->group_count; g++) {
        size_t i = 0;
        while (i < g->count && g->runs[i].complete)
            i++;
        if (i < g->count && count++ < NAMED_MAX) fprintf(out, "%s%s", count > 1 ? ", " : " of ", g->brief);
    }
    if (count > NAMED_MAX) fprintf(out, " and %zu more", count - NAMED_MAX);
}

static void put_limits(FILE *out, const sn_report_runs *runs, const sn_pairs *pairs)
{
    const double rate = sn_attributes_number(sn_report_experiment(&runs->groups[0]), "lr");
    fputs("\nWhat these runs cannot say: ", out);
    const char *between = "";
    if (pairs->count && pairs->tested == 0) {
        fputs("how far seeds differ, of which there is one", out);
        between = "; ";
    }
    if (sn_report_share(runs, "lr") && !isnan(rate) && !were_chosen(runs)) {
        fprintf(out, "%swhat each would reach at a learning rate of its own, since all have %g%s", between,
                rate, sn_has_scaled_rates(runs) ? ", scaled with the batch where --lr-scaling says so" : "");
        between = "; ";
    }
    put_parameters(out, runs, &between);
    if (pairs->tested && most_seeds(pairs) == 2) {
        fprintf(out, "%show far seeds differ, of two seeds: intervals of three are less than a third as wide",
                between);
        between = "; ";
    }
    if (!have_one_length(runs)) {
        fprintf(out, "%swhat of a difference is the length's", between);
        between = "; ";
    }
    const size_t all = runs->group_count * (runs->group_count - 1) / 2;
    if (pairs->count && pairs->count + pairs->left_out < all) {
        fprintf(out,
                "%sanything of %zu pairs that have no complete runs of one seed judged by the same images",
                between, all - pairs->count - pairs->left_out);
        between = "; ";
    }
    if (runs->aside == 0 && any_has_own_seed(runs)) {
        fprintf(
            out,
            "%swhat part of chance is whose, which takes the same experiments without seeds of their own, "
            "too",
            between);
        between = "; ";
    }
    if (rest_on_normality(pairs)) {
        fprintf(out,
                "%swhether verdicts hold where differences are not normal: the exact p of %zu seeds cannot "
                "be less than %.2g",
                between, most_seeds(pairs), 2 / pow(2, (double)most_seeds(pairs)));
        between = "; ";
    }
    if (runs->incomplete) {
        fprintf(out, "%swhat %zu incomplete run%s", between, runs->incomplete,
                runs->incomplete == 1 ? "" : "s");
        put_incomplete(out, runs);
        fputs(" would have reached; where one diverged, its experiment is worse than its numbers", out);
        between = "; ";
    }
    fprintf(out, "%show it is on other data.", between);
}

static void put_answer(FILE *out, const sn_report_runs *runs, const sn_pairs *pairs)
{
    put_what_was_compared(out, runs);
    put_lengths(out, runs);
    put_verdicts(out, runs, pairs);
    sn_put_running_statistics(out, runs);
    if (runs->group_count <= SN_GROUPS_ALL && have_one_length(runs)) put_cost(out, runs);
    put_limits(out, runs, pairs);
}

void sn_trim_lines(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++)
        if (from[strspn(from, " ")] != '\n' || *from == '\n') *to++ = *from;
    *to = '\0';
}

void sn_add_paragraphs(sn_document *document, char *text)
{
    char *rest;
    sn_trim_lines(text);
    for (char *paragraph = strtok_r(text, "\n", &rest); paragraph; paragraph = strtok_r(NULL, "\n", &rest))
        sn_document_text(document, "%s", paragraph);
}

static char *text_of(void (*put)(FILE *out, const sn_report_runs *runs, const sn_pairs *pairs),
                     const sn_report_runs *runs, const sn_pairs *pairs)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    put(out, runs, pairs);
    if (fclose(out) == 0) return text;
    free(text);
    return NULL;
}

char *sn_verdicts_text(const sn_report_runs *runs, const sn_pairs *pairs)
{
    return text_of(put_verdicts, runs, pairs);
}

char *sn_answer_text(const sn_report_runs *runs, const sn_pairs *pairs)
{
    return runs->group_count > 1 ? text_of(put_answer, runs, pairs) : NULL;
}
