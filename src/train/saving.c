/* When and how a run is saved. */

#include <inttypes.h>
#include <time.h>

#include "syncnorm/base/fault.h"
#include "syncnorm/base/log.h"
#include "syncnorm/comm/watchdog.h"
#include "trainer_internal.h"

/* At the end of training, saving is tried again for this long, every so often. Seconds. */
static const double SAVE_PATIENCE = 60, SAVE_PAUSE = 1;

/* The ranks of a job that was killed hold its lock for about a second. */
static const double LOCK_PATIENCE = 15, LOCK_PAUSE = 0.2;

/* The directory may have been removed, and the lock's file with it: another job can then have locked a new one. */
static sn_status keep_lock(trainer *t)
{
    if (sn_lock_is_held(t->lock)) return SN_OK;
    bool busy;
    SN_TRY(sn_run_writable(t->result.output));
    sn_lock *lock;
    SN_TRY(sn_lock_acquire(t->result.output, &lock, &busy));
    sn_lock_release(t->lock);
    t->lock = lock;
    return SN_OK;
}

/* On the root. */
static sn_status save(trainer *t, bool complete)
{
    sn_watchdog_beat("saving the run file");
    t->saved = sn_clock();
    SN_TRY(keep_lock(t));
    return sn_record_save(&t->run, t->model, &t->progress, complete, t->result.output);
}

sn_status sn_trainer_checkpoint(trainer *t)
{
    SN_TRY(sn_trainer_check_replicas(t));
    SN_TRY(sn_trainer_add_costs(t));
    if (t->root && save(t, false) != SN_OK) {
        sn_log_warning("%s; training goes on", sn_error_message());
        sn_error_clear();
    }
    return SN_OK;
}

bool sn_trainer_time_is_due(const trainer *t)
{
    const double interval = t->execution->checkpoint_seconds;
    return t->root && interval > 0 && sn_clock() - t->saved >= interval;
}

bool sn_trainer_step_is_due(const trainer *t)
{
    const uint64_t interval = t->execution->checkpoint_steps;
    return interval > 0 && t->progress.step % interval == 0;
}

/* ---- what is tried again ---- */

typedef struct attempt {
    sn_status (*try)(trainer *t, bool *again);
    double patience, pause; /* seconds */
} attempt;

static void nap(double seconds)
{
    const struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&time, NULL);
}

/* The root tries until it works, fails for good or the patience is at its end. All ranks wait together, so that a watchdog
   sees them alive. Collective. */
static sn_status persist(trainer *t, const attempt *a)
{
    const double begun = sn_clock(), watched = t->execution->timeout / 4;
    const double pause = watched > 0 && watched < a->pause ? watched : a->pause;
    for (;;) {
        bool again = false;
        sn_status status = SN_OK;
        if (t->root) {
            status = a->try(t, &again);
            again = status != SN_OK && again && sn_clock() - begun < a->patience;
            if (again && !t->told_again)
                sn_log_warning("%s; trying again for up to %.0f s", sn_error_message(), a->patience);
            t->told_again = again;
            if (again) sn_error_clear();
        }
        sn_team_broadcast(t->team, &again, sizeof again, 0);
        if (!again) return sn_team_agree(t->team, status);
        nap(pause);
    }
}

static sn_status try_lock(trainer *t, bool *again)
{
    return sn_lock_acquire(t->result.output, &t->lock, again);
}

sn_status sn_trainer_lock(trainer *t)
{
    return persist(t, &(attempt){try_lock, LOCK_PATIENCE, LOCK_PAUSE});
}

static sn_status try_save(trainer *t, bool *again)
{
    const sn_status status = save(t, t->complete);
    *again = status == SN_ERROR_FILE;
    return status;
}

sn_status sn_trainer_save_at_last(trainer *t, bool complete)
{
    SN_TRY(sn_trainer_check_replicas(t));
    SN_TRY(sn_trainer_add_costs(t));
    t->complete = complete;
    return persist(t, &(attempt){try_save, sn_fault_patience(SAVE_PATIENCE), SAVE_PAUSE});
}

sn_status sn_trainer_stop(trainer *t)
{
    SN_TRY(sn_trainer_save_at_last(t, false));
    return sn_fail(SN_STOPPED,
                   "stopped after step %" PRIu64
                   "; everything is in %s, and the same command goes on from it",
                   t->progress.step, t->result.output);
}
