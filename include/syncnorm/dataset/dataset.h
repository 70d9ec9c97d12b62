#ifndef SYNCNORM_DATASET_DATASET_H
#define SYNCNORM_DATASET_DATASET_H

/**
 * The data set: 28 x 28 grey images with labels 0 to 9 in the four IDX files of MNIST, plain or gzip, one copy per node.
 * Format: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
 */

#include <stddef.h>
#include <stdint.h>

#include "syncnorm/base/digest.h"
#include "syncnorm/base/error.h"
#include "syncnorm/base/samples.h"
#include "syncnorm/comm/team.h"

typedef struct sn_dataset sn_dataset;

/**
 * Opens the data set in `directory`: {train,t10k}-{images-idx3,labels-idx1}-ubyte, each plain or with .gz (the plain file
 * wins), also with a dot for the second dash. directory == NULL: $MNIST_DIR, else the first that has training images
 * of data/mnist below the current directory and $XDG_DATA_HOME/syncnorm/mnist (without it ~/.local/share/syncnorm/mnist). SN_ERROR_DATA with file and fault on
 * every rank (and data/get-mnist.sh named when files are missing). One rank per node reads. Collective over the team.
 */
sn_status sn_dataset_open(sn_team *team, const char *directory, sn_dataset **dataset);

/** Collective; NULL is fine. */
void sn_dataset_close(sn_dataset *dataset);

sn_samples sn_dataset_train(const sn_dataset *dataset);
sn_samples sn_dataset_test(const sn_dataset *dataset);

/** XXH3-128 over the four files' contents after decompression: train images, train labels, test images, test labels. */
sn_digest sn_dataset_digest(const sn_dataset *dataset);

/** What the digest says it is: "MNIST", "Fashion-MNIST", or "unknown (32 hexadecimal digits)". */
const char *sn_dataset_name(const sn_dataset *dataset);

enum { SN_DATASET_NAME = 48 };

typedef struct sn_dataset_facts {
    char name[SN_DATASET_NAME]; /* as sn_dataset_name() */
    sn_digest digest;
    uint32_t train, test; /* samples */
} sn_dataset_facts;

/** What is in a data set, which is read as sn_dataset_open() would read it, with its errors. Needs no MPI; not collective. */
sn_status sn_dataset_glance(const char *directory, sn_dataset_facts *facts);

/**
 * Reads one IDX file of images (magic 2051, 28 x 28) or labels (magic 2049, 0 to 9) into freshly allocated memory; no
 * MPI. `*data` holds the count * 784 or count bytes after the header (free() it). SN_ERROR_DATA names file and fault.
 */
sn_status sn_idx_read_images(const char *path, uint8_t **data, uint32_t *count);
sn_status sn_idx_read_labels(const char *path, uint8_t **data, uint32_t *count);

#endif
