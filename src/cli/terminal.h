#ifndef SYNCNORM_CLI_TERMINAL_H
#define SYNCNORM_CLI_TERMINAL_H

/** What displays on a terminal share. */

#include <stdio.h>

/** Columns of the terminal that `out` is; 0 when it is none. mpirun gives its ranks a terminal of width 0. */
int sn_cli_terminal_columns(FILE *out);

typedef struct sn_cli_terminal {
    int columns, rows; /* 0: none */
} sn_cli_terminal;

/** The terminal where the output is read: that of `out`, else, under a launcher on this node, that of the launcher. */
sn_cli_terminal sn_cli_terminal_behind(FILE *out);

enum { SN_CLI_TIME_SIZE = 24, SN_CLI_BAR_COLUMNS = 10, SN_CLI_BAR_SIZE = SN_CLI_BAR_COLUMNS * 3 + 1 };

/** Seconds as tqdm writes them: 01:05, 1:00:00 */
void sn_cli_write_time(double seconds, char text[SN_CLI_TIME_SIZE]);

/** Ten columns in eighths */
void sn_cli_write_bar(double fraction, char text[SN_CLI_BAR_SIZE]);

/** Cuts UTF-8 text to so many columns, one per character, and returns how many it has. */
int sn_cli_cut(char *text, int columns);

#endif
