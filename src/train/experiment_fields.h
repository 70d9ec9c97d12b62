#ifndef SYNCNORM_TRAIN_EXPERIMENT_FIELDS_H
#define SYNCNORM_TRAIN_EXPERIMENT_FIELDS_H

/** The table of fields that everything about an experiment is derived from; private to src/train. */

#include "syncnorm/train/experiment.h"

typedef enum sn_field_type {
    SN_FIELD_PRESET, /* sets other fields */
    SN_FIELD_CHOICE, /* an enumeration, stored as int, written as its word */
    SN_FIELD_SWITCH, /* bool; the option, which has no value, sets what the default is not */
    SN_FIELD_UINT32,
    SN_FIELD_UINT64,
    SN_FIELD_REAL, /* double */
    SN_FIELD_TEXT, /* char array of `size` */
} sn_field_type;

typedef enum sn_field_role {
    SN_ROLE_IDENTITY, /* part of the digest */
    SN_ROLE_LENGTH,   /* recorded, but a longer run goes on from a shorter one */
    SN_ROLE_NOTE,     /* recorded, if it has an attribute: where a resolved value came from */
} sn_field_role;

/** Bounds of a number: [low, high] but for an end that is open. */
typedef struct sn_range {
    double low, high;
    bool low_open, high_open;
} sn_range;

typedef struct sn_field {
    const char *option;   /* NULL: not an option (yet) */
    const char *argument; /* for --help; NULL for a switch */
    const char *help;
    const char *attribute; /* NULL: not recorded */
    sn_field_type type;
    sn_field_role role;
    size_t offset, size; /* in sn_experiment */
    const char *initial; /* the default, as text */
    sn_range range;
    const char *const *choices; /* NULL at the end */
    const char *mark;           /* in the name, before a value that is not the default; NULL: never there */
    const char *plain;          /* the value that the mark alone stands for */
    bool (*applies)(const sn_experiment *experiment); /* NULL: always */
} sn_field;

enum { SN_FIELD_TEXT_SIZE = 32 };

extern const sn_field sn_fields[];
extern const size_t sn_field_count;

/** The experiments of the published study, NULL name at the end. */
typedef struct sn_preset {
    const char *name;
    sn_norm_kind norm;
    double l1;
} sn_preset;

extern const sn_preset sn_presets[];

static inline void *sn_field_in(const sn_field *field, sn_experiment *experiment)
{
    return (char *)experiment + field->offset;
}

static inline const void *sn_field_of(const sn_field *field, const sn_experiment *experiment)
{
    return (const char *)experiment + field->offset;
}

static inline bool sn_field_applies(const sn_field *field, const sn_experiment *experiment)
{
    return !field->applies || field->applies(experiment);
}

/** Reads a value strictly and stores it; false when it is not one. With `any_default` a field's default is in range. */
bool sn_field_parse(const sn_field *field, const char *text, bool any_default, sn_experiment *experiment);

/** The value as text that sn_field_parse reads back to the same bits; of SN_FIELD_TEXT, which may be longer, a pointer. */
const char *sn_field_print(const sn_field *field, const sn_experiment *experiment,
                           char buffer[SN_FIELD_TEXT_SIZE]);

#endif
