#include "syncnorm/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char message[SN_MESSAGE_SIZE];

sn_status(sn_fail)(sn_status status, const char *format, ...)
{
    if (message[0]) return status; /* the first failure is the cause; later ones are its consequences */
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    for (char *c = message; *c; c++) /* names out of files can hold anything, and a message is one line */
        if ((unsigned char)*c < ' ' || *c == 0x7f) *c = '?';
    return status;
}

const char *sn_error_message(void)
{
    return message;
}

void sn_error_set_message(const char *text)
{
    snprintf(message, sizeof message, "%s", text);
}

void sn_error_clear(void)
{
    message[0] = '\0';
}

int sn_exit_code(sn_status status)
{
    switch (status) {
#define SN_STATUS_EXIT(name, exit_code, meaning)                                                             \
    case name:                                                                                               \
        return exit_code;
        SN_STATUS_LIST(SN_STATUS_EXIT)
#undef SN_STATUS_EXIT
    }
    return 1;
}

const char *sn_status_meaning(sn_status status)
{
    switch (status) {
#define SN_STATUS_MEANING(name, exit_code, meaning)                                                          \
    case name:                                                                                               \
        return meaning;
        SN_STATUS_LIST(SN_STATUS_MEANING)
#undef SN_STATUS_MEANING
    }
    return "failed";
}
