#ifndef SYNCNORM_IO_IMAGE_H
#define SYNCNORM_IO_IMAGE_H

/* A run as an HDF5 image in memory: no file is touched here, `path` is for messages. */

#include "hdf5_call.h"
#include "syncnorm/io/run_file.h"

typedef struct sn_bytes {
    unsigned char *data; /* free() it */
    size_t size;
} sn_bytes;

/* Where each part of a run is in the file, for writer and reader alike: kind(group, member of sn_run). */
#define SN_RUN_LAYOUT(ATTRIBUTES, TENSORS, TABLE)                                                            \
    ATTRIBUTES("experiment", experiment)                                                                     \
    ATTRIBUTES("model", model_attributes)                                                                    \
    TENSORS("model", model)                                                                                  \
    TENSORS("optimizer", optimizer)                                                                          \
    ATTRIBUTES("progress", progress)                                                                         \
    TENSORS("progress", partial)                                                                             \
    TABLE("metrics/epoch", epochs)                                                                           \
    TABLE("metrics/step", steps)                                                                             \
    ATTRIBUTES("evaluation", evaluation_attributes)                                                          \
    TENSORS("evaluation", evaluation)

/** The image of `run`, with `spare` bytes of room behind it that are not counted in image->size. */
sn_status sn_image_write(const sn_run *run, const char *path, size_t spare, sn_bytes *image);

/** The run in an image; *run is empty before, and after a failure. */
sn_status sn_image_read(const void *image, size_t size, const char *path, sn_run *run);

/** The tensors of /model in an image that anything may have written. */
sn_status sn_image_read_model(const void *image, size_t size, const char *path, sn_tensors *model);

/** The same with HDF5 at work in a process of its own: a file that crashes it is an error like others. Forks; not collective. */
sn_status sn_image_read_model_apart(const void *image, size_t size, const char *path, sn_tensors *model);

/* What the tensors of /model may come to. */
#define SN_MODEL_BYTES_MOST ((size_t)256 << 20)

/** The HDF5 type of a value in memory. */
hid_t sn_memory_type(sn_type type);

/** All attributes of an object, in the order of their creation. */
sn_status sn_write_attributes(hid_t object, const sn_attributes *attributes);
sn_status sn_read_attributes(hid_t object, sn_attributes *attributes);

/** How the datasets of a group become tensors. */
typedef enum sn_load { SN_LOAD_EXACT, SN_LOAD_CONVERT } sn_load;

/**
 * Appends the datasets of `group`, and of the groups in it (`depth` levels down, "misclassified/image"), to `list`.
 * SN_LOAD_EXACT wants the types of sn_type; SN_LOAD_CONVERT makes SN_TYPE_F32 of any float and SN_TYPE_I64 of any integer.
 * *budget is what their bytes may come to, so that no file, however made, can ask for more memory than that.
 */
sn_status sn_read_tensors(hid_t group, const char *prefix, int depth, sn_load load, size_t *budget,
                          sn_tensors *list);

#endif
