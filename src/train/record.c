#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "syncnorm/base/build.h"
#include "syncnorm/comm/team.h"
#include "syncnorm/kernels/kernels.h"
#include "syncnorm/nn/head.h"
#include "syncnorm/train/state.h"

static void now_text(char *text, size_t size)
{
    const time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

static sn_status add_provenance(sn_run *run, const sn_provenance *p)
{
    const sn_build *build = sn_build_info();
    char started[32];
    now_text(started, sizeof started);
    const struct {
        const char *name, *value;
    } texts[] = {
        {"started", started},
        {"command_line", p->command_line ? p->command_line : ""},
        {"hosts", p->hosts},
        {"instruction_set", p->isa},
        {"syncnorm_version", build->version},
        {"git_revision", build->git_revision},
        {"modified_files", build->modified},
        {"sources_digest", build->sources},
        {"compiler", build->compiler},
        {"compiler_flags", build->flags},
        {"mpi_version", sn_comm_library()},
        {"hdf5_version", sn_hdf5_version()},
        {"openblas_version", sn_blas_version()},
    };
    sn_attributes *entry;
    SN_TRY(sn_run_add_provenance(run, &entry));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        SN_TRY(sn_attributes_set_text(entry, texts[i].name, texts[i].value));
    if (p->chosen_from) SN_TRY(sn_attributes_set_text(entry, "chosen_from", p->chosen_from));
    SN_TRY(sn_attributes_set_integer(entry, "instrument_every", SN_OBSERVE_EVERY)); /* steps */
    return sn_attributes_set_integer(entry, "ranks", p->ranks);
}

sn_status sn_record_start(sn_run *run, const sn_experiment *experiment, const char *dataset,
                          const sn_provenance *provenance)
{
    char created[32];
    now_text(created, sizeof created);
    SN_TRY(sn_attributes_set_text(&run->root, "format", SN_RUN_FORMAT));
    SN_TRY(sn_attributes_set_integer(&run->root, "format_version", SN_RUN_FORMAT_VERSION));
    SN_TRY(sn_attributes_set_text(&run->root, "syncnorm_version", sn_build_info()->version));
    SN_TRY(sn_attributes_set_text(&run->root, "created", created));
    SN_TRY(sn_attributes_set_integer(&run->root, "complete", 0));
    SN_TRY(sn_experiment_attributes(experiment, &run->experiment));
    SN_TRY(sn_attributes_set_text(&run->experiment, "dataset", dataset));
    SN_TRY(add_provenance(run, provenance));
    SN_TRY(sn_epoch_table_complete(experiment, &run->epochs, "a new run"));
    SN_TRY(sn_table_add_column(&run->steps, "loss", SN_TYPE_F64, "nats"));
    return sn_table_add_column(&run->steps, "accuracy", SN_TYPE_F64, "%");
}

sn_status sn_record_resume(sn_run *run, const sn_experiment *experiment, const sn_provenance *provenance,
                           const sn_progress *progress)
{
    sn_table_truncate(&run->steps, progress->step);
    sn_table_truncate(&run->epochs, progress->epoch);
    sn_tensors_clear(&run->evaluation); /* of a run that was shorter */
    sn_attributes_clear(&run->evaluation_attributes);
    SN_TRY(sn_experiment_attributes(experiment, &run->experiment));
    return add_provenance(run, provenance);
}

static sn_status check_column(const sn_table *table, const char *path, const char *group, const char *name,
                              sn_type type)
{
    const sn_column *column = sn_table_find(table, name);
    if (column && column->type == type) return SN_OK;
    return sn_fail(SN_ERROR_FILE, "%s: no column %s in /metrics/%s: written by another version?", path, name,
                   group);
}

sn_status sn_record_check(sn_run *run, const sn_experiment *experiment, const char *path)
{
    SN_TRY(sn_epoch_table_complete(experiment, &run->epochs, path));
    SN_TRY(check_column(&run->steps, path, "step", "loss", SN_TYPE_F64));
    return check_column(&run->steps, path, "step", "accuracy", SN_TYPE_F64);
}

sn_status sn_record_step(sn_run *run, double loss, double accuracy)
{
    SN_TRY(sn_table_add_row(&run->steps));
    sn_table_put(&run->steps, "loss", loss);
    sn_table_put(&run->steps, "accuracy", accuracy);
    return SN_OK;
}

/* The misclassified samples, as tensors that share their first dimension. */
typedef struct miss_list {
    size_t count;
    int64_t *index;
    uint8_t *image, *label, *prediction;
    float *probability;
} miss_list;

static sn_status allocate_misses(miss_list *m, size_t count)
{
    m->index = malloc((count + 1) * sizeof *m->index);
    m->image = malloc(count * SN_IMAGE_PIXELS + 1);
    m->label = malloc(count + 1);
    m->prediction = malloc(count + 1);
    m->probability = malloc((count + 1) * sizeof *m->probability);
    if (m->index && m->image && m->label && m->prediction && m->probability) return SN_OK;
    return sn_fail(SN_ERROR_MEMORY, "out of memory: the misclassified images");
}

static void free_misses(miss_list *m)
{
    free(m->index);
    free(m->image);
    free(m->label);
    free(m->prediction);
    free(m->probability);
}

static void add_miss(miss_list *m, sn_samples samples, uint32_t sample, uint8_t prediction,
                     double probability)
{
    const size_t i = m->count++;
    m->index[i] = sn_sample_index(samples, sample);
    memcpy(m->image + i * SN_IMAGE_PIXELS, sn_sample_pixels(samples, sample), SN_IMAGE_PIXELS);
    m->label[i] = sn_sample_label(samples, sample);
    m->prediction[i] = prediction;
    m->probability[i] = (float)probability;
}

/* A dataset of /evaluation. */
static sn_status set(sn_run *run, const char *prefix, const char *what, sn_type type, int rank,
                     const size_t *shape, const void *values)
{
    char name[SN_TENSOR_NAME];
    snprintf(name, sizeof name, "%s%s", prefix, what);
    return sn_tensors_set(&run->evaluation, name, type, rank, shape, values);
}

static sn_status set_misses(sn_run *run, const char *prefix, const miss_list *m)
{
    const size_t list[] = {m->count}, images[] = {m->count, SN_IMAGE_SIZE, SN_IMAGE_SIZE};
    SN_TRY(set(run, prefix, "misclassified/index", SN_TYPE_I64, 1, list, m->index));
    SN_TRY(set(run, prefix, "misclassified/image", SN_TYPE_U8, 3, images, m->image));
    SN_TRY(set(run, prefix, "misclassified/label", SN_TYPE_U8, 1, list, m->label));
    SN_TRY(set(run, prefix, "misclassified/prediction", SN_TYPE_U8, 1, list, m->prediction));
    return set(run, prefix, "misclassified/probability", SN_TYPE_F32, 1, list, m->probability);
}

/* Where the samples stand in their set; nothing for all of one. */
static sn_status set_index(sn_run *run, const char *prefix, sn_samples samples)
{
    const size_t count = samples.count;
    if (!samples.index) return SN_OK;
    int64_t *index = malloc(count * sizeof *index);
    if (!index) return sn_fail(SN_ERROR_MEMORY, "out of memory: the predictions");
    for (uint32_t i = 0; i < samples.count; i++)
        index[i] = samples.index[i];
    const sn_status status = set(run, prefix, "index", SN_TYPE_I64, 1, &count, index);
    free(index);
    return status;
}

static sn_status set_probabilities(sn_run *run, const char *prefix, size_t count, const float *logits)
{
    const size_t shape[] = {count, SN_CLASSES};
    float(*probabilities)[SN_CLASSES] = malloc(count * sizeof *probabilities);
    if (!probabilities) return sn_fail(SN_ERROR_MEMORY, "out of memory: the probabilities");
    for (size_t i = 0; i < count; i++)
        sn_probabilities(logits + i * SN_CLASSES, probabilities[i]);
    const sn_status status = set(run, prefix, "probabilities", SN_TYPE_F32, 2, shape, probabilities);
    free(probabilities);
    return status;
}

/* Attributes of /evaluation, with the prefix's word before them. */
static sn_status set_score(sn_run *run, const char *prefix, const sn_evaluation *evaluation)
{
    if (*prefix) return sn_record_way(run, "validation", evaluation);
    SN_TRY(sn_attributes_set_real(&run->evaluation_attributes, "loss", evaluation->loss));
    return sn_attributes_set_real(&run->evaluation_attributes, "accuracy", evaluation->accuracy);
}

static void tell_misses(const miss_list *m, sn_result *result)
{
    result->miss_count = m->count < SN_MISSES ? (int)m->count : SN_MISSES;
    for (int i = 0; i < result->miss_count; i++)
        result->misses[i] = (sn_miss){(uint32_t)m->index[i], m->label[i], m->prediction[i]};
}

sn_status sn_record_evaluation(sn_run *run, sn_samples samples, const char *prefix, const float *logits,
                               const sn_evaluation *evaluation, sn_result *result)
{
    const size_t count = samples.count, square[] = {SN_CLASSES, SN_CLASSES};
    int64_t confusion[SN_CLASSES][SN_CLASSES] = {{0}}; /* [label][prediction] */
    miss_list misses = {0};
    size_t wrong = 0;
    uint8_t *predictions = malloc(count), *labels = malloc(count);
    sn_status status = predictions && labels ? SN_OK
                                             : sn_fail(SN_ERROR_MEMORY, "out of memory: the predictions");
    for (uint32_t i = 0; status == SN_OK && i < samples.count; i++) {
        labels[i] = sn_sample_label(samples, i);
        predictions[i] = sn_head_class(logits + (size_t)i * SN_CLASSES, 1);
        confusion[labels[i]][predictions[i]]++;
        wrong += predictions[i] != labels[i];
    }
    if (status == SN_OK) status = allocate_misses(&misses, wrong);
    for (uint32_t i = 0; status == SN_OK && i < samples.count; i++) {
        double probability;
        if (predictions[i] == labels[i]) continue;
        (void)sn_prediction(logits + (size_t)i * SN_CLASSES, &probability);
        add_miss(&misses, samples, i, predictions[i], probability);
    }
    if (status == SN_OK) status = set(run, prefix, "predictions", SN_TYPE_U8, 1, &count, predictions);
    if (status == SN_OK) status = set(run, prefix, "labels", SN_TYPE_U8, 1, &count, labels);
    if (status == SN_OK) status = set_probabilities(run, prefix, count, logits);
    if (status == SN_OK) status = set_index(run, prefix, samples);
    if (status == SN_OK) status = set(run, prefix, "confusion", SN_TYPE_I64, 2, square, confusion);
    if (status == SN_OK) status = set_misses(run, prefix, &misses);
    if (status == SN_OK) status = set_score(run, prefix, evaluation);
    if (status == SN_OK) tell_misses(&misses, result);
    free_misses(&misses);
    free(predictions);
    free(labels);
    return status;
}

sn_status sn_record_shards(sn_run *run, uint32_t workers, const int64_t (*counts)[SN_CLASSES])
{
    const size_t shape[] = {workers, SN_CLASSES};
    return sn_tensors_set(&run->evaluation, "shard_labels", SN_TYPE_I64, 2, shape, counts);
}

sn_status sn_record_precise(sn_run *run, const sn_model *precise, const sn_evaluation *evaluation)
{
    for (int i = 0; i < SN_NORMS; i++) {
        const sn_stage *stage = &precise->network->stages[i];
        const size_t shape[] = {(size_t)stage->out_channels};
        char name[SN_TENSOR_NAME];
        snprintf(name, sizeof name, "precise/norm%d.mean", i + 1);
        SN_TRY(sn_tensors_set(&run->evaluation, name, SN_TYPE_F32, 1, shape,
                              precise->running_mean + stage->channel_offset));
        snprintf(name, sizeof name, "precise/norm%d.var", i + 1);
        SN_TRY(sn_tensors_set(&run->evaluation, name, SN_TYPE_F32, 1, shape,
                              precise->running_var + stage->channel_offset));
    }
    return sn_record_way(run, "precise", evaluation);
}

sn_status sn_record_way(sn_run *run, const char *way, const sn_evaluation *evaluation)
{
    char name[SN_ATTRIBUTE_NAME];
    snprintf(name, sizeof name, "%s_loss", way);
    SN_TRY(sn_attributes_set_real(&run->evaluation_attributes, name, evaluation->loss));
    snprintf(name, sizeof name, "%s_accuracy", way);
    return sn_attributes_set_real(&run->evaluation_attributes, name, evaluation->accuracy);
}

sn_status sn_record_workers(sn_run *run, const sn_evaluation *evaluations, uint32_t workers)
{
    const size_t shape[] = {workers};
    double loss = 0, accuracy = 0, worst = 100;
    SN_TRY(sn_tensors_set(&run->evaluation, "workers/loss", SN_TYPE_F64, 1, shape, NULL));
    SN_TRY(sn_tensors_set(&run->evaluation, "workers/accuracy", SN_TYPE_F64, 1, shape, NULL));
    double *losses = sn_tensors_find(&run->evaluation, "workers/loss")->data,
           *accuracies = sn_tensors_find(&run->evaluation, "workers/accuracy")->data;
    for (uint32_t w = 0; w < workers; w++) {
        losses[w] = evaluations[w].loss;
        accuracies[w] = evaluations[w].accuracy;
        loss += losses[w] / workers;
        accuracy += accuracies[w] / workers;
        worst = accuracies[w] < worst ? accuracies[w] : worst;
    }
    SN_TRY(sn_record_way(run, "workers", &(sn_evaluation){.loss = loss, .accuracy = accuracy}));
    return sn_attributes_set_real(&run->evaluation_attributes, "worst_worker_accuracy", worst);
}

sn_status sn_record_save(sn_run *run, const sn_model *model, const sn_progress *progress, bool complete,
                         const char *path)
{
    char digest[SN_DIGEST_HEX];
    sn_digest_hex(sn_model_digest(model), digest);
    SN_TRY(sn_state_save(model, &run->model, &run->optimizer));
    SN_TRY(sn_attributes_set_text(&run->model_attributes, "digest", digest));
    SN_TRY(sn_attributes_set_integer(&run->root, "complete", complete));
    SN_TRY(sn_progress_save(progress, run));
    return sn_run_write(run, path);
}
