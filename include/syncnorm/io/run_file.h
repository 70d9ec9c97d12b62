#ifndef SYNCNORM_IO_RUN_FILE_H
#define SYNCNORM_IO_RUN_FILE_H

/**
 * Run files: one training of one experiment in one HDF5 file that is always complete and valid.
 *
 * Writing: the HDF5 image is built in memory, a trailer with a hash over it is put behind it, and both go to a temporary
 * file in the same directory, fsync, rename, fsync of the directory; the generation before stays as NAME.h5.prev.
 * Reading: the trailer's hash is verified before HDF5 parses a byte. The layout is DESIGN.md's, "A run is a file", and
 * src/io/README.md has the trailer. One rank writes; no function here is collective or knows MPI.
 *
 * A sn_run is that content in memory, in neutral terms (attributes, tensors, tables): what they mean is the business of
 * whoever fills them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "syncnorm/base/attributes.h"
#include "syncnorm/base/error.h"

typedef enum sn_type { SN_TYPE_F32, SN_TYPE_F64, SN_TYPE_U8, SN_TYPE_I32, SN_TYPE_I64 } sn_type;

size_t sn_type_size(sn_type type);

enum { SN_TENSOR_NAME = 48, SN_TENSOR_RANK = 4 };

/** A named dense array, row-major. rank 0 is a scalar. */
typedef struct sn_tensor {
    char name[SN_TENSOR_NAME];
    sn_type type;
    int rank;
    size_t shape[SN_TENSOR_RANK];
    void *data; /* owned by the list it is in */
} sn_tensor;

typedef struct sn_tensors {
    sn_tensor *items;
    size_t count, capacity;
} sn_tensors;

/** Adds or replaces a tensor, copying `data` (NULL: zeroed). A name may have one '/', between group
 *  and dataset: "misclassified/image". */
sn_status sn_tensors_set(sn_tensors *list, const char *name, sn_type type, int rank, const size_t *shape,
                         const void *data);
/** NULL when it is not there. */
const sn_tensor *sn_tensors_find(const sn_tensors *list, const char *name);
/** Number of elements: the product of the shape, 1 for a scalar. */
size_t sn_tensor_count(const sn_tensor *tensor);
/** Frees the values of a tensor, if there is one of this name, and takes it out. */
void sn_tensors_remove(sn_tensors *list, const char *name);
void sn_tensors_clear(sn_tensors *list);

/** A column of a table; all columns of a table have as many rows. */
typedef struct sn_column {
    char name[SN_TENSOR_NAME];
    char units[32]; /* "", "nats", "%", "s", "images/s" ... */
    sn_type type;   /* SN_TYPE_F64 or SN_TYPE_I64 */
    union {
        void *data;
        double *real;
        int64_t *integer;
    };
} sn_column;

typedef struct sn_table {
    sn_column *columns;
    size_t column_count, column_capacity;
    size_t rows, row_capacity;
} sn_table;

enum { SN_COLUMN_UNKNOWN = -1 };

/** Adds a column. In rows that are there already it is NaN, or SN_COLUMN_UNKNOWN: whoever wrote them did not know it. */
sn_status sn_table_add_column(sn_table *table, const char *name, sn_type type, const char *units);
/** Appends a zero row. */
sn_status sn_table_add_row(sn_table *table);
/** Sets a cell of the last row, of a column that is there; one of integers cuts the fraction off. */
void sn_table_put(sn_table *table, const char *name, double value);
/** A cell as a number; NaN where there is none. */
double sn_table_get(const sn_table *table, const char *name, size_t row);
/** Drops rows from the end until `rows` are left. */
void sn_table_truncate(sn_table *table, size_t rows);
/** NULL when it is not there. */
const sn_column *sn_table_find(const sn_table *table, const char *name);
void sn_table_clear(sn_table *table);

typedef struct sn_run {
    sn_attributes
        root; /* of "/": format, format_version, syncnorm_version, created, complete (integer 0 or 1) */
    sn_attributes experiment; /* of /experiment, its `digest` among them */
    sn_attributes *
        provenance; /* of /provenance/0, /1 ...: the start and each resumption; the last also on /provenance */
    size_t provenance_count;
    sn_attributes model_attributes; /* of /model: digest */
    sn_tensors model;               /* /model/conv1.weight ... in this order */
    sn_tensors optimizer;           /* /optimizer/..., momentum buffers under the same names */
    sn_attributes progress;         /* of /progress: epoch, step, samples */
    sn_tensors partial;             /* /progress/...: sums over the epoch at work */
    sn_table epochs;                /* /metrics/epoch, a dataset per column, extensible, attribute units */
    sn_table steps;                 /* /metrics/step */
    sn_tensors
        evaluation; /* /evaluation/predictions ...; a name with '/' makes a group, misclassified/image */
    sn_attributes evaluation_attributes; /* of /evaluation */
} sn_run;

#define SN_RUN_FORMAT "syncnorm-run"
enum { SN_RUN_FORMAT_VERSION = 1 };

/** Adds an empty entry to provenance and gives it in *entry, valid until the next is added. */
sn_status sn_run_add_provenance(sn_run *run, sn_attributes **entry);
/** Frees everything and leaves an empty run. */
void sn_run_clear(sn_run *run);

/** Replaces `path` atomically, keeping the old file as `path`.prev; creates missing directories. SN_ERROR_FILE names the
 *  file, the step that failed and the system's reason; NAME is then a whole file still (the old one, unless it was the directory's
 *  fsync that failed) and no temporary file stays. */
sn_status sn_run_write(const sn_run *run, const char *path);

/** The file that `path` is: the target, where it is a symbolic link to one; else a copy of `path`. free() it; NULL when out of memory.
 *  Generations, locks and temporary files are the target's. */
char *sn_run_target(const char *path);

/** Whether sn_run_write(path) would find a directory it can write to, so that this is known before training: makes missing
 *  directories, changes nothing else. */
sn_status sn_run_writable(const char *path);

/** Removes the temporary files that killed processes left beside `path`. Only with the lock on it. */
sn_status sn_run_sweep(const char *path);

/** Reads a run file: size, trailer and hash first, then HDF5, then the schema. *run is overwritten (sn_run_clear it after
 *  use), and empty after a failure: SN_ERROR_FILE says what is wrong; SN_ERROR_VERSION: it is whole, and of another format version. */
sn_status sn_run_read(const char *path, sn_run *run);

/** Like sn_run_read, for its errors alone, and checks the model's digest as well. */
sn_status sn_run_verify(const char *path);

/** XXH3-128 over the little-endian values of `tensors` in their order; "" when out of memory. */
void sn_tensors_digest(const sn_tensors *tensors, char hex[33]);

/**
 * Reads every numeric dataset of the group /model of *any* HDF5 file (written by h5py, say: no trailer asked for) as
 * tensors, floats converted to SN_TYPE_F32 and integers to SN_TYPE_I64. *model is overwritten, and empty after a failure:
 * SN_ERROR_FILE when there is none, something in /model is not a plain dataset of numbers, or the file crashes HDF5, which
 * therefore reads it in a child process: fork(), without MPI in the child.
 */
sn_status sn_model_read(const char *path, sn_tensors *model);

/** Version of the HDF5 library at work, e.g. "1.10.8". */
const char *sn_hdf5_version(void);

#endif
