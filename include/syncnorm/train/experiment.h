#ifndef SYNCNORM_TRAIN_EXPERIMENT_H
#define SYNCNORM_TRAIN_EXPERIMENT_H

/**
 * The experiment: everything that can change a trained weight, and nothing else. The launch (ranks, nodes, instruction
 * set, progress bar, file names) is no part of it.
 *
 * One table of fields (experiment_fields.c) drives option parsing, --help, validation, the run's name, the attributes of
 * /experiment and their digest, so that a new axis is one line there. Not collective.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "syncnorm/base/attributes.h"
#include "syncnorm/base/error.h"
#include "syncnorm/dataset/shards.h"
#include "syncnorm/nn/model.h"

enum { SN_PATH_SIZE = 4096, SN_RUN_NAME_SIZE = 256, SN_EXPERIMENT_OPTIONS_MAX = 40 };

typedef enum sn_conv_kind { SN_CONV_DIRECT, SN_CONV_GEMM } sn_conv_kind;
enum { SN_CONV_KINDS = SN_CONV_GEMM + 1 };
/** Statistics scope of batch norm: the whole batch, each worker's samples, or groups of K >= 2 consecutive samples. */
enum { SN_SCOPE_SYNC = 0 };
#define SN_SCOPE_WORKER UINT32_MAX

/** --workers ranks: as many as the team has ranks, until sn_experiment_bind_ranks(). */
enum { SN_WORKERS_RANKS = 0 };

typedef enum sn_schedule_kind { SN_SCHEDULE_CONSTANT, SN_SCHEDULE_STEP, SN_SCHEDULE_COSINE } sn_schedule_kind;

/** Learning rate over time: constant; times `factor` every `epochs` epochs; or half a cosine down to 0 over the whole run. */
typedef struct sn_schedule {
    sn_schedule_kind kind;
    uint32_t epochs; /* SN_SCHEDULE_STEP */
    double factor;
} sn_schedule;

/** A seed of its own for one source of chance; else --seed is its seed, too. */
typedef struct sn_own_seed {
    bool own;
    uint64_t value; /* 0 unless own */
} sn_own_seed;

enum { SN_LR_BATCH = 64 }; /* --lr-scaling linear: the batch that the learning rate is given for */
typedef enum sn_lr_scaling { SN_LR_SCALING_NONE, SN_LR_SCALING_LINEAR } sn_lr_scaling;

/** Version of the arithmetic: which algorithm (direct, Winograd) computes which layer, in which order. Files of another
 *  version are not resumed. */
enum { SN_ARITHMETIC_VERSION = 1 };

typedef struct sn_experiment {
    sn_norm_kind norm;
    uint32_t groups; /* gn only */
    bool weight_standardization;
    uint32_t batch;            /* global batch size B */
    uint32_t batch_per_worker; /* 0: not asked for; else B = workers * batch_per_worker */
    uint32_t epochs;           /* length, not identity */
    uint64_t steps;            /* 0: no limit; length, not identity */
    double lr, momentum, weight_decay, l1, dropout;
    uint64_t seed;
    sn_own_seed init_seed, order_seed, dropout_seed; /* initial weights; shuffles and shards; dropout masks */
    uint32_t workers;                                /* virtual data-parallel replicas, W */
    uint32_t bn_scope;              /* SN_SCOPE_SYNC, SN_SCOPE_WORKER or K; batch norm only */
    sn_running_stats running_stats; /* merged unless bn_scope is SN_SCOPE_WORKER */
    sn_shard_options shards;
    sn_schedule schedule;
    double warmup; /* epochs over which the learning rate rises linearly from 0 */
    sn_lr_scaling lr_scaling;
    bool precise_bn;
    uint32_t validation; /* training images held out, 0: none */
    uint64_t split_seed; /* which ones */
    bool test;           /* with images held out: evaluate on the test set all the same */
    sn_conv_kind conv;
    bool shuffle;
    char init[SN_PATH_SIZE]; /* HDF5 file with /model to start from; "" for none */
    /* resolved when the run starts: */
    char dataset_digest[33];
    char init_digest[33]; /* of the tensors read, "" without --init */
} sn_experiment;

/** One field of the table. */
typedef struct sn_experiment_option {
    const char *name;      /* "batch", "weight-decay" */
    const char *attribute; /* what it is recorded as; NULL: not */
    const char *argument;  /* "N", "gn|ln|bn|in|none" ...; NULL for a flag */
    const char *help;      /* one line, its default in it */
    bool list;             /* a study takes several: "8,16" */
    bool range;            /* of those, also "1-5" */
    const char *goes_with; /* "batch norm"; NULL: with everything */
} sn_experiment_option;

/** The options of the table in the order of --help; `*count` of them, at most SN_EXPERIMENT_OPTIONS_MAX. "experiment" (the preset) is the first. */
const sn_experiment_option *sn_experiment_options(size_t *count);

/** The defaults: the gn experiment. */
void sn_experiment_default(sn_experiment *experiment);

/** Sets an option from its text ("batch", "128"); value NULL for flags. "experiment" sets a preset's fields (gn, ln,
 *  bn, bn-l1). SN_ERROR_USAGE with one line for an unknown option or a bad value. Numbers are read whole, in range, "C" locale. */
sn_status sn_experiment_set(sn_experiment *experiment, const char *name, const char *value);

/**
 * Checks combinations and resolves what depends on others: batch from batch-per-worker; of values that mean the same in this
 * experiment, one (batch statistics over one worker's samples, or groups of K >= B - 1, are synchronized; shards do not matter
 * to one worker; the table has each rule). `given(name)` (NULL: nothing was) says whether the user gave an option, so that e.g.
 * --groups with --norm bn is refused. With SN_WORKERS_RANKS what depends on the workers is left to sn_experiment_bind_ranks().
 * SN_ERROR_USAGE with one line.
 */
sn_status sn_experiment_resolve(sn_experiment *experiment,
                                bool (*given)(const void *context, const char *name), const void *context);

/** Once the ranks of its team are known: resolves --workers ranks to their number, and the rest of the experiment by it. Nothing where
 *  the workers are a number already. SN_ERROR_USAGE with one line, the same on all ranks. */
sn_status sn_experiment_bind_ranks(sn_experiment *experiment, int ranks);

/** Whether it can be trained on a training set of so many images, those held out included: SN_ERROR_USAGE. */
sn_status sn_experiment_check_data(const sn_experiment *experiment, uint32_t images);

/** Whether an option has a meaning in this experiment: "groups" with group norm. */
bool sn_experiment_applies(const sn_experiment *experiment, const char *name);

/** The run's name, a pure function of the experiment with defaults left out: "gn-s1", "bn-l1-s1" (batch norm with the
 *  preset's L1), "gn-batch128-lr0.02-s3", "bn-workers8-scopeworker-s1". Of a name over 200 characters the rest is a digest. */
void sn_experiment_name(const sn_experiment *experiment, char name[SN_RUN_NAME_SIZE]);

/** The options that ask for this resolved experiment, in the table's order; what has its default is left out, but for the norm. The value
 *  of a flag is NULL. */
void sn_experiment_tell_options(const sn_experiment *experiment,
                                void (*tell)(void *context, const char *name, const char *value),
                                void *context);

/** What its network is built from. */
static inline sn_network_options sn_experiment_network(const sn_experiment *experiment)
{
    return (sn_network_options){experiment->norm, (int)experiment->groups,
                                experiment->weight_standardization};
}

/** The seed of a source of chance. */
static inline uint64_t sn_experiment_seed(const sn_experiment *experiment, sn_own_seed source)
{
    return source.own ? source.value : experiment->seed;
}

/** Whether it is evaluated on the test set: a run that holds images out looks at those instead, unless --test asks for both. */
static inline bool sn_experiment_tests(const sn_experiment *experiment)
{
    return experiment->validation == 0 || experiment->test;
}

/** How many it trains on, of so many training images as sn_experiment_check_data() allows. */
static inline uint32_t sn_experiment_images(const sn_experiment *experiment, uint32_t images)
{
    return images - experiment->validation;
}

/** The learning rate at a step counted from the start of the run (0-based): lr, times B / SN_LR_BATCH with --lr-scaling linear, after the
 *  schedule and the warm-up. A pure function, with no libm in it. */
double sn_experiment_learning_rate(const sn_experiment *experiment, uint32_t steps_per_epoch, uint64_t step);

/** Everything, resolved, as attributes of /experiment, with `digest`: XXH3-128 over "name=value\n" of every identity
 *  attribute in the table's order (length excluded, unless the schedule depends on it). */
sn_status sn_experiment_attributes(const sn_experiment *experiment, sn_attributes *attributes);

/** The experiment that those attributes describe; SN_ERROR_FILE when one is missing or out of range. */
sn_status sn_experiment_from_attributes(const sn_attributes *attributes, sn_experiment *experiment);

/** How the experiment recorded in a run file differs from this one: "lr 0.02 there, 0.01 here; ...", "" when it is the same
 *  (length apart). SN_ERROR_MEMORY alone. */
sn_status sn_experiment_differences(const sn_attributes *recorded, const sn_experiment *experiment,
                                    char *text, size_t size);

/** "gn", "ln", "bn", "in", "none". */
const char *sn_norm_name(sn_norm_kind norm);

#endif
