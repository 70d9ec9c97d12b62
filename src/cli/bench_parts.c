/* Where the time of a step goes, on a clock that is always in one part. */

#include <stdio.h>

#include "bench.h"

static const sn_norm_kind norms[] = {SN_NORM_GROUP, SN_NORM_LAYER, SN_NORM_BATCH};
enum { NORMS = sizeof norms / sizeof *norms };

/* Percent of a step by part. Collective. */
static sn_status measure(const sn_bench *bench, sn_norm_kind norm, double percent[SN_PHASES])
{
    sn_training t;
    sn_phase_clock clock;
    double all = 0;
    sn_phases_start(&clock);
    SN_TRY(sn_training_create(bench->kernels, bench->world, norm, bench->kernels->direct,
                              (uint32_t)bench->batch, &clock, &t));
    sn_training_step(&t);
    sn_team_barrier(bench->world);
    sn_phases_start(&clock);
    (void)sn_bench_measure(bench, true, sn_training_step, &t);
    sn_phase_begin(&clock, SN_PHASE_REST);
    for (int p = 0; p < SN_PHASES; p++)
        all += clock.seconds[p];
    for (int p = 0; p < SN_PHASES; p++)
        percent[p] = 100 * clock.seconds[p] / all;
    const sn_status status = t.status;
    sn_training_destroy(&t);
    return status;
}

static void print(const sn_bench *bench, double (*percent)[SN_PHASES])
{
    printf("\nParts of a step, global batch %d, percent\n%-40s", bench->batch, "");
    for (int k = 0; k < NORMS; k++)
        printf("  %5s", sn_norm_types[norms[k]].name);
    printf("\n");
    for (int p = 0; p < SN_PHASES; p++) {
        printf("%-40s", sn_phase_names[p]);
        for (int k = 0; k < NORMS; k++)
            printf("  %5.1f", percent[k][p]);
        printf("\n");
    }
    json_t *figures = sn_bench_object(bench, "parts_percent");
    for (int k = 0; k < NORMS && figures; k++) {
        json_t *own = json_object();
        for (int p = 0; p < SN_PHASES; p++)
            json_object_set_new(own, sn_phase_names[p], json_real(percent[k][p]));
        json_object_set_new(figures, sn_norm_types[norms[k]].name, own);
    }
}

sn_status sn_bench_parts(const sn_bench *bench)
{
    double percent[NORMS][SN_PHASES];
    for (int k = 0; k < NORMS; k++)
        SN_TRY(measure(bench, norms[k], percent[k]));
    if (sn_team_is_root(bench->world)) print(bench, percent);
    return SN_OK;
}
