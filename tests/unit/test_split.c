/* The split: every training image is kept or held out, as many of each class as of any other, a function of the seed. */

#include <stdbool.h>
#include <string.h>

#include "cmocka_all.h"
#include "syncnorm/dataset/split.h"

enum { COUNT = 1000 };
static uint8_t labels[COUNT];

/* Class 9 has 10 images, the others 110 each, in no order. */
static sn_samples make_set(void)
{
    for (uint32_t i = 0; i < COUNT; i++)
        labels[i] = (uint8_t)(i % 100 == 37 ? 9 : i * 7 % 9);
    return (sn_samples){.labels = labels, .count = COUNT};
}

static void count_classes(sn_samples samples, uint32_t counts[SN_CLASSES])
{
    memset(counts, 0, SN_CLASSES * sizeof *counts);
    for (uint32_t i = 0; i < samples.count; i++)
        counts[sn_sample_label(samples, i)]++;
}

static void every_image_is_on_one_side(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 9, 10, 333, 990, 999};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        sn_split split;
        bool seen[COUNT] = {false};
        assert_int_equal(sn_split_create(make_set(), counts[c], 7, &split), SN_OK);
        assert_int_equal(split.held_out.count, counts[c]);
        assert_int_equal(split.kept.count, COUNT - counts[c]);
        const sn_samples sides[] = {split.kept, split.held_out};
        for (int side = 0; side < 2; side++)
            for (uint32_t i = 0; i < sides[side].count; i++) {
                const uint32_t at = sn_sample_index(sides[side], i);
                assert_false(seen[at]);
                seen[at] = true;
                if (i > 0) assert_true(at > sn_sample_index(sides[side], i - 1));
            }
        sn_split_destroy(&split);
    }
}

static void classes_are_held_out_alike_as_far_as_they_go(void **state)
{
    (void)state;
    static const struct {
        uint32_t count, first, other, last; /* held out: of class 0, of class 8, of class 9 */
    } cases[] = {{100, 10, 10, 10}, {103, 11, 11, 10}, {64, 7, 6, 6}, {7, 1, 0, 0}, {460, 50, 50, 10}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        sn_split split;
        uint32_t held_out[SN_CLASSES];
        assert_int_equal(sn_split_create(make_set(), cases[c].count, 0, &split), SN_OK);
        count_classes(split.held_out, held_out);
        assert_int_equal(held_out[0], cases[c].first);
        assert_in_range(held_out[8], cases[c].other - (cases[c].count == 103), cases[c].other);
        assert_int_equal(held_out[9], cases[c].last);
        sn_split_destroy(&split);
    }
}

static void the_seed_chooses(void **state)
{
    (void)state;
    sn_split one, same, other;
    assert_int_equal(sn_split_create(make_set(), 200, 1, &one), SN_OK);
    assert_int_equal(sn_split_create(make_set(), 200, 1, &same), SN_OK);
    assert_int_equal(sn_split_create(make_set(), 200, 2, &other), SN_OK);
    assert_memory_equal(one.index, same.index, COUNT * sizeof *one.index);
    assert_memory_not_equal(one.index, other.index, COUNT * sizeof *one.index);
    sn_split_destroy(&one);
    sn_split_destroy(&same);
    sn_split_destroy(&other);
}

static void none_is_the_whole_set_and_all_is_refused(void **state)
{
    (void)state;
    sn_split split;
    assert_int_equal(sn_split_create(make_set(), 0, 1, &split), SN_OK);
    assert_int_equal(split.kept.count, COUNT);
    assert_null(split.kept.index);
    assert_int_equal(split.held_out.count, 0);
    sn_split_destroy(&split);
    assert_int_equal(sn_split_create(make_set(), COUNT, 1, &split), SN_ERROR_USAGE);
    sn_error_clear();
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_image_is_on_one_side),
        cmocka_unit_test(classes_are_held_out_alike_as_far_as_they_go),
        cmocka_unit_test(the_seed_chooses),
        cmocka_unit_test(none_is_the_whole_set_and_all_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
