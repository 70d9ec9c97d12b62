/* The end of a run: its final evaluation on the test set and on the training set, and with --precise-bn in other ways. */

#include "conclusion.h"

#include "saving.h"
#include "syncnorm/base/memory.h"

static sn_status record_way(sn_session *s, const char *way, const sn_evaluation *evaluation)
{
    return sn_team_agree(s->team, sn_recorder_way(&s->recorder, way, evaluation));
}

/* The test set, or the images held out. */
static sn_samples judged_by(const sn_session *s)
{
    const sn_samples test = s->examinations[SN_EXAMINE_TEST].samples;
    return test.count > 0 ? test : s->examinations[SN_EXAMINE_VALIDATION].samples;
}

/* With the statistics of the whole training set in place of the running ones. Collective. */
static sn_status evaluate_precisely(sn_session *s, const sn_stop *stop)
{
    sn_model *precise = NULL;
    sn_evaluation evaluation;
    sn_status status = sn_team_agree(s->team, sn_model_copy(s->model, &precise));
    if (status == SN_OK) status = sn_replica_population(s->replica, precise, s->split.kept, stop);
    if (status == SN_OK && !sn_evaluate(s->team, s->replica, precise, judged_by(s), stop, NULL, &evaluation))
        status = SN_STOPPED;
    if (status == SN_OK)
        status = sn_team_agree(s->team, sn_recorder_precise(&s->recorder, precise, &evaluation));
    sn_model_destroy(precise);
    return status;
}

/* With batch statistics. Collective. */
static sn_status evaluate_in_batches(sn_session *s, const sn_stop *stop)
{
    sn_evaluation evaluation;
    const uint32_t batch = sn_sampler_batch(s->sampler, 0); /* what the replica has room for */
    if (!sn_evaluate_batches(s->team, s->replica, s->model, judged_by(s), batch, stop, &evaluation))
        return SN_STOPPED;
    return record_way(s, "batch", &evaluation);
}

/* With each worker's own running statistics: what a program would report that keeps one worker's. Collective. */
static sn_status evaluate_workers(sn_session *s, const sn_stop *stop)
{
    const uint32_t workers = s->model->workers;
    sn_model *model = NULL;
    sn_evaluation *each = NULL;
    sn_status status = sn_model_copy(s->model, &model);
    if (status == SN_OK) status = SN_ALLOCATE(each, workers, "the workers' evaluations");
    status = sn_team_agree(s->team, status);
    for (uint32_t w = 0; w < workers && status == SN_OK; w++) {
        sn_model_take_worker(model, s->model, w);
        if (!sn_evaluate(s->team, s->replica, model, judged_by(s), stop, NULL, &each[w])) status = SN_STOPPED;
    }
    if (status == SN_OK) status = sn_team_agree(s->team, sn_recorder_workers(&s->recorder, each, workers));
    sn_free(each);
    sn_model_destroy(model);
    return status;
}

/* On the images trained on, without dropout: what the gap to the test set is to be measured from. Collective. */
static sn_status evaluate_training_set(sn_session *s, const sn_stop *stop)
{
    sn_evaluation evaluation;
    if (!sn_evaluate(s->team, s->replica, s->model, s->split.kept, stop, NULL, &evaluation))
        return SN_STOPPED;
    return record_way(s, "train", &evaluation);
}

/* The evaluation of the last epoch is the final one. A run that was stopped after that epoch was recorded has the row, but no longer
   the logits: it evaluates again. Collective. */
static sn_status evaluate_finally(sn_session *s)
{
    if (!s->evaluated && !sn_session_evaluate(s, true)) return SN_STOPPED;
    for (int i = SN_EXAMINATIONS - 1; i >= 0; i--) { /* the test set last: its misses are told */
        const sn_examination *x = &s->examinations[i];
        if (x->samples.count == 0) continue;
        SN_TRY(sn_team_agree(s->team, sn_recorder_evaluation(&s->recorder, x->samples, x->prefix, x->logits,
                                                             &x->evaluation, &s->result)));
    }
    return SN_OK;
}

sn_status sn_conclude(sn_session *s)
{
    const sn_stop stop = {sn_session_stop_is_asked, s};
    sn_status status = sn_team_agree(s->team,
                                     sn_recorder_shards(&s->recorder, s->sampler, s->experiment.workers));
    if (status == SN_OK) status = evaluate_finally(s);
    if (status == SN_OK && s->experiment.precise_bn) {
        SN_TRY(sn_saving_checkpoint(s)); /* what follows takes long */
        status = evaluate_precisely(s, &stop);
        if (status == SN_OK) status = evaluate_in_batches(s, &stop);
    }
    if (status == SN_OK && s->model->workers > 0) status = evaluate_workers(s, &stop);
    if (status == SN_OK) status = evaluate_training_set(s, &stop);
    return status == SN_STOPPED ? sn_saving_stop(s) : status;
}
