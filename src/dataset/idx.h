#ifndef SYNCNORM_DATASET_IDX_H
#define SYNCNORM_DATASET_IDX_H

/** What IDX files begin with. */

#include "syncnorm/dataset/dataset.h"

/** Third byte: unsigned 8-bit elements; fourth: number of dimensions. */
typedef enum sn_idx_magic { SN_IDX_LABELS = 0x0801, SN_IDX_IMAGES = 0x0803 } sn_idx_magic;

enum { SN_IDX_HEADER = 16 };

/** The header of a file with `count` samples; returns its length, 16 bytes for images and 8 for labels. */
size_t sn_idx_header(sn_idx_magic magic, uint32_t count, unsigned char header[SN_IDX_HEADER]);

#endif
