#include "progress.h"

#include <stdlib.h>

_Static_assert(sizeof(sn_team_progress) <= SN_PULSE_NOTE_MOST, "a note of the pulse");

static const double INTERVAL = 0.2; /* seconds between two notes, and two updates */

/* Which world rank is each team's root: the lowest of its ranks. */
static void find_roots(progress *p, const int *team_of, int ranks)
{
    for (int rank = ranks - 1; rank >= 0; rank--)
        p->roots[team_of[rank]] = rank;
}

sn_status progress_create(sn_team *world, sn_team *team, sn_pulse *pulse, const sn_study *setup,
                          const int *team_of, int teams, progress *p)
{
    *p = (progress){.setup = setup, .pulse = pulse, .teams = teams, .started = sn_clock()};
    p->mine = (sn_team_progress){.run = -1, .ranks = sn_team_size(team)};
    if (!setup->watcher.update) return SN_OK;
    p->shown = true;
    p->tells = sn_team_is_root(team);
    p->shows = sn_team_is_root(world);
    p->roots = calloc((size_t)teams, sizeof *p->roots);
    p->all = calloc((size_t)teams, sizeof *p->all);
    SN_TRY(sn_team_agree(
        world, p->roots && p->all ? SN_OK : sn_fail(SN_ERROR_MEMORY, "out of memory: the study's progress")));
    find_roots(p, team_of, sn_team_size(world));
    return SN_OK;
}

void progress_destroy(progress *p)
{
    free(p->roots);
    free(p->all);
}

void progress_show(progress *p)
{
    for (int t = 0; t < p->teams; t++) {
        sn_pulse_read(p->pulse, p->roots[t], &p->all[t]);
        if (p->all[t].ranks == 0) p->all[t].run = -1; /* it has not told anything yet */
    }
    p->setup->watcher.update(p->setup->watcher.context, p->all, p->teams, sn_clock() - p->started);
}

/* Tells and shows, not oftener than it can be seen: most steps pay for a look at the clock. */
static void tick(progress *p, bool news)
{
    if (!p->shown) return;
    p->pending |= news;
    const double now = sn_clock();
    if (now - p->told < INTERVAL) return;
    p->told = now;
    if (p->tells && p->pending) sn_pulse_note(p->pulse, &p->mine);
    p->pending = false;
    if (p->shows) progress_show(p);
}

void progress_run(progress *p, uint32_t run, const sn_experiment *e)
{
    p->mine.run = (int32_t)run;
    p->mine.epoch = p->mine.batch = 0;
    p->mine.epochs = e->epochs;
    p->steps = e->steps;
    p->batch = e->batch;
    p->mine.left = p->length = e->epochs;
    p->fresh = true;
    tick(p, true);
}

void progress_epoch(progress *p, uint32_t epoch, uint32_t steps)
{
    const uint64_t most = p->steps;
    const uint64_t before = (uint64_t)(epoch - 1) * steps;
    p->epoch_steps = steps;
    p->mine.samples = (double)steps * p->batch;
    if (most && (double)most / steps < p->length) p->length = (double)most / steps;
    p->mine.epoch = epoch;
    p->mine.batch = 0;
    p->mine.batches = most && most < before + steps ? (uint32_t)(most - before) : steps;
    tick(p, true);
}

void progress_step(progress *p, uint32_t batch, double loss, double accuracy)
{
    sn_team_progress *m = &p->mine;
    m->batch = batch + 1;
    m->loss = loss;
    m->accuracy = accuracy;
    m->worked += 1 / p->epoch_steps;
    m->left = p->length - (m->epoch - 1) - m->batch / p->epoch_steps;
    if (p->fresh) p->told = 0; /* a run that is over in no time is seen at work, too */
    p->fresh = false;
    tick(p, true);
}

/* A run that was stopped is neither done nor failed. */
void progress_end(progress *p, sn_status status, const char *failure)
{
    p->mine.run = -1;
    p->mine.left = 0;
    p->mine.done += status != SN_STOPPED;
    if (status != SN_OK && status != SN_STOPPED) {
        p->mine.failed++;
        snprintf(p->mine.failure, sizeof p->mine.failure, "%s", failure);
    }
    p->told = 0; /* now */
    tick(p, true);
}

void progress_idle(void *context)
{
    tick(context, false);
}
