#ifndef SYNCNORM_SRC_KERNELS_TABLES_H
#define SYNCNORM_SRC_KERNELS_TABLES_H

/** The table of each instruction set, filled by table.c, chosen by select.c. */

#include "syncnorm/kernels/kernels.h"

extern const sn_kernels sn_kernels_portable;
#ifdef SN_KERNELS_X86
extern const sn_kernels sn_kernels_v3, sn_kernels_v4;
#endif

#endif
