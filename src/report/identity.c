#include "identity.h"

#include <math.h>
#include <string.h>

#include "syncnorm/train/experiment.h"

const char *const sn_report_norm_attributes[] = {"norm", "groups", "bn_scope", "precise_bn", NULL};

bool sn_report_is_identity(const char *attribute)
{
    static const char *const others[] = {"name", "seed", "digest", "init", "dataset"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(attribute, others[i]) == 0) return false;
    return true;
}

static int order(double a, double b)
{
    return isnan(a) ? (isnan(b) ? 0 : 1) : isnan(b) ? -1 : a < b ? -1 : a > b;
}

/* Of text, numbers within it count as numbers: dirichlet:0.1 before dirichlet:10. */
static int compare_values(const sn_attribute *a, const sn_attribute *b)
{
    if (a->type != b->type) return a->type < b->type ? -1 : 1;
    switch (a->type) {
    case SN_VALUE_INTEGER:
        return a->integer < b->integer ? -1 : a->integer > b->integer;
    case SN_VALUE_REAL:
        return order(a->real, b->real);
    case SN_VALUE_TEXT:
        return strverscmp(a->text, b->text);
    }
    return 0;
}

bool sn_report_same_attribute(const sn_attributes *a, const sn_attributes *b, const char *name)
{
    const sn_attribute *x = sn_attributes_find(a, name), *y = sn_attributes_find(b, name);
    return x && y ? compare_values(x, y) == 0 : x == y;
}

static bool among(const char *name, const char *const *names)
{
    for (; names && *names; names++)
        if (strcmp(name, *names) == 0) return true;
    return false;
}

/* The next attribute of `list` from *i on that takes part and is not the same in `other`; NULL at the end. */
static const char *next_difference(const sn_attributes *list, const sn_attributes *other,
                                   const char *const *but, size_t *i)
{
    while (*i < list->count) {
        const char *name = list->items[(*i)++].name;
        if (sn_report_is_identity(name) && !among(name, but) && !sn_report_same_attribute(list, other, name))
            return name;
    }
    return NULL;
}

bool sn_report_same_but(const sn_attributes *a, const sn_attributes *b, const char *const *but)
{
    size_t i = 0, k = 0;
    return !next_difference(a, b, but, &i) && !next_difference(b, a, but, &k);
}

/* What only one of them has goes without saying where the norms differ: groups belong to group norm. */
static bool goes_without_saying(const sn_attributes *a, const sn_attributes *b, const char *name)
{
    return among(name, sn_report_norm_attributes) && !sn_report_same_attribute(a, b, "norm") &&
           (!sn_attributes_find(a, name) || !sn_attributes_find(b, name));
}

static size_t put_differences(FILE *out, const sn_attributes *a, const sn_attributes *b,
                              const char *const *but)
{
    const char *between = "";
    size_t count = 0;
    for (int side = 0; side < 2; side++) {
        const sn_attributes *list = side ? b : a, *other = side ? a : b;
        size_t i = 0;
        for (const char *name; (name = next_difference(list, other, but, &i));) {
            if (goes_without_saying(a, b, name) || (side && sn_attributes_find(a, name))) continue;
            fprintf(out, "%s%s", between, name);
            between = ", ";
            count++;
        }
    }
    return count;
}

/* What is evaluated after training changes no weight; it is a difference where there is no other. */
void sn_report_put_differences(FILE *out, const sn_attributes *a, const sn_attributes *b)
{
    static const char *const afterwards[] = {"precise_bn", NULL};
    if (put_differences(out, a, b, afterwards) == 0) put_differences(out, a, b, NULL);
}

static int norm_order(const sn_attributes *experiment)
{
    static const char *const norms[] = {"gn", "ln", "bn"};
    const char *norm = sn_report_text(experiment, "norm");
    for (int i = 0; i < 3; i++)
        if (strcmp(norm, norms[i]) == 0) return i;
    return 3;
}

static int compare_attribute(const sn_attributes *a, const sn_attributes *b, const char *name,
                             const sn_attributes *defaults)
{
    const sn_attribute *x = sn_attributes_find(a, name), *y = sn_attributes_find(b, name);
    if (!x || !y) return x ? 1 : y ? -1 : 0;
    const int values = compare_values(x, y);
    if (values == 0) return 0;
    const bool plain = sn_report_same_attribute(a, defaults, name);
    if (plain != sn_report_same_attribute(b, defaults, name)) return plain ? -1 : 1;
    return values;
}

/* The first of all attributes in which they differ decides; attributes are sorted by name (sn_report_runs_load). */
static int compare_rest(const sn_attributes *a, const sn_attributes *b, const sn_attributes *defaults)
{
    size_t i = 0, k = 0;
    static const char *const later[] = {"bn_scope", NULL};
    const char *mine = next_difference(a, b, later, &i), *other = next_difference(b, a, later, &k);
    if (!mine || !other) return mine ? 1 : other ? -1 : 0;
    return compare_attribute(a, b, strcmp(mine, other) < 0 ? mine : other, defaults);
}

int sn_report_compare(const sn_report_run *a, const sn_report_run *b, const sn_attributes *defaults)
{
    const sn_attributes *x = &a->run.experiment, *y = &b->run.experiment;
    static const char *const first[] = {"norm", "l1", "workers"};
    int result = norm_order(x) - norm_order(y);
    for (size_t i = 0; i < sizeof first / sizeof *first && result == 0; i++)
        result = compare_attribute(x, y, first[i], defaults);
    if (result == 0) result = compare_rest(x, y, defaults);
    if (result == 0) result = order(sn_report_scope(b), sn_report_scope(a));
    if (result == 0) result = compare_attribute(x, y, "bn_scope", defaults);
    return result;
}

sn_status sn_report_defaults(sn_attributes *defaults)
{
    static const char *const norms[] = {"bn", "gn"}; /* between them they have all attributes */
    for (size_t i = 0; i < sizeof norms / sizeof *norms; i++) {
        static sn_experiment experiment;
        sn_experiment_default(&experiment);
        SN_TRY(sn_experiment_set(&experiment, "norm", norms[i]));
        SN_TRY(sn_experiment_attributes(&experiment, defaults));
    }
    return SN_OK;
}
