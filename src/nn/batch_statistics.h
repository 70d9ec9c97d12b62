#ifndef SYNCNORM_NN_BATCH_STATISTICS_H
#define SYNCNORM_NN_BATCH_STATISTICS_H

/* Batch norm in training: statistics per group of positions, summed over the ranks where a group lies on several, and what is
   learnt from them on the way (running statistics, how far the workers disagree). */

#include "message.h"
#include "pass.h"

typedef struct sn_statistics {
    /* room for the groups of one norm */
    int64_t *moments;   /* [groups][C][SN_MOMENT_WORDS] */
    int64_t *norm_sums; /* [groups][2][C]: dy, dy * xhat */
    /* observed: of the whole batch [norm_channels] */
    double mean[SN_NORMS * SN_MAX_CHANNELS], var[SN_NORMS * SN_MAX_CHANNELS];
    double seconds; /* in sums across ranks, all in all */
} sn_statistics;

sn_status sn_statistics_create(uint32_t groups, sn_statistics *statistics);
void sn_statistics_destroy(sn_statistics *statistics);

/* How a batch's statistics are pooled, and where what is learnt from them goes. */
typedef struct sn_pooling {
    sn_team *team;
    sn_statistics *statistics;
    sn_partition groups, workers;
    uint32_t whole[2];        /* start of the partition that is the whole batch */
    uint32_t first;           /* position of this rank's share */
    bool exchange;            /* a group lies on several ranks: they sum together, all groups at a time */
    sn_running_stats running; /* whose running statistics are learnt */
    const sn_message *learnt; /* whose sections of batch norm to fill; NULL: evaluation */
    bool observe;             /* the moments' and the workers' too */
} sn_pooling;

/* Plans the pooling of a batch. The plan points into itself: it must not be copied. */
void sn_pooling_plan(sn_pooling *pooling, sn_team *team, sn_statistics *statistics, const sn_batch *batch);

/* The segments of a block whose samples begin at position `first`. */
void sn_pooling_segments(const sn_pooling *pooling, sn_block *block, uint32_t first);

/* True when the share may be cut before this position: no group goes on over it, nor do ranks sum together. */
bool sn_pooling_divides(const sn_pooling *pooling, uint32_t position);

/* Pools a stage's moments over the groups of a span of blocks, and gives each sample its statistics. Collective when
   pooling->exchange. */
void sn_statistics_forward(const sn_pooling *pooling, const sn_pass *pass, sn_block *const *blocks, int count,
                           int stage, int64_t *violations);

/* Pools the backward sums likewise; they are gradients, too. Collective when pooling->exchange. */
void sn_statistics_backward(const sn_pooling *pooling, const sn_pass *pass, sn_block *const *blocks,
                            int count, int stage, const sn_sums *sums);

/* True when a group would lie on several ranks if each worker were one; with one worker, if several ranks shared the batch. */
bool sn_pooling_exchanges_by_nature(const sn_pooling *pooling);

/* True when ranks learn of the running statistics from the message; of one group that they summed together each knows all. */
bool sn_pooling_sends_running(const sn_pooling *pooling);

/* Moves the running statistics, from the summed message. */
void sn_statistics_update_running(const sn_pooling *pooling, sn_model *model);

/* What sn_step_sums tells of the statistics, from the summed message. */
void sn_statistics_tell(const sn_pooling *pooling, const sn_pass *pass, sn_step_sums *sums);

#endif
