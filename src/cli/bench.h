#ifndef SYNCNORM_CLI_BENCH_H
#define SYNCNORM_CLI_BENCH_H

/** Parts of syncnorm bench. Each prints its table from the root. All are collective over the world. */

#include "syncnorm/comm/team.h"
#include "syncnorm/kernels/kernels.h"

typedef struct sn_bench {
    sn_team *world;
    const sn_kernels *kernels;
    int repetitions;
    int batch; /* global, of the whole steps */
} sn_bench;

enum { SN_BENCH_REPETITIONS_MAX = 1000 };

/** Seconds of one call. */
typedef struct sn_timing {
    double best, median;
} sn_timing;

/**
 * Times `work`: calls are grouped into samples of about 2 ms, which a clock can measure; two samples of warm-up, then
 * `repetitions` of them. With `collective` all ranks make the same number of calls and start each sample together.
 */
sn_timing sn_bench_measure(const sn_bench *bench, bool collective, void (*work)(void *context),
                           void *context);

sn_status sn_bench_convolutions(const sn_bench *bench);
sn_status sn_bench_steps(const sn_bench *bench);
sn_status sn_bench_collectives(const sn_bench *bench);

#endif
