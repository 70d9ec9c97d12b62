/* Sums by nodes: the ranks of this machine taken for those of several, with messages on either side of every bound. */

#include <stdlib.h>

#include "../../src/comm/sum.h"
#include "cmocka_all.h"

static sn_team *world;

static const size_t counts[] = {0, 1, 5, 2047, 2048, 2049, 10007, 100, 74300, 3000};

static int64_t value(int rank, size_t i, int round)
{
    return ((int64_t)(i * 2654435761u) - (rank << 20)) * (round + 1) * (rank % 2 ? -1 : 1);
}

/* Messages of many sizes in a row, so that what one leaves behind would be seen in the next. */
static void assert_sums(int node)
{
    MPI_Comm here;
    MPI_Comm_split(world->comm, node, world->rank, &here);
    sn_sum_way *way = sn_sum_arrange(world, here);
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        int64_t *values = malloc((counts[c] + 1) * sizeof *values);
        assert_non_null(values);
        for (int round = 0; round < 3; round++) {
            for (size_t i = 0; i < counts[c]; i++)
                values[i] = value(world->rank, i, round);
            values[counts[c]] = 42;
            sn_sum(way, world, values, counts[c]);
            assert_true(values[counts[c]] == 42);
            for (size_t i = 0; i < counts[c]; i++) {
                int64_t expected = 0;
                for (int r = 0; r < world->size; r++)
                    expected += value(r, i, round);
                if (values[i] != expected) fail_msg("word %zu of %zu, round %d", i, counts[c], round);
            }
        }
        free(values);
    }
    sn_sum_forget(way);
}

static void test_nodes_of_neighbours(void **state)
{
    (void)state;
    for (int ranks = 1; ranks <= world->size; ranks++) /* the last node may have fewer */
        assert_sums(world->rank / ranks);
}

static void test_nodes_of_scattered_ranks(void **state)
{
    (void)state;
    for (int nodes = 2; nodes < world->size; nodes++)
        assert_sums(world->rank % nodes);
}

static void test_a_node_of_one_beside_the_others(void **state)
{
    (void)state;
    for (int alone = 0; alone < world->size; alone++)
        assert_sums(world->rank == alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes_of_neighbours),
        cmocka_unit_test(test_nodes_of_scattered_ranks),
        cmocka_unit_test(test_a_node_of_one_beside_the_others),
    };
    if (sn_comm_start(&world) != SN_OK) return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sn_comm_finish(world);
    return failed;
}
