#include "syncnorm/study/study.h"

#include <stdlib.h>
#include <string.h>

#include "progress.h"
#include "syncnorm/base/log.h"
#include "syncnorm/comm/watchdog.h"
#include "syncnorm/io/run_file.h"
#include "syncnorm/io/token.h"
#include "syncnorm/train/epoch_line.h"
#include "syncnorm/train/signals.h"

/* One rank's part in a study. */
typedef struct study {
    const sn_study *setup;
    sn_team *world, *team;
    sn_pulse *pulse;  /* hands out the runs; the first team that was asked to stop tells the others */
    sn_outcome *done; /* on a team's root: the runs that it finished; elsewhere the one at hand */
    size_t done_count;
    double started; /* clock */
    bool stopped;   /* a run was: the team takes no other */
    progress progress;
} study;

/* The run that the observer is called for. */
typedef struct watched {
    const sn_study *setup;
    const sn_experiment *experiment;
    progress *progress;
} watched;

/* One write per line: those of other teams cannot get in between. */
static void say(FILE *out, const char *line)
{
    fputs(line, out);
    fflush(out);
}

static void on_epoch_end(void *context, const sn_epoch_row *row)
{
    const watched *w = context;
    if (!w->setup->out || w->progress->shown) return;
    char name[SN_RUN_NAME_SIZE], text[256], line[SN_RUN_NAME_SIZE + 260];
    sn_experiment_name(w->experiment, name);
    sn_epoch_line(row, w->experiment->epochs, text, sizeof text);
    snprintf(line, sizeof line, "%s: %s\n", name, text);
    say(w->setup->out, line);
}

static void on_epoch_start(void *context, uint32_t epoch, uint32_t steps)
{
    progress_epoch(((const watched *)context)->progress, epoch, steps);
}

static void on_step(void *context, uint32_t batch, double loss, double accuracy, double seconds)
{
    (void)seconds;
    progress_step(((const watched *)context)->progress, batch, loss, accuracy);
}

/* "gn-s1: done: 15 epochs, test loss 0.0262, accuracy 9920/10000 (99.20%); 5230 images/s on 2 ranks" */
static void tell_done(const study *s, const char *name, const sn_outcome *outcome)
{
    char line[SN_RUN_NAME_SIZE + 160];
    const sn_result *r = &outcome->result;
    if (!s->setup->out || s->progress.shown || !sn_team_is_root(s->team)) return;
    const char *set;
    const sn_evaluation *score = sn_epoch_score(&r->last, &set);
    snprintf(line, sizeof line,
             "%s: done: epoch %u, %s loss %.4f, accuracy %lld/%u (%.2f%%); %.0f images/s on %d %s\n", name,
             r->last.epoch, set, score->loss, (long long)score->correct, score->count, score->accuracy,
             r->images_per_second, outcome->ranks, outcome->ranks == 1 ? "rank" : "ranks");
    say(s->setup->out, line);
}

/* Said at once: the table comes when all other runs are done. */
static void tell_failed(study *s, const char *name, const sn_outcome *outcome)
{
    char text[sizeof s->progress.mine.failure];
    if (s->progress.shown) {
        snprintf(text, sizeof text, "%.80s: %.100s", name, outcome->message);
        progress_end(&s->progress, outcome->status, text);
    } else if (outcome->status == SN_STOPPED) {
        sn_log_note("%s: %s", name, outcome->message);
    } else {
        sn_log_error("%s: %s", name, outcome->message);
    }
}

static bool stopped_elsewhere(void *context)
{
    const study *s = context;
    return sn_pulse_stops(s->pulse);
}

static double seconds_left(const study *s)
{
    return s->setup->execution.max_seconds - (sn_clock() - s->started);
}

/* The next run for the whole team, -1 when there is none or no time for one. Collective over the team. */
static int64_t take(study *s)
{
    int64_t run = -1;
    if (sn_team_is_root(s->team) && !s->stopped && !sn_signals_stop() && !sn_pulse_stops(s->pulse) &&
        (s->setup->execution.max_seconds <= 0 || seconds_left(s) > 0))
        run = sn_pulse_take(s->pulse);
    if (run >= (int64_t)s->setup->plan->count) run = -1;
    sn_team_broadcast(s->team, &run, sizeof run, 0);
    return run;
}

/* Collective over the team. */
static void carry_out(study *s, uint32_t run)
{
    sn_experiment experiment;
    sn_outcome *outcome = &s->done[sn_team_is_root(s->team) ? s->done_count++ : 0];
    sn_plan_experiment(s->setup->plan, run, &experiment);
    *outcome = (sn_outcome){.run = run, .ranks = sn_team_size(s->team)};

    char name[SN_RUN_NAME_SIZE];
    sn_experiment_name(&experiment, name);
    sn_execution execution = s->setup->execution;
    const int length = snprintf(execution.output, sizeof execution.output, "%s/%s.h5", s->setup->directory,
                                name);
    if (execution.max_seconds > 0) /* 0 would be no limit */
        execution.max_seconds = seconds_left(s) > 1e-3 ? seconds_left(s) : 1e-3;
    execution.stop = stopped_elsewhere;
    execution.stop_context = s;
    watched w = {s->setup, &experiment, &s->progress};
    const sn_observer observer = {
        .context = &w, .epoch_start = on_epoch_start, .step = on_step, .epoch_end = on_epoch_end};
    progress_run(&s->progress, run, &experiment);
    if ((size_t)length >= sizeof execution.output)
        outcome->status = sn_fail(SN_ERROR_FILE, "%s: the path is too long", name);
    else
        outcome->status = sn_train(s->team, s->setup->dataset, &experiment, &execution, &observer,
                                   &outcome->result);

    if (outcome->status == SN_STOPPED) {
        s->stopped = true;
        if (sn_team_is_root(s->team)) sn_pulse_stop(s->pulse);
    }
    if (outcome->status == SN_OK) {
        tell_done(s, name, outcome);
        progress_end(&s->progress, SN_OK, NULL);
    } else {
        snprintf(outcome->message, sizeof outcome->message, "%s", sn_error_message());
        tell_failed(s, name, outcome);
        sn_error_clear();
    }
}

/* Every root's outcomes to the world's root, in the order of the plan. Collective over the world. */
static sn_status gather(study *s, sn_outcome *outcomes)
{
    const size_t runs = s->setup->plan->count;
    const bool root = sn_team_is_root(s->world);
    const size_t mine = s->done_count;
    int64_t total = (int64_t)mine;
    sn_team_sum(s->world, &total, 1);
    sn_outcome *all = NULL;
    sn_status status = SN_OK;
    if (root && !(all = calloc((size_t)total + 1, sizeof *all)))
        status = sn_fail(SN_ERROR_MEMORY, "out of memory: the results of %zu runs", runs);
    status = sn_team_agree(s->world, status);
    if (status != SN_OK) {
        free(all);
        return status;
    }
    sn_team_gather_pieces(s->world, s->done, mine * sizeof *s->done, all);
    if (root) {
        /* what nobody began was left because of a stop */
        for (size_t i = 0; i < runs; i++)
            outcomes[i] = (sn_outcome){
                .run = (uint32_t)i, .status = SN_STOPPED, .message = "stopped before it began"};
        for (int64_t i = 0; i < total; i++)
            outcomes[all[i].run] = all[i];
    }
    free(all);
    return SN_OK;
}

/* On the root; SN_OK elsewhere. */
static sn_status judge(const study *s, const sn_outcome *outcomes)
{
    if (!sn_team_is_root(s->world)) return SN_OK;
    size_t failed = 0, stopped = 0;
    for (size_t i = 0; i < s->setup->plan->count; i++) {
        stopped += outcomes[i].status == SN_STOPPED;
        failed += outcomes[i].status != SN_OK && outcomes[i].status != SN_STOPPED;
    }
    char failures[64] = "";
    if (failed) snprintf(failures, sizeof failures, "; %zu failed", failed);
    if (stopped) /* first: going on is worth it */
        return sn_fail(SN_STOPPED, "%zu of %zu runs stopped, everything saved; run it again to go on%s",
                       stopped, s->setup->plan->count, failures);
    if (failed) return sn_fail(SN_ERROR_FAILED, "%zu of %zu runs failed", failed, s->setup->plan->count);
    return SN_OK;
}

sn_status sn_study_resolve(sn_team *world, sn_plan *plan)
{
    SN_TRY(sn_team_agree(world, sn_team_is_root(world) ? sn_plan_read_init(plan) : SN_OK));
    sn_team_broadcast(world, plan->init_digest, sizeof plan->init_digest, 0);
    return SN_OK;
}

/* Where no run could be saved, one line says it rather than one for each. On the world's root. */
static sn_status check_directory(const sn_study *setup)
{
    char name[SN_RUN_NAME_SIZE], path[SN_PATH_SIZE];
    sn_plan_name(setup->plan, 0, name);
    const int length = snprintf(path, sizeof path, "%s/%s.h5", setup->directory, name);
    return (size_t)length < sizeof path ? sn_run_writable(path) : SN_OK; /* a run says that it is too long */
}

/* That what a team saves is there for the world's root, who tells of it, and for whoever goes on. Collective over the world. */
static sn_status check_directory_is_shared(const study *s)
{
    char token[SN_PATH_SIZE] = "";
    if (!sn_comm_several_hosts()) return SN_OK;
    const bool root = sn_team_is_root(s->world);
    SN_TRY(sn_team_agree(s->world, root ? sn_token_leave(s->setup->directory, token, sizeof token) : SN_OK));
    sn_team_broadcast(s->world, token, sizeof token, 0);
    sn_status status = SN_OK;
    if (sn_team_is_root(s->team) && !sn_token_is_there(token))
        status = sn_fail(
            SN_ERROR_FILE,
            "%s: the directory on %s is not that of the first rank: a study over several hosts needs an "
            "--output that they share",
            s->setup->directory, sn_comm_host());
    status = sn_team_agree(s->world, status);
    if (root) sn_token_take_back(token);
    return status;
}

/* The teams, and what they share. Collective over the world. */
static sn_status prepare(study *s, int teams)
{
    const int ranks = sn_team_size(s->world);
    int *node = calloc(2 * (size_t)ranks, sizeof *node), *team_of = node ? node + ranks : NULL;
    sn_status status = SN_OK;
    if (!node)
        status = sn_fail(SN_ERROR_MEMORY, "out of memory: the teams");
    else if (sn_team_is_root(s->world))
        status = check_directory(s->setup);
    status = sn_team_agree(s->world, status);
    if (status == SN_OK) {
        sn_team_nodes(s->world, node);
        sn_study_assign(node, ranks, teams, s->setup->ranks_per_run, team_of);
        status = sn_team_split(s->world, team_of[sn_team_rank(s->world)], &s->team);
    }
    if (status == SN_OK) status = check_directory_is_shared(s);
    if (status == SN_OK) {
        s->done = calloc(sn_team_is_root(s->team) ? s->setup->plan->count : 1, sizeof *s->done);
        status = sn_team_agree(s->world,
                               s->done ? SN_OK : sn_fail(SN_ERROR_MEMORY, "out of memory: the results"));
    }
    if (status == SN_OK)
        status = sn_pulse_start(s->world, s->team, s->setup->execution.timeout, sizeof(sn_team_progress),
                                &s->pulse);
    if (status == SN_OK)
        status = progress_create(s->world, s->team, s->pulse, s->setup, team_of, teams, &s->progress);
    free(node);
    return status;
}

sn_status sn_study_run(sn_team *world, const sn_study *setup, sn_outcome *outcomes)
{
    study s = {.setup = setup, .world = world, .started = sn_clock()};
    char note[256];
    const int teams = sn_study_teams(sn_team_size(world), setup->plan->count, setup->ranks_per_run, note,
                                     sizeof note);
    if (*note) sn_log_note("%s", note); /* the world's root alone speaks so far */

    const sn_log_level level = sn_log_get_level();
    sn_status status = sn_team_agree(world, sn_watchdog_start(setup->execution.timeout, sn_comm_rank()));
    if (status == SN_OK) status = prepare(&s, teams);
    sn_watchdog_stop(); /* each run has its own; between them a team may wait for others as long as it takes, under the pulse */
    if (status == SN_OK) {
        /* on a terminal that is drawn on, warnings alone may come in between */
        sn_log_configure(s.progress.shown ? SN_LOG_QUIET : level, sn_team_is_root(s.team));
        for (int64_t run = take(&s); run >= 0; run = take(&s))
            carry_out(&s, (uint32_t)run);
        sn_pulse_rest(s.pulse, progress_idle, &s.progress); /* a core for those who still train */
        status = sn_team_agree(world, sn_watchdog_start(setup->execution.timeout, sn_comm_rank()));
        if (s.progress.shows) progress_show(&s.progress);
        sn_log_configure(level, sn_team_is_root(world));
        if (status == SN_OK) status = gather(&s, outcomes);
        if (status == SN_OK) status = sn_team_agree(world, judge(&s, outcomes));
    }
    sn_pulse_end(s.pulse);
    progress_destroy(&s.progress);
    sn_team_destroy(s.team);
    sn_watchdog_stop();
    free(s.done);
    return status;
}
