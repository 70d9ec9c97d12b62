/* Teams: exact sums, agreement, comparison, splitting, joining pieces, node-shared memory. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "syncnorm/base/error.h"
#include "syncnorm/base/floating_point.h"
#include "syncnorm/comm/team.h"
#include "syncnorm/comm/watchdog.h"

static sn_team *world;
static int rank, size;

static void test_ranks(void **state)
{
    (void)state;
    assert_in_range(rank, 0, size - 1);
    assert_int_equal(sn_team_is_root(world), rank == 0);
    int64_t ranks = (int64_t)1 << rank;
    sn_team_sum(world, &ranks, 1);
    assert_int_equal(ranks, ((int64_t)1 << size) - 1);
    assert_true(sn_floating_point_ok());
    assert_non_null(strstr(sn_comm_library(), "MPI"));
    assert_true(strlen(sn_comm_host()) > 0);
}

/* Sums are exact to the last bit: what floating point would lose is there. */
static void test_sums_are_exact(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    int64_t *values = malloc(COUNT * sizeof *values);
    assert_non_null(values);
    for (int64_t i = 0; i < COUNT; i++)
        values[i] = ((int64_t)1 << 58) + i * (rank + 1) - (rank == 0) * (((int64_t)1 << 58) - 1);
    sn_team_sum(world, values, COUNT);
    for (int64_t i = 0; i < COUNT; i++)
        assert_true(values[i] == (size - 1) * ((int64_t)1 << 58) + i * size * (size + 1) / 2 + 1);
    free(values);
    sn_team_sum(world, NULL, 0);
}

static void test_broadcast_from_any_root(void **state)
{
    (void)state;
    for (int root = 0; root < size; root++) {
        char text[100];
        snprintf(text, sizeof text, "from %d", rank);
        sn_team_broadcast(world, text, sizeof text, root);
        char expected[100];
        snprintf(expected, sizeof expected, "from %d", root);
        assert_string_equal(text, expected);
    }
}

static void test_gather(void **state)
{
    (void)state;
    const double mine[2] = {rank, rank * 0.5};
    double *all = calloc(2 * (size_t)size, sizeof *all);
    assert_non_null(all);
    sn_team_gather_all(world, mine, sizeof mine, all);
    for (int r = 0; r < size; r++)
        assert_true(all[2 * r] == r && all[2 * r + 1] == r * 0.5);
    memset(all, 0, 2 * (size_t)size * sizeof *all);
    sn_team_gather(world, mine, sizeof mine, rank == 0 ? all : NULL);
    for (int r = 0; rank == 0 && r < size; r++)
        assert_true(all[2 * r] == r && all[2 * r + 1] == r * 0.5);
    free(all);
}

/* Rank r gives 3 * r bytes, so the root none: joined in rank order. */
static void test_gather_pieces(void **state)
{
    (void)state;
    const size_t total = 3 * (size_t)size * (size_t)(size - 1) / 2;
    unsigned char *mine = malloc(3 * (size_t)rank + 1), *all = malloc(total + 1);
    assert_true(mine && all);
    memset(mine, 'a' + rank, 3 * (size_t)rank);
    all[total] = '.';
    sn_team_gather_pieces(world, mine, 3 * (size_t)rank, rank == 0 ? all : NULL);
    if (rank == 0) {
        size_t at = 0;
        for (int r = 0; r < size; r++)
            for (int i = 0; i < 3 * r; i++)
                assert_int_equal(all[at++], 'a' + r);
        assert_int_equal(all[total], '.');
    }
    free(all);
    free(mine);
}

/* Every set of failing ranks (of the first five): all agree on status and message of the lowest. */
static void test_agreement_is_on_the_lowest_failing_rank(void **state)
{
    (void)state;
    const int ranks = size < 5 ? size : 5;
    for (int failing = 0; failing < 1 << ranks; failing++) {
        sn_error_clear();
        sn_status mine = SN_OK;
        if (rank < ranks && failing >> rank & 1)
            mine = sn_fail(rank % 2 ? SN_ERROR_DATA : SN_ERROR_FILE, "rank %d failed", rank);
        const sn_status agreed = sn_team_agree(world, mine);
        if (failing == 0) {
            assert_int_equal(agreed, SN_OK);
            assert_string_equal(sn_error_message(), "");
            continue;
        }
        const int lowest = __builtin_ctz((unsigned)failing);
        char expected[64];
        snprintf(expected, sizeof expected, "rank %d failed", lowest);
        assert_int_equal(agreed, lowest % 2 ? SN_ERROR_DATA : SN_ERROR_FILE);
        assert_string_equal(sn_error_message(), expected);
    }
    sn_error_clear();
}

static void test_same_names_the_minority(void **state)
{
    (void)state;
    int *differing = calloc((size_t)size, sizeof *differing);
    assert_non_null(differing);
    uint64_t value[2] = {7, 9};
    assert_true(sn_team_same(world, value, sizeof value, differing));
    assert_true(sn_team_same(world, value, sizeof value, NULL));
    for (int r = 0; r < size; r++)
        assert_int_equal(differing[r], 0);
    for (int odd = 0; size >= 3 && odd < size; odd++) {
        value[1] = rank == odd ? 10 : 9;
        assert_false(sn_team_same(world, value, sizeof value, differing));
        for (int r = 0; r < size; r++)
            assert_int_equal(differing[r], r == odd);
    }
    if (size == 2) { /* no majority: still seen by both, and one is named */
        value[1] = (uint64_t)rank;
        assert_false(sn_team_same(world, value, sizeof value, differing));
        assert_int_equal(differing[0] + differing[1], 1);
    }
    if (size == 5) { /* two differ, each in its own way */
        value[1] = rank < 2 ? (uint64_t)rank : 9;
        assert_false(sn_team_same(world, value, sizeof value, differing));
        for (int r = 0; r < size; r++)
            assert_int_equal(differing[r], r < 2);
    }
    free(differing);
}

static void test_split(void **state)
{
    (void)state;
    sn_team *team;
    assert_int_equal(sn_team_split(world, rank % 2, &team), SN_OK);
    assert_int_equal(sn_team_size(team), (size + 1 - rank % 2) / 2);
    assert_int_equal(sn_team_rank(team), rank / 2);
    int64_t sum = rank;
    sn_team_sum(team, &sum, 1);
    int64_t expected = 0;
    for (int r = rank % 2; r < size; r += 2)
        expected += r;
    assert_int_equal(sum, expected);
    sn_team_destroy(team);

    /* the last rank stays outside; nobody waits for it */
    assert_int_equal(sn_team_split(world, rank == size - 1 ? -1 : 3, &team), SN_OK);
    if (rank == size - 1) {
        assert_null(team);
    } else {
        assert_int_equal(sn_team_size(team), size - 1);
        assert_int_equal(sn_team_rank(team), rank);
        sn_team_barrier(team);
    }
    sn_team_destroy(team);
}

/* Different teams communicate at the same time without hearing each other. */
static void test_teams_do_not_hear_each_other(void **state)
{
    (void)state;
    sn_team *team, *twin;
    assert_int_equal(sn_team_split(world, rank % 2, &team), SN_OK);
    assert_int_equal(sn_team_split(world, rank % 2, &twin), SN_OK);
    for (int64_t i = 0; i < 100; i++) {
        int64_t a = i * (rank % 2 + 1), b = -i;
        sn_team_sum(team, &a, 1);
        sn_team_sum(twin, &b, 1);
        assert_int_equal(a, i * (rank % 2 + 1) * sn_team_size(team));
        assert_int_equal(b, -i * sn_team_size(team));
    }
    sn_team_destroy(twin);
    sn_team_destroy(team);
}

/* The ranks of this test run on one node: one loader, and what any rank writes is there for all. */
static void test_shared_memory_is_one_copy(void **state)
{
    (void)state;
    enum { BYTES = 3 << 20 };
    sn_shared *shared;
    void *memory;
    bool loader;
    assert_int_equal(sn_shared_create(world, BYTES, &shared, &memory, &loader), SN_OK);
    unsigned char *bytes = memory;
    int64_t loaders = loader;
    sn_team_sum(world, &loaders, 1);
    assert_int_equal(loaders, 1);
    sn_shared_publish(shared);
    for (size_t i = 0; i < BYTES; i++)
        if (bytes[i]) fail_msg("byte %zu is not 0", i);
    sn_shared_publish(shared);
    for (size_t i = 0; loader && i < BYTES; i++)
        bytes[i] = (unsigned char)(i % 251);
    sn_shared_publish(shared);
    for (size_t i = 0; i < BYTES; i++)
        if (bytes[i] != i % 251) fail_msg("byte %zu is %d", i, bytes[i]);
    sn_shared_publish(shared);
    assert_string_equal(sn_shared_why_copied(shared), "");
    bytes[rank] = (unsigned char)(100 + rank); /* each rank its own byte of the one copy */
    sn_shared_publish(shared);
    for (int r = 0; r < size; r++)
        assert_int_equal(bytes[r], 100 + r);
    sn_shared_destroy(shared);
    sn_shared_destroy(NULL);
}

static void test_nodes_are_known_by_their_lowest_rank(void **state)
{
    (void)state;
    int node[64];
    sn_team_nodes(world, node);
    for (int r = 0; r < size; r++)
        assert_int_equal(node[r], 0); /* all on this machine */
}

/* Whichever collective a rank is in: the watchdog hears of it. */
static void test_every_collective_is_a_sign_of_life(void **state)
{
    (void)state;
    uint64_t beats = 0;
    int64_t value = 0;
    int node[64], mine = 1, all[64];
    bool loader;
    void *memory;
    sn_team *team;
    sn_shared *shared;
#define ASSERT_BEATS(call)                                                                                   \
    beats = sn_watchdog_beats();                                                                             \
    call;                                                                                                    \
    assert_true(sn_watchdog_beats() > beats)
    ASSERT_BEATS(sn_team_split(world, 0, &team));
    ASSERT_BEATS(sn_team_sum(team, &value, 1));
    ASSERT_BEATS(sn_team_broadcast(team, &mine, sizeof mine, 0));
    ASSERT_BEATS(sn_team_gather(team, &mine, sizeof mine, all));
    ASSERT_BEATS(sn_team_gather_all(team, &mine, sizeof mine, all));
    ASSERT_BEATS(sn_team_gather_pieces(team, &mine, sizeof mine, all));
    ASSERT_BEATS(sn_team_barrier(team));
    ASSERT_BEATS(sn_team_nodes(team, node));
    ASSERT_BEATS(sn_team_agree(team, SN_OK));
    ASSERT_BEATS(sn_team_same(team, &mine, sizeof mine, NULL));
    ASSERT_BEATS(sn_shared_create(team, sizeof mine, &shared, &memory, &loader));
    ASSERT_BEATS(sn_shared_publish(shared));
    ASSERT_BEATS(sn_shared_destroy(shared));
#undef ASSERT_BEATS
    sn_team_destroy(team);
}

static void test_a_team_of_one_needs_nobody(void **state)
{
    (void)state;
    sn_team *alone;
    assert_int_equal(sn_team_alone(&alone), SN_OK);
    int64_t value = 42;
    sn_team_sum(alone, &value, 1);
    assert_true(value == 42);
    assert_true(sn_team_is_root(alone) && sn_team_size(alone) == 1);
    sn_team_destroy(alone);
}

static void test_clock_goes_forward(void **state)
{
    (void)state;
    double before = sn_clock();
    for (int i = 0; i < 1000; i++) {
        const double now = sn_clock();
        assert_true(now >= before);
        before = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranks),
        cmocka_unit_test(test_sums_are_exact),
        cmocka_unit_test(test_broadcast_from_any_root),
        cmocka_unit_test(test_gather),
        cmocka_unit_test(test_gather_pieces),
        cmocka_unit_test(test_agreement_is_on_the_lowest_failing_rank),
        cmocka_unit_test(test_same_names_the_minority),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_teams_do_not_hear_each_other),
        cmocka_unit_test(test_shared_memory_is_one_copy),
        cmocka_unit_test(test_nodes_are_known_by_their_lowest_rank),
        cmocka_unit_test(test_every_collective_is_a_sign_of_life),
        cmocka_unit_test(test_a_team_of_one_needs_nobody),
        cmocka_unit_test(test_clock_goes_forward),
    };
    if (sn_comm_start(&world) != SN_OK) return 1;
    rank = sn_team_rank(world);
    size = sn_team_size(world);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sn_comm_finish(world);
    return failed;
}
