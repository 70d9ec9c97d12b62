#ifndef SYNCNORM_NN_PARAMETERS_H
#define SYNCNORM_NN_PARAMETERS_H

/**
 * The parameters table: where each parameter lies in the flat arrays of values, gradients and momentum. It drives the
 * optimizer, the sums across ranks, run files, gradient tests and the summary. Not collective.
 */

#include <stddef.h>

enum { SN_PARAMETER_NAME = 32, SN_PARAMETERS_MAX = 40 };

typedef struct sn_parameter {
    char name[SN_PARAMETER_NAME]; /* PyTorch's state-dict name: "conv1.weight" */
    int rank;
    size_t shape[4];
    size_t offset, count; /* elements [offset, offset + count) of the flat arrays */
} sn_parameter;

typedef struct sn_parameter_table {
    int count;
    size_t total; /* elements of all parameters */
    sn_parameter items[SN_PARAMETERS_MAX];
} sn_parameter_table;

/** The index of the named parameter, -1 when there is none. */
int sn_parameter_find(const sn_parameter_table *table, const char *name);

#endif
