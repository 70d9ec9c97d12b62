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
    SN_FIELD_REAL,  /* double */
    SN_FIELD_TEXT,  /* char array of `size` */
    SN_FIELD_CODED, /* written and read by the field's codec */
} sn_field_type;

/** A value with a text of its own: "sync", "dirichlet:0.1". */
typedef struct sn_codec {
    bool (*parse)(const char *text,
                  void *member); /* strict; false, and nothing stored, when it is no value */
    void (*print)(const void *member, char *text, size_t size);
    const char *wanted; /* what a value must be, for messages */
    const char *(*objection)(
        const char *text); /* why this text is no value, beyond that; NULL: nothing to add */
} sn_codec;

extern const sn_codec sn_codec_bn_scope, sn_codec_shards, sn_codec_schedule, sn_codec_own_seed;

typedef enum sn_field_role {
    SN_ROLE_IDENTITY, /* part of the digest */
    SN_ROLE_SEED,     /* likewise, but runs that differ in nothing else are repetitions of one experiment */
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
    const char *zero;           /* the word for 0, which is not in the range: to be resolved */
    const sn_codec *codec;
    bool afterwards; /* of identity: evaluated after training, it changes no weight */
    bool
        later; /* came later: its default is not recorded, so that experiments from before are what they were */
    const char *mark;  /* in the name, before a value that is not the default; NULL: never there */
    const char *plain; /* the value that the mark alone stands for */
    bool list;         /* a study takes several */
    bool (*applies)(const sn_experiment
                        *experiment); /* to the norm; NULL: to all; else it is the default and not recorded */
    bool (*wanted)(const sn_experiment *experiment); /* likewise, but for what another option asks for */
    const char *goes_with;                           /* where it applies, for messages */
    void (*settle)(
        sn_experiment *experiment); /* of values that mean the same in this experiment, takes one */
    bool (*identifies)(const sn_experiment *experiment); /* of a length: when it is identity after all */
} sn_field;

/* As many workers as the largest batch has samples, of which each needs one. */
enum { SN_FIELD_TEXT_SIZE = 64, SN_BATCH_MAX = 65536, SN_WORKERS_MAX = SN_BATCH_MAX, SN_EPOCHS_MAX = 65536 };

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
    return (!field->applies || field->applies(experiment)) && (!field->wanted || field->wanted(experiment));
}

/** True when it is among the attributes of this experiment. */
bool sn_field_recorded(const sn_field *field, const sn_experiment *experiment);

static inline bool sn_role_identifies(sn_field_role role)
{
    return role == SN_ROLE_IDENTITY || role == SN_ROLE_SEED;
}

/** True when the field is part of the digest. */
static inline bool sn_field_identifies(const sn_field *field, const sn_experiment *experiment)
{
    if (!sn_field_recorded(field, experiment)) return false;
    return sn_role_identifies(field->role) || (field->identifies && field->identifies(experiment));
}

/** Reads a value strictly and stores it; false when it is not one. With `any_default` a field's default is in range. */
bool sn_field_parse(const sn_field *field, const char *text, bool any_default, sn_experiment *experiment);

/** The value as text that sn_field_parse reads back to the same bits; of SN_FIELD_TEXT, which may be longer, a pointer. */
const char *sn_field_print(const sn_field *field, const sn_experiment *experiment,
                           char buffer[SN_FIELD_TEXT_SIZE]);

/** The field that is recorded as this attribute; NULL: none. */
const sn_field *sn_field_recorded_as(const char *attribute);

/** Reads what was recorded; false when it is of another type or no value. */
bool sn_field_recall(const sn_field *field, const sn_attribute *attribute, sn_experiment *experiment);

/** Digits and nothing else: no sign, space, base prefix or overflow. */
bool sn_read_unsigned(const char *text, uint64_t *value);

/** A finite decimal number. */
bool sn_read_real(const char *text, double *value);

/** The shortest text of 15 to 17 digits that sn_read_real() reads back to the same bits. */
void sn_print_real(double value, char *text, size_t size);

#endif
