/* The fields whose text has a form of its own: the scope of batch statistics, the shards, the schedule, seeds of their own.

   Members are set one by one, so that equal experiments are equal bytes. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "experiment_fields.h"

enum { SCOPE_LEAST = 2, SCOPE_MOST = 65536, STEP_EPOCHS_MOST = 65536 };

/* Of Dirichlet's alpha: beyond them shards are of one class each, or IID, and the logarithms in dataset/shards.c inexact. */
static const double ALPHA_LEAST = 1e-6, ALPHA_MOST = 1e6;

static bool parse_bn_scope(const char *text, void *member)
{
    uint32_t *scope = member;
    uint64_t size;
    if (strcmp(text, "sync") == 0)
        *scope = SN_SCOPE_SYNC;
    else if (strcmp(text, "worker") == 0)
        *scope = SN_SCOPE_WORKER;
    else if (sn_read_unsigned(text, &size) && size >= SCOPE_LEAST && size <= SCOPE_MOST)
        *scope = (uint32_t)size;
    else
        return false;
    return true;
}

static void print_bn_scope(const void *member, char *text, size_t size)
{
    const uint32_t scope = *(const uint32_t *)member;
    if (scope == SN_SCOPE_SYNC || scope == SN_SCOPE_WORKER)
        snprintf(text, size, "%s", scope == SN_SCOPE_SYNC ? "sync" : "worker");
    else
        snprintf(text, size, "%" PRIu32, scope);
}

/* ARITHMETIC.md, 5 */
static const char *objection_to_bn_scope(const char *text)
{
    uint64_t size;
    if (!sn_read_unsigned(text, &size) || size != 1) return NULL;
    return "statistics over one sample leave logits that do not depend on the image, which cannot learn; "
           "groups "
           "have at least 2";
}

const sn_codec sn_codec_bn_scope = {
    .parse = parse_bn_scope,
    .print = print_bn_scope,
    .wanted = "sync, worker or an integer from 2 to 65536",
    .objection = objection_to_bn_scope,
};

static bool parse_shards(const char *text, void *member)
{
    static const char dirichlet[] = "dirichlet:";
    sn_shard_options *shards = member;
    double alpha = 0;
    if (strcmp(text, "iid") == 0) {
        shards->kind = SN_SHARDS_IID;
    } else if (strcmp(text, "sorted") == 0) {
        shards->kind = SN_SHARDS_SORTED;
    } else {
        if (strncmp(text, dirichlet, strlen(dirichlet)) != 0) return false;
        if (!sn_read_real(text + strlen(dirichlet), &alpha) || alpha < ALPHA_LEAST || alpha > ALPHA_MOST)
            return false;
        shards->kind = SN_SHARDS_DIRICHLET;
    }
    shards->alpha = alpha;
    return true;
}

static void print_shards(const void *member, char *text, size_t size)
{
    const sn_shard_options *shards = member;
    switch (shards->kind) {
    case SN_SHARDS_IID:
        snprintf(text, size, "iid");
        return;
    case SN_SHARDS_SORTED:
        snprintf(text, size, "sorted");
        return;
    case SN_SHARDS_DIRICHLET: {
        const int used = snprintf(text, size, "dirichlet:");
        sn_print_real(shards->alpha, text + used, size - (size_t)used);
        return;
    }
    }
}

const sn_codec sn_codec_shards = {
    .parse = parse_shards,
    .print = print_shards,
    .wanted = "iid, sorted or dirichlet:A with A from 1e-06 to 1e+06",
};

/* step:E:G */
static bool parse_step(const char *text, sn_schedule *schedule)
{
    char epochs_text[8];
    uint64_t epochs;
    double factor;
    if (strncmp(text, "step:", 5) != 0) return false;
    text += 5;
    const size_t length = strcspn(text, ":");
    if (text[length] != ':' || length >= sizeof epochs_text) return false;
    memcpy(epochs_text, text, length);
    epochs_text[length] = '\0';
    if (!sn_read_unsigned(epochs_text, &epochs) || epochs < 1 || epochs > STEP_EPOCHS_MOST) return false;
    if (!sn_read_real(text + length + 1, &factor) || factor <= 0 || factor >= 1) return false;
    schedule->kind = SN_SCHEDULE_STEP;
    schedule->epochs = (uint32_t)epochs;
    schedule->factor = factor;
    return true;
}

static bool parse_schedule(const char *text, void *member)
{
    sn_schedule *schedule = member;
    const bool constant = strcmp(text, "constant") == 0;
    if (!constant && strcmp(text, "cosine") != 0) return parse_step(text, schedule);
    schedule->kind = constant ? SN_SCHEDULE_CONSTANT : SN_SCHEDULE_COSINE;
    schedule->epochs = 0;
    schedule->factor = 0;
    return true;
}

static void print_schedule(const void *member, char *text, size_t size)
{
    const sn_schedule *schedule = member;
    if (schedule->kind != SN_SCHEDULE_STEP) {
        snprintf(text, size, "%s", schedule->kind == SN_SCHEDULE_CONSTANT ? "constant" : "cosine");
        return;
    }
    const int used = snprintf(text, size, "step:%" PRIu32 ":", schedule->epochs);
    sn_print_real(schedule->factor, text + used, size - (size_t)used);
}

const sn_codec sn_codec_schedule = {
    .parse = parse_schedule,
    .print = print_schedule,
    .wanted = "constant, cosine or step:E:G with E an integer from 1 to 65536 and G between 0 and 1",
};

static bool parse_own_seed(const char *text, void *member)
{
    sn_own_seed *seed = member;
    uint64_t value = 0;
    const bool own = strcmp(text, "seed") != 0;
    if (own && !sn_read_unsigned(text, &value)) return false;
    seed->own = own;
    seed->value = value;
    return true;
}

static void print_own_seed(const void *member, char *text, size_t size)
{
    const sn_own_seed *seed = member;
    if (seed->own)
        snprintf(text, size, "%" PRIu64, seed->value);
    else
        snprintf(text, size, "seed");
}

const sn_codec sn_codec_own_seed = {
    .parse = parse_own_seed,
    .print = print_own_seed,
    .wanted = "seed or an integer from 0 to 18446744073709551615",
};
