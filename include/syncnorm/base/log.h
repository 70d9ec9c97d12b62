#ifndef SYNCNORM_BASE_LOG_H
#define SYNCNORM_BASE_LOG_H

/** What the program says on standard error, one line at a time. Results go to standard output, not here. Not collective. */

typedef enum sn_log_level { SN_LOG_QUIET, SN_LOG_NORMAL, SN_LOG_VERBOSE } sn_log_level;

/** This process speaks when `speaks`; other ranks keep silent, whatever the level. */
void sn_log_configure(sn_log_level level, int speaks);

sn_log_level sn_log_get_level(void);

/** "syncnorm: error: ..." and "syncnorm: warning: ..." are always shown, the rest from its level up. */
void sn_log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void sn_log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void sn_log_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void sn_log_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
