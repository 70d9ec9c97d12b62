#include "syncnorm/dataset/split.h"

#include <stdbool.h>

#include "syncnorm/base/memory.h"
#include "syncnorm/base/random.h"

/* How many of each class are held out: a turn takes one of every class that has any left. */
static void deal(const uint32_t size[SN_CLASSES], uint32_t count, uint32_t share[SN_CLASSES])
{
    for (int k = 0; k < SN_CLASSES; k++)
        share[k] = 0;
    for (int k = 0; count > 0; k = (k + 1) % SN_CLASSES)
        if (share[k] < size[k]) {
            share[k]++;
            count--;
        }
}

/* Marks the first of each class in a random order. */
static void choose(sn_samples train, uint32_t count, const uint32_t *order, bool *chosen)
{
    uint32_t size[SN_CLASSES] = {0}, left[SN_CLASSES];
    for (uint32_t i = 0; i < train.count; i++)
        size[sn_sample_label(train, i)]++;
    deal(size, count, left);
    for (uint32_t i = 0; i < train.count; i++) {
        uint32_t *of_class = &left[sn_sample_label(train, order[i])];
        if (*of_class == 0) continue;
        --*of_class;
        chosen[order[i]] = true;
    }
}

sn_status sn_split_create(sn_samples train, uint32_t count, uint64_t seed, sn_split *split)
{
    *split = (sn_split){.kept = train, .held_out = {train.pixels, train.labels, 0, NULL}};
    if (count == 0) return SN_OK;
    if (count >= train.count)
        return sn_fail(SN_ERROR_USAGE, "%u images cannot be held out of %u", count, train.count);
    uint32_t *order = NULL;
    bool *chosen = NULL;
    sn_status status = SN_ALLOCATE(split->index, train.count, "the split");
    if (status == SN_OK) status = SN_ALLOCATE(order, train.count, "the split");
    if (status == SN_OK) status = SN_ALLOCATE(chosen, train.count, "the split"); /* zeroed */
    if (status == SN_OK) {
        uint32_t *kept = split->index, *held_out = kept + (train.count - count);
        sn_permutation(seed, SN_PURPOSE_SPLIT, 0, train.count, order);
        choose(train, count, order, chosen);
        split->kept = (sn_samples){train.pixels, train.labels, train.count - count, kept};
        split->held_out = (sn_samples){train.pixels, train.labels, count, held_out};
        for (uint32_t i = 0; i < train.count; i++)
            *(chosen[i] ? held_out++ : kept++) = sn_sample_index(train, i);
    }
    sn_free(order);
    sn_free(chosen);
    if (status != SN_OK) sn_split_destroy(split);
    return status;
}

void sn_split_destroy(sn_split *split)
{
    sn_free(split->index);
    *split = (sn_split){0};
}
