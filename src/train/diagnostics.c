#include "diagnostics.h"

#include <math.h>

#include "syncnorm/base/memory.h"
#include "syncnorm/base/missing.h"

/* Merges the statistics of `samples` more samples: Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm" (1979). */
static void merge(double *mean, double *var, double before, double samples, double more_mean, double more_var)
{
    const double n = before + samples;
    const double delta = more_mean - *mean;
    *mean += delta * (samples / n);
    *var = (*var * before + more_var * samples) / n + delta * delta * (before / n) * (samples / n);
}

void sn_diagnostics_add(sn_diagnostics *d, const sn_network *network, const sn_step_sums *sums,
                        uint32_t total, double learning_rate, double gradient_norm)
{
    d->gradient_norm += gradient_norm;
    d->learning_rate = learning_rate;
    d->steps++;
    if (!sums->mean) return;
    for (int k = 0; k < SN_NORMS; k++)
        d->between_share[k] += sums->between_share[k] * total;
    const bool corrected = !isnan(sums->between_share_corrected[0]);
    for (int k = 0; corrected && k < SN_NORMS; k++)
        d->between_share_corrected[k] += sums->between_share_corrected[k] * total;
    if (corrected) d->corrected_samples += total;
    for (int c = 0; c < network->norm_channels; c++)
        merge(&d->mean[c], &d->var[c], d->samples, total, sums->mean[c], sums->var[c]);
    d->samples += total;
}

/* Root mean square over a norm's channels of how far the running statistics lie from the epoch's own: the mean in standard
   deviations, the variance relatively. */
static void running_gaps(const sn_diagnostics *d, const sn_model *model, int norm, sn_epoch_row *row)
{
    const sn_stage *stage = &model->network->stages[norm];
    double mean_gap = 0, var_gap = 0;
    for (int c = stage->channel_offset; c < stage->channel_offset + stage->out_channels; c++) {
        const double var = d->var[c] + SN_NORM_EPSILON;
        const double mean_off = (double)model->running_mean[c] - d->mean[c];
        const double var_off = ((double)model->running_var[c] + SN_NORM_EPSILON) / var - 1;
        mean_gap += mean_off * mean_off / var;
        var_gap += var_off * var_off;
    }
    row->running_mean_gap[norm] = sqrt(mean_gap / stage->out_channels);
    row->running_var_gap[norm] = sqrt(var_gap / stage->out_channels);
}

void sn_diagnostics_fill(const sn_diagnostics *d, const sn_model *model, sn_epoch_row *row)
{
    row->learning_rate = d->learning_rate;
    row->gradient_norm = d->steps > 0 ? d->gradient_norm / d->steps : 0;
    for (int k = 0; k < SN_NORMS; k++) {
        row->between_share[k] = d->samples > 0 ? d->between_share[k] / d->samples : 0;
        row->between_share_corrected[k] = d->corrected_samples > 0
                                              ? d->between_share_corrected[k] / d->corrected_samples
                                              : SN_MISSING;
        if (model->running_mean) running_gaps(d, model, k, row);
    }
}

enum { COMPUTE = SN_TRAFFIC_KINDS, WAIT, KINDS }; /* of seconds, behind those of the sums */

/* Adds the spread of a kind over the ranks. */
static void add_spread(double (*all)[KINDS], int ranks, int kind, sn_spread *sum)
{
    double min = all[0][kind], mean = 0, max = all[0][kind];
    for (int r = 0; r < ranks; r++) {
        min = fmin(min, all[r][kind]);
        max = fmax(max, all[r][kind]);
        mean += all[r][kind] / ranks;
    }
    sum->min += min;
    sum->mean += mean;
    sum->max += max;
}

static double in_sums(const double seconds[KINDS])
{
    double sum = 0;
    for (int k = 0; k < SN_TRAFFIC_KINDS; k++)
        sum += seconds[k];
    return sum;
}

sn_status sn_costs_add(sn_team *team, const sn_replica_costs *before, const sn_replica_costs *now,
                       double seconds, sn_costs *costs)
{
    const int ranks = sn_team_size(team);
    double(*all)[KINDS];
    SN_TRY(sn_team_agree(team, SN_ALLOCATE(all, (size_t)ranks, "the costs")));
    double mine[KINDS] = {0};
    for (int k = 0; k < SN_TRAFFIC_KINDS; k++)
        mine[k] = now->sums[k].seconds - before->sums[k].seconds;
    mine[COMPUTE] = seconds - in_sums(mine);
    sn_team_gather_all(team, mine, sizeof mine, all);
    /* who waited least in the sums spent that time on communication alone: what others spent beyond it is waiting */
    double least = HUGE_VAL;
    for (int r = 0; r < ranks; r++)
        least = fmin(least, in_sums(all[r]));
    for (int r = 0; r < ranks; r++)
        all[r][WAIT] = in_sums(all[r]) - least;
    costs->seconds += seconds;
    add_spread(all, ranks, COMPUTE, &costs->compute_seconds);
    add_spread(all, ranks, WAIT, &costs->wait_seconds);
    for (int k = 0; k < SN_TRAFFIC_KINDS; k++) {
        const sn_traffic *is = &now->sums[k], *was = &before->sums[k];
        add_spread(all, ranks, k, &costs->sums[k].seconds);
        costs->sums[k].calls += (double)(is->calls - was->calls);
        costs->sums[k].bytes += (double)(is->bytes - was->bytes);
        costs->sums[k].bytes_float32 += (double)(is->bytes_float32 - was->bytes_float32);
    }
    sn_free(all);
    return SN_OK;
}
