#include "syncnorm/dataset/shards.h"

#include <math.h>

#include "syncnorm/base/elementary.h"
#include "syncnorm/base/memory.h"
#include "syncnorm/base/random.h"

/* Streams of SN_PURPOSE_SHARD; those of the workers' proportions begin at PROPORTIONS. */
enum { DIVISION, CHOICE, PROPORTIONS };

/* Uniform in (0, 1) with 53 bits. */
static double open_uniform(uint32_t high, uint32_t low)
{
    const uint64_t bits = (uint64_t)high << 21 | low >> 11;
    return ((double)bits + 0.5) * 0x1p-53;
}

/*
 * The logarithm of a Gamma(alpha, 1) number: Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 26
 * (2000), for alpha + 1, times U^(1/alpha). As a logarithm, because for small alpha the number itself underflows.
 */
static double log_gamma_variate(double alpha, uint64_t seed, uint32_t worker, uint32_t class)
{
    const double d = alpha + 1 - 1.0 / 3;
    const double c = 1 / sqrt(9 * d);
    for (uint32_t retry = 0;; retry++) {
        const sn_random4 a = sn_random(seed, SN_PURPOSE_SHARD, PROPORTIONS + worker, class, 2 * retry);
        const sn_random4 b = sn_random(seed, SN_PURPOSE_SHARD, PROPORTIONS + worker, class, 2 * retry + 1);
        const double u1 = open_uniform(a.word[0], a.word[1]), u2 = open_uniform(a.word[2], a.word[3]);
        const double normal = sqrt(-2 * sn_log(u1)) *
                              sn_cospi(u2); /* Box and Muller; half a turn has both signs */
        const double t = 1 + c * normal;
        if (t <= 0) continue;
        const double v = t * t * t;
        if (sn_log(open_uniform(b.word[0], b.word[1])) < 0.5 * normal * normal + d - d * v + d * sn_log(v))
            return sn_log(d * v) + sn_log(open_uniform(b.word[2], b.word[3])) / alpha;
    }
}

/* Proportions of the classes for one worker, up to a factor; the largest is 1. */
static void draw_proportions(double alpha, uint64_t seed, uint32_t worker, double proportion[SN_CLASSES])
{
    double most = -HUGE_VAL;
    for (uint32_t k = 0; k < SN_CLASSES; k++) {
        proportion[k] = log_gamma_variate(alpha, seed, worker, k);
        if (proportion[k] > most) most = proportion[k];
    }
    for (int k = 0; k < SN_CLASSES; k++)
        proportion[k] = sn_exp(proportion[k] - most);
}

/* Samples by class, each class in a random order. */
typedef struct pools {
    uint32_t *index;                            /* [count] */
    uint32_t next[SN_CLASSES], end[SN_CLASSES]; /* into index */
} pools;

static void fill_pools(sn_samples samples, const uint32_t *shuffled, pools *p)
{
    uint32_t size[SN_CLASSES] = {0};
    for (uint32_t i = 0; i < samples.count; i++)
        size[sn_sample_label(samples, i)]++;
    for (uint32_t k = 0, at = 0; k < SN_CLASSES; at += size[k++])
        p->next[k] = p->end[k] = at;
    for (uint32_t i = 0; i < samples.count; i++)
        p->index[p->end[sn_sample_label(samples, shuffled[i])]++] = shuffled[i];
}

/* A class by the worker's proportions among those with samples left; the fullest when its own are all exhausted. */
static int choose_class(const pools *p, const double proportion[SN_CLASSES], double u)
{
    double total = 0;
    int last = -1, fullest = 0;
    for (int k = 0; k < SN_CLASSES; k++) {
        if (p->end[k] - p->next[k] > p->end[fullest] - p->next[fullest]) fullest = k;
        if (p->next[k] == p->end[k] || proportion[k] == 0) continue;
        total += proportion[k];
        last = k;
    }
    if (last < 0) return fullest;
    double left = u * total;
    for (int k = 0; k < last; k++) {
        if (p->next[k] == p->end[k]) continue;
        left -= proportion[k];
        if (left < 0) return k;
    }
    return last;
}

static sn_status divide_dirichlet(sn_samples samples, uint32_t workers, double alpha, uint64_t seed,
                                  uint32_t *order)
{
    double(*proportions)[SN_CLASSES] = NULL;
    pools p = {0};
    sn_status status = SN_ALLOCATE(proportions, workers, "the shards");
    if (status == SN_OK) status = SN_ALLOCATE(p.index, samples.count, "the shards");
    if (status == SN_OK) {
        for (uint32_t w = 0; w < workers; w++)
            draw_proportions(alpha, seed, w, proportions[w]);
        sn_permutation(seed, SN_PURPOSE_SHARD, DIVISION, samples.count, order);
        fill_pools(samples, order, &p);
        for (uint32_t taken = 0, turn = 0; taken < samples.count; turn++) {
            for (uint32_t w = 0; w < workers; w++) {
                const sn_share share = sn_share_of(samples.count, (int)w, (int)workers);
                if (turn >= share.count) continue;
                const sn_random4 r = sn_random(seed, SN_PURPOSE_SHARD, CHOICE, w, turn);
                const int k = choose_class(&p, proportions[w], open_uniform(r.word[0], r.word[1]));
                order[share.first + turn] = p.index[p.next[k]++];
                taken++;
            }
        }
    }
    sn_free(proportions);
    sn_free(p.index);
    return status;
}

/* Stable, so that it is a function of the labels alone. */
static void divide_sorted(sn_samples samples, uint32_t *order)
{
    uint32_t at = 0;
    for (int k = 0; k < SN_CLASSES; k++)
        for (uint32_t i = 0; i < samples.count; i++)
            if (sn_sample_label(samples, i) == k) order[at++] = i;
}

sn_status sn_shards_divide(sn_samples samples, uint32_t workers, const sn_shard_options *options,
                           uint64_t seed, uint32_t *order)
{
    if (workers == 1) { /* one shard is everything, in the set's own order */
        for (uint32_t i = 0; i < samples.count; i++)
            order[i] = i;
        return SN_OK;
    }
    switch (options->kind) {
    case SN_SHARDS_IID:
        sn_permutation(seed, SN_PURPOSE_SHARD, DIVISION, samples.count, order);
        break;
    case SN_SHARDS_SORTED:
        divide_sorted(samples, order);
        break;
    case SN_SHARDS_DIRICHLET:
        return divide_dirichlet(samples, workers, options->alpha, seed, order);
    }
    return SN_OK;
}
