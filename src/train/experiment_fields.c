/* The table of the experiment's fields, and the rules of each: when it applies, and which of its values mean the same. */

#include "experiment_fields.h"

#include <math.h>
#include <stddef.h>

#define NAME(kind, name, ...) name,
#define OR_NAME(kind, name, ...) "|" name
#define AND_HELP(kind, name, pytorch, help, ...) ", " help
static const char *const norm_names[] = {SN_NORM_ROWS(NAME) NULL};
static const char norm_words[] = SN_NORM_ROWS(OR_NAME),
                  norm_help[] = SN_NORM_ROWS(AND_HELP) ": instead of a preset";
static const char *const conv_names[] = {"direct", "gemm", NULL};
static const char *const lr_scaling_names[] = {"none", "linear", NULL};
static const char *const running_stats_names[] = {"merged", "worker0", "all", NULL};

_Static_assert(sizeof(sn_norm_kind) == sizeof(int) && sizeof(sn_conv_kind) == sizeof(int) &&
                   sizeof(sn_lr_scaling) == sizeof(int) && sizeof(sn_running_stats) == sizeof(int),
               "choices are stored as int");
_Static_assert(sizeof conv_names / sizeof *conv_names == SN_CONV_KINDS + 1, "a name for each kind");

const sn_preset sn_presets[] = {{"gn", SN_NORM_GROUP, 0},
                                {"ln", SN_NORM_LAYER, 0},
                                {"bn", SN_NORM_BATCH, 0},
                                {"bn-l1", SN_NORM_BATCH, 3e-4},
                                {0}};

static bool with_groups(const sn_experiment *experiment)
{
    return sn_norm_types[experiment->norm].over == SN_OVER_GROUP;
}

/* Standardized weights alone let activations grow with every layer. */
static bool with_statistics(const sn_experiment *experiment)
{
    return sn_norm_types[experiment->norm].over != SN_OVER_NOTHING;
}

static bool with_batch_statistics(const sn_experiment *experiment)
{
    return sn_norm_pools_batch(experiment->norm);
}

/* Batch statistics of one worker are those of the batch. A single sample left over joins the group before it, so groups of
   B - 1 are the batch too; an epoch's short last batch makes one group in either case. */
static void settle_bn_scope(sn_experiment *experiment)
{
    if (experiment->bn_scope == SN_SCOPE_WORKER ? experiment->workers == 1
                                                : experiment->bn_scope >= experiment->batch - 1)
        experiment->bn_scope = SN_SCOPE_SYNC;
}

static bool with_statistics_of_workers(const sn_experiment *experiment)
{
    return experiment->bn_scope == SN_SCOPE_WORKER;
}

/* Workers that share statistics learn the same. */
static void settle_running_stats(sn_experiment *experiment)
{
    if (experiment->bn_scope != SN_SCOPE_WORKER) experiment->running_stats = SN_RUNNING_MERGED;
}

static bool with_validation(const sn_experiment *experiment)
{
    return experiment->validation > 0;
}

/* One shard is the whole training set. */
static void settle_shards(sn_experiment *experiment)
{
    if (experiment->workers > 1) return;
    experiment->shards.kind = SN_SHARDS_IID;
    experiment->shards.alpha = 0;
}

/* Times 64 / 64. */
static void settle_lr_scaling(sn_experiment *experiment)
{
    if (experiment->batch == SN_LR_BATCH) experiment->lr_scaling = SN_LR_SCALING_NONE;
}

/* Half a cosine is as long as the run: then a longer run is another one from its first step on. */
static bool length_counts(const sn_experiment *experiment)
{
    return experiment->schedule.kind == SN_SCHEDULE_COSINE;
}

/* A worker's order in an epoch is random number stream epoch * workers + worker (dataset/sampler.c). */
_Static_assert((uint64_t)SN_EPOCHS_MAX *SN_WORKERS_MAX <= UINT64_C(1) << 32, "streams have 32-bit numbers");

// clang-format off
/* Exact sums hold up to 65,536 samples (the 128-bit numerator of the variance); at batch size 1, as many epochs of MNIST
   fit into 32-bit step numbers. */
#define BATCH_RANGE \
    .range = {.low = 1, .high = SN_BATCH_MAX}
#define NOT_NEGATIVE \
    .range = {.low = 0, .high = HUGE_VAL, .high_open = true}
#define PROPER_FRACTION \
    .range = {.low = 0, .high = 1, .high_open = true}

#define MEMBER(type_, member) \
    .type = SN_FIELD_##type_, .offset = offsetof(sn_experiment, member), \
    .size = sizeof((sn_experiment *)NULL)->member

/* The order is that of --help, of the name and of the digest: never reorder. */
const sn_field sn_fields[] = {
    {.option = "experiment", .argument = "gn|ln|bn|bn-l1",
     .help = "preset: group norm, layer norm, batch norm, or batch norm with L1 penalty 3e-4",
     .type = SN_FIELD_PRESET, .role = SN_ROLE_NOTE, .initial = "gn", .list = true},

    {.option = "norm", .argument = &norm_words[1], .help = &norm_help[2],
     .attribute = "norm", MEMBER(CHOICE, norm), .initial = "gn", .choices = norm_names,
     .list = true},

    {.option = "groups", .argument = "N", .help = "groups of group norm, 1 or 2",
     .attribute = "groups", MEMBER(UINT32, groups), .initial = "2", .range = {.low = 1, .high = 16},
     .mark = "groups", .applies = with_groups, .goes_with = "group norm", .list = true},

    {.option = "weight-standardization",
     .help = "standardize the weights of every convolution per output channel (Qiao et al., 2019); the model keeps the raw ones",
     .attribute = "weight_standardization", .later = true, MEMBER(SWITCH, weight_standardization), .initial = "0",
     .mark = "ws", .applies = with_statistics, .goes_with = "a norm"},

    {.option = "l1", .argument = "X", .help = "factor of the L1 penalty over all parameters",
     .attribute = "l1", MEMBER(REAL, l1), .initial = "0", NOT_NEGATIVE, .mark = "l1", .plain = "0.0003",
     .list = true},

    {.option = "batch", .argument = "N", .help = "samples of a global batch, over all workers",
     .attribute = "batch", MEMBER(UINT32, batch), .initial = "64", BATCH_RANGE, .mark = "batch",
     .list = true},

    {.option = "batch-per-worker", .argument = "N",
     .help = "instead of --batch: samples of a batch for each worker",
     .role = SN_ROLE_NOTE, MEMBER(UINT32, batch_per_worker), .initial = "0", BATCH_RANGE,
     .list = true},

    {.option = "workers", .argument = "W|ranks",
     .help = "data-parallel workers that the experiment is about, whatever the ranks; ranks: as many as train a run",
     .attribute = "workers", MEMBER(UINT32, workers), .initial = "1",
     .range = {.low = 1, .high = SN_WORKERS_MAX}, .zero = "ranks", .mark = "workers", .list = true},

    {.option = "bn-scope", .argument = "sync|worker|K",
     .help = "samples that batch statistics are over: the batch, each worker's, or groups of K",
     .attribute = "bn_scope", MEMBER(CODED, bn_scope), .initial = "sync", .codec = &sn_codec_bn_scope,
     .mark = "scope", .applies = with_batch_statistics, .goes_with = "batch norm", .settle = settle_bn_scope,
     .list = true},

    {.option = "running-stats", .argument = "merged|worker0|all",
     .help = "with --bn-scope worker: evaluate with the workers' running statistics merged, with the first worker's, as PyTorch's DDP "
             "does, or merged and at the end with each worker's",
     .attribute = "running_stats", .later = true, MEMBER(CHOICE, running_stats), .initial = "merged",
     .choices = running_stats_names, .mark = "stats", .applies = with_batch_statistics,
     .wanted = with_statistics_of_workers, .goes_with = "--bn-scope worker",
     .settle = settle_running_stats, .list = true},

    {.option = "shards", .argument = "iid|sorted|dirichlet:A",
     .help = "the workers' shards of the training set: random, by label, or with classes in random proportions",
     .attribute = "shards", MEMBER(CODED, shards), .initial = "iid", .codec = &sn_codec_shards, .mark = "",
     .settle = settle_shards, .list = true},

    {.option = "lr", .argument = "X", .help = "learning rate",
     .attribute = "lr", MEMBER(REAL, lr), .initial = "0.01",
     .range = {.low = 0, .low_open = true, .high = HUGE_VAL, .high_open = true}, .mark = "lr",
     .list = true},

    {.option = "lr-scaling", .argument = "none|linear",
     .help = "linear: multiply the learning rate by batch / 64",
     .attribute = "lr_scaling", MEMBER(CHOICE, lr_scaling), .initial = "none", .choices = lr_scaling_names,
     .mark = "lr", .settle = settle_lr_scaling, .list = true},

    {.option = "schedule", .argument = "constant|step:E:G|cosine",
     .help = "learning rate over time: constant, times G every E epochs, or half a cosine down to 0 over all epochs",
     .attribute = "schedule", MEMBER(CODED, schedule), .initial = "constant", .codec = &sn_codec_schedule,
     .mark = "", .list = true},

    {.option = "warmup", .argument = "EPOCHS", .help = "epochs over which the learning rate rises from 0",
     .attribute = "warmup", MEMBER(REAL, warmup), .initial = "0", NOT_NEGATIVE, .mark = "warmup", .list = true},

    {.option = "momentum", .argument = "X", .help = "momentum of SGD",
     .attribute = "momentum", MEMBER(REAL, momentum), .initial = "0.9", PROPER_FRACTION, .mark = "momentum",
     .list = true},

    {.option = "weight-decay", .argument = "X", .help = "factor of the L2 penalty over all parameters",
     .attribute = "weight_decay", MEMBER(REAL, weight_decay), .initial = "0", NOT_NEGATIVE, .mark = "wd",
     .list = true},

    {.option = "dropout", .argument = "P", .help = "probability that a channel is dropped",
     .attribute = "dropout", MEMBER(REAL, dropout), .initial = "0.05", PROPER_FRACTION, .mark = "dropout",
     .list = true},

    {.option = "precise-bn", .help = "evaluate also with exact statistics of the training set, and with batch statistics",
     .attribute = "precise_bn", .afterwards = true, MEMBER(SWITCH, precise_bn), .initial = "0", .mark = "precise",
     .applies = with_batch_statistics, .goes_with = "batch norm"},

    {.option = "validation", .argument = "N",
     .help = "hold N training images out, the same for every seed, and evaluate on them, not on the test set (default 0: none)",
     .attribute = "validation", .later = true, MEMBER(UINT32, validation), .initial = "0",
     .range = {.low = 0, .high = 0x1p32 - 1}, .mark = "validation", .list = true},

    {.option = "split-seed", .argument = "N", .help = "which images --validation holds out (default 0)",
     .attribute = "split_seed", .later = true, MEMBER(UINT64, split_seed), .initial = "0",
     .range = {.low = 0, .high = 0x1p64}, .mark = "split", .wanted = with_validation, .goes_with = "--validation",
     .list = true},

    {.option = "test", .help = "with --validation: evaluate on the test set, too",
     .attribute = "test", .later = true, .afterwards = true, MEMBER(SWITCH, test), .initial = "0", .mark = "test",
     .wanted = with_validation, .goes_with = "--validation"},

    {.option = "conv", .argument = "direct|gemm", .help = "convolution: our kernels, or im2col and OpenBLAS",
     .attribute = "conv", MEMBER(CHOICE, conv), .initial = "direct", .choices = conv_names, .mark = "",
     .list = true},

    {.option = "no-shuffle", .help = "take the training set in its own order",
     .attribute = "shuffle", MEMBER(SWITCH, shuffle), .initial = "1", .mark = "noshuffle"},

    {.option = "init", .argument = "FILE.h5", .help = "start from the weights under /model of any HDF5 file",
     .attribute = "init", .role = SN_ROLE_NOTE, MEMBER(TEXT, init), .initial = ""},

    {.attribute = "init_digest", MEMBER(TEXT, init_digest), .initial = ""},

    {.option = "seed", .argument = "N",
     .help = "seed of the shuffles, the shards, the dropout masks and the initial weights",
     .attribute = "seed", .role = SN_ROLE_SEED, MEMBER(UINT64, seed), .initial = "1", .range = {.low = 0, .high = 0x1p64},
     .list = true},

    {.option = "init-seed", .argument = "N|seed",
     .help = "seed of the initial weights alone",
     .attribute = "init_seed", .later = true, MEMBER(CODED, init_seed), .initial = "seed",
     .codec = &sn_codec_own_seed, .mark = "initseed", .list = true},

    {.option = "order-seed", .argument = "N|seed", .help = "seed of the shuffles and the shards alone",
     .attribute = "order_seed", .later = true, MEMBER(CODED, order_seed), .initial = "seed",
     .codec = &sn_codec_own_seed, .mark = "orderseed", .list = true},

    {.option = "dropout-seed", .argument = "N|seed", .help = "seed of the dropout masks alone",
     .attribute = "dropout_seed", .later = true, MEMBER(CODED, dropout_seed), .initial = "seed",
     .codec = &sn_codec_own_seed, .mark = "dropoutseed", .list = true},

    {.attribute = "dataset_digest", MEMBER(TEXT, dataset_digest), .initial = ""},

    {.option = "epochs", .argument = "N", .help = "length of the run",
     .attribute = "epochs", .role = SN_ROLE_LENGTH, MEMBER(UINT32, epochs), .initial = "15",
     .range = {.low = 1, .high = SN_EPOCHS_MAX}, .mark = "epochs", .identifies = length_counts},

    {.option = "steps", .argument = "N", .help = "end the run at this step, or with --epochs if that comes first",
     .attribute = "steps", .role = SN_ROLE_LENGTH, MEMBER(UINT64, steps), .initial = "0",
     .range = {.low = 1, .high = 0x1p32 - 1}},
};
// clang-format on

const size_t sn_field_count = sizeof sn_fields / sizeof *sn_fields;
_Static_assert(sizeof sn_fields / sizeof *sn_fields <= SN_EXPERIMENT_OPTIONS_MAX,
               "arrays of options have room for every field");
