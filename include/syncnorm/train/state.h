#ifndef SYNCNORM_TRAIN_STATE_H
#define SYNCNORM_TRAIN_STATE_H

/** Between a model and the tensors of a run file. Not collective. */

#include "syncnorm/io/run_file.h"
#include "syncnorm/nn/model.h"

/** The model's state dict as tensors with PyTorch's names, shapes and order; momentum buffers in `optimizer` (may be NULL). */
sn_status sn_state_save(const sn_model *model, sn_tensors *state, sn_tensors *optimizer);

/**
 * Fills the model from tensors of those names and shapes. `origin` is what the message calls them (a path). Running
 * statistics that are not there keep their values; any other missing, extra or misshapen tensor is SN_ERROR_FILE, with
 * its name, and so is one with values that no training gives: infinite, not a number, a negative variance. `optimizer` may be NULL: momentum 0.
 */
sn_status sn_state_load(sn_model *model, const sn_tensors *state, const sn_tensors *optimizer,
                        const char *origin);

/** Digest of initial weights (--init), by which an experiment knows them: whatever the order they were written in. Sorts `state` by name. */
void sn_state_digest(sn_tensors *state, char hex[SN_DIGEST_HEX]);

#endif
