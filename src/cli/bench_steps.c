/* Whole training steps: forward, backward, sums across ranks, SGD. */

#include <stdio.h>

#include "bench.h"

/* Collective. */
static sn_status measure(const sn_bench *bench, sn_norm_kind norm, const sn_convolution *convolution,
                         sn_timing *timing)
{
    sn_training t;
    SN_TRY(sn_training_create(bench->kernels, bench->world, norm, convolution, (uint32_t)bench->batch, NULL,
                              &t));
    *timing = sn_bench_measure(bench, true, sn_training_step, &t);
    const sn_status status = t.status;
    sn_training_destroy(&t);
    return status;
}

sn_status sn_bench_steps(const sn_bench *bench)
{
    const sn_convolution *const both[] = {bench->kernels->direct, sn_convolution_gemm()};
    const bool root = sn_team_is_root(bench->world);
    json_t *figures = sn_bench_object(bench, "steps_images_per_second");
    if (root)
        printf("\nWhole training steps, global batch %d, images/s (best, median)\n%-6s  %-13s  %s\n",
               bench->batch, "norm", "direct", "gemm");
    for (int norm = 0; norm < SN_NORM_KINDS; norm++) {
        json_t *own = json_object();
        if (root) printf("%-6s", sn_norm_types[norm].name);
        for (int c = 0; c < 2; c++) {
            sn_timing timing;
            const sn_status status = measure(bench, (sn_norm_kind)norm, both[c], &timing);
            if (status != SN_OK) {
                json_decref(own);
                return status;
            }
            json_object_set_new(own, both[c]->name, sn_bench_timing(timing, bench->batch, true));
            if (root) printf("  %6.0f %6.0f", bench->batch / timing.best, bench->batch / timing.median);
        }
        json_object_set_new(figures, sn_norm_types[norm].name, own);
        if (root) printf("\n");
    }
    return SN_OK;
}
