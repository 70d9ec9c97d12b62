#include "syncnorm/train/evaluate.h"

#include "syncnorm/base/elementary.h"
#include "syncnorm/base/fixed_point.h"
#include "syncnorm/nn/head.h"

enum { PIECE = 64 }; /* samples of a rank between two questions whether to stop */

static sn_evaluation result_of(sn_evaluation_sums sums, uint32_t count)
{
    return (sn_evaluation){.loss = (double)sums.loss / SN_LOSS_SCALE / count,
                           .accuracy = 100 * (double)sums.correct / count,
                           .correct = sums.correct,
                           .count = count};
}

bool sn_evaluate(sn_team *team, sn_replica *replica, const sn_model *model, sn_samples samples,
                 const sn_stop *stop, float *logits, sn_evaluation *evaluation)
{
    const sn_share share = sn_share_of(samples.count, sn_team_rank(team), sn_team_size(team));
    const sn_share largest = sn_share_of(samples.count, 0, sn_team_size(team)); /* the first is */
    int64_t sums[2] = {0};
    for (uint32_t start = 0; start < largest.count; start += PIECE) {
        if (sn_team_stops(team, stop)) return false;
        const uint32_t from = start < share.count ? start : share.count;
        const uint32_t left = share.count - from;
        sn_evaluation_sums piece;
        sn_replica_evaluate(replica, model, samples, share.first + from, left < PIECE ? left : PIECE,
                            logits ? logits + (size_t)from * SN_CLASSES : NULL, NULL, &piece);
        sums[0] += piece.loss;
        sums[1] += piece.correct;
    }
    sn_team_sum(team, sums, 2);
    if (logits) sn_team_gather_pieces(team, logits, share.count * SN_CLASSES * sizeof *logits, logits);
    *evaluation = result_of((sn_evaluation_sums){sums[0], sums[1]}, samples.count);
    return true;
}

bool sn_evaluate_batches(sn_team *team, sn_replica *replica, const sn_model *model, sn_samples samples,
                         uint32_t batch, const sn_stop *stop, sn_evaluation *evaluation)
{
    sn_evaluation_sums mine = {0};
    for (uint32_t first = 0; first < samples.count; first += batch) {
        if (sn_team_stops(team, stop)) return false;
        const uint32_t left = samples.count - first;
        sn_evaluation_sums part;
        sn_replica_evaluate_batch(replica, model, samples, first, left < batch ? left : batch, &part);
        mine.loss += part.loss;
        mine.correct += part.correct;
    }
    int64_t sums[] = {mine.loss, mine.correct};
    sn_team_sum(team, sums, 2);
    *evaluation = result_of((sn_evaluation_sums){sums[0], sums[1]}, samples.count);
    return true;
}

/* Exponentials of the logits, the largest 1; returns their sum. */
static double exponentials(const float logits[SN_CLASSES], uint8_t best, double each[SN_CLASSES])
{
    double sum = 0;
    for (int k = 0; k < SN_CLASSES; k++) {
        each[k] = sn_exp((double)logits[k] - (double)logits[best]);
        sum += each[k];
    }
    return sum;
}

void sn_probabilities(const float logits[SN_CLASSES], float probabilities[SN_CLASSES])
{
    double each[SN_CLASSES];
    const double sum = exponentials(logits, sn_head_class(logits, 1), each);
    for (int k = 0; k < SN_CLASSES; k++)
        probabilities[k] = (float)(each[k] / sum);
}

uint8_t sn_prediction(const float logits[SN_CLASSES], double *probability)
{
    const uint8_t best = sn_head_class(logits, 1);
    double each[SN_CLASSES];
    *probability = 1 / exponentials(logits, best, each);
    return best;
}
