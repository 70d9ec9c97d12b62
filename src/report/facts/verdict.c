#include "verdict.h"

#include <math.h>
#include <stdlib.h>

#include "syncnorm/base/memory.h"
#include "syncnorm/base/missing.h"
#include "syncnorm/train/compare.h"

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

/* Which images a run has right; NULL: not on record. */
static const uint8_t *row_of(const sn_report_run *run, const char *name, size_t images)
{
    const sn_tensor *tensor = sn_report_evaluation(run, name);
    return tensor && tensor->type == SN_TYPE_U8 && sn_tensor_count(tensor) == images ? tensor->data : NULL;
}

/* Adds what the second of two runs has right more than the first, image by image, to `columns`. */
static bool add_images(const sn_report_partners_of *p, size_t images, double *columns, double *sum,
                       double *squares)
{
    const uint8_t *labels = row_of(p->first, "labels", images);
    const uint8_t *first = row_of(p->first, "predictions", images),
                  *second = row_of(p->second, "predictions", images);
    if (!labels || !first || !second) return false;
    *sum = 0;
    for (size_t i = 0; i < images; i++) {
        const int more = (second[i] == labels[i]) - (first[i] == labels[i]);
        columns[i] += more;
        *sum += more;
        *squares += more != 0;
    }
    return true;
}

/* Half of the 95 % interval of the difference over seeds and test images both, in images; NaN where images are not on record. */
static sn_status cross(const sn_report_partners_of *partners, size_t count, sn_pair *pair)
{
    double *columns = NULL, *rows = NULL, squares = 0;
    pair->crossed = SN_MISSING;
    if (count < 2) return SN_OK;
    sn_status status = SN_ALLOCATE(columns, pair->images, "the test images");
    if (status == SN_OK) status = SN_ALLOCATE(rows, count, "the pairs");
    bool known = status == SN_OK;
    for (size_t s = 0; s < count && known; s++)
        known = add_images(&partners[s], pair->images, columns, &rows[s], &squares);
    if (known)
        pair->crossed = sn_student_t_quantile(0.975, (double)count - 1) * (double)pair->images *
                        sn_crossed_error(rows, count, columns, pair->images, squares);
    sn_free(columns);
    sn_free(rows);
    return status;
}

/* Sums over epochs are whole numbers, so that equal ones are equal; their mean is taken at last. */
static sn_estimate per_epoch(sn_estimate e, double epochs)
{
    e.mean /= epochs;
    e.low /= epochs;
    e.high /= epochs;
    e.deviation /= epochs;
    return e;
}

/* count 0 in the difference: they are no pair. */
static sn_status compare(const sn_report_runs *runs, size_t first, size_t second, double margin,
                         sn_pair *pair)
{
    const sn_report_group *a = &runs->groups[first], *b = &runs->groups[second];
    sn_report_partners_of *partners = NULL;
    double *values = NULL;
    long *differences = NULL;
    *pair = (sn_pair){.first = first, .second = second};
    sn_status status = SN_ALLOCATE(partners, a->count + 1, "the pairs");
    if (status == SN_OK) status = SN_ALLOCATE(values, 2 * a->count + 1, "the pairs");
    if (status == SN_OK) status = SN_ALLOCATE(differences, a->count + 1, "the pairs");
    if (status == SN_OK) {
        double *left = values, *right = values + a->count;
        const size_t count = sn_report_partners(a, b, partners, &pair->images);
        for (size_t i = 0; i < count; i++) {
            left[i] = sn_report_correct(partners[i].first);
            right[i] = sn_report_correct(partners[i].second);
            differences[i] = lround(right[i] - left[i]);
        }
        pair->difference = per_epoch(sn_estimate_difference(right, left, count), (double)runs->last);
        pair->margin = margin / 100 * (double)pair->images;
        pair->sign_flip = count > 1 ? sn_sign_flip_p(differences, count) : SN_MISSING;
        pair->correlation = correlation(left, right, count);
        status = cross(partners, runs->last > 1 ? 0 : count,
                       pair); /* images are on record for the last epoch */
    }
    sn_free(partners);
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
    pair->differs = pair->adjusted_difference <= level;
    if (d->count < 2 || !(d->deviation > 0)) return;
    const double half = sn_student_t_quantile(1 - each / 2, (double)d->count - 1) * d->deviation /
                        sqrt((double)d->count);
    pair->low = d->mean - half;
    pair->high = d->mean + half;
    if (pair->adjusted_within <= level)
        pair->verdict = SN_EQUIVALENT;
    else if (pair->differs)
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

/* Of 55 experiments 1,485 pairs would ask for so much of each that none would get an answer; few of them are questions. */
static bool is_asked(const sn_report_runs *runs, size_t first, size_t second)
{
    return runs->group_count <= SN_GROUPS_ALL || first == runs->baseline || second == runs->baseline ||
           sn_experiments_respects(sn_report_experiment(&runs->groups[first]),
                                   sn_report_experiment(&runs->groups[second])) == 1;
}

sn_status sn_report_pairs(const sn_report_runs *runs, double margin, sn_pairs *all)
{
    const size_t groups = runs->group_count;
    *all = (sn_pairs){0};
    SN_TRY(SN_ALLOCATE(all->pairs, groups * groups / 2 + 1, "the pairs"));
    sn_status status = SN_OK;
    for (size_t first = 0; first < groups; first++)
        for (size_t second = first + 1; second < groups && status == SN_OK; second++) {
            if (!is_asked(runs, first, second)) {
                all->left_out++;
                continue;
            }
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

static sn_pair turned(sn_pair pair)
{
    const double low = pair.difference.low, below = pair.low;
    const size_t first = pair.first;
    pair.first = pair.second;
    pair.second = first;
    pair.difference.mean = 0 - pair.difference.mean; /* no -0 */
    pair.difference.low = -pair.difference.high;
    pair.difference.high = -low;
    pair.low = -pair.high;
    pair.high = -below;
    if (pair.verdict == SN_BETTER || pair.verdict == SN_WORSE)
        pair.verdict = pair.verdict == SN_BETTER ? SN_WORSE : SN_BETTER;
    return pair;
}

sn_pair sn_report_difference(const sn_pairs *all, size_t group, size_t baseline)
{
    for (size_t i = 0; i < all->count; i++) {
        const sn_pair *pair = &all->pairs[i];
        if (pair->first == baseline && pair->second == group) return *pair;
        if (pair->first == group && pair->second == baseline) return turned(*pair);
    }
    return (sn_pair){0};
}
