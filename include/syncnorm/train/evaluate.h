#ifndef SYNCNORM_TRAIN_EVALUATE_H
#define SYNCNORM_TRAIN_EVALUATE_H

/** Evaluation spread over the ranks of a team: every sample once, integer sums, no collective call for norms. */

#include <stdbool.h>
#include <stdint.h>

#include "syncnorm/base/samples.h"
#include "syncnorm/comm/team.h"
#include "syncnorm/nn/replica.h"

typedef struct sn_evaluation {
    double loss;     /* mean cross-entropy, nats */
    double accuracy; /* percent */
    int64_t correct;
    uint32_t count;
} sn_evaluation;

/** Evaluates `model` on all `samples`. `logits` [count][10] (NULL on every rank: not wanted) is filled on the root and is scratch on
 *  the other ranks. Given up when `stop` (may be NULL) says so on any rank between pieces of work: false then, on every rank, and
 *  *evaluation is not filled. Collective. */
bool sn_evaluate(sn_team *team, sn_replica *replica, const sn_model *model, sn_samples samples,
                 const sn_stop *stop, float *logits, sn_evaluation *evaluation);

/** Batch norm: evaluates with batch statistics, batches of `batch` samples in the set's order each normalized by their own. Given up
 *  likewise. Collective. */
bool sn_evaluate_batches(sn_team *team, sn_replica *replica, const sn_model *model, sn_samples samples,
                         uint32_t batch, const sn_stop *stop, sn_evaluation *evaluation);

/** The probabilities of the classes, softmax of the logits. */
void sn_probabilities(const float logits[SN_CLASSES], float probabilities[SN_CLASSES]);

/** What the logits of one sample say: the class with the largest one (the lowest on ties) and its probability. */
uint8_t sn_prediction(const float logits[SN_CLASSES], double *probability);

#endif
