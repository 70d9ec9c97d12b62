#include "syncnorm/train/trainer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "record.h"
#include "resume.h"
#include "signals.h"
#include "syncnorm/base/fixed_point.h"
#include "syncnorm/base/floating_point.h"
#include "syncnorm/base/log.h"
#include "syncnorm/base/memory.h"
#include "syncnorm/comm/watchdog.h"
#include "syncnorm/dataset/sampler.h"
#include "syncnorm/io/lock.h"
#include "syncnorm/nn/optimizer.h"
#include "syncnorm/nn/replica.h"
#include "syncnorm/train/state.h"

/* What travels with the sums of a step. */
enum { EXTRA_STOP, EXTRA_SAVE };

/* The ranks of a job that was killed hold its lock for about a second. */
static const double LOCK_PATIENCE = 15;

/* At the end of training, saving is tried again for this long. */
static const double SAVE_PATIENCE = 60, SAVE_PAUSE = 5;

typedef struct trainer {
    sn_team *team;
    bool root;
    const sn_dataset *dataset;
    sn_experiment experiment;
    const sn_execution *execution;
    const sn_observer *observer;
    const sn_kernels *kernels;

    sn_network network;
    sn_model *model;
    sn_replica *replica;
    sn_sampler *sampler;
    uint32_t *index; /* samples at this rank's positions */
    float *logits;   /* of the test set: whole on the root, this rank's share elsewhere */
    sn_sgd sgd;

    sn_progress progress;
    bool finished;         /* before this call: there is nothing to do */
    double started, saved; /* clock at the start, at the last checkpoint; read on the root alone */

    sn_lock *lock; /* on the run file; on the root alone, like the run */
    sn_run run;          /* filled on the root alone */
    sn_status recording; /* of the root's record of the steps; agreed on at the end of the epoch */
    sn_result result;
} trainer;

/* ---- preparation ---- */

static sn_status select_kernels(trainer *t, const sn_convolution **convolution)
{
    t->kernels = sn_kernels_select(NULL);
    if (!t->kernels)
        return sn_fail(SN_ERROR_USAGE,
                       "SYNCNORM_ISA names an instruction set that this processor (%s) does not have",
                       sn_comm_host());
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
                                        .dropout = e->dropout};
    SN_TRY(sn_replica_create(&replica, &t->replica));
    const sn_sampler_options sampler = {
        .samples = train_count, .batch = batch, .seed = e->seed, .shuffle = e->shuffle};
    SN_TRY(sn_sampler_create(&sampler, &t->sampler));
    SN_TRY(SN_ALLOCATE(t->index, batch, "the batch"));
    SN_TRY(SN_ALLOCATE(t->logits, (size_t)sn_dataset_test(t->dataset).count * SN_CLASSES, "the logits"));
    t->sgd = (sn_sgd){.learning_rate = sn_experiment_learning_rate(e),
                      .momentum = e->momentum,
                      .weight_decay = e->weight_decay,
                      .l1 = e->l1};
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
        if (status == SN_OK) sn_tensors_digest(&state, e->init_digest);
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

static void choose_output(trainer *t)
{
    char name[SN_RUN_NAME_SIZE];
    sn_experiment_name(&t->experiment, name);
    char *path = t->result.output;
    if (t->execution->output[0])
        snprintf(path, SN_PATH_SIZE, "%s", t->execution->output);
    else
        snprintf(path, SN_PATH_SIZE, "runs/%s.h5", name);
}

static bool at_length(const trainer *t)
{
    const sn_experiment *e = &t->experiment;
    return t->progress.epoch >= e->epochs || (e->steps && t->progress.step >= e->steps);
}

/* A longer run than this one was asked for before: there is no way back to its middle. */
static bool is_past_length(const trainer *t)
{
    const sn_experiment *e = &t->experiment;
    const sn_progress *p = &t->progress;
    return p->epoch > e->epochs || (p->epoch == e->epochs && p->batch > 0) ||
           (e->steps && p->step > e->steps);
}

/* Locks the run file, and goes on from it or starts afresh. On the root. */
static sn_status open_record(trainer *t, const char *hosts)
{
    const char *path = t->result.output;
    const sn_provenance provenance = {t->execution->command_line, hosts, t->kernels->isa,
                                      sn_team_size(t->team)};
    bool found;
    SN_TRY(sn_run_writable(path));
    SN_TRY(sn_lock_acquire(path, LOCK_PATIENCE, &t->lock));
    SN_TRY(sn_resume_find(path, t->execution->resume, &t->experiment, &t->run, &found));
    if (!found) return sn_record_start(&t->run, &t->experiment, sn_dataset_name(t->dataset), &provenance);
    SN_TRY(sn_resume_load(&t->run, path, t->model, &t->progress));
    t->finished = is_past_length(t) || (at_length(t) && sn_resume_complete(&t->run));
    if (t->finished) return SN_OK;
    sn_log_note("%s: going on after epoch %" PRIu32 ", step %" PRIu64, path, t->progress.epoch,
                t->progress.step);
    return sn_record_resume(&t->run, &t->experiment, &provenance, &t->progress);
}

static sn_status prepare(trainer *t)
{
    sn_digest_hex(sn_dataset_digest(t->dataset), t->experiment.dataset_digest);
    SN_TRY(sn_team_agree(t->team, create_parts(t)));
    SN_TRY(load_initial(t));
    char hosts[4096];
    SN_TRY(gather_hosts(t, hosts, sizeof hosts));
    sn_status status = SN_OK;
    if (t->root) {
        choose_output(t);
        status = open_record(t, hosts);
    }
    SN_TRY(sn_team_agree(t->team, status));
    sn_team_broadcast(t->team, &t->progress, sizeof t->progress, 0);
    sn_team_broadcast(t->team, &t->finished, sizeof t->finished, 0);
    if (t->progress.step > 0) share_model(t);
    t->started = t->saved = sn_clock();
    return SN_OK;
}

/* ---- saving: the root's business alone, until the end ---- */

static sn_status save(trainer *t, bool complete)
{
    t->saved = sn_clock();
    return sn_record_save(&t->run, t->model, &t->progress, complete, t->result.output);
}

/* In the middle of a run a failure to save is no reason to stop: the file before is untouched, the next one may succeed. */
static void checkpoint(trainer *t)
{
    if (!t->root || save(t, false) == SN_OK) return;
    sn_log_warning("%s; training goes on", sn_error_message());
    sn_error_clear();
}

static sn_status save_at_last(trainer *t, bool complete)
{
    sn_status status = SN_OK;
    if (t->root) {
        const double begun = sn_clock();
        while ((status = save(t, complete)) == SN_ERROR_FILE && sn_clock() - begun < SAVE_PATIENCE) {
            sn_log_warning("%s; trying again for %.0f s", sn_error_message(),
                           SAVE_PATIENCE - (sn_clock() - begun));
            sn_error_clear();
            sleep((unsigned)SAVE_PAUSE);
        }
    }
    return sn_team_agree(t->team, status);
}

static bool checkpoint_is_due(const trainer *t)
{
    const sn_execution *x = t->execution;
    if (x->checkpoint_steps && t->progress.step % x->checkpoint_steps == 0) return true;
    return x->checkpoint_seconds > 0 && sn_clock() - t->saved >= x->checkpoint_seconds;
}

/* ---- training ---- */

/* Asked by a signal on any rank, or by the time, which the root alone reads. */
static bool stop_is_asked(const trainer *t)
{
    if (sn_signals_stop()) return true;
    return t->root && t->execution->max_seconds > 0 && sn_clock() - t->started >= t->execution->max_seconds;
}

/* What the ranks were asked for before a step. */
typedef struct requests {
    bool stop, save;
} requests;

/* One global batch. Collective. */
static sn_status train_step(trainer *t, requests *asked)
{
    sn_progress *p = &t->progress;
    sn_watchdog_at(p->epoch + 1, p->step + 1);
    const double begun = sn_clock();
    const uint32_t total = sn_sampler_batch(t->sampler, p->batch);
    const sn_share share = sn_share_of(total, sn_team_rank(t->team), sn_team_size(t->team));
    sn_sampler_positions(t->sampler, p->epoch, p->batch, share.first, share.count, t->index);
    const sn_batch batch = {.samples = sn_dataset_train(t->dataset),
                            .index = t->index,
                            .first = share.first,
                            .count = share.count,
                            .total = total,
                            .step = (uint32_t)p->step};
    const int64_t extra[SN_STEP_EXTRA] = {
        [EXTRA_STOP] = stop_is_asked(t), [EXTRA_SAVE] = sn_signals_take_save()};
    sn_step_sums sums;
    SN_TRY(sn_replica_step(t->replica, t->model, &batch, extra, &sums));
    const double penalty = sn_l1_penalty(t->experiment.l1, t->model);
    sn_sgd_step(&t->sgd, t->model, sums.gradient, total);

    p->last_batch_loss = (double)sums.loss / SN_LOSS_SCALE / total + penalty;
    p->batch++;
    p->step++;
    p->samples += total;
    p->epoch_samples += total;
    p->epoch_loss += sums.loss;
    p->epoch_correct += sums.correct;
    p->epoch_penalty += penalty * total;
    p->epoch_seconds += sn_clock() - begun;
    *asked = (requests){sums.extra[EXTRA_STOP] > 0, sums.extra[EXTRA_SAVE] > 0};
    if (t->root && t->recording == SN_OK)
        t->recording = sn_record_step(&t->run, p->last_batch_loss, 100 * (double)sums.correct / total);
    return SN_OK;
}

static void tell_step(const trainer *t)
{
    const sn_progress *p = &t->progress;
    if (t->root && t->observer->step)
        t->observer->step(t->observer->context, p->batch - 1, p->last_batch_loss,
                          100 * (double)p->epoch_correct / (double)p->epoch_samples, p->epoch_seconds);
}

/* Replicas that no longer agree mean a broken machine or a bug: no result can be trusted then. Collective. */
static sn_status check_replicas(trainer *t)
{
    const sn_status environment =
        sn_floating_point_ok()
            ? SN_OK
            : sn_fail(SN_ERROR_FAILED,
                      "rank %d on %s: the floating-point environment was changed behind our back",
                      sn_team_rank(t->team), sn_comm_host());
    SN_TRY(sn_team_agree(t->team, environment));
    const sn_digest digest = sn_model_digest(t->model);
    int *differing;
    SN_TRY(sn_team_agree(t->team, SN_ALLOCATE(differing, (size_t)sn_team_size(t->team), "the comparison")));
    const bool same = sn_team_same(t->team, &digest, sizeof digest, differing);
    char ranks[256] = "";
    size_t used = 0;
    for (int r = 0; r < sn_team_size(t->team) && used < sizeof ranks; r++)
        if (differing[r]) used += (size_t)snprintf(ranks + used, sizeof ranks - used, " %d", r);
    sn_free(differing);
    if (same) return SN_OK;
    return sn_fail(SN_ERROR_REPLICAS, "after epoch %" PRIu32 " the weights of rank%s differ from the others'",
                   t->progress.epoch + 1, ranks);
}

/* Evaluates and writes the row of the epoch, or of the part of it that was done. Collective. */
static sn_status end_epoch(trainer *t)
{
    sn_progress *p = &t->progress;
    const bool whole = p->batch == sn_sampler_steps(t->sampler);
    SN_TRY(check_replicas(t));
    sn_evaluation evaluation;
    sn_evaluate(t->team, t->replica, t->model, sn_dataset_test(t->dataset), NULL, &evaluation);

    const double n = (double)p->epoch_samples;
    const double cross_entropy = (double)p->epoch_loss / SN_LOSS_SCALE / n;
    const sn_epoch_row row = {.epoch = p->epoch + 1,
                              .train_loss = cross_entropy + p->epoch_penalty / n,
                              .train_cross_entropy = cross_entropy,
                              .last_batch_loss = p->last_batch_loss,
                              .train_accuracy = 100 * (double)p->epoch_correct / n,
                              .test_loss = evaluation.loss,
                              .test_accuracy = evaluation.accuracy,
                              .test_correct = evaluation.correct,
                              .test_count = evaluation.count,
                              .seconds = p->epoch_seconds,
                              .images_per_second = n / p->epoch_seconds};
    t->result.last = row;
    sn_status status = t->recording;
    if (t->root) {
        if (status == SN_OK) status = sn_record_epoch(&t->run, &row);
        if (t->observer->epoch_end) t->observer->epoch_end(t->observer->context, &row);
    }
    SN_TRY(sn_team_agree(t->team, status));
    if (whole) {
        p->epoch++;
        p->batch = 0;
        p->epoch_samples = 0;
        p->epoch_loss = p->epoch_correct = 0;
        p->epoch_penalty = p->epoch_seconds = 0;
    }
    return SN_OK;
}

static sn_status train_epoch(trainer *t)
{
    sn_progress *p = &t->progress;
    const uint32_t steps = sn_sampler_steps(t->sampler);
    if (t->root && t->observer->epoch_start)
        t->observer->epoch_start(t->observer->context, p->epoch + 1, steps);
    while (p->batch < steps && !at_length(t)) {
        requests asked = {0};
        SN_TRY(train_step(t, &asked));
        tell_step(t);
        if (asked.stop && !(p->batch == steps && p->epoch + 1 >= t->experiment.epochs)) {
            SN_TRY(save_at_last(t, false));
            return sn_fail(SN_STOPPED,
                           "stopped after step %" PRIu64 " of epoch %" PRIu32 "; everything is in %s",
                           p->step, p->epoch + 1, t->result.output);
        }
        if (t->root && (asked.save || (p->batch < steps && checkpoint_is_due(t)))) checkpoint(t);
    }
    SN_TRY(end_epoch(t));
    if (!at_length(t)) checkpoint(t);
    return SN_OK;
}

/* Mean over all epochs on record, resumed ones included. */
static double mean_rate(const sn_run *run)
{
    const sn_column *seconds = sn_table_find(&run->epochs, "seconds");
    const sn_column *rate = sn_table_find(&run->epochs, "images_per_second");
    double images = 0, time = 0;
    for (size_t i = 0; i < run->epochs.rows; i++) {
        images += rate->real[i] * seconds->real[i];
        time += seconds->real[i];
    }
    return time > 0 ? images / time : 0;
}

static void fill_result(trainer *t)
{
    sn_digest_hex(sn_model_digest(t->model), t->result.digest);
    t->result.parameters = (int64_t)t->network.parameters.total;
    t->result.epochs = t->progress.epoch;
    if (t->root) t->result.images_per_second = mean_rate(&t->run);
}

/* The final evaluation, every prediction recorded. Collective. */
static sn_status conclude(trainer *t)
{
    const sn_samples test = sn_dataset_test(t->dataset);
    sn_evaluation evaluation;
    sn_evaluate(t->team, t->replica, t->model, test, t->logits, &evaluation);
    sn_status status = SN_OK;
    if (t->root) status = sn_record_evaluation(&t->run, test, t->logits, &evaluation, &t->result);
    return sn_team_agree(t->team, status);
}

/* Evaluates once more with the statistics of the whole training set in place of the running ones. Collective. */
static sn_status evaluate_precisely(trainer *t)
{
    if (!t->experiment.precise_bn) return SN_OK;
    const sn_samples train = sn_dataset_train(t->dataset);
    sn_model *precise;
    SN_TRY(sn_team_agree(t->team, sn_model_copy(t->model, &precise)));
    sn_status status = sn_replica_population(t->replica, precise, train);
    sn_evaluation evaluation;
    if (status == SN_OK) {
        sn_evaluate(t->team, t->replica, precise, sn_dataset_test(t->dataset), NULL, &evaluation);
        if (t->root) status = sn_record_precise(&t->run, precise, &evaluation);
        status = sn_team_agree(t->team, status);
    }
    sn_model_destroy(precise);
    return status;
}

/* The run was complete before it began. Collective. */
static sn_status tell_complete(trainer *t)
{
    if (t->root) {
        sn_log_note("%s is complete: nothing to do", t->result.output);
        sn_resume_result(&t->run, &t->result);
    }
    fill_result(t);
    sn_team_broadcast(t->team, &t->result, sizeof t->result, 0);
    return SN_OK;
}

static sn_status carry_out(trainer *t)
{
    SN_TRY(prepare(t));
    if (t->finished) return tell_complete(t);
    if (t->root && t->observer->start)
        t->observer->start(t->observer->context, &t->experiment, sn_dataset_name(t->dataset),
                           sn_team_size(t->team));
    bool open = t->progress.epoch_samples > 0; /* an epoch was begun and has no row yet */
    while (open || !at_length(t)) {
        SN_TRY(train_epoch(t));
        open = false;
    }
    SN_TRY(conclude(t));
    SN_TRY(evaluate_precisely(t));
    SN_TRY(save_at_last(t, true));
    fill_result(t);
    sn_team_broadcast(t->team, &t->result, sizeof t->result, 0);
    if (t->root && t->observer->end) t->observer->end(t->observer->context, &t->result);
    return SN_OK;
}

sn_status sn_train(sn_team *team, const sn_dataset *dataset, const sn_experiment *experiment,
                   const sn_execution *execution, const sn_observer *observer, sn_result *result)
{
    static const sn_observer silent;
    trainer *t;
    SN_TRY(sn_team_agree(team, SN_ALLOCATE(t, 1, "the trainer")));
    t->team = team;
    t->root = sn_team_is_root(team);
    t->dataset = dataset;
    t->experiment = *experiment;
    t->execution = execution;
    t->observer = observer ? observer : &silent;
    sn_signals_install();
    sn_status status = sn_team_agree(team, sn_watchdog_start(execution->timeout, sn_team_rank(team)));
    if (status == SN_OK) status = carry_out(t);
    sn_watchdog_stop();
    if (result) *result = t->result;
    sn_replica_destroy(t->replica);
    sn_model_destroy(t->model);
    sn_sampler_destroy(t->sampler);
    sn_free(t->index);
    sn_free(t->logits);
    sn_run_clear(&t->run);
    sn_lock_release(t->lock);
    sn_free(t);
    return status;
}
