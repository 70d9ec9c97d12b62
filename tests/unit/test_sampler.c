/* The sampler: each epoch is every training sample once, the order depends on seed and epoch alone, shares are even. */

#include <string.h>

#include "cmocka_all.h"
#include "syncnorm/base/random.h"
#include "syncnorm/dataset/sampler.h"

enum { MOST = 1000, MANY = 4300 };

static const uint8_t labels[MOST];

static sn_sampler *sampler_of(uint32_t samples, uint32_t batch, uint64_t seed, bool shuffle)
{
    const sn_sampler_options options = {
        .samples = {.labels = labels, .count = samples}, .batch = batch, .seed = seed, .shuffle = shuffle};
    sn_sampler *sampler;
    assert_int_equal(sn_sampler_create(&options, &sampler), SN_OK);
    return sampler;
}

/* All samples of an epoch, batch after batch. Returns how many. */
static uint32_t whole_epoch(sn_sampler *sampler, uint32_t epoch, uint32_t order[MOST])
{
    uint32_t used = 0;
    for (uint32_t step = 0; step < sn_sampler_steps(sampler); step++) {
        const uint32_t batch = sn_sampler_batch(sampler, step);
        assert_in_range(used + batch, 1, MOST);
        sn_sampler_positions(sampler, epoch, step, 0, batch, order + used);
        used += batch;
    }
    return used;
}

static void test_every_sample_once_an_epoch(void **state)
{
    (void)state;
    static const uint32_t sizes[][2] = {{1, 1},     {1, 64},     {64, 64},  {65, 64},
                                        {1000, 64}, {999, 1000}, {1000, 1}, {100, 7}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int shuffle = 0; shuffle < 2; shuffle++) {
            const uint32_t samples = sizes[i][0];
            sn_sampler *sampler = sampler_of(samples, sizes[i][1], 3, shuffle);
            for (uint32_t epoch = 0; epoch < 3; epoch++) {
                uint32_t order[MOST];
                bool seen[MOST] = {false};
                assert_int_equal(whole_epoch(sampler, epoch, order), samples);
                for (uint32_t p = 0; p < samples; p++) {
                    assert_in_range(order[p], 0, samples - 1);
                    assert_false(seen[order[p]]);
                    seen[order[p]] = true;
                }
            }
            sn_sampler_destroy(sampler);
        }
}

static void test_last_batch_is_short_and_true(void **state)
{
    (void)state;
    sn_sampler *mnist = sampler_of(60000, 64, 1, true);
    assert_int_equal(sn_sampler_steps(mnist), 938);
    assert_int_equal(sn_sampler_batch(mnist, 0), 64);
    assert_int_equal(sn_sampler_batch(mnist, 936), 64);
    assert_int_equal(sn_sampler_batch(mnist, 937), 32);
    assert_int_equal(sn_sampler_batch(mnist, 938), 0);
    sn_sampler_destroy(mnist);
    sn_sampler *one = sampler_of(10, UINT32_MAX, 1, true);
    assert_int_equal(sn_sampler_steps(one), 1);
    assert_int_equal(sn_sampler_batch(one, 0), 10);
    sn_sampler_destroy(one);
}

static void test_without_shuffle_samples_come_as_they_are(void **state)
{
    (void)state;
    sn_sampler *sampler = sampler_of(100, 7, 1, false);
    uint32_t order[MOST];
    whole_epoch(sampler, 5, order);
    for (uint32_t p = 0; p < 100; p++)
        assert_int_equal(order[p], p);
    sn_sampler_destroy(sampler);
}

static void test_order_is_the_permutation_of_seed_and_epoch(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 4; seed++) {
        sn_sampler *sampler = sampler_of(500, 64, seed, true);
        static const uint32_t epochs[] = {0, 1, 2, 0, 14, 1}; /* going back is no different */
        for (size_t i = 0; i < sizeof epochs / sizeof *epochs; i++) {
            uint32_t order[MOST], expected[500];
            whole_epoch(sampler, epochs[i], order);
            sn_permutation(seed, SN_PURPOSE_SHUFFLE, epochs[i], 500, expected);
            assert_memory_equal(order, expected, sizeof expected);
        }
        sn_sampler_destroy(sampler);
    }
}

static void test_order_differs_between_epochs_and_seeds(void **state)
{
    (void)state;
    sn_sampler *a = sampler_of(500, 64, 1, true), *b = sampler_of(500, 64, 2, true);
    uint32_t a0[MOST], a1[MOST], b0[MOST];
    whole_epoch(a, 0, a0);
    whole_epoch(a, 1, a1);
    whole_epoch(b, 0, b0);
    assert_memory_not_equal(a0, a1, 500 * sizeof *a0);
    assert_memory_not_equal(a0, b0, 500 * sizeof *a0);
    sn_sampler_destroy(a);
    sn_sampler_destroy(b);
}

/* The batch is the same however many ranks divide it, and whatever its size is, the epoch's order is. */
static void test_ranks_only_cut_the_batch(void **state)
{
    (void)state;
    sn_sampler *sampler = sampler_of(150, 64, 9, true);
    for (int size = 1; size <= 70; size++)
        for (uint32_t step = 0; step < sn_sampler_steps(sampler); step++) {
            const uint32_t batch = sn_sampler_batch(sampler, step);
            uint32_t whole[64], joined[64];
            sn_sampler_positions(sampler, 0, step, 0, batch, whole);
            for (int rank = 0; rank < size; rank++) {
                const sn_share share = sn_share_of(batch, rank, size);
                sn_sampler_positions(sampler, 0, step, share.first, share.count, joined + share.first);
            }
            assert_memory_equal(joined, whole, batch * sizeof *whole);
        }
    sn_sampler *other = sampler_of(150, 17, 9, true);
    uint32_t order[MOST], other_order[MOST];
    whole_epoch(sampler, 3, order);
    whole_epoch(other, 3, other_order);
    assert_memory_equal(order, other_order, 150 * sizeof *order);
    sn_sampler_destroy(other);
    sn_sampler_destroy(sampler);
}

static void test_shares_are_contiguous_complete_and_even(void **state)
{
    (void)state;
    static const uint32_t totals[] = {0, 1, 2, 31, 32, 63, 64, 65, 10000, 60000, UINT32_MAX};
    for (size_t i = 0; i < sizeof totals / sizeof *totals; i++)
        for (int size = 1; size <= 130; size++) {
            uint32_t next = 0, least = UINT32_MAX, most = 0;
            for (int rank = 0; rank < size; rank++) {
                const sn_share share = sn_share_of(totals[i], rank, size);
                assert_int_equal(share.first, next);
                next += share.count;
                least = share.count < least ? share.count : least;
                most = share.count > most ? share.count : most;
            }
            assert_int_equal(next, totals[i]);
            assert_true(most - least <= 1);
        }
}

static void test_nothing_to_sample_is_an_error(void **state)
{
    (void)state;
    sn_sampler *sampler;
    sn_error_clear();
    assert_int_equal(sn_sampler_create(&(sn_sampler_options){.samples.count = 10}, &sampler), SN_ERROR_USAGE);
    assert_null(sampler);
    sn_error_clear();
    assert_int_equal(sn_sampler_create(&(sn_sampler_options){.batch = 64}, &sampler), SN_ERROR_DATA);
    assert_null(sampler);
}

static const sn_shard_options all_kinds[] = {
    {SN_SHARDS_IID, 0}, {SN_SHARDS_SORTED, 0}, {SN_SHARDS_DIRICHLET, 0.1}, {SN_SHARDS_DIRICHLET, 100}};

enum { KINDS = sizeof all_kinds / sizeof *all_kinds };

static void fill_labels(uint8_t *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        list[i] = (uint8_t)(i * 7 / 3 % SN_CLASSES);
}

static void test_workers_use_every_sample_once_an_epoch(void **state)
{
    (void)state;
    static uint8_t list[MANY];
    fill_labels(list, MANY);
    static const uint32_t cases[][3] = {
        {1000, 64, 8}, {999, 64, 7}, {1000, 100, 3}, {997, 50, 25}, {4300, 2100, 2049}}; /* N, B, W */
    for (int kind = 0; kind < KINDS; kind++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            const uint32_t n = cases[i][0], batch = cases[i][1], workers = cases[i][2];
            const sn_sampler_options options = {.samples = {.labels = list, .count = n},
                                                .batch = batch,
                                                .seed = 5,
                                                .shuffle = true,
                                                .workers = workers,
                                                .shards = all_kinds[kind]};
            sn_sampler *sampler;
            assert_int_equal(sn_sampler_create(&options, &sampler), SN_OK);
            uint32_t shards[MANY], owner[MANY], start[MANY + 1];
            assert_int_equal(sn_shards_divide(options.samples, workers, &options.shards, 5, shards), SN_OK);
            for (uint32_t w = 0; w < workers; w++) {
                const sn_share share = sn_share_of(n, (int)w, (int)workers);
                for (uint32_t k = 0; k < share.count; k++)
                    owner[shards[share.first + k]] = w;
            }
            for (uint32_t epoch = 0; epoch < 2; epoch++) {
                bool seen[MANY] = {false};
                for (uint32_t step = 0; step < sn_sampler_steps(sampler); step++) {
                    const uint32_t total = sn_sampler_batch(sampler, step);
                    uint32_t batch_order[MANY];
                    sn_sampler_positions(sampler, epoch, step, 0, total, batch_order);
                    sn_sampler_workers(sampler, step, start);
                    assert_int_equal(start[workers], total);
                    for (uint32_t w = 0; w < workers; w++) {
                        const uint32_t gives = start[w + 1] - start[w];
                        assert_in_range(gives, total / workers, total / workers + (total % workers != 0));
                        for (uint32_t p = start[w]; p < start[w + 1]; p++) {
                            assert_int_equal(owner[batch_order[p]], w);
                            assert_false(seen[batch_order[p]]);
                            seen[batch_order[p]] = true;
                        }
                    }
                }
                for (uint32_t k = 0; k < n; k++)
                    assert_true(seen[k]);
            }
            sn_sampler_destroy(sampler);
        }
}

/* Sum over workers of the share of their most frequent class: 1/10 each when IID, towards 1 when skewed. */
static double skew(const sn_shard_options *options, uint32_t workers)
{
    static uint8_t list[MOST];
    uint32_t order[MOST];
    fill_labels(list, MOST);
    const sn_samples samples = {.labels = list, .count = MOST};
    assert_int_equal(sn_shards_divide(samples, workers, options, 1, order), SN_OK);
    double sum = 0;
    for (uint32_t w = 0; w < workers; w++) {
        const sn_share share = sn_share_of(MOST, (int)w, (int)workers);
        uint32_t counts[SN_CLASSES] = {0}, most = 0;
        for (uint32_t k = 0; k < share.count; k++) {
            const uint32_t c = ++counts[list[order[share.first + k]]];
            if (c > most) most = c;
        }
        sum += (double)most / share.count;
    }
    return sum / workers;
}

static void test_shards_are_as_skewed_as_asked_for(void **state)
{
    (void)state;
    const double iid = skew(&all_kinds[0], 8), sorted = skew(&all_kinds[1], 8);
    const double skewed = skew(&all_kinds[2], 8), even = skew(&all_kinds[3], 8);
    assert_true(iid < 0.25 && even < 0.25);
    assert_true(sorted > 0.6);
    assert_true(skewed > 0.4 && skewed > even + 0.2);
    const sn_shard_options tiny = {SN_SHARDS_DIRICHLET, 1e-4}; /* proportions that underflow */
    assert_true(skew(&tiny, 8) > 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_sample_once_an_epoch),
        cmocka_unit_test(test_last_batch_is_short_and_true),
        cmocka_unit_test(test_without_shuffle_samples_come_as_they_are),
        cmocka_unit_test(test_order_is_the_permutation_of_seed_and_epoch),
        cmocka_unit_test(test_order_differs_between_epochs_and_seeds),
        cmocka_unit_test(test_ranks_only_cut_the_batch),
        cmocka_unit_test(test_shares_are_contiguous_complete_and_even),
        cmocka_unit_test(test_nothing_to_sample_is_an_error),
        cmocka_unit_test(test_workers_use_every_sample_once_an_epoch),
        cmocka_unit_test(test_shards_are_as_skewed_as_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
