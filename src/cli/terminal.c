#include "terminal.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"

static sn_cli_terminal size_of(int fd)
{
    struct winsize size = {0};
    if (fd < 0 || !isatty(fd) || ioctl(fd, TIOCGWINSZ, &size) != 0) return (sn_cli_terminal){0};
    return (sn_cli_terminal){size.ws_col, size.ws_row};
}

int sn_cli_terminal_columns(FILE *out)
{
    return size_of(fileno(out)).columns;
}

/* mpirun reads what its ranks write, and writes it to its own standard output, which Linux shows under /proc. */
sn_cli_terminal sn_cli_terminal_behind(FILE *out)
{
    const sn_cli_terminal mine = size_of(fileno(out));
    if (mine.columns > 0 || !sn_cli_is_launched()) return mine;
    char path[32];
    snprintf(path, sizeof path, "/proc/%ld/fd/1", (long)getppid());
    const int fd = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    const sn_cli_terminal launchers = size_of(fd);
    if (fd >= 0) close(fd);
    return launchers;
}

void sn_cli_write_time(double seconds, char text[SN_CLI_TIME_SIZE])
{
    const unsigned long total = seconds > 0 ? (unsigned long)seconds : 0;
    if (total >= 3600)
        snprintf(text, SN_CLI_TIME_SIZE, "%lu:%02lu:%02lu", total / 3600, total / 60 % 60, total % 60);
    else
        snprintf(text, SN_CLI_TIME_SIZE, "%02lu:%02lu", total / 60, total % 60);
}

void sn_cli_write_bar(double fraction, char text[SN_CLI_BAR_SIZE])
{
    static const char *const eighths[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    const int filled = (int)(fraction * SN_CLI_BAR_COLUMNS * 8);
    text[0] = '\0';
    for (int column = 0; column < SN_CLI_BAR_COLUMNS; column++) {
        const int eighth = filled - 8 * column;
        strcat(text, eighth >= 8 ? "█" : eighths[eighth > 0 ? eighth : 0]);
    }
}

static bool continues_character(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

int sn_cli_cut(char *text, int columns)
{
    int used = 0;
    for (char *c = text; *c; c++) {
        if (continues_character(*c)) continue;
        if (used == columns) {
            *c = '\0';
            break;
        }
        used++;
    }
    return used;
}
