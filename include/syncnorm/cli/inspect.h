#ifndef SYNCNORM_CLI_INSPECT_H
#define SYNCNORM_CLI_INSPECT_H

/** What a run file holds, for a person to read. Not collective; no MPI. */

#include <stdio.h>

#include "syncnorm/base/error.h"

/** Prints an account of the run file to `out`: experiment, provenance, model, progress, epochs, evaluation. SN_ERROR_FILE when
 *  it cannot be read (nothing is printed then) or `out` cannot be written. */
sn_status sn_inspect_print(const char *path, FILE *out);

/** Verifies the file: hash, schema, digest of the weights. Prints "ok NAME.h5 digest HEX", or nothing and gives
 *  SN_ERROR_FILE with what is wrong as the message. */
sn_status sn_inspect_verify(const char *path, FILE *out);

#endif
