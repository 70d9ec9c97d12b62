/* Timing a piece of work, which the parts of bench share. */

#include <stdlib.h>

#include "bench.h"
#include "syncnorm/base/ascending.h"
#include "syncnorm/comm/watchdog.h"

enum { CALLS_MAX = 1 << 20 };

#define SAMPLE_SECONDS 2e-3

static double time_calls(const sn_bench *bench, bool collective, int calls, void (*work)(void *context),
                         void *context)
{
    sn_watchdog_beat("measuring");
    if (collective) sn_team_barrier(bench->world);
    const double begun = sn_clock();
    for (int i = 0; i < calls; i++)
        work(context);
    return (sn_clock() - begun) / calls;
}

sn_timing sn_bench_measure(const sn_bench *bench, bool collective, void (*work)(void *context), void *context)
{
    double seconds[SN_BENCH_REPETITIONS_MAX];
    time_calls(bench, collective, 1, work, context);
    const double once = time_calls(bench, collective, 1, work, context);
    int calls = once * CALLS_MAX < SAMPLE_SECONDS ? CALLS_MAX : (int)(SAMPLE_SECONDS / once) + 1;
    if (collective) sn_team_broadcast(bench->world, &calls, sizeof calls, 0);
    time_calls(bench, collective, calls, work, context);
    for (int i = 0; i < bench->repetitions; i++)
        seconds[i] = time_calls(bench, collective, calls, work, context);
    qsort(seconds, (size_t)bench->repetitions, sizeof *seconds, sn_ascending);
    return (sn_timing){.best = seconds[0], .median = seconds[bench->repetitions / 2]};
}

json_t *sn_bench_timing(sn_timing timing, double factor, bool rate)
{
    const double best = rate ? factor / timing.best : factor * timing.best;
    const double median = rate ? factor / timing.median : factor * timing.median;
    return json_pack("{sf sf}", "best", best, "median", median);
}

static json_t *added(const sn_bench *bench, const char *name, json_t *value)
{
    if (bench->figures && json_object_set_new(bench->figures, name, value) == 0) return value;
    if (!bench->figures) json_decref(value);
    return NULL;
}

json_t *sn_bench_array(const sn_bench *bench, const char *name)
{
    return added(bench, name, json_array());
}

json_t *sn_bench_object(const sn_bench *bench, const char *name)
{
    return added(bench, name, json_object());
}
