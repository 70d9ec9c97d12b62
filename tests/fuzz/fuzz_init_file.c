/* Weights out of any HDF5 file, as --init takes them: any bytes at all, in HDF5's oldest format, which has no checksums.
 *
 * libhdf5 crashes and hangs on some of them, in a child process. The claim is that the caller gets tensors or one line. */

#include <unistd.h>

#include "run_claims.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[32];
    sn_tensors model;
    const int file = file_of(data, size, path);
    const sn_status status = sn_model_read(path, &model);
    CLAIM((status == SN_OK) == (model.count > 0));
    CLAIM(status == SN_OK || model.items == NULL);
    claim_whole_tensors(&model);
    claim_one_line(status, SN_ERROR_FILE, path);
    sn_tensors_clear(&model);
    close(file);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    (void)seed;
    return LLVMFuzzerMutate(data, size, most);
}
