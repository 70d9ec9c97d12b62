#ifndef SYNCNORM_TESTS_FUZZ_RUN_CLAIMS_H
#define SYNCNORM_TESTS_FUZZ_RUN_CLAIMS_H

/** What every reader of run files promises about what it gives back. */

#include "syncnorm/io/run_file.h"

/** After a failure the run is empty; after success every tensor and column is all there, under a name of its own. */
void claim_whole_run(const sn_run *run, sn_status status);

/** The same of a list of tensors. */
void claim_whole_tensors(const sn_tensors *tensors);

#endif
