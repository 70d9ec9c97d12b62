/* Whole training steps by the samples that a rank has: each rank by itself, so without sums across ranks. */

#include <stdio.h>

#include "bench.h"

static const uint32_t shares[] = {1, 2, 3, 4, 5, 8, 12, 16, 20, 32, 64};
static const sn_norm_kind norms[] = {SN_NORM_GROUP, SN_NORM_LAYER, SN_NORM_BATCH};
enum { SHARES = sizeof shares / sizeof *shares, NORMS = sizeof norms / sizeof *norms };

static sn_status measure(const sn_bench *bench, sn_team *alone, sn_timing (*timings)[NORMS])
{
    for (int k = 0; k < NORMS; k++)
        for (int i = 0; i < SHARES; i++) {
            sn_training t;
            SN_TRY(sn_training_create(bench->kernels, alone, norms[k], bench->kernels->direct, shares[i],
                                      NULL, &t));
            timings[i][k] = sn_bench_measure(bench, false, sn_training_step, &t);
            const sn_status status = t.status;
            sn_training_destroy(&t);
            SN_TRY(status);
        }
    return SN_OK;
}

static double rate(sn_timing (*timings)[NORMS], int share, int norm)
{
    return shares[share] / timings[share][norm].median;
}

static double best_rate(sn_timing (*timings)[NORMS], int norm)
{
    double best = 0;
    for (int i = 0; i < SHARES; i++)
        if (rate(timings, i, norm) > best) best = rate(timings, i, norm);
    return best;
}

static void print(const sn_bench *bench, sn_timing (*timings)[NORMS])
{
    printf("\nWhole training steps by the samples of a rank, images/s (median), and as a share of the "
           "best\n%-7s",
           "samples");
    for (int k = 0; k < NORMS; k++)
        printf("  %6s     ", sn_norm_types[norms[k]].name);
    printf("\n");
    for (int i = 0; i < SHARES; i++) {
        printf("%-7d", (int)shares[i]);
        for (int k = 0; k < NORMS; k++)
            printf("  %6.0f %3.0f%%", rate(timings, i, k), 100 * rate(timings, i, k) / best_rate(timings, k));
        printf("\n");
    }
    json_t *figures = sn_bench_object(bench, "shares");
    for (int k = 0; k < NORMS && figures; k++) {
        json_t *list = json_array();
        for (int i = 0; i < SHARES; i++)
            json_array_append_new(list, json_pack("{si so sf sf}", "samples", (int)shares[i], "step_seconds",
                                                  sn_bench_timing(timings[i][k], 1, false),
                                                  "images_per_second", rate(timings, i, k), "of_best",
                                                  rate(timings, i, k) / best_rate(timings, k)));
        json_object_set_new(figures, sn_norm_types[norms[k]].name, list);
    }
}

sn_status sn_bench_shares(const sn_bench *bench)
{
    sn_timing timings[SHARES][NORMS] = {0};
    sn_team *alone = NULL;
    sn_status status = sn_team_alone(&alone);
    if (status == SN_OK) status = measure(bench, alone, timings);
    sn_team_destroy(alone);
    status = sn_team_agree(bench->world, status);
    if (status == SN_OK && sn_team_is_root(bench->world)) print(bench, timings);
    return status;
}
