#include "arguments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "manual.h"

enum { WIDTH = 80, HELP_COLUMN = 32 };

static const sn_cli_option common[] = {
    {"help", NULL, "print this help", 'h'}, {"version", NULL, "print the version", 'V'}, {0}};

/* Not in --help: for installing and for completion. */
static const sn_cli_option hidden[] = {{.name = "help-man"}, {.name = "help-words"}, {0}};

const char *sn_cli_shown(const char *text)
{
    static char shown[80];
    snprintf(shown, sizeof shown, "%s", text);
    for (char *c = shown; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) *c = '?';
    return shown;
}

/* The option called `name` (of `length` characters) or, with name == NULL, the one with the letter. */
static const sn_cli_option *search(const sn_cli_option *list, const char *name, size_t length, char letter)
{
    for (; list->name; list++)
        if (name ? strlen(list->name) == length && strncmp(list->name, name, length) == 0
                 : list->letter && list->letter == letter)
            return list;
    return NULL;
}

static const sn_cli_option *find(const sn_cli_command *command, const char *name, size_t length, char letter)
{
    const sn_cli_option *found = search(common, name, length, letter);
    if (!found) found = search(hidden, name, length, letter);
    for (size_t i = 0; i < command->group_count && !found; i++)
        found = search(command->groups[i].options, name, length, letter);
    return found;
}

/* Words of `text` from `column` (where the output stands) on, wrapped at WIDTH and indented by `indent`. */
static void print_wrapped(const char *text, size_t column, size_t indent)
{
    while (*text) {
        const size_t word = strcspn(text, " ");
        if (column > indent && column + 1 + word > WIDTH) {
            printf("\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            putchar(' ');
            column++;
        }
        printf("%.*s", (int)word, text);
        column += word;
        text += word;
        text += strspn(text, " ");
    }
    putchar('\n');
}

static void print_options(const sn_cli_option *option)
{
    for (; option->name; option++) {
        int column = option->letter ? printf("  -%c, ", option->letter) : printf("      ");
        column += printf("--%s", option->name);
        if (option->argument) column += printf(" %s", option->argument);
        if (column + 2 > HELP_COLUMN)
            column = printf("\n%*s", HELP_COLUMN, "") - 1;
        else
            column += printf("%*s", HELP_COLUMN - column, "");
        print_wrapped(option->help, (size_t)column, HELP_COLUMN);
    }
}

static void print_help(const sn_cli_command *command)
{
    printf("Usage: syncnorm %s [OPTION...]%s%s\n", command->name, command->operands ? " " : "",
           command->operands ? command->operands : "");
    print_wrapped(command->about, 0, 0);
    for (size_t i = 0; i < command->group_count; i++) {
        printf("\n%s\n", command->groups[i].heading);
        print_options(command->groups[i].options);
    }
    putchar('\n');
    print_options(common);
    if (!command->notes) return;
    putchar('\n');
    print_wrapped(command->notes, 0, 0);
}

/* What was asked for in place of the command's work; false: nothing was. */
static bool answered(const sn_cli_command *command, const sn_cli_arguments *arguments)
{
    static const char *const questions[] = {"help", "help-man", "help-words", "version"};
    size_t q = 0;
    while (q < sizeof questions / sizeof *questions && !sn_cli_given(arguments, questions[q]))
        q++;
    if (q == sizeof questions / sizeof *questions) return false;
    if (!sn_cli_is_first()) return true;
    switch (q) {
    case 0:
        print_help(command);
        break;
    case 1:
        sn_cli_print_manual(command, common);
        break;
    case 2:
        sn_cli_print_words(command, common);
        break;
    default:
        sn_cli_print_version();
        break;
    }
    return true;
}

static void add(sn_cli_arguments *arguments, const char *name, const char *value)
{
    arguments->items[arguments->count++] = (sn_cli_argument){name, value};
}

/* --name, --name=value or --name value at argv[*i] */
static sn_status read_long(const sn_cli_command *command, int argc, char **argv, int *i,
                           sn_cli_arguments *arguments)
{
    const char *name = argv[*i] + 2;
    const char *equals = strchr(name, '=');
    const size_t length = equals ? (size_t)(equals - name) : strlen(name);
    const sn_cli_option *option = find(command, name, length, 0);
    if (!option) {
        char unknown[80];
        snprintf(unknown, sizeof unknown, "%.*s", (int)(length < 79 ? length : 79), name);
        return sn_fail(SN_ERROR_USAGE, "unknown option '--%s'", sn_cli_shown(unknown));
    }
    if (!option->argument) {
        if (equals) return sn_fail(SN_ERROR_USAGE, "option '--%s' takes no value", option->name);
        add(arguments, option->name, NULL);
        return SN_OK;
    }
    const char *value = equals ? equals + 1 : *i + 1 < argc ? argv[*i + 1] : NULL;
    /* "--output --steps 9": the value was forgotten; who means it writes "--output=--steps" */
    if (!value || (!equals && strncmp(value, "--", 2) == 0))
        return sn_fail(SN_ERROR_USAGE, "option '--%s' needs a value", option->name);
    if (!equals) ++*i;
    add(arguments, option->name, value);
    return SN_OK;
}

/* -q or -qv: letters are flags */
static sn_status read_letters(const sn_cli_command *command, const char *letters, sn_cli_arguments *arguments)
{
    for (; *letters; letters++) {
        const sn_cli_option *option = find(command, NULL, 0, *letters);
        if (!option) {
            const char unknown[] = {*letters, '\0'};
            return sn_fail(SN_ERROR_USAGE, "unknown option '-%s'", sn_cli_shown(unknown));
        }
        if (!sn_cli_given(arguments, option->name)) add(arguments, option->name, NULL);
    }
    return SN_OK;
}

sn_status sn_cli_parse(const sn_cli_command *command, int argc, char **argv, sn_cli_arguments *arguments)
{
    *arguments = (sn_cli_arguments){0};
    /* an argument may hold as many options as it has letters */
    size_t most = 1;
    for (int i = 1; i < argc; i++)
        most += strlen(argv[i]) + 1;
    arguments->items = calloc(most, sizeof *arguments->items);
    if (!arguments->items) return sn_fail(SN_ERROR_MEMORY, "out of memory: the command line");

    bool operands_only = false;
    for (int i = 1; i < argc; i++) {
        if (operands_only || argv[i][0] != '-' || !argv[i][1]) {
            if (!command->operands)
                return sn_fail(SN_ERROR_USAGE, "unexpected argument '%s'", sn_cli_shown(argv[i]));
            add(arguments, NULL, argv[i]);
        } else if (strcmp(argv[i], "--") == 0) {
            operands_only = true;
        } else if (argv[i][1] == '-') {
            SN_TRY(read_long(command, argc, argv, &i, arguments));
        } else {
            SN_TRY(read_letters(command, argv[i] + 1, arguments));
        }
        arguments->done = answered(command, arguments);
        if (arguments->done) return SN_OK;
    }
    return SN_OK;
}

void sn_cli_arguments_clear(sn_cli_arguments *arguments)
{
    free(arguments->items);
    *arguments = (sn_cli_arguments){0};
}

static const sn_cli_argument *last(const sn_cli_arguments *arguments, const char *name)
{
    for (size_t i = arguments->count; i-- > 0;)
        if (arguments->items[i].name && strcmp(arguments->items[i].name, name) == 0)
            return &arguments->items[i];
    return NULL;
}

bool sn_cli_given(const void *arguments, const char *name)
{
    return last(arguments, name) != NULL;
}

const char *sn_cli_value(const sn_cli_arguments *arguments, const char *name)
{
    const sn_cli_argument *argument = last(arguments, name);
    return argument ? argument->value : NULL;
}

const char *sn_cli_operand(const sn_cli_arguments *arguments, size_t n)
{
    for (size_t i = 0; i < arguments->count; i++)
        if (!arguments->items[i].name && n-- == 0) return arguments->items[i].value;
    return NULL;
}
