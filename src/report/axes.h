#ifndef SN_REPORT_AXES_H
#define SN_REPORT_AXES_H

/* The pairs of a large study by what differs in them: collected and shown as a table in section_axes.c, told in answer_axes.c. */

#include "sections.h"

/** What two experiments differ in, and in nothing else. */
typedef enum sn_respect {
    SN_RESPECT_NORM,    /* or what belongs to it: the scope of its statistics */
    SN_RESPECT_WORKERS, /* of one batch */
    SN_RESPECT_GROWTH,  /* workers with as many samples each */
    SN_RESPECT_SHARDS,
    SN_RESPECTS,
} sn_respect;

enum { SN_FINDING_NAME = 2 * SN_PART_NAME + 80, SN_SETTING = 256 };

/** A pair: `group` minus `against`, which may be its first minus its second. */
typedef struct sn_finding {
    sn_respect respect;
    char name[SN_FINDING_NAME]; /* what is compared: "bn against gn" */
    const sn_pair *pair;
    const sn_report_group *group,
        *against; /* the one with the settings at which they are compared; of workers, the one with more */
    char setting[SN_SETTING]; /* sn_setting_of() `group` */
    sn_verdict verdict;
    double points;
} sn_finding;

/** Findings of one name. */
typedef struct sn_contrast {
    const sn_finding *findings, *largest; /* largest in size */
    size_t count, verdicts[SN_VERDICTS];
    double least, most; /* points */
} sn_contrast;

typedef struct sn_axes {
    sn_finding *findings;
    sn_contrast *contrasts; /* by respect; the largest first */
    size_t count;           /* of contrasts */
} sn_axes;

/** What the group differs from others in, as options: neither its norm nor its workers, nor its shards where they are the `respect`. Where its
    batch grows, it has the options of the line. */
void sn_setting_of(const sn_report_runs *runs, const sn_report_group *group, sn_respect respect,
                   char text[SN_SETTING]);

/** Of pairs that were tested, where any was. SN_ERROR_MEMORY. */
sn_status sn_axes_collect(const sn_report_runs *runs, const sn_pairs *pairs, sn_axes *axes);
/** Of `count` contrasts what is found at one setting. SN_ERROR_MEMORY. */
sn_status sn_axes_narrow(const sn_contrast *contrasts, size_t count, const char *setting, sn_axes *narrowed);
void sn_axes_clear(sn_axes *axes);

static inline bool sn_is_of_workers(const sn_finding *finding)
{
    return finding->respect == SN_RESPECT_WORKERS || finding->respect == SN_RESPECT_GROWTH;
}

/** How many of its findings have a verdict. */
static inline size_t sn_contrast_decided(const sn_contrast *c)
{
    return c->count - c->verdicts[SN_UNDECIDED];
}

#endif
