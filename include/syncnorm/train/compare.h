#ifndef SYNCNORM_TRAIN_COMPARE_H
#define SYNCNORM_TRAIN_COMPARE_H

/**
 * Recorded experiments compared, by the attributes of /experiment: whether two are one, what tells them apart, which comes first. What an
 * attribute is for is in the table of fields; one that is not there, of another version, counts as identity. Not collective.
 */

#include <stdbool.h>
#include <stddef.h>

#include "syncnorm/train/experiment.h"

/** True when the attribute takes part in what an experiment is apart from its seed, lengths included: not what follows from others. */
bool sn_attribute_identifies(const char *attribute);

/** True for what belongs to a norm: experiments that differ in nothing else were trained alike. */
bool sn_attribute_is_of_norm(const char *attribute);

/** True for what is evaluated after training and changes no weight. */
bool sn_attribute_is_afterwards(const char *attribute);

/** In how many respects two experiments differ: a norm with all that belongs to it is one, and so are workers with a batch that grows by as much
 *  (and --lr-scaling, which then says something), or a scope with whose running statistics; one worker's statistics are those of the batch, so
 *  that from it to many with their own, workers are the one respect. */
size_t sn_experiments_respects(const sn_attributes *a, const sn_attributes *b);

/** True when both have one --lr-scaling, or one of them the batch at which it changes nothing and is not recorded. */
bool sn_experiments_scale_alike(const sn_attributes *a, const sn_attributes *b);

/** True when an attribute has one value in both experiments, or is in neither. */
bool sn_experiments_share(const sn_attributes *a, const sn_attributes *b, const char *attribute);

/** The next identity attribute of `a` from *i on that is not the same in `b`; NULL at the end. */
const char *sn_experiments_next_difference(const sn_attributes *a, const sn_attributes *b, size_t *i);

/** True when all identity attributes are the same, those apart that `may_differ` (NULL: none) is true of. */
bool sn_experiments_same(const sn_attributes *a, const sn_attributes *b,
                         bool (*may_differ)(const char *attribute));

/** Likewise, but for those attributes. */
bool sn_experiments_same_but(const sn_attributes *a, const sn_attributes *b, const char *const *attributes,
                             size_t count);

/** The name of the experiment, without its seed, were those attributes at their defaults. SN_ERROR_FILE as of sn_experiment_from_attributes(). */
sn_status sn_experiment_name_without(const sn_attributes *experiment, const char *const *attributes,
                                     size_t count, char *name, size_t size);

/** The order of experiments, 0 when they are one: by norm as in its table; within a norm the plainest first (default values before others, wide
 *  scopes before narrow ones). The attributes of both are sorted by name. */
int sn_experiments_order(const sn_attributes *a, const sn_attributes *b);

/** Its sn_norm_kind; SN_NORM_KINDS of a norm that this program does not know. */
int sn_experiment_norm(const sn_attributes *experiment);

/** Samples whose statistics are pooled: the batch, a worker's share, or the group; NaN unless batch norm. */
double sn_experiment_scope_samples(const sn_attributes *experiment);

/** The preset ("gn", "ln", "bn", "bn-l1") that this experiment is, on any data, of any length and convolution; NULL: none. */
const char *sn_experiment_preset(const sn_attributes *experiment);

/** The preset with this experiment's norm and penalty, or with its norm and no penalty; NULL: none. */
const char *sn_experiment_nearest_preset(const sn_attributes *experiment);

#endif
