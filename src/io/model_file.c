/* Weights to start from, out of any HDF5 file. */

#include <stdlib.h>

#include "container.h"

/* Where there is a trailer its hash must be right; without one, HDF5 alone judges what is in the file. */
static sn_status check(const sn_bytes *bytes, const char *path, size_t *image_size)
{
    if (sn_container_is_sealed(bytes->data, bytes->size))
        return sn_container_check(bytes->data, bytes->size, path, image_size);
    if (!sn_container_is_hdf5(bytes->data, bytes->size))
        return sn_fail(SN_ERROR_FILE, "%s: not an HDF5 file", path);
    *image_size = bytes->size;
    return SN_OK;
}

/* Weights of this network come to a few hundred KB. */
static const size_t FILE_BYTES_MOST = (size_t)1 << 30;

sn_status sn_model_read(const char *path, sn_tensors *model)
{
    *model = (sn_tensors){0};
    sn_bytes bytes;
    SN_TRY(sn_file_load(path, FILE_BYTES_MOST, &bytes));
    size_t image_size = 0;
    sn_status status = check(&bytes, path, &image_size);
    if (status == SN_OK) status = sn_image_read_model_apart(bytes.data, image_size, path, model);
    free(bytes.data);
    return status;
}
