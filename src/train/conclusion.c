/* The end of a run: its final evaluation on the test set and on the training set, and with --precise-bn in other ways. */

#include "trainer_internal.h"

static sn_status record_way(trainer *t, const char *way, const sn_evaluation *evaluation)
{
    return sn_team_agree(t->team, t->root ? sn_record_way(&t->run, way, evaluation) : SN_OK);
}

/* With the statistics of the whole training set in place of the running ones. Collective. */
static sn_status evaluate_precisely(trainer *t, const sn_stop *stop)
{
    sn_model *precise = NULL;
    sn_evaluation evaluation;
    sn_status status = sn_team_agree(t->team, sn_model_copy(t->model, &precise));
    if (status == SN_OK)
        status = sn_replica_population(t->replica, precise, sn_dataset_train(t->dataset), stop);
    if (status == SN_OK &&
        !sn_evaluate(t->team, t->replica, precise, sn_dataset_test(t->dataset), stop, NULL, &evaluation))
        status = SN_STOPPED;
    if (status == SN_OK)
        status = sn_team_agree(t->team, t->root ? sn_record_precise(&t->run, precise, &evaluation) : SN_OK);
    sn_model_destroy(precise);
    return status;
}

/* With batch statistics. Collective. */
static sn_status evaluate_in_batches(trainer *t, const sn_stop *stop)
{
    sn_evaluation evaluation;
    const uint32_t batch = sn_sampler_batch(t->sampler, 0); /* what the replica has room for */
    if (!sn_evaluate_batches(t->team, t->replica, t->model, sn_dataset_test(t->dataset), batch, stop,
                             &evaluation))
        return SN_STOPPED;
    return record_way(t, "batch", &evaluation);
}

/* On the training set, without dropout: what the gap to the test set is to be measured from. Collective. */
static sn_status evaluate_training_set(trainer *t, const sn_stop *stop)
{
    sn_evaluation evaluation;
    if (!sn_evaluate(t->team, t->replica, t->model, sn_dataset_train(t->dataset), stop, NULL, &evaluation))
        return SN_STOPPED;
    return record_way(t, "train", &evaluation);
}

/* Of the epoch that has just ended; anew where the run goes on from after that. Collective. */
static sn_status evaluate_finally(trainer *t, const sn_stop *stop)
{
    const sn_samples test = sn_dataset_test(t->dataset);
    if (!t->evaluated && !sn_evaluate(t->team, t->replica, t->model, test, stop, t->logits, &t->evaluation))
        return SN_STOPPED;
    sn_status status = SN_OK;
    if (t->root) status = sn_record_evaluation(&t->run, test, t->logits, &t->evaluation, &t->result);
    return sn_team_agree(t->team, status);
}

sn_status sn_trainer_conclude(trainer *t)
{
    const sn_stop stop = {sn_trainer_stop_is_asked, t};
    sn_status status = evaluate_finally(t, &stop);
    if (status == SN_OK && t->experiment.precise_bn) {
        SN_TRY(sn_trainer_checkpoint(t)); /* what follows takes long */
        status = evaluate_precisely(t, &stop);
        if (status == SN_OK) status = evaluate_in_batches(t, &stop);
    }
    if (status == SN_OK) status = evaluate_training_set(t, &stop);
    return status == SN_STOPPED ? sn_trainer_stop(t) : status;
}
