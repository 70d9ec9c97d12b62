#include "session.h"

#include <inttypes.h>

#include "syncnorm/base/log.h"
#include "syncnorm/base/memory.h"
#include "syncnorm/train/signals.h"
#include "syncnorm/train/state.h"

/* ---- groups of positions ---- */

/* Most statistics groups that a batch of the experiment can have. */
static uint32_t most_groups(const sn_experiment *e, uint32_t batch)
{
    if (e->bn_scope == SN_SCOPE_SYNC) return 1;
    return e->bn_scope == SN_SCOPE_WORKER ? e->workers : batch / e->bn_scope + 1;
}

/* Groups of `size` consecutive positions; the last has what is left. A single sample left joins the group before it: statistics over
   one sample teach nothing (its logits would not depend on the image). */
static uint32_t cut(uint32_t total, uint32_t size, uint32_t *start)
{
    const uint32_t rest = total % size;
    uint32_t parts = total / size;
    if (rest > 1 || parts == 0) parts++;
    for (uint32_t g = 0; g < parts; g++)
        start[g] = g * size;
    start[parts] = total;
    return parts;
}

sn_batch sn_session_batch(sn_session *s)
{
    const sn_progress *p = &s->progress;
    const sn_experiment *e = &s->experiment;
    const uint32_t total = sn_sampler_batch(s->sampler, p->batch);
    const sn_share share = sn_share_of(total, sn_team_rank(s->team), sn_team_size(s->team));
    sn_sampler_positions(s->sampler, p->epoch, p->batch, share.first, share.count, s->index);
    sn_sampler_workers(s->sampler, p->batch, s->worker_start);
    const sn_partition workers = {s->worker_start, e->workers};
    sn_partition groups = {NULL, 0};
    if (e->bn_scope == SN_SCOPE_WORKER)
        groups = workers;
    else if (e->bn_scope != SN_SCOPE_SYNC)
        groups = (sn_partition){s->group_start, cut(total, e->bn_scope, s->group_start)};
    return (sn_batch){.samples = s->split.kept,
                      .index = s->index,
                      .first = share.first,
                      .count = share.count,
                      .total = total,
                      .step = (uint32_t)p->step,
                      .groups = groups,
                      .workers = workers,
                      .observe = p->batch % SN_OBSERVE_EVERY == 0};
}

/* ---- parts ---- */

static uint32_t largest_batch(const sn_session *s)
{
    const uint32_t images = s->split.kept.count;
    return s->experiment.batch < images ? s->experiment.batch : images;
}

static sn_status plan_replica(sn_session *s, sn_replica_options *options)
{
    const sn_experiment *e = &s->experiment;
    const sn_samples train = sn_dataset_train(s->dataset);
    SN_TRY(sn_experiment_check_data(e, train.count));
    SN_TRY(sn_split_create(train, e->validation, e->split_seed, &s->split));
    SN_TRY(sn_kernels_choose(&s->kernels));
    SN_TRY(sn_network_build(sn_experiment_network(e), &s->network));
    *options = (sn_replica_options){.team = s->team,
                                    .network = &s->network,
                                    .kernels = s->kernels,
                                    .convolution = e->conv == SN_CONV_GEMM ? sn_convolution_gemm()
                                                                           : s->kernels->direct,
                                    .batch = largest_batch(s),
                                    .seed = sn_experiment_seed(e, e->dropout_seed),
                                    .dropout = e->dropout,
                                    .groups = most_groups(e, largest_batch(s)),
                                    .workers = e->workers,
                                    .running = e->running_stats};
    return SN_OK;
}

static sn_status plan_examinations(sn_session *s)
{
    sn_examination *test = &s->examinations[SN_EXAMINE_TEST],
                   *validation = &s->examinations[SN_EXAMINE_VALIDATION];
    if (sn_experiment_tests(&s->experiment)) test->samples = sn_dataset_test(s->dataset);
    test->prefix = "";
    validation->samples = s->split.held_out;
    validation->prefix = "validation_";
    for (int i = 0; i < SN_EXAMINATIONS; i++) {
        sn_examination *x = &s->examinations[i];
        SN_TRY(SN_ALLOCATE(x->logits, (size_t)x->samples.count * SN_CLASSES, "the logits"));
    }
    return SN_OK;
}

/* Everything a rank needs for itself. Not collective. */
static sn_status create_parts(sn_session *s, const sn_replica_options *replica)
{
    const sn_experiment *e = &s->experiment;
    SN_TRY(sn_model_create(&s->network, &s->model));
    sn_model_initialize(s->model, sn_experiment_seed(e, e->init_seed));
    SN_TRY(sn_replica_create(replica, &s->replica));
    const sn_sampler_options sampler = {.samples = s->split.kept,
                                        .batch = replica->batch,
                                        .seed = sn_experiment_seed(e, e->order_seed),
                                        .shuffle = e->shuffle,
                                        .workers = e->workers,
                                        .shards = e->shards};
    SN_TRY(sn_sampler_create(&sampler, &s->sampler));
    SN_TRY(SN_ALLOCATE(s->index, replica->batch, "the batch"));
    SN_TRY(SN_ALLOCATE(s->worker_start, (size_t)e->workers + 1, "the workers"));
    SN_TRY(SN_ALLOCATE(s->group_start, (size_t)replica->groups + 1, "the statistics groups"));
    return plan_examinations(s);
}

bool sn_session_evaluate(sn_session *s, bool logits)
{
    const sn_stop stop = {sn_session_stop_is_asked, s};
    for (int i = 0; i < SN_EXAMINATIONS; i++) {
        sn_examination *x = &s->examinations[i];
        if (x->samples.count > 0 && !sn_evaluate(s->team, s->replica, s->model, x->samples, &stop,
                                                 logits ? x->logits : NULL, &x->evaluation))
            return false;
    }
    return true;
}

void sn_session_share_model(sn_session *s)
{
    sn_state_entry entries[SN_STATE_MAX];
    const int count = sn_model_state(s->model, entries);
    for (int i = 0; i < count; i++) {
        const sn_state_entry *e = &entries[i];
        if (e->real) sn_team_broadcast(s->team, e->real, e->count * sizeof *e->real, 0);
        if (e->integer) sn_team_broadcast(s->team, e->integer, sizeof *e->integer, 0);
        if (e->momentum) sn_team_broadcast(s->team, e->momentum, e->count * sizeof *e->momentum, 0);
    }
    const size_t of_workers = (size_t)s->model->workers * (size_t)s->network.norm_channels * sizeof(float);
    if (of_workers == 0) return;
    sn_team_broadcast(s->team, s->model->workers_mean, of_workers, 0);
    sn_team_broadcast(s->team, s->model->workers_var, of_workers, 0);
}

static void warn_of_running_statistics(const sn_session *s, const sn_tensors *state)
{
    sn_state_entry entries[SN_STATE_MAX];
    const int count = sn_model_state(s->model, entries);
    for (int i = 0; i < count; i++) {
        if (!entries[i].real || entries[i].momentum || sn_tensors_find(state, entries[i].name)) continue;
        sn_log_warning("%s has no /model/%s: running statistics begin at means of 0 and variances of 1",
                       s->experiment.init, entries[i].name);
        return;
    }
}

static sn_status read_initial(sn_session *s)
{
    sn_experiment *e = &s->experiment;
    if (!sn_team_is_root(s->team)) return SN_OK;
    sn_tensors state = {0};
    sn_status status = sn_model_read(e->init, &state);
    if (status == SN_OK) status = sn_state_load(s->model, &state, NULL, e->init);
    if (status == SN_OK) {
        warn_of_running_statistics(s, &state);
        sn_state_digest(&state, e->init_digest);
    }
    sn_tensors_clear(&state);
    return status;
}

static void warn_of_batch(const sn_experiment *e, int ranks)
{
    if (sn_norm_pools_batch(e->norm) && e->batch == 1)
        sn_log_warning("batch norm over one sample: what the network says does not depend on the image");
    if ((uint32_t)ranks > e->batch)
        sn_log_warning("a batch of %" PRIu32 " leaves %" PRIu32
                       " of %d ranks without a sample: in training they only wait",
                       e->batch, (uint32_t)ranks - e->batch, ranks);
}

sn_status sn_session_create(sn_session *s)
{
    sn_experiment *e = &s->experiment;
    sn_replica_options replica;
    sn_digest_hex(sn_dataset_digest(s->dataset), e->dataset_digest);
    SN_TRY(sn_team_agree(s->team, plan_replica(s, &replica)));
    SN_TRY(sn_session_check_memory(s->team, &replica));
    SN_TRY(sn_team_agree(s->team, create_parts(s, &replica)));
    if (e->init[0]) {
        SN_TRY(sn_team_agree(s->team, read_initial(s)));
        sn_team_broadcast(s->team, e->init_digest, sizeof e->init_digest, 0);
        sn_session_share_model(s);
    }
    if (e->running_stats == SN_RUNNING_ALL)
        SN_TRY(sn_team_agree(s->team, sn_model_keep_workers(s->model, e->workers)));
    if (sn_team_is_root(s->team)) warn_of_batch(e, sn_team_size(s->team));
    return SN_OK;
}

void sn_session_destroy(sn_session *s)
{
    sn_replica_destroy(s->replica);
    sn_model_destroy(s->model);
    sn_sampler_destroy(s->sampler);
    sn_split_destroy(&s->split);
    sn_free(s->index);
    sn_free(s->worker_start);
    sn_free(s->group_start);
    for (int i = 0; i < SN_EXAMINATIONS; i++)
        sn_free(s->examinations[i].logits);
    sn_recorder_close(&s->recorder);
}

/* ---- where the run stands ---- */

bool sn_session_at_length(const sn_session *s)
{
    const sn_experiment *e = &s->experiment;
    return s->progress.epoch >= e->epochs || (e->steps && s->progress.step >= e->steps);
}

bool sn_session_past_length(const sn_session *s)
{
    const sn_experiment *e = &s->experiment;
    const sn_progress *p = &s->progress;
    return p->epoch > e->epochs || (p->epoch == e->epochs && p->batch > 0) ||
           (e->steps && p->step > e->steps);
}

bool sn_session_stop_is_asked(const void *context)
{
    const sn_session *s = context;
    return sn_signals_stop() || sn_recorder_stop_is_asked(&s->recorder, s->started);
}

sn_status sn_session_add_costs(sn_session *s)
{
    const sn_replica_costs *now = sn_replica_costs_of(s->replica);
    sn_costs *costs = &s->progress.costs;
    SN_TRY(sn_costs_add(s->team, &s->costs, now, s->progress.epoch_seconds - costs->seconds, costs));
    s->costs = *now;
    return SN_OK;
}
