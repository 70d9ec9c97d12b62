#include "syncnorm/base/log.h"

#include <stdarg.h>
#include <stdio.h>

static sn_log_level level = SN_LOG_NORMAL;
static int speaking = 1;

void sn_log_configure(sn_log_level new_level, int speaks)
{
    level = new_level;
    speaking = speaks;
}

sn_log_level sn_log_get_level(void)
{
    return level;
}

/* One write per line, so that lines of several processes do not mix. */
__attribute__((format(printf, 2, 0))) static void line(const char *prefix, const char *format,
                                                       va_list arguments)
{
    if (!speaking) return;
    char text[2048];
    int used = snprintf(text, sizeof text, "syncnorm: %s", prefix);
    used += vsnprintf(text + used, sizeof text - (size_t)used - 1, format, arguments);
    if (used > (int)sizeof text - 2) used = (int)sizeof text - 2;
    text[used++] = '\n';
    fwrite(text, 1, (size_t)used, stderr);
}

#define SN_LOG_FUNCTION(name, least, prefix)                                                                 \
    void name(const char *format, ...)                                                                       \
    {                                                                                                        \
        if (level < (least)) return;                                                                         \
        va_list arguments;                                                                                   \
        va_start(arguments, format);                                                                         \
        line(prefix, format, arguments);                                                                     \
        va_end(arguments);                                                                                   \
    }

SN_LOG_FUNCTION(sn_log_error, SN_LOG_QUIET, "error: ")
SN_LOG_FUNCTION(sn_log_warning, SN_LOG_QUIET, "warning: ")
SN_LOG_FUNCTION(sn_log_note, SN_LOG_NORMAL, "")
SN_LOG_FUNCTION(sn_log_detail, SN_LOG_VERBOSE, "")
