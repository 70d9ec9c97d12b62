#ifndef SN_REPORT_IDENTITY_H
#define SN_REPORT_IDENTITY_H

/* When two runs are of one experiment, what tells two experiments apart, and which comes first. By the attributes of /experiment. */

#include <stdbool.h>
#include <stdio.h>

#include "runs.h"

/** True when the attribute takes part in what a group is: not the seed, nor what follows from others. */
bool sn_report_is_identity(const char *attribute);

/** Whether an attribute has one value in both, or is in neither. */
bool sn_report_same_attribute(const sn_attributes *a, const sn_attributes *b, const char *name);

/** Whether all identity attributes are the same, those of `but` (names, the last NULL; or NULL) apart. */
bool sn_report_same_but(const sn_attributes *a, const sn_attributes *b, const char *const *but);

/** Puts the names of the identity attributes that are not the same, "norm, workers". */
void sn_report_put_differences(FILE *out, const sn_attributes *a, const sn_attributes *b);

/** What belongs to a norm alone: experiments that differ in nothing else were trained alike. */
extern const char *const sn_report_norm_attributes[];

/** The order of experiments, 0 when they are one: gn, ln, bn, others; within a norm the plainest first (default values before others, wide scopes
 *  before narrow ones). `defaults` are those of sn_report_defaults(). */
int sn_report_compare(const sn_report_run *a, const sn_report_run *b, const sn_attributes *defaults);
/** The default values of all attributes, to be cleared. */
sn_status sn_report_defaults(sn_attributes *defaults);

#endif
