/* The command line as text: for the provenance, and to see whether all ranks have the same. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static char *command_line;
static size_t program_length; /* in it */

const char *sn_cli_command_line(void)
{
    return command_line ? command_line : "";
}

const char *sn_cli_command_arguments(void)
{
    return command_line ? command_line + program_length : "";
}

void sn_cli_put_word(const char *word, FILE *out)
{
    const bool plain = *word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyz"
                                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                                   "-_./,:=+%@")];
    if (plain) {
        fputs(word, out);
        return;
    }
    putc('\'', out);
    for (const char *c = word; *c; c++)
        if (*c == '\'')
            fputs("'\\''", out);
        else
            putc(*c, out);
    putc('\'', out);
}

void sn_cli_set_command_line(int argc, char **argv)
{
    size_t bytes;
    FILE *out = open_memstream(&command_line, &bytes);
    if (!out) return;
    for (int i = 0; i < argc; i++) {
        if (i) putc(' ', out);
        sn_cli_put_word(argv[i], out);
        if (i == 0 && fflush(out) == 0) program_length = bytes;
    }
    fclose(out);
}

void sn_cli_put_program(FILE *out)
{
    fprintf(out, "%.*s", (int)program_length, sn_cli_command_line());
}

void sn_cli_forget_command_line(void)
{
    free(command_line);
    command_line = NULL;
}
