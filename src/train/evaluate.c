#include "syncnorm/train/evaluate.h"

#include "syncnorm/base/elementary.h"
#include "syncnorm/base/fixed_point.h"

void sn_evaluate(sn_team *team, sn_replica *replica, const sn_model *model, sn_samples samples, float *logits,
                 sn_evaluation *evaluation)
{
    const sn_share share = sn_share_of(samples.count, sn_team_rank(team), sn_team_size(team));
    sn_evaluation_sums mine;
    sn_replica_evaluate(replica, model, samples, share.first, share.count, logits, NULL, &mine);
    int64_t sums[] = {mine.loss, mine.correct};
    sn_team_sum(team, sums, 2);
    if (logits) sn_team_gather_pieces(team, logits, share.count * SN_CLASSES * sizeof *logits, logits);
    const double n = samples.count;
    *evaluation = (sn_evaluation){.loss = (double)sums[0] / SN_LOSS_SCALE / n,
                                  .accuracy = 100 * (double)sums[1] / n,
                                  .correct = sums[1],
                                  .count = samples.count};
}

uint8_t sn_prediction(const float logits[SN_CLASSES], double *probability)
{
    int best = 0;
    for (int k = 1; k < SN_CLASSES; k++)
        if (logits[k] > logits[best]) best = k;
    double sum = 0;
    for (int k = 0; k < SN_CLASSES; k++)
        sum += sn_exp((double)logits[k] - (double)logits[best]);
    *probability = 1 / sum;
    return (uint8_t)best;
}
