/* The reader of run files, on any bytes: trailer, hash, then, where the hash is right, HDF5 and the schema.
 *
 * A changed byte is caught by the hash, so the mutator sets the hash right after most changes. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run_claims.h"
#include "target.h"
#include "trailer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[32];
    sn_run run;
    const int file = file_of(data, size, path);
    const sn_status status = sn_run_read(path, &run);
    CLAIM(status != SN_OK || trailer_is_right(data, size));
    claim_whole_run(&run, status);
    claim_one_line(status, SN_ERROR_FILE, path);
    sn_run_clear(&run);
    close(file);
    return 0;
}

/* Behind a forged seal libhdf5 is on its own, and does crash (tests/README.md): with FUZZ_BEHIND_THE_SEAL in the environment
 * the image is changed and sealed again, else what is in the trailer. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    const size_t image = size >= TRAILER ? size - TRAILER : 0;
    if (seed % 4 == 0 || !trailer_is_right(data, size)) return LLVMFuzzerMutate(data, size, most);
    if (!getenv("FUZZ_BEHIND_THE_SEAL")) {
        LLVMFuzzerMutate(data + image, TRAILER - TRAILER_HASH, TRAILER - TRAILER_HASH);
        trailer_put_hash(data, size);
        return size;
    }
    const size_t changed = LLVMFuzzerMutate(data, image, most - TRAILER);
    trailer_put(data, changed);
    return changed + TRAILER;
}
