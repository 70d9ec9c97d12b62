/* The exact sums across ranks, at the sizes that training has. */

#include <stdio.h>

#include "bench.h"
#include "syncnorm/base/memory.h"
#include "syncnorm/nn/network.h"
#include "syncnorm/nn/norm.h"
#include "syncnorm/nn/replica.h"

typedef struct message {
    sn_team *team;
    int64_t *values;
    size_t count;
} message;

static void sum(void *context)
{
    const message *m = context;
    sn_team_sum(m->team, m->values, m->count);
}

sn_timing sn_bench_sum(const sn_bench *bench, int64_t *values, size_t count)
{
    message m = {bench->world, values, count};
    return sn_bench_measure(bench, true, sum, &m);
}

static sn_message_words words_of(sn_norm_kind norm)
{
    sn_network network;
    if (sn_network_build((sn_network_options){norm, 2, false}, &network) != SN_OK)
        return (sn_message_words){0};
    return sn_replica_message_words(&network, 1);
}

sn_status sn_bench_collectives(const sn_bench *bench)
{
    const bool root = sn_team_is_root(bench->world);
    if (sn_team_size(bench->world) == 1) {
        printf("\nSums across ranks: none with one rank; run it under mpirun\n");
        return SN_OK;
    }
    const struct {
        const char *what;
        size_t words;
    } cases[] = {
        {"evaluation", 2},
        {"bn backward, 8 channels", 2 * 8},
        {"bn backward, 16 channels", 2 * 16},
        {"bn forward, 8 channels", SN_MOMENT_WORDS * 8},
        {"bn forward, 16 channels", SN_MOMENT_WORDS * 16},
        {"bn observed (1 step of 16)", words_of(SN_NORM_BATCH).instrument},
        {"gradient, gn and bn", words_of(SN_NORM_GROUP).gradient},
        {"the same, bn of groups", words_of(SN_NORM_BATCH).gradient + words_of(SN_NORM_BATCH).running},
        {"gradient, ln", words_of(SN_NORM_LAYER).gradient},
    };
    enum { CASES = sizeof cases / sizeof *cases };
    int64_t *values = NULL;
    json_t *figures = sn_bench_array(bench, "collectives");
    SN_TRY(sn_team_agree(bench->world, SN_ALLOCATE(values, cases[CASES - 1].words, "the message")));
    if (root)
        printf("\nExact sums across %d ranks (of 64-bit integers), µs per call (best, median)\n"
               "%-26s  %9s\n",
               sn_team_size(bench->world), "message", "bytes");
    for (int i = 0; i < CASES; i++) {
        const size_t bytes = cases[i].words * sizeof *values;
        const sn_timing timing = sn_bench_sum(bench, values, cases[i].words);
        json_array_append_new(figures,
                              json_pack("{ss sI so}", "message", cases[i].what, "bytes", (json_int_t)bytes,
                                        "seconds", sn_bench_timing(timing, 1, false)));
        if (root)
            printf("%-26s  %9zu  %8.1f %8.1f\n", cases[i].what, bytes, 1e6 * timing.best,
                   1e6 * timing.median);
    }
    sn_free(values);
    return SN_OK;
}
