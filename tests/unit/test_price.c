/* What a step costs on a machine: by hand. And machine files. */

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "syncnorm/nn/norm.h"
#include "syncnorm/nn/replica.h"
#include "syncnorm/price/price.h"

/* Numbers that come out even: a message in a node 1 s and 1/8 s a word, between nodes 10 s and 1 s a word, and 2 s for each more. */
static sn_machine machine(int ranks_per_node)
{
    sn_machine m = {.ranks_per_node = ranks_per_node, .node = {1, 1.0 / 64, 0}, .network = {10, 1.0 / 8, 2}};
    m.steps[SN_NORM_GROUP] = m.steps[SN_NORM_BATCH] = (sn_machine_steps){
        .count = 3, .samples = {1, 4, 64}, .seconds = {2, 5, 65}};
    return m;
}

static void assert_close(double a, double b)
{
    if (!(fabs(a - b) <= 1e-9 * fabs(b))) fail_msg("%.17g is not %.17g", a, b);
}

static void a_sum_goes_as_the_topology_has_it(void **state)
{
    (void)state;
    static const struct {
        int ranks_per_node, ranks;
        size_t words;
        double seconds;
    } cases[] = {
        {8, 1, 100, 0},
        {8, 2, 8, 1 + 1},                /* one round */
        {8, 5, 8, 3 * 2},                /* three rounds */
        {8, 2, 4096, 1 + 512},           /* two ranks: one round, too */
        {8, 4, 4096, 4 * 1 + 3 * 512.0}, /* by parts */
        {1, 4, 8, 10 + 2 * 2 + 3 * 8},   /* between nodes, a round of 4 */
        {1, 16, 8, 2 * (10 + 2 * 2 + 3 * 8)},
        {1, 19, 8, 10 + 2 * 2 + 3 * 8 + 10 + 2 + 2 * 8 + 2 * (10 + 8)}, /* 12 in rounds; 7 give and take */
        {1, 4, 4000, 2 * (10 + 2 * 2) + 1.5 * 4000},                    /* scattered and gathered */
        {2, 8, 8, 2 * 1 * 2 + 10 + 2 * 2 + 3 * 8}, /* to the first rank of each node, among those, and back */
        {2, 8, 4096, 2 * 1 + 3 * 512.0 + 2 * (10 + 2 * 2) + 1.5 * 4096},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const sn_machine m = machine(cases[i].ranks_per_node);
        assert_close(sn_price_sum(&m, cases[i].words, cases[i].ranks) + 1, cases[i].seconds + 1);
    }
}

static void a_link_is_what_its_sums_took(void **state)
{
    (void)state;
    static const size_t words[] = {16, 70000};
    for (int network = 0; network < 2; network++)
        for (int ends = 2; ends <= 40; ends++) {
            sn_machine m = {
                .ranks_per_node = network ? 1 : ends, .node = {2e-6, 1e-9, 0}, .network = {3e-5, 1e-10, 0}};
            const sn_link *meant = network ? &m.network : &m.node;
            double seconds[2] = {sn_price_sum(&m, words[0], ends), sn_price_sum(&m, words[1], ends)};
            const sn_link link = sn_price_link(network, ends, words, seconds);
            /* the few words' bytes are taken for latency */
            if (fabs(link.latency / meant->latency - 1) > 0.1)
                fail_msg("%d ends: latency %g", ends, link.latency);
            if (fabs(link.per_byte / meant->per_byte - 1) > 0.1) fail_msg("%d ends: %g", ends, link.per_byte);

            seconds[0] = 2 * seconds[1]; /* on a loaded machine */
            const sn_link noise = sn_price_link(network, ends, words, seconds);
            if (!(noise.latency > 0 && 1 / noise.per_byte <= SN_LINK_FASTEST &&
                  1 / noise.per_byte >= SN_LINK_SLOWEST))
                fail_msg("%d ends: %g, %g", ends, noise.latency, noise.per_byte);
        }
}

static void a_step_lies_on_a_line_between_those_measured(void **state)
{
    (void)state;
    const sn_machine m = machine(1);
    static const double cases[][2] = {{0, 0}, {1, 2}, {2, 3}, {4, 5}, {34, 35}, {64, 65}, {128, 129}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_close(sn_machine_step(&m, SN_NORM_GROUP, (uint32_t)cases[i][0]) + 1, cases[i][1] + 1);
    assert_true(isnan(sn_machine_step(&m, SN_NORM_LAYER, 1)));
}

static void a_step_is_its_terms(void **state)
{
    (void)state;
    sn_machine m = machine(1);
    m.spread = 0.5;
    sn_network network;
    assert_int_equal(sn_network_build((sn_network_options){SN_NORM_BATCH, 2, false}, &network), SN_OK);
    const sn_message_words words = sn_replica_message_words(&network, 1);
    const sn_price_work gn = {SN_NORM_GROUP, 2, 64, 64}, bn = {SN_NORM_BATCH, 2, 64, 64},
                        by_4 = {SN_NORM_BATCH, 2, 64, 4};
    assert_close(sn_price_total(sn_price_step(&m, &gn, 1)), 65);
    const sn_price plain = sn_price_step(&m, &gn, 16), synchronized = sn_price_step(&m, &bn, 16);
    assert_close(plain.compute, 5);
    assert_close(plain.gradient, sn_price_sum(&m, words.gradient, 16));
    assert_true(plain.statistics == 0);
    /* the expected greatest of 2 and of 16 normal deviates: 1 / sqrt(pi), and Harter (1961) */
    assert_true(fabs(sn_price_step(&m, &gn, 2).waiting / (sn_price_step(&m, &gn, 2).compute * m.spread) -
                     0.56419) < 1e-5);
    assert_true(fabs(plain.waiting / (plain.compute * m.spread) - 1.76599) < 1e-5);
    assert_close(synchronized.gradient, plain.gradient);
    double statistics[2] = {0}; /* on 16 and 32 ranks: 18 sums, of the channels' words */
    for (int s = 0; s < 2 * (SN_STAGES - 1); s++) {
        const size_t channels = (size_t)network.stages[s / 2].out_channels;
        const int ranks = s % 2 ? 32 : 16;
        statistics[s % 2] += sn_price_sum(&m, SN_MOMENT_WORDS * channels, ranks) +
                             sn_price_sum(&m, 2 * channels, ranks);
    }
    assert_close(synchronized.statistics, statistics[0]);
    const sn_price local = sn_price_step(&m, &by_4, 16); /* a group is what a rank has */
    assert_true(local.statistics == 0);
    assert_close(local.gradient, sn_price_sum(&m, words.gradient + words.running, 16));
    assert_close(sn_price_step(&m, &by_4, 32).statistics, statistics[1]);
    assert_true(isnan(sn_price_total(sn_price_step(&m, &(sn_price_work){SN_NORM_LAYER, 2, 64, 64}, 4))));
}

static const char *write_file(const char *text)
{
    static char path[64];
    snprintf(path, sizeof path, "machine-%d.json", (int)getpid());
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return path;
}

#define SHARES                                                                                               \
    "\"shares\": {\"gn\": [{\"samples\": 1, \"step_seconds\": {\"median\": 0.001}}, {\"samples\": 64, "      \
    "\"step_seconds\": {\"median\": 0.01}}]}"

static void files_are_read(void **state)
{
    (void)state;
    sn_machine m;
    const char *path = write_file(
        "{\"machine\": \"here\", \"origin\": \"measured\", \"ranks_per_node\": 4, \"spread\": 0.02,"
        "\"node\": {\"latency_seconds\": 1e-6, \"bytes_per_second\": 4e9}, " SHARES "}");
    const sn_status status = sn_machine_read(path, &m);
    unlink(path);
    assert_int_equal(status, SN_OK);
    assert_string_equal(m.name, "here");
    assert_true(m.measured);
    assert_int_equal(m.ranks_per_node, 4);
    assert_close(m.node.per_byte, 0.25e-9);
    assert_true(isnan(m.network.latency)); /* it was measured on one node */
    assert_close(sn_machine_step(&m, SN_NORM_GROUP, 64), 0.01);
    assert_true(isnan(sn_price_sum(&m, 8, 8)));
    assert_close(sn_price_sum(&m, 1, 2), 1e-6 + 2e-9);
}

static void bad_files_are_named(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{", "no machine file"},
        {"[]", "machine"},
        {"{\"machine\": \"x\", \"spread\": 0, " SHARES "}", "ranks_per_node"},
        {"{\"machine\": \"x\", \"ranks_per_node\": 0, \"spread\": 0, " SHARES "}", "ranks_per_node"},
        {"{\"machine\": \"x\", \"ranks_per_node\": 1, \"spread\": \"0\", " SHARES "}", "spread"},
        {"{\"machine\": \"x\", \"ranks_per_node\": 1, \"spread\": 0}", "shares"},
        {"{\"machine\": \"x\", \"ranks_per_node\": 1, \"spread\": 0, \"shares\": {\"gn\": []}}", "gn"},
        {"{\"machine\": \"x\", \"ranks_per_node\": 1, \"spread\": 0, \"node\": {\"latency_seconds\": -1, "
         "\"bytes_per_second\": 1e9}, " SHARES "}",
         "latency_seconds"},
        {"{\"machine\": \"x\", \"origin\": \"guessed\", \"ranks_per_node\": 1, \"spread\": 0, " SHARES "}",
         "origin"},
        {"{\"machine\": \"x\", \"ranks_per_node\": 2.5, \"spread\": 0, " SHARES "}",
         "ranks_per_node must be a whole"},
        {"{\"machine\": \"x\", \"ranks_per_node\": 1, \"spread\": 1e9, " SHARES "}", "spread"},
        {"{\"machine\": \"x\", \"ranks_per_node\": 1, \"spread\": 0, \"network\": {\"latency_seconds\": "
         "1e-5, \"overhead_seconds\": 1, "
         "\"bytes_per_second\": 1e9}, " SHARES "}",
         "overhead_seconds"},
        {"{\"machine\": \"x\", \"ranks_per_node\": 1, \"spread\": 0, \"shares\": {\"ln\": [{\"samples\": 1, "
         "\"step_seconds\": {\"median\": 1e300}}]}}",
         "ln: the median"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sn_machine m;
        const char *path = write_file(cases[i][0]);
        const sn_status status = sn_machine_read(path, &m);
        unlink(path);
        assert_int_equal(status, SN_ERROR_FAILED);
        assert_non_null(strstr(sn_error_message(), path));
        assert_non_null(strstr(sn_error_message(), cases[i][1]));
        sn_error_clear();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sum_goes_as_the_topology_has_it),
        cmocka_unit_test(a_link_is_what_its_sums_took),
        cmocka_unit_test(a_step_lies_on_a_line_between_those_measured),
        cmocka_unit_test(a_step_is_its_terms),
        cmocka_unit_test(files_are_read),
        cmocka_unit_test(bad_files_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
