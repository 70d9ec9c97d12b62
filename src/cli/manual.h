#ifndef SYNCNORM_CLI_MANUAL_H
#define SYNCNORM_CLI_MANUAL_H

/** What is made from the tables of options beside --help, so that it cannot differ: manual pages, and words for completion. */

#include "arguments.h"

/** A command of the program, in a line. */
typedef struct sn_cli_entry {
    const char *name, *about;
} sn_cli_entry;

/** syncnorm-COMMAND(1) as roff, to standard output. `common`: the options of every command. */
void sn_cli_print_manual(const sn_cli_command *command, const sn_cli_option *common);

/** syncnorm(1). `entries` end with a NULL name. */
void sn_cli_print_program_manual(const sn_cli_entry *entries);

/** For completion: a line for each option, "--name", a tab, and its argument as --help has it; "-", a tab and the operands at last. */
void sn_cli_print_words(const sn_cli_command *command, const sn_cli_option *common);

#endif
