#ifndef SYNCNORM_STUDY_PLAN_H
#define SYNCNORM_STUDY_PLAN_H

/** A plan: the experiments that a study carries out, no two of the same name. Not collective. */

#include <stddef.h>

#include "syncnorm/train/experiment.h"

/** An option of the experiment as it was given: `value` may be a list where the experiment's table says so. */
typedef struct sn_plan_option {
    const char *name;
    const char *value; /* NULL for a flag */
} sn_plan_option;

/** Every rank of a study has the plan, so it holds the lists and which of their combinations are runs: an experiment has 4 KB. */
typedef struct sn_plan {
    struct sn_plan_product *products;
    size_t product_count;
    uint16_t
        *combinations; /* [count], in the order of the lists, the last list fastest, product after product */
    size_t count;
    const char *select;   /* of the named plan */
    char init_digest[33]; /* of --init, once it was read; in the names of the runs */
} sn_plan;

enum { SN_PLAN_RUNS_MAX = 10000 };

/**
 * The product of the lists ("gn,ln,bn"; of integers also ranges, "1-5,8"), over the options as given (the last of a name counts), in the
 * order of the experiment's table. Without --experiment and --norm, group norm, layer norm, batch norm without and with a penalty. `ranks` is what
 * --workers ranks stands for; 0: not known. Runs that are the same experiment, and so of the same name, are merged: --bn-scope says
 * nothing to a run with group norm. The texts of the options must outlive the plan.
 * SN_ERROR_USAGE with one line: what sn_experiment_set() and _resolve() refuse in any run, options that mean nothing to all
 * of them, lists of what takes one value, more than SN_PLAN_RUNS_MAX runs.
 */
sn_status sn_plan_create(const sn_plan_option *options, size_t count, int ranks, sn_plan *plan);

/** The plans that have a name: what each is for, and its options, a set of them for each product that it is made of. */
typedef struct sn_named_plan {
    const char *name, *about;
    const char *select;  /* options that it tunes, for report --select; NULL: none */
    const char *sets[2]; /* "--norm gn,bn --seed 1-3"; NULL at the end */
} sn_named_plan;

/** NULL name at the end. */
extern const sn_named_plan sn_named_plans[];

/** As sn_plan_create(), with the options of the plan called `name` before those given, which change them. SN_ERROR_USAGE where none is called so. */
sn_status sn_plan_create_named(const char *name, const sn_plan_option *options, size_t count, int ranks,
                               sn_plan *plan);

/** Reads the file of --init, if there is one: then names and experiments have its digest. SN_ERROR_FILE. */
sn_status sn_plan_read_init(sn_plan *plan);

/** One of its runs, resolved; its name. */
void sn_plan_experiment(const sn_plan *plan, size_t run, sn_experiment *experiment);
void sn_plan_name(const sn_plan *plan, size_t run, char name[SN_RUN_NAME_SIZE]);

void sn_plan_clear(sn_plan *plan);

#endif
