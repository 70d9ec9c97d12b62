#ifndef SYNCNORM_TRAIN_TRAINER_H
#define SYNCNORM_TRAIN_TRAINER_H

/**
 * One run: trains an experiment on a team, evaluates after every epoch, keeps its run file up to date. What the user sees of
 * it is the business of an observer.
 */

#include <stdbool.h>
#include <stdint.h>

#include "syncnorm/comm/team.h"
#include "syncnorm/dataset/dataset.h"
#include "syncnorm/io/run_file.h"
#include "syncnorm/nn/replica.h"
#include "syncnorm/train/evaluate.h"
#include "syncnorm/train/experiment.h"
#include "syncnorm/train/ways.h"

/** What to do with a run file that is there already. */
typedef enum sn_resume {
    SN_RESUME_AUTO,    /* go on from it, or start afresh when there is none */
    SN_RESUME_NEVER,   /* start afresh, keeping it as NAME.h5.prev */
    SN_RESUME_REQUIRE, /* go on from it, or fail */
} sn_resume;

enum { SN_CHOSEN_FROM_MOST = 1000 };

/** How the run is carried out; nothing here changes a result. */
typedef struct sn_execution {
    char output[SN_PATH_SIZE]; /* run file; "" for runs/NAME.h5 */
    const char *command_line;  /* for the provenance */
    const char *chosen_from;   /* likewise: what the settings were chosen from; NULL: not said */
    double checkpoint_seconds; /* 0: not by time */
    uint64_t checkpoint_steps; /* 0: not by steps; both 0: after each epoch */
    double max_seconds;        /* stop after the step at which this much time has passed; 0: no limit */
    double timeout;            /* watchdog, seconds; 0: off */
    sn_resume resume;
    /* a stop request from elsewhere: asked on the root alone, all the time; NULL: none. It may call MPI. */
    bool (*stop)(void *context);
    void *stop_context;
} sn_execution;

/** Over the ranks of a team. */
typedef struct sn_spread {
    double min, mean, max;
} sn_spread;

/** What an epoch's training, or the part of it so far, has cost: calls and bytes of the experiment (sn_replica_costs), seconds of this
 *  machine. Seconds in the sums include waiting for other ranks, and wait_seconds is what a rank spent in them beyond the rank that spent
 *  least. Doubles alone: it travels as an array. */
typedef struct sn_costs {
    double seconds;
    sn_spread compute_seconds, wait_seconds;
    struct {
        sn_spread seconds;
        double calls, bytes, bytes_float32;
    } sums[SN_TRAFFIC_KINDS];
} sn_costs;

/** One row of /metrics/epoch. */
typedef struct sn_epoch_row {
    uint32_t epoch;                                                          /* 1-based */
    double train_loss, train_cross_entropy, last_batch_loss, train_accuracy; /* nats, nats, nats, percent */
    sn_evaluation test, validation;                                          /* count 0: not evaluated */
    double seconds, images_per_second;                                       /* training only */
    double learning_rate;                                                    /* of the last step */
    double gradient_norm; /* of the mean gradient, averaged over the steps */
    /* batch norm, per norm: share of the variance that lies between the workers' means, and corrected for chance (NaN: unknown); distance of the running statistics from the
       epoch's own, root mean square over the channels: the mean in standard deviations, the variance relatively */
    double between_share[SN_NORMS], between_share_corrected[SN_NORMS];
    double running_mean_gap[SN_NORMS], running_var_gap[SN_NORMS];
    sn_costs costs;
} sn_epoch_row;

/** A misclassified test image. */
typedef struct sn_miss {
    uint32_t index;
    uint8_t label, prediction;
} sn_miss;

enum { SN_MISSES = 10 };

typedef struct sn_result {
    sn_epoch_row last; /* the last epoch's row */
    char digest[33];   /* of the model */
    char output[SN_PATH_SIZE];
    int64_t parameters;
    int64_t epochs;
    double images_per_second;  /* mean over all epochs on record */
    sn_miss misses[SN_MISSES]; /* the first in the test set's order */
    int miss_count;
    sn_ways ways; /* on the team's root */
} sn_result;

/** Called on the team's root alone; any function may be NULL. None may wait for another rank. */
typedef struct sn_observer {
    void *context;
    void (*start)(void *context, const sn_experiment *experiment, const char *dataset, int ranks);
    void (*epoch_start)(void *context, uint32_t epoch, uint32_t steps);
    /* after each step: batch (0-based), its loss, accuracy so far this epoch in percent, images so far and seconds */
    void (*step)(void *context, uint32_t batch, double loss, double accuracy, double seconds);
    void (*epoch_end)(void *context, const sn_epoch_row *row);
    void (*end)(void *context, const sn_result *result);
} sn_observer;

/**
 * Trains, going on from the run file that is there (to the bit, on any number of ranks). USR1 saves; USR2, TERM, INT save and stop, as
 * max_seconds does: after the same step on every rank. SN_OK when the run is complete; SN_STOPPED when asked to stop and saved; errors with their message, the same on every
 * rank of the team. `result` (may be NULL) is filled on every rank. Collective over the team.
 */
sn_status sn_train(sn_team *team, const sn_dataset *dataset, const sn_experiment *experiment,
                   const sn_execution *execution, const sn_observer *observer, sn_result *result);

#endif
