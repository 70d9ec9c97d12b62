#include "speed.h"

#include <math.h>

#include "syncnorm/base/missing.h"

bool sn_report_on_ranks(const sn_report_run *run, double ranks)
{
    const double mine = sn_report_ranks(run);
    return mine >= ranks && mine <= ranks;
}

double sn_report_next_ranks(const sn_report_group *group, double after)
{
    double next = SN_MISSING;
    for (size_t i = 0; i < group->count; i++) {
        const double ranks = sn_report_ranks(&group->runs[i]);
        if (group->runs[i].run.epochs.rows && ranks > after && !(ranks >= next)) next = ranks;
    }
    return next;
}

double sn_report_total(const sn_report_run *run, const char *column, size_t *rows)
{
    double sum = 0;
    *rows = 0;
    for (size_t row = 0; row < run->run.epochs.rows; row++) {
        const double value = sn_report_epoch_value(run, column, row);
        if (isnan(value)) continue;
        sum += value;
        (*rows)++;
    }
    return sum;
}

double sn_report_speed(const sn_report_group *group, double ranks)
{
    double sum = 0;
    size_t count = 0, rows;
    for (size_t i = 0; i < group->count; i++)
        if (sn_report_on_ranks(&group->runs[i], ranks)) {
            sum += sn_report_total(&group->runs[i], "images_per_second", &rows);
            count += rows;
        }
    return count ? sum / (double)count : SN_MISSING;
}

bool sn_report_ranks_differ(const sn_report_runs *runs)
{
    double least = HUGE_VAL, most = 0;
    for (size_t i = 0; i < runs->count; i++) {
        const double ranks = sn_report_ranks(&runs->runs[i]);
        least = fmin(least, ranks);
        most = fmax(most, ranks);
    }
    return least < most;
}

double sn_report_common_ranks(const sn_report_group *group)
{
    double ranks = SN_MISSING;
    for (size_t i = 0; i < group->count; i++) {
        if (!group->runs[i].shown) continue;
        const double mine = sn_report_ranks(&group->runs[i]);
        if (isnan(mine) || mine < ranks || mine > ranks) return SN_MISSING;
        ranks = mine;
    }
    return ranks;
}
