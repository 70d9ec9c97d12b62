/* The groups that figures have a line for. */

#include <math.h>

#include "groups.h"
#include "syncnorm/train/compare.h"
#include "verdict.h"

static bool is_not_of_norm(const char *attribute)
{
    return !sn_attribute_is_of_norm(attribute);
}

static bool are_of_one_norm(const sn_report_group *a, const sn_report_group *b)
{
    return sn_experiments_same(sn_report_experiment(a), sn_report_experiment(b), is_not_of_norm);
}

static double accuracy_of(const sn_report_group *group)
{
    return sn_report_mean(group, sn_value_last, "test_accuracy");
}

bool sn_report_draws_all(const sn_report_runs *runs)
{
    return runs->group_count <= SN_GROUPS_ALL;
}

/* Groups with complete runs come before those without; of equals the first. */
bool sn_report_draws(const sn_report_runs *runs, const sn_report_group *group, sn_report_has has,
                     const void *context)
{
    if (has && !has(group, context)) return false;
    if (sn_report_draws_all(runs)) return true;
    const double mine = accuracy_of(group);
    if (isnan(mine)) return false;
    bool most = true, least = true;
    for (const sn_report_group *g = runs->groups; g < runs->groups + runs->group_count && (most || least);
         g++) {
        const double other = accuracy_of(g);
        if (g == group || isnan(other) || g->complete < group->complete || !are_of_one_norm(g, group) ||
            (has && !has(g, context)))
            continue;
        const bool first = g->complete > group->complete;
        most = most && !first && (mine > other || (mine >= other && group < g));
        least = least && !first && (mine < other || (mine <= other && group < g));
    }
    return most || least;
}

void sn_report_choose_styles(sn_report_runs *runs)
{
    size_t style = 0;
    for (int drawn = 1; drawn >= 0; drawn--)
        for (sn_report_group *g = runs->groups; g < runs->groups + runs->group_count; g++)
            if (sn_report_draws(runs, g, NULL, NULL) == drawn) g->style = style++;
}
