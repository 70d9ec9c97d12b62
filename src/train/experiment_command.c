/* An experiment as the options that ask for it. */

#include <string.h>

#include "experiment_fields.h"

static bool is_default(const sn_field *field, const sn_experiment *experiment, const sn_experiment *defaults)
{
    char mine[SN_FIELD_TEXT_SIZE], other[SN_FIELD_TEXT_SIZE];
    return strcmp(sn_field_print(field, experiment, mine), sn_field_print(field, defaults, other)) == 0;
}

void sn_experiment_tell_options(const sn_experiment *experiment,
                                void (*tell)(void *context, const char *name, const char *value),
                                void *context)
{
    static sn_experiment defaults;
    sn_experiment_default(&defaults);
    for (size_t i = 0; i < sn_field_count; i++) {
        const sn_field *field = &sn_fields[i];
        char text[SN_FIELD_TEXT_SIZE];
        if (!field->option || !field->attribute || !sn_field_applies(field, experiment)) continue;
        /* the norm always, or a command would not say what is compared */
        if (strcmp(field->option, "norm") != 0 && is_default(field, experiment, &defaults)) continue;
        tell(context, field->option,
             field->type == SN_FIELD_SWITCH ? NULL : sn_field_print(field, experiment, text));
    }
}
