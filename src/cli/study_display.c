#include "study_display.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "terminal.h"

enum { LINE_SIZE = SN_RUN_NAME_SIZE + 160, DEFAULT_COLUMNS = 100, DEFAULT_ROWS = 24 };

bool sn_study_display_wanted(sn_cli_progress when, FILE *out)
{
    return when == SN_PROGRESS_ALWAYS ||
           (when == SN_PROGRESS_AUTO && sn_cli_terminal_behind(out).columns > 0);
}

static int run_name_width(const sn_plan *plan, const sn_team_progress *teams, int count)
{
    int width = 8;
    for (int t = 0; t < count; t++) {
        if (teams[t].run < 0) continue;
        char name[SN_RUN_NAME_SIZE];
        sn_plan_name(plan, (size_t)teams[t].run, name);
        if ((int)strlen(name) > width) width = (int)strlen(name);
    }
    return width;
}

/* "team 2  bn-s1     epoch  3/15  42%|████▏     | loss 0.0412  accuracy 98.71%" */
static void compose_team(const sn_plan *plan, const sn_team_progress *t, int team, int width,
                         char line[LINE_SIZE])
{
    char name[SN_RUN_NAME_SIZE], bar[SN_CLI_BAR_SIZE];
    int used = snprintf(line, LINE_SIZE, "team %-3d ", team + 1);
    if (t->run < 0) {
        snprintf(line + used, LINE_SIZE - (size_t)used, "%s", t->done ? "no run left for it" : "waiting");
        return;
    }
    sn_plan_name(plan, (size_t)t->run, name);
    used += snprintf(line + used, LINE_SIZE - (size_t)used, "%-*s  ", width, name);
    if (t->epoch == 0) {
        snprintf(line + used, LINE_SIZE - (size_t)used, "preparing");
        return;
    }
    const double fraction = t->batches ? (double)t->batch / t->batches : 0;
    sn_cli_write_bar(fraction, bar);
    snprintf(line + used, LINE_SIZE - (size_t)used, "epoch %2u/%u %3.0f%%|%s| loss %.4f  accuracy %.2f%%",
             t->epoch, t->epochs, 100 * fraction, bar, t->loss, t->accuracy);
}

/* In epochs: --steps may end a run before, after as many of an epoch's samples as its batches hold. */
static double length_of(const sn_plan *plan, size_t run, double samples)
{
    sn_experiment e;
    sn_plan_experiment(plan, run, &e);
    const double most = (double)e.steps * e.batch / samples;
    return most < e.epochs ? most : e.epochs;
}

/* Epochs of the runs that nobody has begun. Without --steps, or while the samples of an epoch are not known (0), all have the same. */
static double length_ahead(sn_study_display *d, size_t begun, double samples)
{
    const sn_plan *plan = d->plan;
    if (begun >= plan->count) return 0;
    sn_experiment e;
    sn_plan_experiment(plan, begun, &e);
    if (!e.steps || samples <= 0) return (double)e.epochs * (double)(plan->count - begun);
    if (d->samples <= 0) {
        d->samples = samples;
        for (size_t i = 0; i < plan->count; i++)
            d->ahead += length_of(plan, i, samples);
    }
    for (; d->begun < begun; d->begun++)
        d->ahead -= length_of(plan, d->begun, d->samples);
    return d->ahead;
}

/* Epochs left over epochs per second so far. Runs are begun in the order of the plan; those that nobody has begun count in full. */
static void compose_whole(sn_study_display *d, const sn_team_progress *teams, int count, double seconds,
                          char line[LINE_SIZE])
{
    char elapsed[SN_CLI_TIME_SIZE], left[SN_CLI_TIME_SIZE];
    int done = 0, failed = 0, begun = 0;
    double worked = 0, epochs_left = 0, samples = 0;
    for (int t = 0; t < count; t++) {
        done += teams[t].done;
        failed += teams[t].failed;
        begun += teams[t].done + (teams[t].run >= 0);
        worked += teams[t].worked;
        epochs_left += teams[t].left > 0 ? teams[t].left : 0;
        if (teams[t].samples > 0) samples = teams[t].samples;
    }
    epochs_left += length_ahead(d, (size_t)begun, samples);
    sn_cli_write_time(seconds, elapsed);
    sn_cli_write_time(worked > 0 ? epochs_left * seconds / worked : 0, left);
    char failures[32] = "";
    if (failed) snprintf(failures, sizeof failures, ", %d failed", failed);
    snprintf(line, LINE_SIZE, "%d of %zu runs done%s  [%s<%s]", done, d->plan->count, failures, elapsed,
             worked > 0 ? left : "?");
}

static void draw_line(sn_study_display *d, char line[LINE_SIZE], int columns)
{
    sn_cli_cut(line, columns - 1);
    fprintf(d->out, "%s\033[K\n", line);
    d->drawn++;
}

static void erase(sn_study_display *d)
{
    if (d->drawn > 0) fprintf(d->out, "\r\033[%dA\033[J", d->drawn);
    d->drawn = 0;
}

/* What failed stays above the display: each failure once, as far as it is known. A team's last one is; when it had several since it was
   looked at, the table at the end has the others. */
static void tell_failures(sn_study_display *d, const sn_team_progress *teams, int count)
{
    if (!d->told) d->told = calloc((size_t)count, sizeof *d->told);
    for (int t = 0; d->told && t < count; t++) {
        const int news = teams[t].failed - d->told[t];
        if (news <= 0) continue;
        fprintf(d->out, "FAILED %s\n", teams[t].failure);
        if (news > 1)
            fprintf(d->out, "FAILED %d more of team %d, see the table at the end\n", news - 1, t + 1);
        d->told[t] = teams[t].failed;
    }
}

static void update(void *context, const sn_team_progress *teams, int count, double seconds)
{
    sn_study_display *d = context;
    sn_cli_terminal screen = sn_cli_terminal_behind(d->out);
    if (screen.columns < 2) screen.columns = DEFAULT_COLUMNS;
    if (screen.rows < 4) screen.rows = DEFAULT_ROWS;
    const int shown = count + 2 <= screen.rows ? count : screen.rows - 3;
    const int width = run_name_width(d->plan, teams, shown);
    char line[LINE_SIZE];
    erase(d);
    tell_failures(d, teams, count);
    for (int t = 0; t < shown; t++) {
        compose_team(d->plan, &teams[t], t, width, line);
        draw_line(d, line, screen.columns);
    }
    if (shown < count) {
        snprintf(line, sizeof line, "and %d teams more", count - shown);
        draw_line(d, line, screen.columns);
    }
    compose_whole(d, teams, count, seconds, line);
    draw_line(d, line, screen.columns);
    sn_cli_flush();
}

sn_study_watcher sn_study_display_watcher(sn_study_display *display)
{
    return (sn_study_watcher){.context = display, .update = update};
}

void sn_study_display_finish(sn_study_display *display)
{
    erase(display);
    sn_cli_flush();
    free(display->told);
    display->told = NULL;
}
