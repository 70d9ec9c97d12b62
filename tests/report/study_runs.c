#include "study_runs.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "syncnorm/train/experiment.h"

enum { IMAGES = 10000, USUAL_IMAGES = 1000, SIDE = 28, NORMS = 9 };

/* A number from 0 to 1 that depends on all of its arguments and nothing else. */
static double noise(int64_t seed, int a, int b)
{
    uint64_t x = (uint64_t)seed * 0x9e3779b97f4a7c15u + (uint64_t)a * 0xbf58476d1ce4e5b9u +
                 (uint64_t)b * 0x94d049bb133111ebu;
    x ^= x >> 31;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 29;
    return (double)(x >> 11) * 0x1p-53;
}

static int images_of(const made_run *made)
{
    return made->images ? made->images : USUAL_IMAGES;
}

/* Only the images held out were looked at. */
static bool judged_alone(const made_run *made)
{
    return made->held_out > 0 && !(made->validation_accuracy > 0);
}

static sn_status set_experiment(const made_run *made, sn_run *run)
{
    sn_experiment experiment;
    char epochs[16], l1[32];
    snprintf(epochs, sizeof epochs, "%d", made->epochs);
    snprintf(l1, sizeof l1, "%.15g", made->l1);
    sn_experiment_default(&experiment);
    SN_TRY(sn_experiment_set(&experiment, "norm", made->norm));
    SN_TRY(sn_experiment_set(&experiment, "l1", l1));
    SN_TRY(sn_experiment_set(&experiment, "epochs", epochs));
    experiment.seed = (uint64_t)made->seed;
    experiment.validation = (uint32_t)made->held_out;
    experiment.test = made->validation_accuracy > 0;
    if (made->lr > 0) experiment.lr = made->lr;
    experiment.warmup = made->warmup;
    experiment.lr_scaling = made->scaled ? SN_LR_SCALING_LINEAR : SN_LR_SCALING_NONE;
    snprintf(experiment.dataset_digest, sizeof experiment.dataset_digest, "%032d", 7);
    SN_TRY(sn_experiment_attributes(&experiment, &run->experiment));
    if (made->workers) SN_TRY(sn_attributes_set_integer(&run->experiment, "workers", made->workers));
    if (made->batch) SN_TRY(sn_attributes_set_integer(&run->experiment, "batch", made->batch));
    if (made->scope) SN_TRY(sn_attributes_set_text(&run->experiment, "bn_scope", made->scope));
    if (made->running_stats)
        SN_TRY(sn_attributes_set_text(&run->experiment, "running_stats", made->running_stats));
    if (made->shards) SN_TRY(sn_attributes_set_text(&run->experiment, "shards", made->shards));
    const bool scoped = made->scope && strcmp(made->scope, "sync") != 0;
    if (scoped || made->suffix) {
        char name[SN_RUN_NAME_SIZE];
        snprintf(name, sizeof name, "%s%s%s%s%s%s-s%lld", made->norm, made->l1 > 0 ? "-l1" : "",
                 scoped ? "-scope" : "", scoped ? made->scope : "", made->suffix ? "-" : "",
                 made->suffix ? made->suffix : "", (long long)made->seed);
        SN_TRY(sn_attributes_set_text(&run->experiment, "name", name));
    }
    return sn_attributes_set_text(&run->experiment, "dataset", "MNIST");
}

static sn_status put(sn_run *run, bool first, const char *name, double value)
{
    if (first)
        return sn_table_add_column(
            &run->epochs, name,
            strcmp(name, "epoch") != 0 && !strstr(name, "_correct") ? SN_TYPE_F64 : SN_TYPE_I64, "");
    const sn_column *column = sn_table_find(&run->epochs, name);
    if (column->type == SN_TYPE_I64)
        column->integer[run->epochs.rows - 1] = (int64_t)value;
    else
        column->real[run->epochs.rows - 1] = value;
    return SN_OK;
}

/* A row; with `first`, its columns alone. */
static sn_status put_epoch(const made_run *made, sn_run *run, bool first, int epoch)
{
    const double way = 1.0 / epoch, error = 100 - made->test_accuracy;
    const double jitter = made->finished == epoch ? 0 : 0.1 * (noise(made->seed, epoch, 1) - 0.5);
    const double now = error * (1 + 1.5 * (way - 1.0 / made->epochs)) + jitter;
    const double cross_entropy = 0.05 + 0.4 * way + 0.01 * noise(made->seed, epoch, 2);
    const struct {
        const char *name;
        double value;
    } cells[] = {{"epoch", epoch},
                 {"train_loss", cross_entropy + made->l1 * 600 * (1 - 0.02 * epoch)},
                 {"train_cross_entropy", cross_entropy},
                 {"train_accuracy", 100 - 1.3 * now},
                 {judged_alone(made) ? "validation_loss" : "test_loss", 0.03 * now},
                 {judged_alone(made) ? "validation_accuracy" : "test_accuracy", 100 - now},
                 {judged_alone(made) ? "validation_correct" : "test_correct",
                  round((100 - now) / 100 * images_of(made))},
                 {"seconds", 10},
                 {"images_per_second", 6000.0 * made->ranks * 0.9 / (made->slower > 0 ? made->slower : 1)}};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        SN_TRY(put(run, first, cells[i].name, cells[i].value));
    if (made->validation_accuracy > 0)
        SN_TRY(put(run, first, "validation_accuracy", made->validation_accuracy));
    if (!made->measured) return SN_OK;
    SN_TRY(put(run, first, "learning_rate", 0.01));
    SN_TRY(put(run, first, "gradient_norm", 0.3 + way + 0.1 * noise(made->seed, epoch, 3)));
    const bool batch = strcmp(made->norm, "bn") == 0;
    for (int k = 1; batch && k <= NORMS; k++) {
        char name[32];
        snprintf(name, sizeof name, "norm%d.between_share", k);
        if (made->workers > 1)
            SN_TRY(put(run, first, name, 0.02 * k * (1 + way) * (0.9 + 0.2 * noise(made->seed, epoch, k))));
        snprintf(name, sizeof name, "norm%d.between_share_corrected", k);
        if (made->workers > 1)
            SN_TRY(put(run, first, name, 0.015 * k * (1 + way) * (0.9 + 0.2 * noise(made->seed, epoch, k))));
        snprintf(name, sizeof name, "norm%d.running_mean_gap", k);
        SN_TRY(put(run, first, name, 0.01 * k * (1 + way)));
        snprintf(name, sizeof name, "norm%d.running_var_gap", k);
        SN_TRY(put(run, first, name, 0.03 * k * (1 + way)));
    }
    const struct {
        const char *name;
        double mean;
    } seconds[] = {{"compute", 7}, {"statistics", batch ? 2 : 0}, {"gradient", batch ? 1 : 3}, {"wait", 0.5}};
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        static const char *const parts[] = {"min", "mean", "max"};
        for (int p = 0; p < 3; p++) {
            char name[48];
            snprintf(name, sizeof name, "%s_seconds_%s", seconds[i].name, parts[p]);
            SN_TRY(put(run, first, name, seconds[i].mean * (0.9 + 0.1 * p)));
        }
    }
    SN_TRY(put(run, first, "statistics_calls", batch ? 938 * 18 : 0));
    SN_TRY(put(run, first, "statistics_bytes", batch ? 938 * 8000 : 0));
    SN_TRY(put(run, first, "statistics_bytes_float32", batch ? 938 * 1600 : 0));
    SN_TRY(put(run, first, "gradient_calls", 938));
    SN_TRY(put(run, first, "gradient_bytes", 938 * 81792));
    return put(run, first, "gradient_bytes_float32", 938 * 40896);
}

/* A stroke whose place depends on the image. */
static void draw(uint8_t image[SIDE * SIDE], int64_t index)
{
    for (int y = 4; y < 24; y++)
        for (int x = 0; x < 3; x++)
            image[y * SIDE + 8 + x + (int)(index % 3) + y * (int)(index % 5) / 12] = (uint8_t)(255 - 50 * x);
}

/* The first few images are wrong in every run. */
static sn_status put_evaluation(const made_run *made, sn_run *run)
{
    const size_t n = (size_t)images_of(made),
                 wrong = (size_t)lrint((100 - made->test_accuracy) / 100 * (double)n);
    static uint8_t labels[IMAGES], predictions[IMAGES], images[IMAGES * SIDE * SIDE], miss[2][IMAGES];
    static int64_t confusion[10][10], indices[IMAGES];
    static float probabilities[IMAGES];
    memset(confusion, 0, sizeof confusion);
    memset(images, 0, sizeof images);
    for (size_t i = 0; i < n; i++)
        labels[i] = predictions[i] = (uint8_t)(i % 10);
    for (size_t i = 0; i < wrong; i++) {
        const size_t index = i < 3 ? i : i * (size_t)(made->seed + 2) % n;
        predictions[index] = (uint8_t)((labels[index] + 3) % 10);
    }
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        confusion[labels[i]][predictions[i]]++;
        if (labels[i] == predictions[i]) continue;
        indices[m] = (int64_t)i;
        miss[0][m] = labels[i];
        miss[1][m] = predictions[i];
        probabilities[m] = (float)(0.4 + 0.6 * noise((int64_t)i, 5, 5));
        draw(images + m++ * SIDE * SIDE, (int64_t)i);
    }
    const size_t shape[] = {m, SIDE, SIDE}, square[] = {10, 10};
    sn_tensors *e = &run->evaluation;
    const struct {
        const char *name;
        sn_type type;
        int rank;
        const size_t *shape;
        const void *values;
    } sets[] = {{"labels", SN_TYPE_U8, 1, &n, labels},
                {"predictions", SN_TYPE_U8, 1, &n, predictions},
                {"confusion", SN_TYPE_I64, 2, square, confusion},
                {"misclassified/index", SN_TYPE_I64, 1, shape, indices},
                {"misclassified/image", SN_TYPE_U8, 3, shape, images},
                {"misclassified/label", SN_TYPE_U8, 1, shape, miss[0]},
                {"misclassified/prediction", SN_TYPE_U8, 1, shape, miss[1]},
                {"misclassified/probability", SN_TYPE_F32, 1, shape, probabilities}};
    const char *prefix = judged_alone(made) ? "validation_" : "";
    char attribute[2][32];
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        char name[SN_TENSOR_NAME];
        snprintf(name, sizeof name, "%s%s", prefix, sets[i].name);
        SN_TRY(sn_tensors_set(e, name, sets[i].type, sets[i].rank, sets[i].shape, sets[i].values));
    }
    snprintf(attribute[0], sizeof attribute[0], "%sloss", prefix);
    snprintf(attribute[1], sizeof attribute[1], "%saccuracy", prefix);
    SN_TRY(sn_attributes_set_real(&run->evaluation_attributes, attribute[0], 0.03));
    SN_TRY(sn_attributes_set_real(&run->evaluation_attributes, attribute[1], made->test_accuracy));
    if (!made->measured) return SN_OK;
    SN_TRY(sn_attributes_set_real(&run->evaluation_attributes, "train_loss", 0.02));
    SN_TRY(sn_attributes_set_real(&run->evaluation_attributes, "train_accuracy", made->test_accuracy + 0.4));
    if (strcmp(made->norm, "bn") != 0) return SN_OK;
    const size_t channels = 4;
    for (int k = 1; k <= NORMS;
         k++) { /* running means half a deviation off, running variances twice as large */
        const float running_mean[] = {0, 1, 2, 3}, running_var[] = {8, 8, 8, 8};
        const float mean[] = {1, 2, 1, 2}, var[] = {4, 4, 4, 4};
        char name[SN_TENSOR_NAME];
        snprintf(name, sizeof name, "norm%d.running_mean", k);
        SN_TRY(sn_tensors_set(&run->model, name, SN_TYPE_F32, 1, &channels, running_mean));
        snprintf(name, sizeof name, "norm%d.running_var", k);
        SN_TRY(sn_tensors_set(&run->model, name, SN_TYPE_F32, 1, &channels, running_var));
        snprintf(name, sizeof name, "precise/norm%d.mean", k);
        SN_TRY(sn_tensors_set(e, name, SN_TYPE_F32, 1, &channels, mean));
        snprintf(name, sizeof name, "precise/norm%d.var", k);
        SN_TRY(sn_tensors_set(e, name, SN_TYPE_F32, 1, &channels, var));
    }
    SN_TRY(sn_attributes_set_real(&run->evaluation_attributes, "precise_loss", 0.025));
    SN_TRY(
        sn_attributes_set_real(&run->evaluation_attributes, "precise_accuracy", made->test_accuracy + 0.1));
    SN_TRY(sn_attributes_set_real(&run->evaluation_attributes, "batch_loss", 0.04));
    return sn_attributes_set_real(&run->evaluation_attributes, "batch_accuracy", made->test_accuracy - 0.1);
}

sn_status make_run(const made_run *made, sn_run *run)
{
    const bool complete = made->finished == made->epochs;
    char digest[33];
    SN_TRY(sn_attributes_set_text(&run->root, "format", SN_RUN_FORMAT));
    SN_TRY(sn_attributes_set_integer(&run->root, "format_version", SN_RUN_FORMAT_VERSION));
    SN_TRY(sn_attributes_set_integer(&run->root, "complete", complete));
    SN_TRY(set_experiment(made, run));
    sn_attributes *provenance;
    SN_TRY(sn_run_add_provenance(run, &provenance));
    SN_TRY(sn_attributes_set_text(provenance, "hosts", made->host ? made->host : "node1"));
    SN_TRY(sn_attributes_set_text(provenance, "compiler", "GNU 12.2.0"));
    SN_TRY(sn_attributes_set_integer(provenance, "ranks", made->ranks));
    SN_TRY(put_epoch(made, run, true, 1));
    for (int epoch = 1; epoch <= made->finished; epoch++) {
        SN_TRY(sn_table_add_row(&run->epochs));
        SN_TRY(put_epoch(made, run, false, epoch));
    }
    if (complete) SN_TRY(put_evaluation(made, run));
    SN_TRY(sn_attributes_set_integer(&run->progress, "step", 938 * made->finished));
    const size_t count = 1;
    const float weight = (float)made->seed;
    SN_TRY(sn_tensors_set(&run->model, "conv1.bias", SN_TYPE_F32, 1, &count, &weight));
    sn_tensors_digest(&run->model, digest);
    return sn_attributes_set_text(&run->model_attributes, "digest", digest);
}

sn_status write_made_run(const made_run *made, const char *path)
{
    sn_run run = {0};
    sn_status status = make_run(made, &run);
    if (status == SN_OK) status = sn_run_write(&run, path);
    sn_run_clear(&run);
    return status;
}
