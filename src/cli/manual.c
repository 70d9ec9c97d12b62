#include "manual.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "syncnorm/base/build.h"

/* Text as roff: what begins a request or an escape is protected, and a dash is one that can be searched and pasted. */
static void put(const char *text)
{
    if (*text == '.' || *text == '\'') fputs("\\&", stdout);
    for (; *text; text++)
        if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else
            putchar(*text);
}

static void put_line(const char *request, const char *text)
{
    fputs(request, stdout);
    put(text);
    putchar('\n');
}

static void put_capitals(const char *text)
{
    for (; *text; text++)
        putchar(toupper((unsigned char)*text));
}

static void head(const char *command, const char *about)
{
    fputs(".TH SYNCNORM", stdout);
    if (command) fputs("\\-", stdout);
    if (command) put_capitals(command);
    printf(" 1 \"\" \"syncnorm %s\" \"User Commands\"\n.SH NAME\nsyncnorm", sn_build_info()->version);
    if (command) fputs("\\-", stdout);
    if (command) put(command);
    fputs(" \\- ", stdout);
    put(about);
    fputs("\n.SH SYNOPSIS\n.B syncnorm", stdout);
    if (command) putchar(' ');
    if (command) put(command);
}

static void put_option(const sn_cli_option *option)
{
    fputs(".TP\n", stdout);
    if (option->letter) printf("\\fB\\-%c\\fR, ", option->letter);
    fputs("\\fB\\-\\-", stdout);
    put(option->name);
    fputs("\\fR", stdout);
    if (option->argument) {
        fputs(" \\fI", stdout);
        put(option->argument);
        fputs("\\fR", stdout);
    }
    putchar('\n');
    put_line("", option->help);
}

static void put_options(const sn_cli_option *options)
{
    for (; options->name; options++)
        put_option(options);
}

static void put_tail(void)
{
    fputs(".SH EXIT STATUS\n"
          ".TP\n0\ndone\n.TP\n1\nfailed, with one line on standard error\n.TP\n2\nwrong usage\n"
          ".TP\n75\nstopped on request (USR2, TERM, INT or \\fB\\-\\-max\\-time\\fR) with everything saved: "
          "the same command goes on\n",
          stdout);
}

void sn_cli_print_manual(const sn_cli_command *command, const sn_cli_option *common)
{
    char sentence[256]; /* the first, as the line of whatis has it */
    snprintf(sentence, sizeof sentence, "%.*s", (int)strcspn(command->about, "."), command->about);
    sentence[0] = (char)tolower((unsigned char)sentence[0]);
    head(command->name, sentence);
    fputs("\n.RI [ OPTION ...]", stdout);
    if (command->operands) {
        fputs("\n.I ", stdout);
        put(command->operands);
    }
    fputs("\n.SH DESCRIPTION\n", stdout);
    put_line("", command->about);
    for (size_t i = 0; i < command->group_count; i++) {
        put_line(i ? ".SS " : ".SH OPTIONS\n.SS ", command->groups[i].heading);
        put_options(command->groups[i].options);
    }
    fputs(command->group_count ? ".SS \"\"\n" : ".SH OPTIONS\n", stdout);
    put_options(common);
    if (command->notes) {
        fputs(".SH NOTES\n", stdout);
        put_line("", command->notes);
    }
    put_tail();
    fputs(".SH SEE ALSO\n.BR syncnorm (1)\n", stdout);
}

void sn_cli_print_program_manual(const sn_cli_entry *entries)
{
    head(NULL, "data-parallel training of a small CNN on MNIST, to compare norms");
    fputs("\n.I COMMAND\n.RI [ OPTION ...]\n.SH DESCRIPTION\n"
          "Trains a small CNN on MNIST, data-parallel over MPI, to compare batch norm with synchronized "
          "statistics,\n"
          "group norm and layer norm. The same experiment gives the same bits on any number of ranks.\n"
          "On several ranks: \\fBmpirun \\-q \\-np\\fR \\fIN\\fR \\fBsyncnorm train\\fR ...\n.SH COMMANDS\n",
          stdout);
    for (const sn_cli_entry *entry = entries; entry->name; entry++) {
        put_line(".TP\n.B ", entry->name);
        put_line("", entry->about);
    }
    fputs(".SH ENVIRONMENT\n"
          ".TP\n.B MNIST_DIR\ndirectory of the data set, where \\fB\\-\\-data\\fR does not name it\n"
          ".TP\n.B SYNCNORM_SHARED_MEMORY\ndirectory for memory that the ranks of a node share, in place of "
          "/dev/shm\n"
          ".TP\n.B SYNCNORM_ISA\nportable, x86\\-64\\-v3 or x86\\-64\\-v4: the instruction set of the "
          "kernels; it changes no bit\n",
          stdout);
    put_tail();
    fputs(".SH SEE ALSO\n", stdout);
    for (const sn_cli_entry *entry = entries; entry->name; entry++) {
        fputs(".BR syncnorm\\-", stdout);
        put(entry->name);
        puts(entry[1].name ? " (1)," : " (1)");
    }
}

static void put_words(const sn_cli_option *options)
{
    for (; options->name; options++)
        printf("--%s\t%s\n", options->name, options->argument ? options->argument : "");
}

void sn_cli_print_words(const sn_cli_command *command, const sn_cli_option *common)
{
    for (size_t i = 0; i < command->group_count; i++)
        put_words(command->groups[i].options);
    put_words(common);
    printf("-\t%s\n", command->operands ? command->operands : "");
}
