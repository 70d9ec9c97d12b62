#ifndef TESTS_EXPERIMENT_OPTIONS_H
#define TESTS_EXPERIMENT_OPTIONS_H

/* Experiments by their options, as the command line makes them. */

#include "../support/cmocka_all.h"
#include "syncnorm/train/experiment.h"

typedef struct choice {
    const char *name, *value;
} choice;

/* The experiment with these options, as the command line makes it. */
static inline sn_experiment with(const choice *choices)
{
    sn_experiment experiment;
    sn_experiment_default(&experiment);
    for (; choices->name; choices++)
        assert_int_equal(sn_experiment_set(&experiment, choices->name, choices->value), SN_OK);
    return experiment;
}

#define OPTIONS(...)                                                                                         \
    (const choice[])                                                                                         \
    {                                                                                                        \
        __VA_ARGS__,                                                                                         \
        {                                                                                                    \
            NULL, NULL                                                                                       \
        }                                                                                                    \
    }

/* The experiment with these options has that name. */
static inline void assert_name(const choice *choices, const char *expected)
{
    char name[SN_RUN_NAME_SIZE];
    const sn_experiment experiment = with(choices);
    sn_experiment_name(&experiment, name);
    assert_string_equal(name, expected);
}

#endif
