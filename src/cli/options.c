#include "options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "syncnorm/kernels/kernels.h"

static const double DEFAULT_TIMEOUT = 300; /* of the watchdog, seconds */

static bool is_length_limit(const char *name)
{
    return strcmp(name, "steps") == 0;
}

/* The default plan of a study is four experiments, not the default of one. */
static const char *help_of(const sn_experiment_option *option, bool study)
{
    static char help[2][160];
    const char *end = strstr(option->help, " (default");
    const int which = strcmp(option->name, "norm") == 0;
    if (!study || !end || (!which && strcmp(option->name, "experiment") != 0)) return option->help;
    snprintf(help[which], sizeof help[which], "%.*s", (int)(end - option->help), option->help);
    return help[which];
}

const sn_cli_option *sn_cli_experiment_options(bool study)
{
    static sn_cli_option options[SN_EXPERIMENT_OPTIONS_MAX + 1];
    size_t count, used = 0;
    const sn_experiment_option *table = sn_experiment_options(&count);
    for (size_t i = 0; i < count; i++)
        if (!is_length_limit(table[i].name))
            options[used++] = (sn_cli_option){table[i].name, table[i].argument, help_of(&table[i], study), 0};
    return options;
}

sn_cli_option sn_cli_steps_option(void)
{
    size_t count;
    const sn_experiment_option *table = sn_experiment_options(&count);
    for (size_t i = 0; i < count; i++)
        if (is_length_limit(table[i].name))
            return (sn_cli_option){table[i].name, table[i].argument, table[i].help, 0};
    return (sn_cli_option){0};
}

bool sn_cli_is_experiment_option(const char *name)
{
    size_t count;
    const sn_experiment_option *table = sn_experiment_options(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].name, name) == 0) return true;
    return false;
}

sn_status sn_cli_read_experiment(const sn_cli_arguments *arguments, sn_experiment *experiment)
{
    sn_experiment_default(experiment);
    const char *preset = sn_cli_value(arguments, "experiment");
    if (preset) SN_TRY(sn_experiment_set(experiment, "experiment", preset));
    for (size_t i = 0; i < arguments->count; i++) {
        const sn_cli_argument *a = &arguments->items[i];
        if (a->name && strcmp(a->name, "experiment") != 0 && sn_cli_is_experiment_option(a->name))
            SN_TRY(sn_experiment_set(experiment, a->name, a->value));
    }
    return sn_experiment_resolve(experiment, sn_cli_given, arguments);
}

/* A decimal number above 0 (or from 0 with `zero`) and what follows it. */
static bool read_number(const char *text, bool zero, double *value, const char **rest)
{
    const size_t length = strspn(text, "0123456789.");
    if (length == 0 || length > 15) return false;
    char digits[16], *end;
    memcpy(digits, text, length);
    digits[length] = '\0';
    *value = strtod(digits, &end);
    *rest = text + length;
    return end == digits + length && (zero ? *value >= 0 : *value > 0);
}

static sn_status read_interval(const char *text, sn_execution *execution)
{
    double value;
    const char *unit;
    if (read_number(text, false, &value, &unit)) {
        static const struct {
            const char *name;
            double seconds;
        } units[] = {{"s", 1}, {"m", 60}, {"h", 3600}};
        for (size_t i = 0; i < sizeof units / sizeof *units; i++)
            if (strcmp(unit, units[i].name) == 0) {
                execution->checkpoint_seconds = value * units[i].seconds;
                return SN_OK;
            }
        if (strcmp(unit, "steps") == 0 && value < 0x1p32 && value == floor(value)) {
            execution->checkpoint_steps = (uint64_t)value;
            return SN_OK;
        }
    }
    return sn_fail(SN_ERROR_USAGE, "--checkpoint-every '%s': must be like 30s, 5m, 2h or 100steps",
                   sn_cli_shown(text));
}

/* H:MM:SS, any number of hours */
static sn_status read_time(const char *text, double *seconds)
{
    const size_t hours = strspn(text, "0123456789");
    const char *rest = text + hours;
    bool ok = hours >= 1 && hours <= 6 && strlen(rest) == 6 && rest[0] == ':' && rest[3] == ':';
    for (int i = 1; ok && i < 6; i++)
        ok = i == 3 || (rest[i] >= '0' && rest[i] <= (i == 1 || i == 4 ? '5' : '9'));
    if (ok) *seconds = 3600.0 * atoi(text) + 60.0 * atoi(rest + 1) + atoi(rest + 4);
    if (ok && *seconds > 0) return SN_OK;
    return sn_fail(SN_ERROR_USAGE, "--max-time '%s': must be a time above 0 like 1:30:00 (H:MM:SS)",
                   sn_cli_shown(text));
}

sn_status sn_cli_read_execution(const sn_cli_arguments *arguments, sn_execution *execution)
{
    const char *resume = sn_cli_value(arguments, "resume");
    const char *interval = sn_cli_value(arguments, "checkpoint-every");
    const char *time = sn_cli_value(arguments, "max-time");
    if (interval) SN_TRY(read_interval(interval, execution));
    if (time) SN_TRY(read_time(time, &execution->max_seconds));
    if (resume) {
        const int choice = sn_cli_choice("auto|never|require", resume);
        if (choice < 0)
            return sn_fail(SN_ERROR_USAGE, "--resume '%s': must be auto, never or require",
                           sn_cli_shown(resume));
        execution->resume = (sn_resume)choice;
    }
    execution->chosen_from = sn_cli_value(arguments, "chosen-from");
    if (execution->chosen_from && strlen(execution->chosen_from) > SN_CHOSEN_FROM_MOST)
        return sn_fail(SN_ERROR_USAGE, "--chosen-from: at most %d characters", SN_CHOSEN_FROM_MOST);
    return sn_cli_read_timeout(arguments, &execution->timeout);
}

sn_status sn_cli_read_timeout(const sn_cli_arguments *arguments, double *seconds)
{
    const char *timeout = sn_cli_value(arguments, "timeout"), *rest;
    *seconds = DEFAULT_TIMEOUT;
    if (timeout && (!read_number(timeout, true, seconds, &rest) || *rest))
        return sn_fail(SN_ERROR_USAGE, "--timeout '%s': must be a number of seconds, 0 or more",
                       sn_cli_shown(timeout));
    return SN_OK;
}

int sn_cli_choice(const char *words, const char *text)
{
    const size_t length = strlen(text);
    for (int i = 0; length > 0; i++) {
        const size_t word = strcspn(words, "|");
        if (word == length && strncmp(words, text, length) == 0) return i;
        if (!words[word]) return -1;
        words += word + 1;
    }
    return -1;
}

sn_status sn_cli_read_progress(const sn_cli_arguments *arguments, sn_cli_progress *progress)
{
    const char *value = sn_cli_value(arguments, "progress");
    const int choice = value ? sn_cli_choice("auto|always|never", value) : SN_PROGRESS_AUTO;
    if (choice < 0)
        return sn_fail(SN_ERROR_USAGE, "--progress '%s': must be auto, always or never", sn_cli_shown(value));
    *progress = (sn_cli_progress)choice;
    return SN_OK;
}

sn_status sn_cli_read_verbosity(const sn_cli_arguments *arguments, sn_log_level *level)
{
    const bool quiet = sn_cli_given(arguments, "quiet"), verbose = sn_cli_given(arguments, "verbose");
    if (quiet && verbose) return sn_fail(SN_ERROR_USAGE, "--quiet and --verbose exclude each other");
    *level = quiet ? SN_LOG_QUIET : verbose ? SN_LOG_VERBOSE : SN_LOG_NORMAL;
    return SN_OK;
}

sn_status sn_cli_check_arithmetic(void)
{
    const sn_kernels *kernels;
    SN_TRY(sn_kernels_choose(&kernels));
    sn_log_detail("kernels for %s; OpenBLAS %s, one thread a rank", kernels->isa, sn_blas_version());
    return SN_OK;
}

sn_status sn_cli_read_count(const sn_cli_arguments *arguments, const char *name, int most, int *count)
{
    const char *value = sn_cli_value(arguments, name);
    if (!value) return SN_OK;
    const size_t digits = strspn(value, "0123456789");
    const long number = digits && digits <= 9 && !value[digits] ? strtol(value, NULL, 10) : 0;
    if (number < 1 || number > most)
        return sn_fail(SN_ERROR_USAGE, "--%s '%s': must be an integer from 1 to %d", name,
                       sn_cli_shown(value), most);
    *count = (int)number;
    return SN_OK;
}
