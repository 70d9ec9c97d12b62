/* syncnorm study: a plan of runs over teams of ranks, and their comparison. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "options.h"
#include "study_display.h"
#include "syncnorm/dataset/dataset.h"
#include "syncnorm/report/report.h"
#include "syncnorm/study/study.h"
#include "syncnorm/train/signals.h"

enum { DIRECTORY_MOST = SN_PATH_SIZE - SN_RUN_NAME_SIZE - 16 };

typedef struct studying {
    sn_plan plan;
    sn_study study;
    const char *data;
    sn_log_level level;
    sn_cli_progress progress;
    int rate;           /* images/s, with --dry-run; 0: not stated */
    sn_machine machine; /* with --dry-run, where it has a name */
    int ranks;          /* with --dry-run and --list; 0: those that were launched */
    const sn_cli_arguments *arguments;
} studying;

static void print_header(sn_team *world, const sn_study *study)
{
    const int ranks = sn_team_size(world);
    char note[256]; /* said by sn_study_run() */
    const int teams = sn_study_teams(ranks, study->plan->count, study->ranks_per_run, note, sizeof note);
    fprintf(study->out, "%zu %s on %s, %d %s in %d %s\n", study->plan->count,
            study->plan->count == 1 ? "run" : "runs", sn_dataset_name(study->dataset), ranks,
            ranks == 1 ? "rank" : "ranks", teams, teams == 1 ? "team" : "teams");
    sn_cli_flush();
}

enum { RUN_PATH = SN_PATH_SIZE + SN_RUN_NAME_SIZE };

static void run_path(const studying *s, const sn_experiment *experiment, char name[SN_RUN_NAME_SIZE],
                     char path[RUN_PATH])
{
    sn_experiment_name(experiment, name);
    snprintf(path, RUN_PATH, "%s/%s.h5", s->study.directory, name);
}

/* What the report of the study opens with. */
static void print_answer(const studying *s)
{
    char(*paths)[RUN_PATH] = calloc(s->plan.count, sizeof *paths), name[SN_RUN_NAME_SIZE], *answer = NULL;
    const char **there = calloc(s->plan.count, sizeof *there);
    const size_t count = paths && there ? s->plan.count : 0;
    for (size_t i = 0; i < count; i++) {
        static sn_experiment experiment;
        sn_plan_experiment(&s->plan, i, &experiment);
        run_path(s, &experiment, name, paths[i]);
        there[i] = paths[i];
    }
    if (count > 1 && sn_report_answer(there, count, s->plan.select, &answer) == SN_OK && answer)
        fprintf(s->study.out, "\n%s\n", answer);
    free(answer);
    free(there);
    free(paths);
}

/* Whether any run of the plan can be trained on so many images: where none can, one line says why. */
static sn_status check_data(const sn_plan *plan, uint32_t images)
{
    for (size_t i = 0; i < plan->count; i++) {
        sn_experiment experiment;
        sn_plan_experiment(plan, i, &experiment);
        if (sn_experiment_check_data(&experiment, images) == SN_OK) return SN_OK;
        if (i + 1 < plan->count) sn_error_clear();
    }
    return SN_ERROR_USAGE;
}

static sn_status carry_out(sn_team *world, void *context)
{
    studying *s = context;
    const bool root = sn_team_is_root(world);
    sn_dataset *dataset = NULL;
    SN_TRY(sn_team_agree(world, sn_cli_check_arithmetic()));
    sn_status status = sn_study_resolve(world, &s->plan);
    if (status == SN_OK) status = sn_dataset_open(world, s->data, &dataset);
    if (status == SN_OK) status = check_data(&s->plan, sn_dataset_train(dataset).count);
    if (status != SN_OK) {
        sn_dataset_close(dataset);
        return status;
    }
    s->study.dataset = dataset;
    if (s->study.out && root) print_header(world, &s->study);

    sn_study_display display = {.plan = &s->plan, .out = stdout};
    bool draws = s->study.out && root && sn_study_display_wanted(s->progress, stdout);
    sn_team_broadcast(world, &draws, sizeof draws, 0); /* all tell, or nobody does */
    if (draws) s->study.watcher = sn_study_display_watcher(&display);

    sn_outcome *outcomes = calloc(root ? s->plan.count : 1, sizeof *outcomes);
    status = sn_team_agree(
        world, outcomes ? SN_OK : sn_fail(SN_ERROR_MEMORY, "out of memory: the results of the study"));
    if (status == SN_OK) {
        status = sn_study_run(world, &s->study, outcomes);
        if (draws && root) sn_study_display_finish(&display);
        const bool took_place = status == SN_OK || status == SN_STOPPED || status == SN_ERROR_FAILED;
        if (s->study.out && root && took_place) {
            sn_study_print(&s->study, outcomes, s->study.out);
            if (status == SN_OK) print_answer(s);
        }
        sn_cli_flush();
    }
    free(outcomes);
    sn_dataset_close(dataset);
    return status;
}

static void put_option(void *context, const char *name, const char *value)
{
    FILE *out = context;
    fprintf(out, " --%s", name);
    if (!value) return;
    putc(' ', out);
    sn_cli_put_word(value, out);
}

/* What `train` takes as `study` does. */
static const sn_cli_option passed_on[] = {
    SN_CLI_DATA_OPTION, SN_CLI_EXECUTION_OPTIONS, SN_CLI_VERBOSITY_OPTIONS, {0}};

/* A line for each run, whatever is done of it: its name, tab, the command that makes it. */
static sn_status list(void *context)
{
    studying *s = context;
    SN_TRY(sn_plan_read_init(&s->plan));
    for (size_t i = 0; i < s->plan.count; i++) {
        static sn_experiment experiment;
        char name[SN_RUN_NAME_SIZE], path[RUN_PATH];
        sn_plan_experiment(&s->plan, i, &experiment);
        run_path(s, &experiment, name, path);
        printf("%s\t", name);
        sn_cli_put_program(stdout);
        fputs(" train", stdout);
        sn_experiment_tell_options(&experiment, put_option, stdout);
        for (const sn_cli_option *option = passed_on; option->name; option++)
            if (sn_cli_given(s->arguments, option->name))
                put_option(stdout, option->name, sn_cli_value(s->arguments, option->name));
        put_option(stdout, "output", path);
        putchar('\n');
    }
    return SN_OK;
}

static sn_status rehearse(void *context)
{
    studying *s = context;
    SN_TRY(sn_plan_read_init(&s->plan));
    const sn_rehearsal rehearsal = {.plan = &s->plan,
                                    .directory = s->study.directory,
                                    .data = s->data,
                                    .ranks = s->ranks ? s->ranks : sn_cli_launched_size(),
                                    .ranks_per_run = s->study.ranks_per_run,
                                    .rate = s->rate,
                                    .machine = *s->machine.name ? &s->machine : NULL};
    return sn_study_rehearse(&rehearsal, stdout);
}

static sn_status read_plan(const sn_cli_arguments *arguments, int ranks_per_run, sn_plan *plan)
{
    sn_plan_option *options = calloc(arguments->count + 1, sizeof *options);
    if (!options) return sn_fail(SN_ERROR_MEMORY, "out of memory: the command line");
    size_t count = 0;
    for (size_t i = 0; i < arguments->count; i++)
        if (arguments->items[i].name && sn_cli_is_experiment_option(arguments->items[i].name))
            options[count++] = (sn_plan_option){arguments->items[i].name, arguments->items[i].value};
    const char *name = sn_cli_value(arguments, "plan");
    const sn_status status = sn_plan_create_named(name ? name : "default", options, count, ranks_per_run,
                                                  plan);
    free(options);
    return status;
}

/* A number, or a file of what the machine does. */
static sn_status read_rate(const sn_cli_arguments *arguments, studying *s)
{
    const char *value = sn_cli_value(arguments, "rate"), *ending = value ? strrchr(value, '.') : NULL;
    if (ending && strcmp(ending, ".json") == 0) return sn_machine_read(value, &s->machine);
    if (sn_cli_read_count(arguments, "rate", 1 << 30, &s->rate) == SN_OK) return SN_OK;
    sn_error_clear();
    return sn_fail(
        SN_ERROR_USAGE,
        "--rate '%s': must be images/s, an integer, or a file NAME.json, as bench --json writes it",
        sn_cli_shown(value));
}

static sn_status read_options(const sn_cli_arguments *arguments, studying *s)
{
    SN_TRY(sn_cli_read_count(arguments, "ranks-per-run", 1 << 20, &s->study.ranks_per_run));
    SN_TRY(read_plan(arguments, s->study.ranks_per_run, &s->plan));
    SN_TRY(sn_cli_read_execution(arguments, &s->study.execution));
    SN_TRY(sn_cli_read_verbosity(arguments, &s->level));
    const char *directory = sn_cli_value(arguments, "output");
    if (directory && (!*directory || strlen(directory) > DIRECTORY_MOST))
        return sn_fail(SN_ERROR_USAGE, "--output '%s': must be a path of 1 to %d characters",
                       sn_cli_shown(directory), DIRECTORY_MOST);
    s->study.directory = directory ? directory : "runs";
    s->study.plan = &s->plan;
    s->study.execution.command_line = sn_cli_command_line();
    SN_TRY(read_rate(arguments, s));
    if (sn_cli_given(arguments, "rate") && !sn_cli_given(arguments, "dry-run"))
        return sn_fail(SN_ERROR_USAGE, "--rate goes with --dry-run");
    SN_TRY(sn_cli_read_count(arguments, "ranks", 1 << 20, &s->ranks));
    const bool plans = sn_cli_given(arguments, "dry-run") || sn_cli_given(arguments, "list");
    if (s->ranks && !plans) return sn_fail(SN_ERROR_USAGE, "--ranks goes with --dry-run and --list");
    if (sn_cli_given(arguments, "dry-run") && sn_cli_given(arguments, "list"))
        return sn_fail(SN_ERROR_USAGE, "--list and --dry-run are two answers: ask for one");
    s->arguments = arguments;
    SN_TRY(sn_cli_read_progress(arguments, &s->progress));
    s->study.out = s->level == SN_LOG_QUIET ? NULL : stdout;
    s->data = sn_cli_value(arguments, "data");
    return SN_OK;
}

/* "default|tuning|scaling", and what each is for. */
static sn_cli_option plan_option(void)
{
    static char names[64], help[512];
    size_t named = 0;
    size_t used = (size_t)snprintf(help, sizeof help, "options to begin with, which those given change");
    for (const sn_named_plan *plan = sn_named_plans; plan->name && named < sizeof names && used < sizeof help;
         plan++) {
        named += (size_t)snprintf(names + named, sizeof names - named, "%s%s", named ? "|" : "", plan->name);
        used += (size_t)snprintf(help + used, sizeof help - used, "; %s: %s", plan->name, plan->about);
    }
    return (sn_cli_option){"plan", names, help, 0};
}

int sn_command_study(int argc, char **argv)
{
    const sn_cli_option execution[] = {
        SN_CLI_DATA_OPTION,
        {"output", "DIR", "directory of the run files, DIR/NAME.h5 (default runs)", 0},
        plan_option(),
        {"ranks-per-run", "R", "ranks of a team (default: the ranks divided by the runs, at least 1)", 0},
        {"dry-run", NULL, "list the runs with an estimate of the time, and end", 0},
        {"list", NULL,
         "list each run's name, a tab and the command that makes it, and end: for arrays of jobs", 0},
        {"ranks", "N", "for --dry-run and --list: as on N ranks (default: those there are)", 0},
        {"rate", "N|FILE.json",
         "for --dry-run: images/s of one rank, or the machine it would run on, as bench --json writes it "
         "(default: "
         "measured)",
         0},
        sn_cli_steps_option(),
        SN_CLI_EXECUTION_OPTIONS,
        {"progress", "auto|always|never", "show all teams at work (default auto: on a terminal)", 0},
        SN_CLI_VERBOSITY_OPTIONS,
        {0},
    };
    const sn_cli_group groups[] = {
        {"Experiments (lists: --norm gn,bn --seed 1-5,8):", sn_cli_experiment_options(true)},
        {"Execution (changes no bit of a result):", execution}};
    const sn_cli_command command = {
        .name = "study",
        .about =
            "Trains several experiments side by side, each on a team of ranks, and compares them. Without "
            "--experiment and --norm: gn, ln, bn and bn-l1. A team that is free takes the next run.",
        .notes =
            "The options of the experiments take lists, those with an integer also ranges; the plan is their "
            "product, each run once. --epochs, --steps, --init and the flags hold for all runs. "
            "Example: mpirun -q -np 6 syncnorm study --norm gn,bn --workers 8 --bn-scope sync,worker --seed "
            "1-3",
        .groups = groups,
        .group_count = sizeof groups / sizeof *groups,
    };
    static studying s;
    sn_cli_arguments arguments;
    sn_status status = sn_cli_parse(&command, argc, argv, &arguments);
    int code = 0;
    if (status == SN_OK && arguments.done) {
        code = sn_cli_finish_output();
    } else if (sn_cli_given(&arguments, "dry-run")) {
        if (status == SN_OK) status = read_options(&arguments, &s);
        code = sn_cli_without_mpi(command.name, status, rehearse, &s);
    } else if (sn_cli_given(&arguments, "list")) {
        if (status == SN_OK) status = read_options(&arguments, &s);
        code = sn_cli_without_mpi(command.name, status, list, &s);
    } else {
        if (status == SN_OK) status = read_options(&arguments, &s);
        sn_signals_install();
        code = sn_cli_with_mpi(command.name, status, s.level, s.study.execution.timeout, carry_out, &s);
    }
    sn_plan_clear(&s.plan);
    sn_cli_arguments_clear(&arguments);
    return code;
}
