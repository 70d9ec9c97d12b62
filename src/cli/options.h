#ifndef SYNCNORM_CLI_OPTIONS_H
#define SYNCNORM_CLI_OPTIONS_H

/** The options that train and study share: the experiment (from its table) and how it is carried out. */

#include "arguments.h"
#include "syncnorm/base/log.h"
#include "syncnorm/train/experiment.h"
#include "syncnorm/train/trainer.h"

/** Of the experiment, in its table's order, --steps excepted: that is among the execution options of every command. */
const sn_cli_option *sn_cli_experiment_options(bool study);

/** --steps, as the experiment's table describes it; for the list of execution options. */
sn_cli_option sn_cli_steps_option(void);

/** True when `name` is an option of the experiment's table. */
bool sn_cli_is_experiment_option(const char *name);

/** The experiment that was asked for, resolved. The preset comes first, wherever it stands on the command line. */
sn_status sn_cli_read_experiment(const sn_cli_arguments *arguments, sn_experiment *experiment);

typedef enum sn_cli_progress { SN_PROGRESS_AUTO, SN_PROGRESS_ALWAYS, SN_PROGRESS_NEVER } sn_cli_progress;

/** --resume, --checkpoint-every, --max-time, --timeout; the rest of `execution` is left as it is. */
sn_status sn_cli_read_execution(const sn_cli_arguments *arguments, sn_execution *execution);

/** --timeout: the watchdog's, of every command that works under mpirun; the default when it was not given. */
sn_status sn_cli_read_timeout(const sn_cli_arguments *arguments, double *seconds);

sn_status sn_cli_read_progress(const sn_cli_arguments *arguments, sn_cli_progress *progress);

/** -q and -v. */
sn_status sn_cli_read_verbosity(const sn_cli_arguments *arguments, sn_log_level *level);

/** SN_ERROR_USAGE when SYNCNORM_ISA names no instruction set that there is. With -v: says it, and the BLAS at work. */
sn_status sn_cli_check_arithmetic(void);

/** An integer from 1 to `most`; *count stays as it is when the option was not given. */
sn_status sn_cli_read_count(const sn_cli_arguments *arguments, const char *name, int most, int *count);

/** "gn|ln|bn" or "auto|always|never" and the like: the index of `text` among the words, -1 when it is none. */
int sn_cli_choice(const char *words, const char *text);

#define SN_CLI_DATA_OPTION                                                                                   \
    {                                                                                                        \
        "data", "DIR",                                                                                       \
            "directory of the data set (default: $MNIST_DIR, else data/mnist, else "                         \
            "${XDG_DATA_HOME:-~/.local/share}/syncnorm/mnist)",                                              \
            0                                                                                                \
    }
#define SN_CLI_TIMEOUT_OPTION                                                                                \
    {                                                                                                        \
        "timeout", "S", "end the job when a rank makes no progress for S seconds (default 300; 0: never)", 0 \
    }
#define SN_CLI_EXECUTION_OPTIONS                                                                             \
    {"resume", "auto|never|require",                                                                         \
     "go on from the run file that is there: auto when there is one, never, or fail without (default auto)", \
     0},                                                                                                     \
        {"checkpoint-every", "DURATION|Nsteps",                                                              \
         "save this often: 30s, 5m, 2h or 100steps (default: after each epoch)", 0},                         \
        {"max-time", "H:MM:SS", "stop and save after this much time", 0},                                    \
        {"chosen-from", "TEXT",                                                                              \
         "what the settings were chosen from, for the record, as report --emit-final writes it", 0},         \
        SN_CLI_TIMEOUT_OPTION
#define SN_CLI_VERBOSITY_OPTIONS                                                                             \
    {"quiet", NULL, "errors and warnings only", 'q'},                                                        \
    {                                                                                                        \
        "verbose", NULL, "say more", 'v'                                                                     \
    }

#endif
