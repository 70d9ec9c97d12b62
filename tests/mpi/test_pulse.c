/* The pulse: numbers given once, notes, a request to stop, rest; whatever the ranks themselves are at. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmocka_all.h"
#include "syncnorm/comm/pulse.h"

static sn_team *world;
static int rank, size;

typedef struct note {
    int value, rank;
    char filling[100];
} note;

/* A pulse over teams of `each` ranks. */
static sn_pulse *start(int each, sn_team **team)
{
    sn_pulse *pulse;
    assert_int_equal(sn_team_split(world, rank / each, team), SN_OK);
    assert_int_equal(sn_pulse_start(world, *team, 60, sizeof(note), &pulse), SN_OK);
    return pulse;
}

static void end(sn_pulse *pulse, sn_team *team)
{
    sn_pulse_end(pulse);
    sn_team_destroy(team);
}

/* A flag that ranks of this machine share: what they wait for without a call of MPI. */
static int *share(sn_shared **shared)
{
    void *memory;
    bool loader;
    assert_int_equal(sn_shared_create(world, sizeof(int), shared, &memory, &loader), SN_OK);
    assert_string_equal(sn_shared_why_copied(*shared), "");
    sn_shared_publish(*shared);
    return memory;
}

static void sleep_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void wait_for(const int *flag, int value)
{
    while (__atomic_load_n(flag, __ATOMIC_SEQ_CST) < value)
        sleep_a_little();
}

/* Takes `each` numbers on every rank; all together are 0, 1, 2 ... once each. */
static void take_and_check(sn_pulse *pulse, int each, int64_t from)
{
    int64_t *mine = malloc((size_t)each * sizeof *mine);
    int64_t *all = malloc((size_t)(each * size) * sizeof *all);
    bool *seen = calloc((size_t)(each * size), sizeof *seen);
    assert_true(mine && all && seen);
    for (int i = 0; i < each; i++)
        mine[i] = sn_pulse_take(pulse);
    for (int i = 1; i < each; i++)
        assert_true(mine[i] > mine[i - 1]);
    sn_team_gather_all(world, mine, (size_t)each * sizeof *mine, all);
    for (int i = 0; i < each * size; i++) {
        assert_in_range(all[i] - from, 0, each * size - 1);
        assert_false(seen[all[i] - from]);
        seen[all[i] - from] = true;
    }
    free(seen);
    free(all);
    free(mine);
}

static void test_each_number_is_given_once(void **state)
{
    (void)state;
    for (int each = 1; each <= 2; each++) {
        sn_team *team;
        sn_pulse *pulse = start(each, &team);
        take_and_check(pulse, 30, 0);
        take_and_check(pulse, 3, (int64_t)30 * size);
        end(pulse, team);
    }
    sn_pulse_end(NULL);
}

/* The world's root makes no call at all until all others have taken their numbers. */
static void test_nobody_has_to_be_asked(void **state)
{
    (void)state;
    sn_team *team;
    sn_shared *shared;
    sn_pulse *pulse = start(1, &team);
    int *done = share(&shared);
    int64_t sum = 0;
    if (rank == 0) {
        wait_for(done, size - 1);
    } else {
        for (int i = 0; i < 20; i++)
            sum += sn_pulse_take(pulse);
        __atomic_add_fetch(done, 1, __ATOMIC_SEQ_CST);
    }
    sn_team_sum(world, &sum, 1);
    const int64_t taken = 20 * (size - 1);
    assert_int_equal(sum, taken * (taken - 1) / 2);
    sn_shared_destroy(shared);
    end(pulse, team);
}

static note read_note(sn_pulse *pulse, int of)
{
    note n;
    sn_pulse_read(pulse, of, &n);
    return n;
}

/* Notes replace each other and nobody waits; the last one has arrived when all rest. */
static void test_the_root_has_the_latest_note_of_every_rank(void **state)
{
    (void)state;
    sn_team *team;
    sn_pulse *pulse = start(2, &team);
    for (int i = 0; i <= 1000; i++)
        sn_pulse_note(pulse, &(note){.value = i, .rank = rank});
    sn_pulse_rest(pulse, NULL, NULL);
    for (int r = 0; rank == 0 && r < size; r++) {
        const note n = read_note(pulse, r);
        assert_int_equal(n.value, 1000);
        assert_int_equal(n.rank, r);
    }
    end(pulse, team);

    /* one arrives while its rank is at work; of who told nothing there are zeroes */
    sn_shared *shared;
    pulse = start(1, &team);
    int *seen = share(&shared);
    if (rank == size - 1) {
        sn_pulse_note(pulse, &(note){.value = 7, .rank = rank});
        if (rank > 0) wait_for(seen, 1);
    }
    if (rank == 0) {
        while (read_note(pulse, size - 1).value != 7)
            sleep_a_little();
        if (size > 2) assert_int_equal(read_note(pulse, 1).value, 0);
        __atomic_store_n(seen, 1, __ATOMIC_SEQ_CST);
    }
    end(pulse, team);
    sn_shared_destroy(shared);
}

/* Whoever is asked, everybody hears of it without a call of MPI; before, nobody does. */
static void test_a_request_to_stop_reaches_everybody(void **state)
{
    (void)state;
    for (int asked = 0; asked < size; asked += size < 6 ? 1 : 6)
        for (int each = 1; each <= size; each += size > 1 ? size - 1 : 1) {
            sn_team *team;
            sn_pulse *pulse = start(each, &team);
            assert_false(sn_pulse_stops(pulse));
            sn_team_barrier(world);
            if (rank == asked) sn_pulse_stop(pulse);
            while (!sn_pulse_stops(pulse))
                sleep_a_little();
            if (rank == size - 1) sn_pulse_stop(pulse); /* again */
            end(pulse, team);
        }
}

static void count_calls(void *calls)
{
    ++*(int *)calls;
}

static void test_rest_is_a_barrier(void **state)
{
    (void)state;
    sn_team *team;
    sn_shared *shared;
    sn_pulse *pulse = start(2, &team);
    int *resting = share(&shared), calls = 0;
    if (rank == size - 1) wait_for(resting, size - 1); /* the last one comes when all others are there */
    __atomic_add_fetch(resting, 1, __ATOMIC_SEQ_CST);
    sn_pulse_rest(pulse, count_calls, &calls);
    assert_int_equal(__atomic_load_n(resting, __ATOMIC_SEQ_CST), size);
    if (size == 1) assert_int_equal(calls, 0);
    end(pulse, team);
    sn_shared_destroy(shared);
}

static void test_a_pulse_that_told_nothing_ends(void **state)
{
    (void)state;
    sn_team *team;
    for (int each = 1; each <= 3; each++) {
        sn_pulse *pulse = start(each, &team);
        end(pulse, team);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_number_is_given_once),
        cmocka_unit_test(test_nobody_has_to_be_asked),
        cmocka_unit_test(test_the_root_has_the_latest_note_of_every_rank),
        cmocka_unit_test(test_a_request_to_stop_reaches_everybody),
        cmocka_unit_test(test_rest_is_a_barrier),
        cmocka_unit_test(test_a_pulse_that_told_nothing_ends),
    };
    if (sn_comm_start(&world) != SN_OK) return 1;
    rank = sn_team_rank(world);
    size = sn_team_size(world);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sn_comm_finish(world);
    return failed;
}
