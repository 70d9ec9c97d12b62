#ifndef SYNCNORM_NN_MESSAGE_H
#define SYNCNORM_NN_MESSAGE_H

/* The messages of a step, in named sections, laid out in one place. */

#include "syncnorm/nn/replica.h"

typedef enum sn_section {
    SN_SECTION_GRADIENT,   /* [parameters.total] */
    SN_SECTION_LOSS,       /* one word, as the next */
    SN_SECTION_CORRECT,    /* samples */
    SN_SECTION_EXTRA,      /* the caller's [SN_STEP_EXTRA] */
    SN_SECTION_VIOLATIONS, /* values out of range: [parameter], then [norm], then of the loss */
    SN_SECTION_RUNNING,    /* batch norm: [tracked][norm_channels][SN_RUNNING_WORDS] */
    SN_SECTION_MOMENTS,    /* batch norm, of the whole batch: [norm_channels][SN_MOMENT_WORDS] */
    SN_SECTION_WORKERS,    /* batch norm, means summed per worker: [workers][norm_channels] */
    SN_SECTIONS,
} sn_section;

enum { SN_RUNNING_WORDS = 3 };

typedef struct sn_message {
    int64_t *words;
    size_t start[SN_SECTIONS + 1];
} sn_message;

/* `tracked`: running statistics that are kept apart, 1 or as many as workers. */
sn_status sn_message_create(const sn_network *network, uint32_t workers, uint32_t tracked,
                            sn_message *message);
void sn_message_destroy(sn_message *message);

static inline int64_t *sn_message_section(const sn_message *message, sn_section section)
{
    return message->words + message->start[section];
}

/* Words of the sections first ... last. */
static inline size_t sn_message_words_of(const sn_message *message, sn_section first, sn_section last)
{
    return message->start[last + 1] - message->start[first];
}

/* Where violations are counted: at a parameter's index, or at these. */
static inline size_t sn_violation_of_norm(const sn_network *network, int stage)
{
    return (size_t)network->parameters.count + (size_t)stage;
}

static inline size_t sn_violation_of_loss(const sn_network *network)
{
    return sn_violation_of_norm(network, SN_NORMS);
}

/* SN_ERROR_DIVERGED naming the tensor when a value of the step was out of range. */
sn_status sn_message_check(const sn_message *message, const sn_network *network, uint32_t step);

#endif
