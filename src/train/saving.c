#include "saving.h"

#include <inttypes.h>
#include <time.h>

#include "syncnorm/base/fault.h"
#include "syncnorm/base/log.h"
#include "syncnorm/comm/watchdog.h"

/* At the end of training, saving is tried again for this long, every so often. Seconds. */
static const double SAVE_PATIENCE = 60, SAVE_PAUSE = 1;

/* The ranks of a job that was killed hold its lock for about a second. */
static const double LOCK_PATIENCE = 15, LOCK_PAUSE = 0.2;

static sn_status save(sn_session *s, bool complete)
{
    sn_watchdog_beat("saving the run file");
    return sn_recorder_save(&s->recorder, s->model, &s->progress, complete);
}

sn_status sn_saving_checkpoint(sn_session *s)
{
    SN_TRY(sn_session_check_replicas(s));
    SN_TRY(sn_session_add_costs(s));
    if (save(s, false) != SN_OK) sn_recorder_forgive(&s->recorder, "training goes on");
    return SN_OK;
}

/* ---- what is tried again ---- */

typedef sn_status attempt(sn_session *session, bool *again);

static void nap(double seconds)
{
    const struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&time, NULL);
}

/* The root tries until it works, fails for good or the patience is at its end. All ranks wait together, so that a watchdog
   sees them alive. */
static sn_status persist(sn_session *s, attempt *try, double patience, double pause)
{
    sn_recorder *r = &s->recorder;
    const double begun = sn_clock(), watched = s->execution->timeout / 4;
    if (watched > 0 && watched < pause) pause = watched;
    for (;;) {
        bool again = false;
        const sn_status status = try(s, &again);
        again = status != SN_OK && again && sn_clock() - begun < patience;
        if (again && !r->told_again)
            sn_log_warning("%s; trying again for up to %.0f s", sn_error_message(), patience);
        r->told_again = again;
        if (again) sn_error_clear();
        sn_team_broadcast(s->team, &again, sizeof again, 0);
        if (!again) return sn_team_agree(s->team, status);
        nap(pause);
    }
}

static sn_status try_lock(sn_session *s, bool *again)
{
    return sn_recorder_lock(&s->recorder, again);
}

static sn_status try_save(sn_session *s, bool *again)
{
    const sn_status status = save(s, false);
    *again = status == SN_ERROR_FILE;
    return status;
}

static sn_status try_save_complete(sn_session *s, bool *again)
{
    const sn_status status = save(s, true);
    *again = status == SN_ERROR_FILE;
    return status;
}

sn_status sn_saving_lock(sn_session *s)
{
    return persist(s, try_lock, LOCK_PATIENCE, LOCK_PAUSE);
}

sn_status sn_saving_at_last(sn_session *s, bool complete)
{
    SN_TRY(sn_session_check_replicas(s));
    SN_TRY(sn_session_add_costs(s));
    return persist(s, complete ? try_save_complete : try_save, sn_fault_patience(SAVE_PATIENCE), SAVE_PAUSE);
}

sn_status sn_saving_stop(sn_session *s)
{
    SN_TRY(sn_saving_at_last(s, false));
    return sn_fail(SN_STOPPED,
                   "stopped after step %" PRIu64
                   "; everything is in %s, and the same command goes on from it",
                   s->progress.step, s->result.output);
}
