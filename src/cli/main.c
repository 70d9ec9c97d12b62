#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "manual.h"

static const struct {
    const char *name, *about;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"train", "train one experiment, over all ranks", sn_command_train},
    {"study", "train several side by side, over teams of ranks, and compare them", sn_command_study},
    {"report", "compare run files: figures, tables and a page", sn_command_report},
    {"eval", "evaluate the model of a run file", sn_command_eval},
    {"summary", "print the network's layers", sn_command_summary},
    {"inspect", "print or verify what run files hold", sn_command_inspect},
    {"bench", "measure kernels, collectives and whole training steps", sn_command_bench},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_commands(FILE *out)
{
    fprintf(out, "Usage: syncnorm COMMAND [OPTION...]\n"
                 "Trains a small CNN on MNIST, data-parallel over MPI, to compare norms.\n"
                 "The same experiment gives the same bits on any number of ranks.\n\n");
    for (int i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-8s  %s\n", commands[i].name, commands[i].about);
    fprintf(out, "\nsyncnorm COMMAND --help lists the options of a command.\n"
                 "On several ranks: mpirun -q -np N syncnorm train ...\n");
}

static void print_manual(void)
{
    sn_cli_entry entries[COMMANDS + 1] = {{NULL, NULL}};
    for (int i = 0; i < COMMANDS; i++)
        entries[i] = (sn_cli_entry){commands[i].name, commands[i].about};
    sn_cli_print_program_manual(entries);
}

/* A file opened later must not become standard output or error because the caller closed those. */
static void occupy_standard_streams(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) == -1) {
            const int opened = open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY); /* using it stays an error */
            if (opened != fd && opened >= 0) close(opened);
        }
}

/* -1: there is no such command */
static int run_command(int argc, char **argv)
{
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(argv[0], commands[i].name) == 0) return commands[i].run(argc, argv);
    return -1;
}

/* What is no command: an option of the program itself, or a mistake. */
static int answer(const char *name)
{
    int code = 0;
    if (!sn_cli_is_first()) return 0;
    if (!name) {
        fprintf(stderr, "syncnorm: no command: it must be one of");
        for (int i = 0; i < COMMANDS; i++)
            fprintf(stderr, "%s %s", i ? "," : "", commands[i].name);
        fprintf(stderr, " (see syncnorm --help)\n");
        code = sn_exit_code(SN_ERROR_USAGE);
    } else if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_commands(stdout);
    } else if (strcmp(name, "--help-man") == 0) {
        print_manual();
    } else if (strcmp(name, "--help-words") == 0) {
        for (int i = 0; i < COMMANDS; i++)
            puts(commands[i].name);
    } else if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        sn_cli_print_version();
    } else {
        fprintf(stderr, "syncnorm: unknown %s '%s' (see syncnorm --help)\n",
                *name == '-' ? "option" : "command", sn_cli_shown(name));
        code = sn_exit_code(SN_ERROR_USAGE);
    }
    return sn_cli_finish_output() != 0 ? 1 : code;
}

int main(int argc, char **argv)
{
    occupy_standard_streams();
    signal(SIGPIPE, SIG_IGN); /* a reader that goes away must not end a run of hours */
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of writing it */
    sn_cli_set_command_line(argc, argv);

    int code = -1;
    const char *name = argc > 1 ? argv[1] : NULL;
    if (argc == 3 && strcmp(name, "help") == 0) {
        static char option[] = "--help";
        code = run_command(2, (char *[]){argv[2], option, NULL});
        name = argv[2];
    } else if (name) {
        code = run_command(argc - 1, argv + 1);
    }
    if (code < 0) code = answer(name);
    sn_cli_forget_command_line();
    return code;
}
