/*
 * What the model says of a step, and the sums that the step consists of, a line each of "key value...":
 *
 *     predict MACHINE.json NORM BATCH RANKS
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "syncnorm/comm/team.h"
#include "syncnorm/nn/norm.h"
#include "syncnorm/nn/replica.h"
#include "syncnorm/price/price.h"

int main(int argc, char **argv)
{
    sn_machine machine;
    sn_network network;
    int norm = 0;
    if (argc != 5) return 2;
    while (norm < SN_NORM_KINDS && strcmp(sn_norm_types[norm].name, argv[2]) != 0)
        norm++;
    const int ranks = atoi(argv[4]);
    const sn_price_work work = {(sn_norm_kind)norm, 2, (uint32_t)atoi(argv[3]), (uint32_t)atoi(argv[3])};
    if (norm == SN_NORM_KINDS || sn_machine_read(argv[1], &machine) != SN_OK ||
        sn_network_build((sn_network_options){work.norm, 2, false}, &network) != SN_OK) {
        fprintf(stderr, "predict: %s %s\n", argv[1], argv[2]);
        return 1;
    }
    const sn_price price = sn_price_step(&machine, &work, ranks);
    printf("compute %.9g\nstatistics %.9g\ngradient %.9g\nwaiting %.9g\nwords", price.compute,
           price.statistics, price.gradient, price.waiting);
    if (price.statistics > 0) {
        for (int s = 0; s < SN_STAGES; s++)
            if (network.stages[s].norm) printf(" %d", SN_MOMENT_WORDS * network.stages[s].out_channels);
        for (int s = SN_STAGES - 1; s >= 0; s--)
            if (network.stages[s].norm) printf(" %d", 2 * network.stages[s].out_channels);
    }
    printf(" %zu\n", sn_replica_message_words(&network, 1).gradient);
    return 0;
}
