#ifndef SYNCNORM_CLI_ARGUMENTS_H
#define SYNCNORM_CLI_ARGUMENTS_H

/**
 * Command lines, read strictly: option names in full (an abbreviation would change its meaning when an option is
 * added), values where they belong, one line for the first fault. argp and getopt do none of these.
 */

#include <stdbool.h>
#include <stddef.h>

#include "syncnorm/base/error.h"

typedef struct sn_cli_option {
    const char *name;
    const char *argument; /* NULL for a flag */
    const char *help;     /* NULL ends a list */
    char letter;          /* 0 without */
} sn_cli_option;

/** Options under one heading of --help. */
typedef struct sn_cli_group {
    const char *heading;
    const sn_cli_option *options; /* up to one without a name */
} sn_cli_group;

typedef struct sn_cli_command {
    const char *name;     /* "train" */
    const char *operands; /* "RUN.h5", NULL when it takes none */
    const char *about;    /* the first paragraph of --help */
    const char *notes;    /* the last, or NULL */
    const sn_cli_group *groups;
    size_t group_count;
} sn_cli_command;

typedef struct sn_cli_argument {
    const char *name;  /* of the option; NULL for an operand */
    const char *value; /* NULL for a flag */
} sn_cli_argument;

typedef struct sn_cli_arguments {
    sn_cli_argument *items; /* in the order given */
    size_t count;
    bool done; /* --help or --version was asked for and printed: nothing else is to be done */
} sn_cli_arguments;

/** Reads argv[1] ... of the command; "-h --help -V --version" are added to every command. SN_ERROR_USAGE with one line. */
sn_status sn_cli_parse(const sn_cli_command *command, int argc, char **argv, sn_cli_arguments *arguments);

void sn_cli_arguments_clear(sn_cli_arguments *arguments);

/** True when the option was given. The context is a sn_cli_arguments: this is what sn_experiment_resolve() asks. */
bool sn_cli_given(const void *arguments, const char *name);

/** Value of the last time an option was given; NULL when it was not. */
const char *sn_cli_value(const sn_cli_arguments *arguments, const char *name);

/** The n-th operand, NULL when there are fewer. */
const char *sn_cli_operand(const sn_cli_arguments *arguments, size_t n);

/** For messages: the text on one line, control characters replaced, cut to 79. Static buffer. */
const char *sn_cli_shown(const char *text);

#endif
