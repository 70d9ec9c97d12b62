#include "message.h"

#include <inttypes.h>
#include <stdio.h>

#include "syncnorm/base/memory.h"
#include "syncnorm/nn/norm.h"

static void lay_out(const sn_network *network, uint32_t workers, uint32_t tracked,
                    size_t start[SN_SECTIONS + 1])
{
    const size_t channels = sn_norm_pools_batch(network->options.norm) ? (size_t)network->norm_channels : 0;
    const size_t words[SN_SECTIONS] = {
        [SN_SECTION_GRADIENT] = network->parameters.total,
        [SN_SECTION_LOSS] = 1,
        [SN_SECTION_CORRECT] = 1,
        [SN_SECTION_EXTRA] = SN_STEP_EXTRA,
        [SN_SECTION_VIOLATIONS] = sn_violation_of_loss(network) + 1,
        [SN_SECTION_RUNNING] = tracked * channels * SN_RUNNING_WORDS,
        [SN_SECTION_MOMENTS] = channels * SN_MOMENT_WORDS,
        [SN_SECTION_WORKERS] = workers > 1 ? channels * workers : 0,
    };
    start[0] = 0;
    for (int s = 0; s < SN_SECTIONS; s++)
        start[s + 1] = start[s] + words[s];
}

sn_message_words sn_replica_message_words(const sn_network *network, uint32_t workers)
{
    sn_message m;
    lay_out(network, workers, 1, m.start);
    return (sn_message_words){
        .gradient = sn_message_words_of(&m, SN_SECTION_GRADIENT, SN_SECTION_VIOLATIONS),
        .running = sn_message_words_of(&m, SN_SECTION_RUNNING, SN_SECTION_RUNNING),
        .instrument = sn_message_words_of(&m, SN_SECTION_MOMENTS, SN_SECTION_WORKERS),
    };
}

sn_status sn_message_create(const sn_network *network, uint32_t workers, uint32_t tracked,
                            sn_message *message)
{
    lay_out(network, workers, tracked, message->start);
    return SN_ALLOCATE(message->words, message->start[SN_SECTIONS], "the gradient");
}

void sn_message_destroy(sn_message *message)
{
    sn_free(message->words);
}

sn_status sn_message_check(const sn_message *message, const sn_network *network, uint32_t step)
{
    const int64_t *violations = sn_message_section(message, SN_SECTION_VIOLATIONS);
    const sn_parameter_table *table = &network->parameters;
    for (size_t i = 0; i <= sn_violation_of_loss(network); i++) {
        if (violations[i] == 0) continue;
        char what[64];
        if (i < (size_t)table->count)
            snprintf(what, sizeof what, "the gradient of %s", table->items[i].name);
        else if (i < sn_violation_of_loss(network))
            snprintf(what, sizeof what, "the batch statistics of norm%zu", i - (size_t)table->count + 1);
        else
            snprintf(what, sizeof what, "the loss");
        return sn_fail(SN_ERROR_DIVERGED,
                       "training diverged at step %" PRIu32 ": %s is out of range or not a number in %" PRId64
                       " values; try a smaller --lr",
                       step + 1, what, violations[i]);
    }
    return SN_OK;
}
