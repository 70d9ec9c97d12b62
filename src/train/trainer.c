/* The run itself: steps, epochs, the end. */

#include "syncnorm/train/trainer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "resume.h"
#include "syncnorm/base/fault.h"
#include "syncnorm/base/fixed_point.h"
#include "syncnorm/base/log.h"
#include "syncnorm/base/memory.h"
#include "syncnorm/comm/watchdog.h"
#include "syncnorm/train/signals.h"
#include "trainer_internal.h"

/* What travels with the sums of a step. */
enum { EXTRA_STOP, EXTRA_SAVE };

bool sn_trainer_stop_is_asked(const void *context)
{
    const trainer *t = context;
    if (sn_signals_stop()) return true;
    if (t->root && t->execution->stop && t->execution->stop(t->execution->stop_context)) return true;
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
    sn_fault("step");
    const double begun = sn_clock();
    const uint32_t total = sn_sampler_batch(t->sampler, p->batch);
    const sn_share share = sn_share_of(total, sn_team_rank(t->team), sn_team_size(t->team));
    sn_sampler_positions(t->sampler, p->epoch, p->batch, share.first, share.count, t->index);
    sn_batch batch = {.samples = sn_dataset_train(t->dataset),
                      .index = t->index,
                      .first = share.first,
                      .count = share.count,
                      .total = total,
                      .step = (uint32_t)p->step,
                      .observe = p->batch % SN_OBSERVE_EVERY == 0};
    sn_trainer_divide(t, p->batch, &batch);
    const int64_t extra[SN_STEP_EXTRA] = {[EXTRA_STOP] = sn_trainer_stop_is_asked(t),
                                          [EXTRA_SAVE] = sn_signals_take_save() || sn_trainer_time_is_due(t)};
    sn_step_sums sums;
    SN_TRY(sn_replica_step(t->replica, t->model, &batch, extra, &sums));
    const double penalty = sn_l1_penalty(t->experiment.l1, t->model);
    t->sgd.learning_rate = sn_experiment_learning_rate(&t->experiment, sn_sampler_steps(t->sampler), p->step);
    sn_sgd_step(&t->sgd, t->model, sums.gradient, total);
    sn_diagnostics_add(&p->diagnostics, &t->network, &sums, total, t->sgd.learning_rate);
    if (sn_fault("weight")) t->model->values[0] += 0x1p-20f;

    p->last_batch_loss = (double)sums.loss / SN_LOSS_SCALE / total + penalty;
    p->batch++;
    p->step++;
    p->samples += total;
    p->epoch_samples += total;
    p->epoch_loss += sums.loss;
    p->epoch_correct += (uint64_t)sums.correct;
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

sn_status sn_trainer_add_costs(trainer *t)
{
    const sn_replica_costs *now = sn_replica_costs_of(t->replica);
    sn_costs *costs = &t->progress.costs;
    SN_TRY(sn_costs_add(t->team, &t->costs, now, t->progress.epoch_seconds - costs->seconds, costs));
    t->costs = *now;
    return SN_OK;
}

/* Evaluates and writes the row of the epoch, or of the part of it that was done. Collective. */
static sn_status end_epoch(trainer *t)
{
    sn_progress *p = &t->progress;
    const bool whole = p->batch == sn_sampler_steps(t->sampler);
    SN_TRY(sn_trainer_check_replicas(t));
    const sn_stop stop = {sn_trainer_stop_is_asked, t};
    const bool last = !whole || p->epoch + 1 >= t->experiment.epochs ||
                      (t->experiment.steps && p->step >= t->experiment.steps);
    sn_evaluation evaluation;
    if (!sn_evaluate(t->team, t->replica, t->model, sn_dataset_test(t->dataset), &stop,
                     last ? t->logits : NULL, &evaluation))
        return sn_trainer_stop(t); /* before this row: going on begins with the evaluation */
    t->evaluated = last;
    t->evaluation = evaluation;

    const double n = (double)p->epoch_samples;
    const double cross_entropy = (double)p->epoch_loss / SN_LOSS_SCALE / n;
    sn_epoch_row row = {.epoch = p->epoch + 1,
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
    sn_diagnostics_fill(&p->diagnostics, t->model, &row);
    SN_TRY(sn_trainer_add_costs(t));
    row.costs = p->costs;
    t->result.last = row;
    sn_status status = t->recording;
    if (t->root) {
        if (status == SN_OK) status = sn_epoch_table_add(&t->experiment, &row, &t->run.epochs);
        if (t->observer->epoch_end) t->observer->epoch_end(t->observer->context, &row);
    }
    SN_TRY(sn_team_agree(t->team, status));
    if (!whole) return SN_OK;
    p->epoch++;
    sn_progress_begin_epoch(p);
    return SN_OK;
}

static sn_status train_epoch(trainer *t)
{
    sn_progress *p = &t->progress;
    const uint32_t steps = sn_sampler_steps(t->sampler);
    const bool each_epoch = !t->execution->checkpoint_steps && t->execution->checkpoint_seconds <= 0;
    bool save = false;
    if (t->root && t->observer->epoch_start)
        t->observer->epoch_start(t->observer->context, p->epoch + 1, steps);
    while (p->batch < steps && !sn_trainer_at_length(t)) {
        requests asked = {0};
        SN_TRY(train_step(t, &asked));
        tell_step(t);
        if (asked.stop) return sn_trainer_stop(t);
        save = asked.save || sn_trainer_step_is_due(t);
        if (save && p->batch < steps) SN_TRY(sn_trainer_checkpoint(t));
    }
    SN_TRY(end_epoch(t));
    if ((save || each_epoch) && !sn_trainer_at_length(t)) SN_TRY(sn_trainer_checkpoint(t));
    return SN_OK;
}

/* Mean over all epochs on record, resumed ones included. */
static double mean_rate(const sn_run *run)
{
    double images = 0, time = 0;
    for (size_t i = 0; i < run->epochs.rows; i++) {
        const double seconds = sn_table_get(&run->epochs, "seconds", i);
        images += sn_table_get(&run->epochs, "images_per_second", i) * seconds;
        time += seconds;
    }
    return time > 0 ? images / time : 0;
}

static void fill_result(trainer *t)
{
    sn_digest_hex(sn_model_digest(t->model), t->result.digest);
    t->result.parameters = (int64_t)t->network.parameters.total;
    t->result.epochs = t->progress.epoch;
    if (!t->root) return;
    t->result.images_per_second = mean_rate(&t->run);
    sn_ways_read(&t->run.evaluation_attributes, &t->result.ways);
}

/* The run was complete before it began. Collective. */
static sn_status tell_complete(trainer *t)
{
    const sn_progress *p = &t->progress;
    if (t->root && sn_trainer_past_length(t))
        sn_log_warning("%s is complete and longer than what was asked for, with %" PRIu32 " epochs, %" PRIu64
                       " steps: nothing to do",
                       t->result.output, p->epoch, p->step);
    else if (t->root)
        sn_log_note("%s is complete, with %" PRIu64 " steps: nothing to do", t->result.output, p->step);
    if (t->root) sn_resume_result(&t->run, &t->result);
    fill_result(t);
    sn_team_broadcast(t->team, &t->result, sizeof t->result, 0);
    return SN_OK;
}

static sn_status carry_out(trainer *t)
{
    SN_TRY(sn_trainer_prepare(t));
    if (t->finished) return tell_complete(t);
    if (t->root && t->observer->start)
        t->observer->start(t->observer->context, &t->experiment, sn_dataset_name(t->dataset),
                           sn_team_size(t->team));
    bool open = t->progress.epoch_samples > 0; /* an epoch was begun and has no row yet */
    while (open || !sn_trainer_at_length(t)) {
        SN_TRY(train_epoch(t));
        open = false;
    }
    SN_TRY(sn_trainer_conclude(t));
    SN_TRY(sn_trainer_save_at_last(t, true));
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
    t->started = sn_clock();
    sn_signals_install();
    sn_status status = sn_team_agree(team, sn_watchdog_start(execution->timeout, sn_comm_rank()));
    if (status == SN_OK) status = carry_out(t);
    sn_watchdog_stop();
    if (result) *result = t->result;
    sn_replica_destroy(t->replica);
    sn_model_destroy(t->model);
    sn_sampler_destroy(t->sampler);
    sn_free(t->index);
    sn_free(t->worker_start);
    sn_free(t->group_start);
    sn_free(t->logits);
    sn_run_clear(&t->run);
    sn_lock_release(t->lock);
    sn_free(t);
    return status;
}
