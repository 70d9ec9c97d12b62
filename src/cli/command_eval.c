/* syncnorm eval: what the model in a run file says about a data set, spread over the ranks. */

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "options.h"
#include "syncnorm/base/fault.h"
#include "syncnorm/base/memory.h"
#include "syncnorm/dataset/dataset.h"
#include "syncnorm/dataset/split.h"
#include "syncnorm/io/run_file.h"
#include "syncnorm/nn/replica.h"
#include "syncnorm/train/evaluate.h"
#include "syncnorm/train/state.h"
#include "syncnorm/train/ways.h"

enum { SHOWN = 10 }; /* misclassified images listed */

#define SPLITS "test|train|validation"
enum { TEST, TRAIN, VALIDATION };

/* What the images are called, in the heading and at the beginning of a line. */
static const struct {
    const char *name, *title;
} splits[] = {[TEST] = {"test set", "Test"},
              [TRAIN] = {"training set", "Train"},
              [VALIDATION] = {"images held out for validation", "Validation"}};

typedef struct evaluation {
    const char *path, *data;
    int split;      /* --split: which of SPLITS */
    double timeout; /* seconds */

    sn_experiment experiment;
    bool complete;
    char trained_on[64]; /* data set's name */
    sn_ways ways;        /* of the run's own evaluation */
    sn_network network;
    sn_model *model;
    sn_replica *replica;
    float *logits;
} evaluation;

/* On the root: the experiment and the model of the file. */
static sn_status read_run(evaluation *e)
{
    sn_run run = {0};
    sn_status status = sn_run_read(e->path, &run);
    if (status == SN_OK) status = sn_experiment_from_attributes(&run.experiment, &e->experiment);
    if (status == SN_OK) status = sn_network_build(sn_experiment_network(&e->experiment), &e->network);
    if (status == SN_OK) status = sn_model_create(&e->network, &e->model);
    if (status == SN_OK) status = sn_state_load(e->model, &run.model, NULL, e->path);
    e->complete = sn_attributes_number(&run.root, "complete") > 0;
    const sn_attribute *dataset = sn_attributes_find(&run.experiment, "dataset");
    if (dataset && dataset->type == SN_VALUE_TEXT)
        snprintf(e->trained_on, sizeof e->trained_on, "%s", dataset->text);
    sn_ways_read(&run.evaluation_attributes, &e->ways);
    sn_run_clear(&run);
    return status;
}

/* The root's model to all. Collective. */
static sn_status share_model(sn_team *world, evaluation *e)
{
    sn_team_broadcast(world, &e->experiment, sizeof e->experiment, 0);
    sn_status status = SN_OK;
    if (!sn_team_is_root(world)) {
        status = sn_network_build(sn_experiment_network(&e->experiment), &e->network);
        if (status == SN_OK) status = sn_model_create(&e->network, &e->model);
    }
    SN_TRY(sn_team_agree(world, status));
    sn_state_entry entries[SN_STATE_MAX];
    const int count = sn_model_state(e->model, entries);
    for (int i = 0; i < count; i++)
        if (entries[i].real)
            sn_team_broadcast(world, entries[i].real, entries[i].count * sizeof(float), 0);
        else
            sn_team_broadcast(world, entries[i].integer, sizeof(int64_t), 0);
    return SN_OK;
}

static sn_status create_replica(sn_team *world, evaluation *e, uint32_t count)
{
    const sn_kernels *kernels;
    SN_TRY(sn_kernels_choose(&kernels));
    const sn_replica_options options = {
        .team = world,
        .network = &e->network,
        .kernels = kernels,
        .convolution = e->experiment.conv == SN_CONV_GEMM ? sn_convolution_gemm() : kernels->direct,
        .batch = SN_LANES, /* evaluation goes block by block */
        .seed = e->experiment.seed,
    };
    SN_TRY(sn_replica_create(&options, &e->replica));
    return SN_ALLOCATE(e->logits, (size_t)count * SN_CLASSES, "the logits");
}

static void print_confusion(int64_t (*confusion)[SN_CLASSES])
{
    printf("\nConfusion matrix (rows: labels, columns: predictions)\n     ");
    for (int k = 0; k < SN_CLASSES; k++)
        printf("%7d", k);
    for (int label = 0; label < SN_CLASSES; label++) {
        printf("\n%5d", label);
        for (int k = 0; k < SN_CLASSES; k++)
            printf("%7" PRId64, confusion[label][k]);
    }
    printf("\n");
}

static void print_report(const evaluation *e, const sn_dataset *dataset, sn_samples samples,
                         const sn_evaluation *sums)
{
    char name[SN_RUN_NAME_SIZE], hex[SN_DIGEST_HEX];
    sn_experiment_name(&e->experiment, name);
    sn_digest_hex(sn_model_digest(e->model), hex);
    printf("Run: %s (%s%s)\nDigest: %s\nData set: %s, %s\n", name, e->path, e->complete ? "" : ", incomplete",
           hex, sn_dataset_name(dataset), splits[e->split].name);
    const bool same_data = strcmp(e->trained_on, sn_dataset_name(dataset)) == 0;
    if (!same_data) printf("Trained on: %s\n", e->trained_on);
    printf("\n%s set: Average loss: %.4f, Accuracy: %" PRId64 "/%" PRIu32 " (%.2f%%)\n",
           splits[e->split].title, sums->loss, sums->correct, sums->count, sums->accuracy);

    if (same_data && !isnan(e->ways.loss[SN_WAY_PRECISE])) {
        printf("\nRecorded at the end of training:");
        sn_ways_print(&e->ways, stdout);
    }

    int64_t confusion[SN_CLASSES][SN_CLASSES] = {0};
    double probability;
    for (uint32_t i = 0; i < samples.count; i++)
        confusion[sn_sample_label(samples, i)]
                 [sn_prediction(e->logits + (size_t)i * SN_CLASSES, &probability)]++;
    print_confusion(confusion);

    const int64_t misses = sums->count - sums->correct;
    printf("\nMisclassified images: %" PRId64 "%s\n", misses, misses > SHOWN ? ", the first ten:" : "");
    if (misses > 0) printf("  index  label  prediction  probability\n");
    for (uint32_t i = 0, shown = 0; i < samples.count && shown < SHOWN; i++) {
        const uint8_t prediction = sn_prediction(e->logits + (size_t)i * SN_CLASSES, &probability);
        const uint8_t label = sn_sample_label(samples, i);
        if (prediction == label) continue;
        printf("%7" PRIu32 "  %5d  %10d  %11.4f\n", sn_sample_index(samples, i), label, prediction,
               probability);
        shown++;
    }
}

/* The training set as the run divided it. */
static sn_status divide(const evaluation *e, sn_samples train, sn_split *split)
{
    const sn_experiment *x = &e->experiment;
    if (e->split == VALIDATION && x->validation == 0)
        return sn_fail(SN_ERROR_USAGE,
                       "--split validation: %s was trained on all images, without --validation", e->path);
    return sn_split_create(train, x->validation, x->split_seed, split);
}

static sn_status evaluate(sn_team *world, void *context)
{
    evaluation *e = context;
    const bool root = sn_team_is_root(world);
    sn_dataset *dataset = NULL;
    sn_status status = sn_team_agree(world, root ? read_run(e) : SN_OK);
    if (status == SN_OK) status = share_model(world, e);
    if (status == SN_OK) status = sn_dataset_open(world, e->data, &dataset);
    sn_split split = {0};
    if (status == SN_OK) status = sn_team_agree(world, divide(e, sn_dataset_train(dataset), &split));
    if (status == SN_OK) {
        const sn_samples samples = e->split == TEST    ? sn_dataset_test(dataset)
                                   : e->split == TRAIN ? split.kept
                                                       : split.held_out;
        status = sn_team_agree(world, create_replica(world, e, samples.count));
        if (status == SN_OK) {
            sn_evaluation sums;
            sn_fault("evaluate");
            (void)sn_evaluate(world, e->replica, e->model, samples, NULL, e->logits, &sums);
            if (root) print_report(e, dataset, samples, &sums);
        }
    }
    sn_split_destroy(&split);
    sn_dataset_close(dataset);
    sn_free(e->logits);
    sn_replica_destroy(e->replica);
    sn_model_destroy(e->model);
    return status;
}

static sn_status read_options(const sn_cli_arguments *arguments, evaluation *e)
{
    e->path = sn_cli_operand(arguments, 0);
    if (!e->path) return sn_fail(SN_ERROR_USAGE, "no run file given");
    if (sn_cli_operand(arguments, 1))
        return sn_fail(SN_ERROR_USAGE, "one run file at a time: '%s' is one too many",
                       sn_cli_shown(sn_cli_operand(arguments, 1)));
    e->data = sn_cli_value(arguments, "data");
    const char *split = sn_cli_value(arguments, "split");
    e->split = split ? sn_cli_choice(SPLITS, split) : TEST;
    if (e->split < 0)
        return sn_fail(SN_ERROR_USAGE, "--split '%s': must be test, train or validation",
                       sn_cli_shown(split));
    return sn_cli_read_timeout(arguments, &e->timeout);
}

int sn_command_eval(int argc, char **argv)
{
    static const sn_cli_option options[] = {
        SN_CLI_DATA_OPTION, {"split", SPLITS, "which images (default test)", 0}, SN_CLI_TIMEOUT_OPTION, {0}};
    static const sn_cli_group groups[] = {{"Options:", options}};
    static const sn_cli_command command = {
        .name = "eval",
        .operands = "RUN.h5",
        .about = "Evaluates the model of a run file: accuracy, loss, confusion matrix and misclassified "
                 "images. Works under mpirun: the images are spread over the ranks.",
        .groups = groups,
        .group_count = 1,
    };
    static evaluation e;
    sn_cli_arguments arguments;
    sn_status status = sn_cli_parse(&command, argc, argv, &arguments);
    int code = 0;
    if (status == SN_OK && arguments.done) {
        code = sn_cli_finish_output();
    } else {
        if (status == SN_OK) status = read_options(&arguments, &e);
        code = sn_cli_with_mpi(command.name, status, SN_LOG_NORMAL, e.timeout, evaluate, &e);
    }
    sn_cli_arguments_clear(&arguments);
    return code;
}
