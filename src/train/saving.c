/* When and how a run is saved. */

#include <unistd.h>

#include "syncnorm/base/log.h"
#include "trainer_internal.h"

/* At the end of training, saving is tried again for this long. */
static const double SAVE_PATIENCE = 60, SAVE_PAUSE = 5;

static sn_status save(trainer *t, bool complete)
{
    t->saved = sn_clock();
    return sn_record_save(&t->run, t->model, &t->progress, complete, t->result.output);
}

void sn_trainer_checkpoint(trainer *t)
{
    if (!t->root || save(t, false) == SN_OK) return;
    sn_log_warning("%s; training goes on", sn_error_message());
    sn_error_clear();
}

sn_status sn_trainer_save_at_last(trainer *t, bool complete)
{
    sn_status status = SN_OK;
    if (t->root) {
        const double begun = sn_clock();
        while ((status = save(t, complete)) == SN_ERROR_FILE && sn_clock() - begun < SAVE_PATIENCE) {
            sn_log_warning("%s; trying again for %.0f s", sn_error_message(),
                           SAVE_PATIENCE - (sn_clock() - begun));
            sn_error_clear();
            sleep((unsigned)SAVE_PAUSE);
        }
    }
    return sn_team_agree(t->team, status);
}

bool sn_trainer_checkpoint_is_due(const trainer *t)
{
    const sn_execution *x = t->execution;
    if (x->checkpoint_steps && t->progress.step % x->checkpoint_steps == 0) return true;
    return x->checkpoint_seconds > 0 && sn_clock() - t->saved >= x->checkpoint_seconds;
}
