#ifndef SYNCNORM_NN_REPLICA_INTERNAL_H
#define SYNCNORM_NN_REPLICA_INTERNAL_H

/* What replica.c, which trains, and evaluation.c share. */

#include "span.h"

struct sn_replica {
    sn_replica_options options; /* network, kernels, convolution, team: outlive it */
    sn_workspace work;
    sn_message message;
    sn_statistics statistics; /* batch norm */
    sn_replica_costs costs;   /* of training */
};

static inline sn_pass sn_replica_pass(const sn_replica *r, const sn_model *model)
{
    return (sn_pass){r->options.network,     model,    r->options.kernels,
                     r->options.convolution, &r->work, r->options.clock};
}

#endif
