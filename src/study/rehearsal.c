/* A study without carrying it out: its runs, who would train them, and how long it would take. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "syncnorm/base/digest.h"
#include "syncnorm/base/memory.h"
#include "syncnorm/dataset/dataset.h"
#include "syncnorm/io/run_file.h"
#include "syncnorm/nn/optimizer.h"
#include "syncnorm/nn/replica.h"
#include "syncnorm/nn/shapes.h"
#include "syncnorm/study/estimate.h"
#include "syncnorm/study/study.h"

enum { BLOCKS = 4, IMAGES = BLOCKS * SN_LANES, STEPS = 8, ROUNDS = 4 };

static const sn_dataset_facts mnist = {.name = "MNIST", .train = 60000, .test = 10000};

typedef struct rates {
    const sn_machine *machine;                            /* NULL: this one */
    double stated;                                        /* images/s; 0: measure */
    sn_block_cost measured[SN_NORM_KINDS][SN_CONV_KINDS]; /* block 0: not yet */
} rates;

/* *seconds becomes at most what the fastest of a few steps on `count` made-up images takes: speed does not depend on what is in them. Needs neither data nor MPI. */
static sn_status time_step(const sn_kernels *kernels, sn_replica *replica, sn_model *model, uint32_t count,
                           double *seconds)
{
    static uint8_t pixels[IMAGES * SN_IMAGE_PIXELS], labels[IMAGES];
    static const sn_sgd sgd = {.learning_rate = 1e-3, .momentum = 0.9}; /* small: the weights stay sane */
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 2654435761u >> 24);
    for (uint32_t i = 0; i < IMAGES; i++)
        labels[i] = (uint8_t)(i % SN_CLASSES);
    for (uint32_t step = 0; step < STEPS; step++) {
        const sn_batch batch = {
            .samples = {pixels, labels, IMAGES, NULL}, .count = count, .total = count, .step = step};
        sn_step_sums sums;
        const double begun = sn_clock();
        SN_TRY(sn_replica_step(replica, model, &batch, NULL, &sums));
        sn_sgd_step(&sgd, kernels, model, sums.gradient, count);
        *seconds = fmin(*seconds, sn_clock() - begun);
    }
    return SN_OK;
}

/* From steps of one block and of several, in turn: a busy moment falls on both. */
static sn_status time_steps(const sn_kernels *kernels, sn_replica *replica, sn_model *model,
                            sn_block_cost *cost)
{
    double one = HUGE_VAL, several = HUGE_VAL;
    for (int round = 0; round < ROUNDS; round++) {
        SN_TRY(time_step(kernels, replica, model, SN_LANES, &one));
        SN_TRY(time_step(kernels, replica, model, IMAGES, &several));
    }
    const double block = fmin((several - one) / (BLOCKS - 1), several / BLOCKS);
    *cost = (sn_block_cost){.block = block, .update = several - BLOCKS * block};
    return SN_OK;
}

static sn_status measure(const sn_experiment *e, sn_block_cost *cost)
{
    sn_team *alone = NULL;
    sn_network network;
    sn_model *model = NULL;
    sn_replica *replica = NULL;
    const sn_kernels *kernels;
    SN_TRY(sn_kernels_choose(&kernels));
    sn_status status = sn_network_build(sn_experiment_network(e), &network);
    if (status == SN_OK) status = sn_team_alone(&alone);
    if (status == SN_OK) status = sn_model_create(&network, &model);
    if (status == SN_OK) {
        sn_model_initialize(model, 1);
        const sn_replica_options options = {.team = alone,
                                            .network = &network,
                                            .kernels = kernels,
                                            .convolution = e->conv == SN_CONV_GEMM ? sn_convolution_gemm()
                                                                                   : kernels->direct,
                                            .batch = IMAGES,
                                            .seed = 1,
                                            .dropout = e->dropout};
        status = sn_replica_create(&options, &replica);
    }
    if (status == SN_OK) status = time_steps(kernels, replica, model, cost);
    sn_replica_destroy(replica);
    sn_model_destroy(model);
    sn_team_destroy(alone);
    return status;
}

/* How far a run has come. */
typedef struct standing {
    const char *obstacle; /* why it would fail, on the data or the file that is there; or NULL */
    bool unfit;           /* it is the data: then it would not begin */
    bool complete;
    double samples; /* trained on */
    double epochs;  /* whole ones */
} standing;

/* By the data set and by its file, which a run of this experiment would go on from. */
static standing standing_of(const char *directory, const char *name, const sn_experiment *e,
                            const sn_dataset_facts *data)
{
    static char unfit[SN_MESSAGE_SIZE];
    if (sn_experiment_check_data(e, data->train) != SN_OK) {
        snprintf(unfit, sizeof unfit, "%s", sn_error_message());
        sn_error_clear();
        return (standing){.obstacle = unfit, .unfit = true};
    }
    char path[SN_PATH_SIZE], differences[SN_MESSAGE_SIZE];
    sn_run run;
    standing s = {0};
    const int length = snprintf(path, sizeof path, "%s/%s.h5", directory, name);
    if ((size_t)length >= sizeof path || access(path, F_OK) != 0) return s;
    if (sn_run_read(path, &run) != SN_OK) {
        sn_error_clear();
        s.obstacle = "its file cannot be read";
        return s;
    }
    static sn_experiment mine;
    mine = *e;
    const sn_attribute *digest = sn_attributes_find(&run.experiment, "dataset_digest");
    const char *recorded = digest && digest->type == SN_VALUE_TEXT ? digest->text : NULL;
    if (!*mine.dataset_digest) /* of a data set that is not there */
        snprintf(mine.dataset_digest, sizeof mine.dataset_digest, "%s", recorded ? recorded : "");
    if (sn_experiment_differences(&run.experiment, &mine, differences, sizeof differences) != SN_OK ||
        *differences)
        s.obstacle = "its file is another experiment's";
    s.samples = fmax(0, sn_attributes_number(&run.progress, "samples")); /* a NaN is 0 */
    s.epochs = fmax(0, sn_attributes_number(&run.progress, "epoch"));
    s.complete = !s.obstacle && sn_attributes_number(&run.root, "complete") > 0 &&
                 (s.epochs >= e->epochs ||
                  (e->steps && sn_attributes_number(&run.progress, "step") >= (double)e->steps));
    sn_run_clear(&run);
    return s;
}

/* Images/s of one rank that has many of a batch. */
static double rate_of(const sn_block_cost *cost)
{
    return IMAGES / (BLOCKS * cost->block + cost->update);
}

/* Whether the machine's file says what the plan's runs need. */
static sn_status check_machine(const sn_plan *plan, const int *sizes, int teams, const sn_machine *machine)
{
    const sn_block_cost cost = {.machine = machine};
    for (size_t i = 0; machine && i < plan->count; i++) {
        sn_experiment e;
        sn_plan_experiment(plan, i, &e);
        if (isnan(sn_machine_step(machine, e.norm, 1)))
            return sn_fail(SN_ERROR_FAILED, "%s: its machine file knows no steps of %s", machine->name,
                           sn_norm_types[e.norm].name);
        for (int team = 0; team < teams; team++)
            if (isnan(sn_step_seconds(&cost, &e, e.batch, sizes[team])))
                return sn_fail(SN_ERROR_FAILED,
                               "%s: its machine file knows no sums across %d ranks: bench under mpirun, on "
                               "as many nodes, measures them",
                               machine->name, sizes[team]);
    }
    return SN_OK;
}

/* Of what is left of a run on so many ranks. */
static sn_status estimate(const sn_experiment *e, const sn_dataset_facts *data, const standing *done,
                          int ranks, rates *r, double *seconds)
{
    sn_block_cost cost = {0};
    *seconds = 0;
    if (done->complete || done->unfit) return SN_OK;
    if (r->machine) {
        cost.machine = r->machine;
    } else if (r->stated > 0) {
        cost.block = SN_LANES / r->stated;
    } else {
        sn_block_cost *measured = &r->measured[e->norm][e->conv];
        if (measured->block <= 0) SN_TRY(measure(e, measured));
        cost = *measured;
    }
    double images = (double)e->epochs * sn_experiment_images(e, data->train);
    if (e->steps && (double)e->steps * e->batch < images) images = (double)e->steps * e->batch;
    if (!done->obstacle) images = fmax(0, images - done->samples);
    *seconds = sn_run_seconds(&cost, e, data, (uint64_t)images, ranks);
    return SN_OK;
}

static void print_time(double seconds, int hours_width, FILE *out)
{
    const unsigned long total = (unsigned long)(seconds + 0.5);
    fprintf(out, "%*lu:%02lu:%02lu", hours_width, total / 3600, total / 60 % 60, total % 60);
}

/* The experiment as the run will have it. */
static const sn_experiment *resolve(const sn_plan *plan, size_t run, const sn_dataset_facts *data)
{
    static sn_experiment resolved;
    sn_plan_experiment(plan, run, &resolved);
    if (data != &mnist) sn_digest_hex(data->digest, resolved.dataset_digest);
    return &resolved;
}

static void print_run(const char *name, int width, int team, int ranks, double seconds, const standing *done,
                      FILE *out)
{
    if (done->complete) {
        fprintf(out, "%-*s     –      –           complete\n", width, name);
        return;
    }
    fprintf(out, "%-*s  %4d  %5d ", width, name, team, ranks);
    print_time(seconds, 5, out);
    if (done->obstacle)
        fprintf(out, "  %s", done->obstacle);
    else if (done->samples > 0)
        fprintf(out, "  goes on after epoch %.0f", done->epochs);
    fputc('\n', out);
}

/* As it would go: the team that is free first takes the next run. */
static sn_status print_runs(const sn_rehearsal *rehearsal, const sn_dataset_facts *data, const int *sizes,
                            int teams, double *busy, rates *r, size_t *unfit, FILE *out)
{
    const sn_plan *plan = rehearsal->plan;
    int width = 8;
    char name[SN_RUN_NAME_SIZE];
    for (size_t i = 0; i < plan->count; i++) {
        sn_experiment_name(resolve(plan, i, data), name);
        if ((int)strlen(name) > width) width = (int)strlen(name);
    }
    fprintf(out, "\n%-*s  team  ranks   about\n", width, "run");
    for (size_t i = 0; i < plan->count; i++) {
        int team = 0;
        double seconds;
        for (int t = 1; t < teams; t++)
            if (busy[t] < busy[team]) team = t;
        const sn_experiment *experiment = resolve(plan, i, data);
        sn_experiment_name(experiment, name);
        const standing done = standing_of(rehearsal->directory, name, experiment, data);
        *unfit += done.unfit;
        SN_TRY(estimate(experiment, data, &done, sizes[team], r, &seconds));
        busy[team] += seconds;
        print_run(name, width, team + 1, sizes[team], seconds, &done, out);
    }
    return SN_OK;
}

static void print_total(const double *busy, int teams, const sn_dataset_facts *data, const rates *r,
                        int ranks, size_t unfit, FILE *out)
{
    double last = 0;
    for (int t = 0; t < teams; t++)
        if (busy[t] > last) last = busy[t];
    if (last <= 0) {
        fputs(unfit ? "\nNothing of it can begin\n" : "\nNothing is left to do\n", out);
        return;
    }
    fputs("\nIn all about ", out);
    print_time(last, 1, out);
    fprintf(out, ", for %s%s, ", data->name, data == &mnist ? " (no data set was found)" : "");
    if (r->machine) {
        fprintf(out, "on %s (%s)\n", r->machine->name,
                r->machine->measured ? "measured" : "stated, not measured");
        return;
    }
    fprintf(out, "at %s images/s of one rank:", r->stated > 0 ? "the stated" : "measured");
    if (r->stated > 0) fprintf(out, " %.0f", r->stated);
    const char *separator = " ";
    for (int norm = 0; norm < SN_NORM_KINDS; norm++)
        for (int conv = 0; conv < SN_CONV_KINDS; conv++)
            if (r->measured[norm][conv].block > 0) {
                fprintf(out, "%s%s%s %.0f", separator, sn_norm_types[norm].name,
                        conv == SN_CONV_GEMM ? " gemm" : "", rate_of(&r->measured[norm][conv]));
                separator = ", ";
            }
    fputc('\n', out);
    if (ranks > 1)
        fprintf(out,
                "Alone on a rank an image of a batch is taken to cost %.1f times as much as among many; sums "
                "across "
                "ranks are not measured, but taken for those of one node\n",
                SN_LANES * sn_share_blocks(1));
}

sn_status sn_study_rehearse(const sn_rehearsal *rehearsal, FILE *out)
{
    char note[256];
    const sn_plan *plan = rehearsal->plan;
    const int ranks = rehearsal->ranks;
    const int teams = sn_study_teams(ranks, plan->count, rehearsal->ranks_per_run, note, sizeof note);
    int *node, *team_of = NULL, *sizes = NULL;
    double *busy = NULL;
    size_t unfit = 0; /* runs that the data do not allow */
    rates r = {.stated = rehearsal->rate, .machine = rehearsal->machine};
    sn_dataset_facts found;
    const sn_dataset_facts *data = &found;
    if (sn_dataset_glance(rehearsal->data, &found) != SN_OK) {
        if (rehearsal->data) return SN_ERROR_DATA;
        sn_error_clear();
        data = &mnist;
    }
    sn_status status = SN_ALLOCATE(node, (size_t)ranks, "the teams"); /* zeroed: all on one */
    if (status == SN_OK) status = SN_ALLOCATE(team_of, (size_t)ranks, "the teams");
    if (status == SN_OK) status = SN_ALLOCATE(sizes, (size_t)teams, "the teams");
    if (status == SN_OK) status = SN_ALLOCATE(busy, (size_t)teams, "the teams");
    if (status == SN_OK) {
        sn_study_assign(node, ranks, teams, rehearsal->ranks_per_run, team_of);
        for (int rank = 0; rank < ranks; rank++)
            sizes[team_of[rank]]++;
        status = check_machine(plan, sizes, teams, rehearsal->machine);
    }
    if (status == SN_OK) {
        fprintf(out, "%zu %s, %d %s in %d %s%s%s\n", plan->count, plan->count == 1 ? "run" : "runs", ranks,
                ranks == 1 ? "rank" : "ranks", teams, teams == 1 ? "team" : "teams", *note ? ": " : "", note);
        status = print_runs(rehearsal, data, sizes, teams, busy, &r, &unfit, out);
    }
    if (status == SN_OK) print_total(busy, teams, data, &r, ranks, unfit, out);
    sn_free(node);
    sn_free(team_of);
    sn_free(sizes);
    sn_free(busy);
    return status;
}
