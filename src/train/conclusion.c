/* The end of a run: its final evaluation, and with --precise-bn the same in other ways. */

#include "trainer_internal.h"

static sn_status record_way(trainer *t, const char *way, const sn_evaluation *evaluation)
{
    return sn_team_agree(t->team, t->root ? sn_record_way(&t->run, way, evaluation) : SN_OK);
}

/* With the statistics of the whole training set in place of the running ones. Collective. */
static sn_status evaluate_precisely(trainer *t)
{
    sn_model *precise;
    SN_TRY(sn_team_agree(t->team, sn_model_copy(t->model, &precise)));
    sn_status status = sn_replica_population(t->replica, precise, sn_dataset_train(t->dataset));
    sn_evaluation evaluation;
    if (status == SN_OK) {
        sn_evaluate(t->team, t->replica, precise, sn_dataset_test(t->dataset), NULL, &evaluation);
        if (t->root) status = sn_record_precise(&t->run, precise, &evaluation);
        status = sn_team_agree(t->team, status);
    }
    sn_model_destroy(precise);
    return status;
}

/* With batch statistics, and on the training set. Collective. */
static sn_status evaluate_otherwise(trainer *t)
{
    sn_evaluation evaluation;
    const uint32_t batch = sn_sampler_batch(t->sampler, 0); /* what the replica has room for */
    sn_evaluate_batches(t->team, t->replica, t->model, sn_dataset_test(t->dataset), batch, &evaluation);
    SN_TRY(record_way(t, "batch", &evaluation));
    sn_evaluate(t->team, t->replica, t->model, sn_dataset_train(t->dataset), NULL, &evaluation);
    return record_way(t, "train", &evaluation);
}

sn_status sn_trainer_conclude(trainer *t)
{
    const sn_samples test = sn_dataset_test(t->dataset);
    sn_evaluation evaluation;
    if (!sn_evaluate_unless(sn_trainer_stop_is_asked, t, t->team, t->replica, t->model, test, t->logits,
                            &evaluation))
        return sn_trainer_stop(t);
    sn_status status = SN_OK;
    if (t->root) status = sn_record_evaluation(&t->run, test, t->logits, &evaluation, &t->result);
    SN_TRY(sn_team_agree(t->team, status));
    if (!t->experiment.precise_bn) return SN_OK;
    SN_TRY(sn_trainer_checkpoint(t)); /* what follows takes long, and cannot be stopped */
    SN_TRY(evaluate_precisely(t));
    return evaluate_otherwise(t);
}
