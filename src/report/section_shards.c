/* What the workers' shards hold: the skew that came out, not the one that was asked for, and a map of worker by label. */

#include <math.h>

#include "groups.h"
#include "sections.h"
#include "syncnorm/base/missing.h"
#include "syncnorm/train/compare.h"

enum { WORKERS_SHOWN = 32, MAPS_MAX = 4 };

/* The label counts of a run's shards, worker after worker; NULL: not on record. */
static const int64_t *counts_of(const sn_report_run *run, size_t *workers)
{
    const sn_tensor *tensor = sn_tensors_find(&run->run.evaluation, "shard_labels");
    if (!tensor || tensor->type != SN_TYPE_I64 || tensor->rank != 2 || tensor->shape[1] != SN_REPORT_CLASSES)
        return NULL;
    *workers = tensor->shape[0];
    return tensor->data;
}

static double sum_of(const int64_t *counts)
{
    double sum = 0;
    for (int k = 0; k < SN_REPORT_CLASSES; k++)
        sum += (double)counts[k];
    return sum;
}

/* Mean over the workers of the share of a shard that would have to be of another label for it to be as all shards together are: half of the sum of
   differences (total variation). NaN where it is not on record. */
static double skew_of(const sn_report_run *run, const void *context)
{
    size_t workers;
    const int64_t *counts = counts_of(run, &workers);
    double all[SN_REPORT_CLASSES] = {0}, total = 0, sum = 0;
    (void)context;
    if (!counts || workers == 0) return SN_MISSING;
    for (size_t w = 0; w < workers; w++)
        for (int k = 0; k < SN_REPORT_CLASSES; k++) {
            all[k] += (double)counts[w * SN_REPORT_CLASSES + (size_t)k];
            total += (double)counts[w * SN_REPORT_CLASSES + (size_t)k];
        }
    for (size_t w = 0; w < workers; w++) {
        const int64_t *mine = counts + w * SN_REPORT_CLASSES;
        const double size = sum_of(mine);
        for (int k = 0; k < SN_REPORT_CLASSES && size > 0; k++)
            sum += fabs((double)mine[k] / size - all[k] / total) / 2;
    }
    return sum / (double)workers;
}

/* Labels that make up at least a hundredth of a shard, mean over the workers. */
static double labels_of(const sn_report_run *run, const void *context)
{
    size_t workers, labels = 0;
    const int64_t *counts = counts_of(run, &workers);
    (void)context;
    if (!counts || workers == 0) return SN_MISSING;
    for (size_t w = 0; w < workers; w++)
        for (int k = 0; k < SN_REPORT_CLASSES; k++)
            labels += 100 * (double)counts[w * SN_REPORT_CLASSES + (size_t)k] >=
                      sum_of(counts + w * SN_REPORT_CLASSES);
    return (double)labels / (double)workers;
}

static void add_map(sn_document *document, const sn_report_group *group, const sn_report_run *run,
                    size_t number)
{
    size_t workers = 0;
    char name[64], heading[128];
    const int64_t *counts = counts_of(run, &workers);
    snprintf(name, sizeof name, "shards-%zu", number);
    snprintf(heading, sizeof heading, "Images of each label by worker: %zu shards, %.60s", workers,
             sn_report_text(sn_report_experiment(group), "shards"));
    sn_report_table *table = sn_report_table_create(
        name, "Images of each label in the shards of %s, seed %lld%s", group->brief, (long long)run->seed,
        workers > WORKERS_SHOWN ? ", the first workers" : "");
    if (table) table->square = true;
    sn_report_table_column(table, false, "worker");
    for (int k = 0; k < SN_REPORT_CLASSES; k++)
        sn_report_table_column(table, true, "%d", k);
    for (size_t w = 0; w < workers && w < WORKERS_SHOWN; w++) {
        const int64_t *mine = counts + w * SN_REPORT_CLASSES;
        const double size = sum_of(mine);
        sn_report_table_cell(table, "%zu", w);
        for (int k = 0; k < SN_REPORT_CLASSES; k++) {
            sn_report_table_cell(table, "%lld", (long long)mine[k]);
            sn_report_table_shade(table, size > 0 ? (double)mine[k] / size : 0);
        }
    }
    sn_document_table(document, heading, table);
}

/* The first run of the group that has its shards on record; NULL: none. */
static const sn_report_run *recorded(const sn_report_group *group)
{
    size_t workers;
    for (size_t i = 0; i < group->count; i++)
        if (group->runs[i].shown && counts_of(&group->runs[i], &workers)) return &group->runs[i];
    return NULL;
}

/* Whether an earlier group's shards were made alike: then its map is this one's. */
static bool is_repeated(const sn_report_runs *runs, size_t group)
{
    static const char *const makers[] = {"workers",    "shards",     "validation",
                                         "split_seed", "order_seed", "dataset_digest"};
    for (size_t g = 0; g < group; g++) {
        bool alike = recorded(&runs->groups[g]) != NULL;
        for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
            alike = alike && sn_experiments_share(sn_report_experiment(&runs->groups[g]),
                                                  sn_report_experiment(&runs->groups[group]), makers[i]);
        if (alike) return true;
    }
    return false;
}

void sn_add_shards(sn_document *document, const sn_report_runs *runs)
{
    sn_report_table *table = sn_report_table_create(
        "shards", "What the workers' shards hold, means over workers and seeds");
    sn_report_table_column(table, false, "experiment");
    sn_report_table_column(table, false, "shards");
    sn_report_table_column(table, true, "workers");
    sn_report_table_column(table, true, "skew");
    sn_report_table_column(table, true, "labels in a shard");
    for (size_t g = 0; g < runs->group_count; g++) {
        const sn_report_group *group = &runs->groups[g];
        if (!recorded(group)) continue;
        sn_put_group(table, group);
        sn_report_table_cell(table, "%s", sn_report_text(sn_report_experiment(group), "shards"));
        sn_report_table_number(table, 0, sn_attributes_number(sn_report_experiment(group), "workers"));
        sn_report_table_number(table, 3, sn_report_mean(group, skew_of, NULL));
        sn_report_table_number(table, 1, sn_report_mean(group, labels_of, NULL));
    }
    if (sn_report_table_rows(table) == 0) {
        sn_report_table_destroy(table);
        sn_document_leave_out(document, "what the shards hold",
                              "it needs several workers, and files of this version");
        return;
    }
    sn_document_table(document, NULL, table);
    sn_document_text(document, "Skew: the share of a shard's images that would have to be of another label "
                               "for it to be as the training set "
                               "is. Random shards have some, too, the more the smaller they are. Labels "
                               "count from a hundredth of a shard on.");
    size_t maps = 0;
    for (size_t g = 0; g < runs->group_count && maps < MAPS_MAX; g++) {
        const sn_report_run *run = recorded(&runs->groups[g]);
        if (!run || is_repeated(runs, g)) continue;
        add_map(document, &runs->groups[g], run, maps + 1);
        maps++;
    }
}
