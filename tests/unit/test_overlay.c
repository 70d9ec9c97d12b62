/* The tree of the pulse, as it is for jobs of any size: nobody has many neighbours, everybody is reached. */

#include <stdbool.h>

#include "../../src/comm/overlay.h"
#include "../support/cmocka_all.h"

enum { RANKS_MOST = 10000, DEEP = 8 };

static int root_of[RANKS_MOST], parent[RANKS_MOST], children[RANKS_MOST];

/* Teams of `each` ranks: dealt like cards, or of consecutive ones. */
static void make_teams(int ranks, int each, bool dealt)
{
    const int teams = ranks / each;
    for (int r = 0; r < ranks; r++)
        root_of[r] = dealt ? r % teams : r / each * each;
}

static void check(int ranks)
{
    for (int r = 0; r < ranks; r++) {
        overlay place;
        overlay_of(root_of, ranks, r, &place);
        parent[r] = place.parent;
        children[r] = place.count;
        assert_in_range(place.count + (place.parent >= 0), ranks > 1, 2 * OVERLAY_FAN + 1);
        assert_int_equal(place.parent < 0, r == 0);
    }
    int edges = 0;
    for (int r = 0; r < ranks; r++) {
        edges += children[r];
        int depth = 0;
        for (int at = r; at != 0; at = parent[at]) {
            /* a member's way up is within its team until the team's root, and then among roots */
            const int up = parent[at];
            assert_true(root_of[at] == at ? root_of[up] == up : root_of[up] == root_of[at]);
            assert_true(++depth <= DEEP);
        }
    }
    assert_int_equal(edges, ranks - 1);
}

/* Each child knows as its parent whoever has it as a child. */
static void check_both_ways(int ranks)
{
    for (int r = 0; r < ranks; r++) {
        overlay mine, other;
        overlay_of(root_of, ranks, r, &mine);
        for (int i = 0; i < mine.count; i++) {
            overlay_of(root_of, ranks, mine.children[i], &other);
            assert_int_equal(other.parent, r);
            assert_true(other.first_child <= mine.children[i]);
            overlay_of(root_of, ranks, other.first_child, &other);
            assert_int_equal(other.parent, r);
        }
    }
}

static void check_all(int ranks)
{
    for (int each = 1; each <= ranks; each = each < 4 ? each + 1 : 7 * each)
        for (int dealt = 0; dealt < 2; dealt++) {
            make_teams(ranks, each, dealt);
            check(ranks);
            if (ranks <= 600) check_both_ways(ranks);
        }
    make_teams(ranks, ranks, false);
    check(ranks);
}

static void everybody_is_reached_and_nobody_has_many_neighbours(void **state)
{
    (void)state;
    for (int ranks = 1; ranks <= 70; ranks++)
        check_all(ranks);
    check_all(273); /* a full tree of 16: 1 + 16 + 256, and one more */
    check_all(274);
    check_all(600);
}

static void so_in_large_jobs(void **state)
{
    (void)state;
    static const int sizes[][2] = {{4096, 1},       {4096, 64},        {4096, 4096},
                                   {RANKS_MOST, 1}, {RANKS_MOST, 100}, {RANKS_MOST, RANKS_MOST}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        make_teams(sizes[i][0], sizes[i][1], false);
        check(sizes[i][0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_is_reached_and_nobody_has_many_neighbours),
        cmocka_unit_test(so_in_large_jobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
