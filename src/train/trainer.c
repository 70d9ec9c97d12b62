/* The run itself: steps, epochs, the end. */

#include "syncnorm/train/trainer.h"

#include <inttypes.h>
#include <string.h>

#include "conclusion.h"
#include "preparation.h"
#include "saving.h"
#include "syncnorm/base/fault.h"
#include "syncnorm/base/fixed_point.h"
#include "syncnorm/base/log.h"
#include "syncnorm/base/memory.h"
#include "syncnorm/comm/watchdog.h"
#include "syncnorm/nn/optimizer.h"
#include "syncnorm/train/signals.h"

/* What travels with the sums of a step. */
enum { EXTRA_STOP, EXTRA_SAVE };

/* What the ranks were asked for before a step. */
typedef struct requests {
    bool stop, save;
} requests;

static void add_step(sn_progress *p, const sn_step_sums *sums, uint32_t total, double penalty)
{
    p->last_batch_loss = (double)sums->loss / SN_LOSS_SCALE / total + penalty;
    p->batch++;
    p->step++;
    p->samples += total;
    p->epoch_samples += total;
    p->epoch_loss += sums->loss;
    p->epoch_correct += (uint64_t)sums->correct;
    p->epoch_penalty += penalty * total;
}

/* One global batch. Collective. */
static sn_status train_step(sn_session *s, requests *asked)
{
    sn_progress *p = &s->progress;
    const sn_experiment *e = &s->experiment;
    sn_watchdog_at(p->epoch + 1, p->step + 1);
    sn_fault("step");
    const double begun = sn_clock();
    const sn_batch batch = sn_session_batch(s);
    const int64_t extra[SN_STEP_EXTRA] = {[EXTRA_STOP] = sn_session_stop_is_asked(s),
                                          [EXTRA_SAVE] = sn_signals_take_save() ||
                                                         sn_recorder_save_is_due(&s->recorder)};
    sn_step_sums sums;
    SN_TRY(sn_replica_step(s->replica, s->model, &batch, extra, &sums));
    const double penalty = sn_l1_penalty(e->l1, s->model);
    const sn_sgd sgd = {
        .learning_rate = sn_experiment_learning_rate(e, sn_sampler_steps(s->sampler), p->step),
        .momentum = e->momentum,
        .weight_decay = e->weight_decay,
        .l1 = e->l1};
    const double gradient_norm = sn_sgd_step(&sgd, s->kernels, s->model, sums.gradient, batch.total);
    sn_diagnostics_add(&p->diagnostics, &s->network, &sums, batch.total, sgd.learning_rate, gradient_norm);
    if (sn_fault("weight")) s->model->values[0] += 0x1p-20f;
    add_step(p, &sums, batch.total, penalty);
    p->epoch_seconds += sn_clock() - begun;
    *asked = (requests){sums.extra[EXTRA_STOP] > 0, sums.extra[EXTRA_SAVE] > 0};
    sn_recorder_step(&s->recorder, p, 100 * (double)sums.correct / batch.total);
    return SN_OK;
}

/* Of the epoch, or of the part of it that was done. */
static sn_epoch_row row_of(const sn_session *s)
{
    const sn_progress *p = &s->progress;
    const double n = (double)p->epoch_samples;
    const double cross_entropy = (double)p->epoch_loss / SN_LOSS_SCALE / n;
    sn_epoch_row row = {.epoch = p->epoch + 1,
                        .train_loss = cross_entropy + p->epoch_penalty / n,
                        .train_cross_entropy = cross_entropy,
                        .last_batch_loss = p->last_batch_loss,
                        .train_accuracy = 100 * (double)p->epoch_correct / n,
                        .test = s->examinations[SN_EXAMINE_TEST].evaluation,
                        .validation = s->examinations[SN_EXAMINE_VALIDATION].evaluation,
                        .seconds = p->epoch_seconds,
                        .images_per_second = n / p->epoch_seconds,
                        .costs = p->costs};
    sn_diagnostics_fill(&p->diagnostics, s->model, &row);
    return row;
}

/* Evaluates and writes the row. Collective. */
static sn_status end_epoch(sn_session *s)
{
    sn_progress *p = &s->progress;
    const sn_experiment *e = &s->experiment;
    const bool whole = p->batch == sn_sampler_steps(s->sampler);
    const bool last = !whole || p->epoch + 1 >= e->epochs || (e->steps && p->step >= e->steps);
    SN_TRY(sn_session_check_replicas(s));
    if (!sn_session_evaluate(s, last))
        return sn_saving_stop(s); /* before this row: going on begins with the evaluation */
    s->evaluated = last;
    SN_TRY(sn_session_add_costs(s));
    s->result.last = row_of(s);
    SN_TRY(sn_team_agree(s->team, sn_recorder_epoch(&s->recorder, e, &s->result.last)));
    if (!whole) return SN_OK;
    p->epoch++;
    sn_progress_begin_epoch(p);
    return SN_OK;
}

static bool step_is_due(const sn_session *s)
{
    const uint64_t interval = s->execution->checkpoint_steps;
    return interval > 0 && s->progress.step % interval == 0;
}

static sn_status train_epoch(sn_session *s)
{
    sn_progress *p = &s->progress;
    const uint32_t steps = sn_sampler_steps(s->sampler);
    const bool each_epoch = !s->execution->checkpoint_steps && s->execution->checkpoint_seconds <= 0;
    bool save = false;
    sn_recorder_epoch_started(&s->recorder, p->epoch + 1, steps);
    while (p->batch < steps && !sn_session_at_length(s)) {
        requests asked = {0};
        SN_TRY(train_step(s, &asked));
        if (asked.stop) return sn_saving_stop(s);
        save = asked.save || step_is_due(s);
        if (save && p->batch < steps) SN_TRY(sn_saving_checkpoint(s));
    }
    SN_TRY(end_epoch(s));
    if ((save || each_epoch) && !sn_session_at_length(s)) SN_TRY(sn_saving_checkpoint(s));
    return SN_OK;
}

/* Collective. */
static void fill_result(sn_session *s, bool finished)
{
    sn_recorder_result(&s->recorder, finished, &s->result);
    sn_digest_hex(sn_model_digest(s->model), s->result.digest);
    s->result.parameters = (int64_t)s->network.parameters.total;
    s->result.epochs = s->progress.epoch;
    sn_team_broadcast(s->team, &s->result, sizeof s->result, 0);
}

/* The run was complete before it began. */
static void tell_complete(const sn_session *s)
{
    const sn_progress *p = &s->progress;
    if (!sn_team_is_root(s->team)) return;
    if (sn_session_past_length(s))
        sn_log_warning("%s is complete and longer than what was asked for, with %" PRIu32 " epochs, %" PRIu64
                       " steps: nothing to do",
                       s->result.output, p->epoch, p->step);
    else
        sn_log_note("%s is complete, with %" PRIu64 " steps: nothing to do", s->result.output, p->step);
}

static sn_status carry_out(sn_session *s)
{
    bool finished;
    SN_TRY(sn_session_create(s));
    SN_TRY(sn_prepare(s, &finished));
    if (finished) {
        tell_complete(s);
        fill_result(s, finished);
        return SN_OK;
    }
    sn_recorder_started(&s->recorder, &s->experiment, sn_dataset_name(s->dataset), sn_team_size(s->team));
    bool open = s->progress.epoch_samples > 0; /* an epoch was begun and has no row yet */
    while (open || !sn_session_at_length(s)) {
        SN_TRY(train_epoch(s));
        open = false;
    }
    SN_TRY(sn_conclude(s));
    SN_TRY(sn_saving_at_last(s, true));
    fill_result(s, finished);
    sn_recorder_ended(&s->recorder, &s->result);
    return SN_OK;
}

sn_status sn_train(sn_team *team, const sn_dataset *dataset, const sn_experiment *experiment,
                   const sn_execution *execution, const sn_observer *observer, sn_result *result)
{
    static const sn_observer silent;
    sn_session *s;
    SN_TRY(sn_team_agree(team, SN_ALLOCATE(s, 1, "the session")));
    s->team = team;
    s->dataset = dataset;
    s->experiment = *experiment;
    s->execution = execution;
    s->started = sn_clock();
    s->recorder = (sn_recorder){
        .active = sn_team_is_root(team), .execution = execution, .observer = observer ? observer : &silent};
    sn_signals_install();
    sn_status status = sn_team_agree(team, sn_watchdog_start(execution->timeout, sn_comm_rank()));
    if (status == SN_OK) status = carry_out(s);
    sn_watchdog_stop();
    if (result) *result = s->result;
    sn_session_destroy(s);
    sn_free(s);
    return status;
}
