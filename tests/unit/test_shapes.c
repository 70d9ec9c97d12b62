/* How a share is cut into blocks: whole, cheap, and by the size of the share alone. */

#include "../support/cmocka_all.h"
#include "syncnorm/nn/shapes.h"

enum { MOST = 200 };

static void a_share_is_cut_whole_and_large_blocks_come_first(void **state)
{
    (void)state;
    for (uint32_t samples = 1; samples <= MOST; samples++) {
        uint32_t pieces[SN_SHAPES] = {0};
        int before = 16;
        for (uint32_t left = samples; left > 0;) {
            const sn_piece piece = sn_next_piece(left);
            assert_true(piece.count > 0 && (uint32_t)piece.count <= left);
            assert_true(piece.count <= sn_shape_samples[piece.shape]);
            assert_true(sn_shape_samples[piece.shape] <= before);
            before = sn_shape_samples[piece.shape];
            left -= (uint32_t)piece.count;
            pieces[piece.shape]++;
        }
        for (sn_shape shape = 0; shape < SN_SHAPES; shape++)
            assert_true(pieces[shape] <= sn_most_pieces(shape, samples));
    }
}

static void what_fits_exactly_is_cut_so(void **state)
{
    (void)state;
    static const struct {
        uint32_t samples, of_16, of_4, of_1;
    } cuts[] = {{1, 0, 0, 1},  {4, 0, 1, 0},  {5, 0, 1, 1}, {8, 0, 2, 0},
                {16, 1, 0, 0}, {20, 1, 1, 0}, {64, 4, 0, 0}};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        uint32_t pieces[SN_SHAPES] = {0};
        for (uint32_t left = cuts[i].samples; left > 0;) {
            const sn_piece piece = sn_next_piece(left);
            pieces[piece.shape]++;
            left -= (uint32_t)piece.count;
        }
        assert_int_equal(pieces[SN_SHAPE_16], cuts[i].of_16);
        assert_int_equal(pieces[SN_SHAPE_4], cuts[i].of_4);
        assert_int_equal(pieces[SN_SHAPE_1], cuts[i].of_1);
    }
}

static void more_samples_take_longer_and_none_costs_half_as_much_again(void **state)
{
    (void)state;
    assert_true(sn_share_blocks(0) == 0);
    for (uint32_t samples = 1; samples <= MOST; samples++) {
        assert_true(sn_share_blocks(samples) >= sn_share_blocks(samples - 1));
        assert_true(sn_share_blocks(samples) * 16 >= samples);
        assert_true(sn_share_blocks(samples) * 16 <= 1.5 * samples);
    }
    assert_true(sn_share_blocks(64) == 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_share_is_cut_whole_and_large_blocks_come_first),
        cmocka_unit_test(what_fits_exactly_is_cut_so),
        cmocka_unit_test(more_samples_take_longer_and_none_costs_half_as_much_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
