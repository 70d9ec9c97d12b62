/* Run files: what the header promises, out of image, container, load and replace. */

#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "syncnorm/base/digest.h"
#include "syncnorm/base/fault.h"

sn_status sn_run_write(const sn_run *run, const char *path)
{
    sn_bytes bytes;
    sn_fault("save.begun");
    SN_TRY(sn_image_write(run, path, SN_TRAILER_SIZE, &bytes));
    sn_container_seal(&bytes);
    const sn_status status = sn_file_replace(path, &bytes, true);
    free(bytes.data);
    return status;
}

sn_status sn_run_read(const char *path, sn_run *run)
{
    *run = (sn_run){0};
    sn_bytes bytes;
    SN_TRY(sn_file_load(path, PTRDIFF_MAX, &bytes)); /* as large as it was written */
    size_t image_size = 0;
    sn_status status = sn_container_check(bytes.data, bytes.size, path, &image_size);
    if (status == SN_OK) status = sn_image_read(bytes.data, image_size, path, run);
    free(bytes.data);
    return status;
}

static sn_status check_digest(const sn_run *run, const char *path)
{
    char hex[SN_DIGEST_HEX];
    sn_tensors_digest(&run->model, hex);
    const sn_attribute *digest = sn_attributes_find(&run->model_attributes, "digest");
    if (!digest || digest->type != SN_VALUE_TEXT)
        return sn_fail(SN_ERROR_FILE, "%s: /model has no digest", path);
    if (strcmp(digest->text, hex) != 0)
        return sn_fail(SN_ERROR_FILE, "%s: the weights have digest %s, but /model says %s", path, hex,
                       digest->text);
    return SN_OK;
}

sn_status sn_run_verify(const char *path)
{
    sn_run run;
    SN_TRY(sn_run_read(path, &run));
    const sn_status status = check_digest(&run, path);
    sn_run_clear(&run);
    return status;
}

char *sn_run_target(const char *path)
{
    return sn_file_resolve(path);
}

sn_status sn_run_sweep(const char *path)
{
    return sn_file_sweep(path);
}

sn_status sn_run_writable(const char *path)
{
    return sn_file_try_replace(path);
}
