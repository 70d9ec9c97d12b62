#ifndef SYNCNORM_TESTS_SUBJECT_H
#define SYNCNORM_TESTS_SUBJECT_H

/**
 * The subject of these tests: syncnorm's network, model and replica, through the public headers, in the terms of the reference
 * (double, state-dict names). Trouble ends the test program.
 */

#include "reference.h"
#include "syncnorm/nn/optimizer.h"
#include "syncnorm/nn/replica.h"

enum { SUBJECT_BATCH_MOST = 512 };

typedef struct subject {
    sn_team *team;
    sn_network network;
    sn_model *model;
    sn_replica *replica;
    ref_network reference; /* the same network there */
    uint32_t group;
    uint32_t start[SUBJECT_BATCH_MOST + 1]; /* of the statistics groups, at the last step */
} subject;

typedef struct subject_options {
    sn_norm_kind kind;
    bool weight_standardization;
    const char *isa;         /* NULL: the best */
    const char *convolution; /* "direct", "gemm" */
    uint32_t batch;
    uint64_t seed;
    double dropout;
    sn_running_stats running; /* not merged: batches' groups are workers */
    uint32_t
        group; /* bn: statistics groups of so many positions, the last with what is left; 0: the whole batch */
} subject_options;

/** Two groups for gn. Running statistics start at 0 and 1, momentum at 0. Collective over the team. */
subject *subject_create(sn_team *team, const subject_options *options);
void subject_destroy(subject *s);

/** Copies parameters (in the reference's order; tensors are found by name) to the model, rounded to float. */
void subject_set_weights(subject *s, const double *weights);

/** The other way round. */
void subject_get_weights(const subject *s, double *weights);

/** One forward and backward over this rank's share of the batch: samples[index[position]] at each position. Collective. */
sn_step_sums subject_step(subject *s, sn_samples samples, uint32_t total, const uint32_t *index,
                          uint32_t step);

/** The mean gradient of the last step in the reference's order. */
void subject_gradient(const subject *s, const sn_step_sums *sums, uint32_t total, double *gradient);

/** Running statistics in double. */
void subject_running(const subject *s, double mean[REF_NORM_CHANNELS], double var[REF_NORM_CHANNELS]);

/** dropout's factor per sample and channel [total][116] that the replica uses at `step`. */
void subject_keep(const subject *s, const subject_options *options, uint32_t total, uint32_t step,
                  double *keep);

#endif
