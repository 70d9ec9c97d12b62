/* Making a trainer ready: its parts, initial weights, the run file to go on from. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resume.h"
#include "syncnorm/base/log.h"
#include "syncnorm/base/memory.h"
#include "syncnorm/train/state.h"
#include "trainer_internal.h"

static sn_status select_kernels(trainer *t, const sn_convolution **convolution)
{
    SN_TRY(sn_kernels_choose(&t->kernels));
    *convolution = t->experiment.conv == SN_CONV_GEMM ? sn_convolution_gemm() : t->kernels->direct;
    return SN_OK;
}

/* Everything a rank needs for itself. Not collective. */
static sn_status create_parts(trainer *t)
{
    const sn_experiment *e = &t->experiment;
    const uint32_t train_count = sn_dataset_train(t->dataset).count;
    const uint32_t batch = e->batch < train_count ? e->batch : train_count;
    const sn_convolution *convolution = NULL;
    if (e->precise_bn && train_count > SN_POPULATION_MOST)
        return sn_fail(SN_ERROR_USAGE,
                       "--precise-bn: the training set has %" PRIu32 " images, exact sums take at most %d",
                       train_count, SN_POPULATION_MOST);
    if (e->workers > batch)
        return sn_fail(SN_ERROR_USAGE,
                       "--workers %" PRIu32 ": each needs a sample of every batch, but there are %" PRIu32
                       " training images",
                       e->workers, train_count);
    SN_TRY(select_kernels(t, &convolution));
    SN_TRY(sn_network_build(e->norm, (int)e->groups, &t->network));
    SN_TRY(sn_model_create(&t->network, &t->model));
    sn_model_initialize(t->model, e->seed);
    const sn_replica_options replica = {.team = t->team,
                                        .network = &t->network,
                                        .kernels = t->kernels,
                                        .convolution = convolution,
                                        .batch = batch,
                                        .seed = e->seed,
                                        .dropout = e->dropout,
                                        .groups = sn_trainer_most_groups(e, batch),
                                        .workers = e->workers};
    SN_TRY(sn_replica_create(&replica, &t->replica));
    const sn_sampler_options sampler = {.samples = sn_dataset_train(t->dataset),
                                        .batch = batch,
                                        .seed = e->seed,
                                        .shuffle = e->shuffle,
                                        .workers = e->workers,
                                        .shards = e->shards};
    SN_TRY(sn_sampler_create(&sampler, &t->sampler));
    SN_TRY(SN_ALLOCATE(t->index, batch, "the batch"));
    SN_TRY(SN_ALLOCATE(t->worker_start, (size_t)e->workers + 1, "the workers"));
    SN_TRY(
        SN_ALLOCATE(t->group_start, (size_t)sn_trainer_most_groups(e, batch) + 1, "the statistics groups"));
    SN_TRY(SN_ALLOCATE(t->logits, (size_t)sn_dataset_test(t->dataset).count * SN_CLASSES, "the logits"));
    t->sgd = (sn_sgd){.momentum = e->momentum, .weight_decay = e->weight_decay, .l1 = e->l1};
    return SN_OK;
}

/* The root's model to all. Collective. */
static void share_model(trainer *t)
{
    sn_state_entry entries[SN_STATE_MAX];
    const int count = sn_model_state(t->model, entries);
    for (int i = 0; i < count; i++) {
        const sn_state_entry *e = &entries[i];
        if (e->real) sn_team_broadcast(t->team, e->real, e->count * sizeof *e->real, 0);
        if (e->integer) sn_team_broadcast(t->team, e->integer, sizeof *e->integer, 0);
        if (e->momentum) sn_team_broadcast(t->team, e->momentum, e->count * sizeof *e->momentum, 0);
    }
}

/* The root reads the initial weights; everybody gets them. Collective. */
static sn_status load_initial(trainer *t)
{
    sn_experiment *e = &t->experiment;
    if (!e->init[0]) return SN_OK;
    sn_status status = SN_OK;
    if (t->root) {
        sn_tensors state = {0};
        status = sn_model_read(e->init, &state);
        if (status == SN_OK) status = sn_state_load(t->model, &state, NULL, e->init);
        if (status == SN_OK) sn_state_digest(&state, e->init_digest);
        sn_tensors_clear(&state);
    }
    SN_TRY(sn_team_agree(t->team, status));
    sn_team_broadcast(t->team, e->init_digest, sizeof e->init_digest, 0);
    share_model(t);
    return SN_OK;
}

enum { HOST_SIZE = 64 };

/* The team's hosts, each once, in the order of their ranks. On the root; collective. */
static sn_status gather_hosts(trainer *t, char *text, size_t size)
{
    const int ranks = sn_team_size(t->team);
    char mine[HOST_SIZE] = "";
    snprintf(mine, sizeof mine, "%s", sn_comm_host());
    char(*all)[HOST_SIZE];
    SN_TRY(sn_team_agree(t->team, SN_ALLOCATE(all, (size_t)ranks, "the host names")));
    sn_team_gather(t->team, mine, sizeof mine, all);
    size_t used = 0;
    text[0] = '\0';
    for (int r = 0; t->root && r < ranks; r++) {
        bool seen = false;
        for (int q = 0; q < r; q++)
            seen |= strcmp(all[q], all[r]) == 0;
        if (!seen && used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%s", r ? " " : "", all[r]);
    }
    sn_free(all);
    return SN_OK;
}

static sn_status choose_output(trainer *t)
{
    char name[SN_RUN_NAME_SIZE], path[SN_PATH_SIZE];
    sn_experiment_name(&t->experiment, name);
    if (t->execution->output[0])
        snprintf(path, sizeof path, "%s", t->execution->output);
    else
        snprintf(path, sizeof path, "runs/%s.h5", name);
    char *target = sn_run_target(path);
    if (!target) return sn_fail(SN_ERROR_MEMORY, "out of memory: names of files");
    const int length = snprintf(t->result.output, sizeof t->result.output, "%s", target);
    free(target);
    if ((size_t)length < sizeof t->result.output) return SN_OK;
    return sn_fail(SN_ERROR_FILE, "%s: the path that it is a link to is too long", path);
}

bool sn_trainer_at_length(const trainer *t)
{
    const sn_experiment *e = &t->experiment;
    return t->progress.epoch >= e->epochs || (e->steps && t->progress.step >= e->steps);
}

bool sn_trainer_past_length(const trainer *t)
{
    const sn_experiment *e = &t->experiment;
    const sn_progress *p = &t->progress;
    return p->epoch > e->epochs || (p->epoch == e->epochs && p->batch > 0) ||
           (e->steps && p->step > e->steps);
}

/* Goes on from the run file or starts afresh. On the root, which has the lock. */
static sn_status open_record(trainer *t, const char *hosts)
{
    const char *path = t->result.output;
    const sn_provenance provenance = {t->execution->command_line, hosts, t->kernels->isa,
                                      sn_team_size(t->team)};
    bool found;
    if (t->lock) SN_TRY(sn_run_sweep(path));
    SN_TRY(sn_resume_find(path, t->execution->resume, &t->experiment, &t->run, &found));
    if (!found) return sn_record_start(&t->run, &t->experiment, sn_dataset_name(t->dataset), &provenance);
    SN_TRY(sn_resume_load(&t->run, &t->experiment, path, t->model, &t->progress));
    const bool complete = sn_resume_complete(&t->run);
    if (sn_trainer_past_length(t) && !complete)
        return sn_fail(SN_ERROR_FILE,
                       "%s: it is past the length asked for, at epoch %" PRIu32 ", step %" PRIu64
                       ", but not complete: ask for more --epochs or --steps, or choose another --output",
                       path, t->progress.epoch + 1, t->progress.step);
    t->finished = complete && sn_trainer_at_length(t);
    if (t->finished) return SN_OK;
    sn_log_note("%s: going on after epoch %" PRIu32 ", step %" PRIu64, path, t->progress.epoch,
                t->progress.step);
    return sn_record_resume(&t->run, &t->experiment, &provenance, &t->progress);
}

sn_status sn_trainer_prepare(trainer *t)
{
    sn_digest_hex(sn_dataset_digest(t->dataset), t->experiment.dataset_digest);
    SN_TRY(sn_team_agree(t->team, create_parts(t)));
    SN_TRY(load_initial(t));
    if (t->root && sn_norm_pools_batch(t->experiment.norm) && t->experiment.batch == 1)
        sn_log_warning("batch norm over one sample: what the network says does not depend on the image");
    char hosts[4096];
    SN_TRY(gather_hosts(t, hosts, sizeof hosts));
    sn_status status = SN_OK;
    if (t->root) {
        status = choose_output(t);
        if (status == SN_OK) status = sn_run_writable(t->result.output);
    }
    SN_TRY(sn_team_agree(t->team, status));
    SN_TRY(sn_trainer_lock(t));
    if (t->root) status = open_record(t, hosts);
    SN_TRY(sn_team_agree(t->team, status));
    sn_team_broadcast(t->team, &t->progress, sizeof t->progress, 0);
    sn_team_broadcast(t->team, &t->finished, sizeof t->finished, 0);
    if (t->progress.step > 0) share_model(t);
    t->saved = sn_clock();
    return SN_OK;
}
