#ifndef SYNCNORM_NN_SUMMARY_H
#define SYNCNORM_NN_SUMMARY_H

#include <stdio.h>

#include "syncnorm/nn/network.h"

/** Prints the layer table of the network for one 1 x 28 x 28 input, to the character as torchsummary does (two trailing
 *  rules, sizes in MB of float32); `indent` is put before each line. Not collective. */
void sn_summary_print(const sn_network *network, const char *indent, FILE *out);

#endif
