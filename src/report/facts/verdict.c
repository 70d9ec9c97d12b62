#include "verdict.h"

#include <math.h>
#include <stdlib.h>

#include "syncnorm/base/memory.h"
#include "syncnorm/base/missing.h"

static const double level = 0.05;

static double correlation(const double *a, const double *b, size_t count)
{
    const double mean_a = sn_estimate_mean(a, count).mean, mean_b = sn_estimate_mean(b, count).mean;
    double aa = 0, bb = 0, ab = 0;
    for (size_t i = 0; i < count; i++) {
        aa += (a[i] - mean_a) * (a[i] - mean_a);
        bb += (b[i] - mean_b) * (b[i] - mean_b);
        ab += (a[i] - mean_a) * (b[i] - mean_b);
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : SN_MISSING;
}

/* count 0 in the difference: they are no pair. */
static sn_status compare(const sn_report_runs *runs, size_t first, size_t second, double margin,
                         sn_pair *pair)
{
    const sn_report_group *a = &runs->groups[first], *b = &runs->groups[second];
    double *values = NULL;
    long *differences = NULL;
    *pair = (sn_pair){.first = first, .second = second};
    sn_status status = SN_ALLOCATE(values, 2 * a->count + 1, "the pairs");
    if (status == SN_OK) status = SN_ALLOCATE(differences, a->count + 1, "the pairs");
    if (status == SN_OK) {
        double *left = values, *right = values + a->count;
        const size_t count = sn_report_paired(a, b, left, right, &pair->images);
        for (size_t i = 0; i < count; i++)
            differences[i] = lround(right[i] - left[i]);
        pair->difference = sn_estimate_difference(right, left, count);
        pair->margin = margin / 100 * (double)pair->images;
        pair->sign_flip = count > 1 ? sn_sign_flip_p(differences, count) : SN_MISSING;
        pair->correlation = correlation(left, right, count);
    }
    sn_free(values);
    sn_free(differences);
    return status;
}

static size_t sooner(size_t a, size_t b)
{
    return a == 0 ? b : b == 0 || a < b ? a : b;
}

static void decide(sn_pair *pair, double each)
{
    const sn_estimate *d = &pair->difference;
    pair->low = pair->high = SN_MISSING;
    pair->verdict = SN_UNDECIDED;
    if (d->count < 2 || !(d->deviation > 0)) return;
    const double half = sn_student_t_quantile(1 - each / 2, (double)d->count - 1) * d->deviation /
                        sqrt((double)d->count);
    pair->low = d->mean - half;
    pair->high = d->mean + half;
    if (pair->adjusted_within <= level)
        pair->verdict = SN_EQUIVALENT;
    else if (pair->adjusted_difference <= level)
        pair->verdict = d->mean > 0 ? SN_BETTER : SN_WORSE;
}

sn_status sn_pairs_decide(sn_pairs *all)
{
    double *p = NULL;
    const size_t n = all->count;
    SN_TRY(SN_ALLOCATE(p, 4 * n + 1, "the pairs"));
    all->tested = 0;
    for (size_t i = 0; i < n; i++) {
        sn_pair *pair = &all->pairs[i];
        p[i] = pair->difference.p;
        p[n + i] = pair->within = sn_equivalence_p(pair->difference, pair->margin);
        all->tested += pair->difference.count > 1;
    }
    sn_adjust_claims(p, p + n, n, p + 2 * n, p + 3 * n);
    all->each = level / (double)(all->tested ? all->tested : 1);
    for (size_t i = 0; i < n; i++) {
        all->pairs[i].adjusted_difference = p[2 * n + i];
        all->pairs[i].adjusted_within = p[3 * n + i];
        decide(&all->pairs[i], all->each);
    }
    sn_free(p);
    return SN_OK;
}

static void plan(sn_pair *pair, double each)
{
    const double spread = pair->difference.deviation;
    pair->for_difference = sn_seeds_for_difference(pair->margin, spread, each);
    pair->for_equivalence = sn_seeds_for_equivalence(0, spread, pair->margin, each);
    if (pair->verdict == SN_UNDECIDED)
        pair->needed = sooner(sn_seeds_for_difference(pair->difference.mean, spread, each),
                              sn_seeds_for_equivalence(pair->difference.mean, spread, pair->margin, each));
}

sn_status sn_report_pairs(const sn_report_runs *runs, double margin, sn_pairs *all)
{
    const size_t groups = runs->group_count;
    *all = (sn_pairs){0};
    SN_TRY(SN_ALLOCATE(all->pairs, groups * groups / 2 + 1, "the pairs"));
    sn_status status = SN_OK;
    for (size_t first = 0; first < groups; first++)
        for (size_t second = first + 1; second < groups && status == SN_OK; second++) {
            status = compare(runs, first, second, margin, &all->pairs[all->count]);
            if (all->pairs[all->count].difference.count) all->count++;
        }
    if (status == SN_OK) status = sn_pairs_decide(all);
    for (size_t i = 0; i < all->count && status == SN_OK; i++)
        plan(&all->pairs[i], all->each);
    if (status != SN_OK) sn_report_pairs_clear(all);
    return status;
}

void sn_report_pairs_clear(sn_pairs *all)
{
    sn_free(all->pairs);
    *all = (sn_pairs){0};
}

const sn_pair *sn_report_pair(const sn_pairs *all, size_t first, size_t second)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->pairs[i].first == first && all->pairs[i].second == second) return &all->pairs[i];
    return NULL;
}
