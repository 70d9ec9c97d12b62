#ifndef SYNCNORM_TRAIN_DIAGNOSTICS_H
#define SYNCNORM_TRAIN_DIAGNOSTICS_H

/* What an epoch tells besides loss and accuracy: gradient norm, batch statistics, and what the ranks spent their time on. */

#include "syncnorm/io/run_file.h"
#include "syncnorm/nn/replica.h"
#include "syncnorm/train/trainer.h"

/* Batch norm's statistics are observed, which takes a message of its own, in the first of each so many steps of an epoch. */
enum { SN_OBSERVE_EVERY = 16, SN_DIAGNOSTIC_CHANNELS = SN_NORMS * SN_MAX_CHANNELS };

/* Sums over the steps of the epoch at work; equal on every rank, and part of the progress that a run file keeps. Doubles alone:
   it travels as an array. */
typedef struct sn_diagnostics {
    double steps;
    double samples;                           /* of the observed steps */
    double learning_rate;                     /* of the last step */
    double gradient_norm;                     /* sum of the norms of the mean gradients */
    double between_share[SN_NORMS];           /* sum over the observed samples */
    double corrected_samples;                 /* of the observed steps that had a corrected share */
    double between_share_corrected[SN_NORMS]; /* sum over these */
    /* statistics of every norm's input over these: mean, and mean squared deviation from it */
    double mean[SN_DIAGNOSTIC_CHANNELS], var[SN_DIAGNOSTIC_CHANNELS];
} sn_diagnostics;

/* Adds a step. */
void sn_diagnostics_add(sn_diagnostics *d, const sn_network *network, const sn_step_sums *sums,
                        uint32_t total, double learning_rate, double gradient_norm);

/* Fills the diagnostic fields of an epoch's row. */
void sn_diagnostics_fill(const sn_diagnostics *d, const sn_model *model, sn_epoch_row *row);

/* Adds `seconds` of training to the costs of the epoch at work, on every rank; what the sums cost in them is the difference of two
   readings. Parts of an epoch may have been trained on other ranks: minima, means and maxima are added up. Collective. */
sn_status sn_costs_add(sn_team *team, const sn_replica_costs *before, const sn_replica_costs *now,
                       double seconds, sn_costs *costs);

#endif
