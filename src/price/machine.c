/* Machine files: JSON, as bench --json writes them. */

#include "syncnorm/price/machine.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "syncnorm/base/missing.h"

double sn_machine_step(const sn_machine *machine, sn_norm_kind norm, uint32_t samples)
{
    const sn_machine_steps *steps = &machine->steps[norm];
    if (steps->count == 0) return SN_MISSING;
    if (samples == 0) return 0;
    int above = 1; /* the line goes from the one below to this one */
    while (above < steps->count - 1 && steps->samples[above] < samples)
        above++;
    if (steps->count == 1) return steps->seconds[0] * samples / steps->samples[0];
    const double x0 = steps->samples[above - 1], x1 = steps->samples[above];
    const double y0 = steps->seconds[above - 1], y1 = steps->seconds[above];
    return y0 + (y1 - y0) * (samples - x0) / (x1 - x0);
}

static sn_status bad(const char *path, const char *where, const char *what)
{
    return sn_fail(SN_ERROR_FAILED, "%s: no machine file: %s%s (bench --json writes one)", path, where, what);
}

enum { SECONDS_MOST = 3600 }; /* of a step or a message */

static bool has_number(const json_t *from, const char *key, double least, double most, double *value)
{
    const json_t *number = json_object_get(from, key);
    *value = json_number_value(number);
    return json_is_number(number) && *value >= least && *value <= most;
}

static sn_status read_number(const char *path, const json_t *from, const char *key, double least, double most,
                             double *value)
{
    if (has_number(from, key, least, most, value)) return SN_OK;
    return bad(path, key, " must be a number that makes sense");
}

static sn_status read_link(const char *path, const json_t *file, const char *key, sn_link *link)
{
    double bandwidth;
    const json_t *from = json_object_get(file, key);
    *link = (sn_link){SN_MISSING, SN_MISSING, 0};
    if (!from) return SN_OK;
    SN_TRY(read_number(path, from, "latency_seconds", 0, SECONDS_MOST, &link->latency));
    if (json_object_get(from, "overhead_seconds"))
        SN_TRY(read_number(path, from, "overhead_seconds", 0, link->latency, &link->overhead));
    SN_TRY(read_number(path, from, "bytes_per_second", SN_LINK_SLOWEST, SN_LINK_FASTEST, &bandwidth));
    link->per_byte = 1 / bandwidth;
    return SN_OK;
}

static sn_status read_steps(const char *path, const json_t *list, const char *norm, sn_machine_steps *steps)
{
    const size_t count = json_array_size(list);
    if (count == 0 || count > SN_MACHINE_SHARES) return bad(path, norm, ": shares must be 1 to 32");
    double before = 0;
    for (size_t i = 0; i < count; i++) {
        const json_t *share = json_array_get(list, i);
        double samples, seconds;
        if (!has_number(share, "samples", before + 1, 65536, &samples))
            return bad(path, norm, ": samples must be ascending, from 1 to 65536");
        if (!has_number(json_object_get(share, "step_seconds"), "median", 1e-9, SECONDS_MOST, &seconds))
            return bad(path, norm, ": the median of step_seconds must be a number up to 3600");
        steps->samples[i] = (uint32_t)samples;
        steps->seconds[i] = seconds;
        before = steps->samples[i];
    }
    steps->count = (int)count;
    return SN_OK;
}

static sn_status read_machine(const char *path, const json_t *file, sn_machine *m)
{
    const char *name = json_string_value(json_object_get(file, "machine"));
    const char *origin = json_string_value(json_object_get(file, "origin"));
    const json_t *shares = json_object_get(file, "shares");
    double ranks;
    const char *note = json_string_value(json_object_get(file, "note"));
    if (!name || !*name) return bad(path, "machine", " must be its name");
    snprintf(m->name, sizeof m->name, "%s", name);
    snprintf(m->note, sizeof m->note, "%s", note ? note : "");
    m->measured = origin && strcmp(origin, "measured") == 0;
    if (origin && !m->measured && strcmp(origin, "stated") != 0)
        return bad(path, "origin", " must be measured or stated");
    SN_TRY(read_number(path, file, "ranks_per_node", 1, 65536, &ranks));
    m->ranks_per_node = (int)ranks;
    if (m->ranks_per_node < ranks) return bad(path, "ranks_per_node", " must be a whole number");
    SN_TRY(read_number(path, file, "spread", 0, 10, &m->spread));
    SN_TRY(read_link(path, file, "node", &m->node));
    SN_TRY(read_link(path, file, "network", &m->network));
    if (!json_is_object(shares)) return bad(path, "shares", " are missing");
    for (int norm = 0; norm < SN_NORM_KINDS; norm++) {
        const json_t *list = json_object_get(shares, sn_norm_types[norm].name);
        if (list) SN_TRY(read_steps(path, list, sn_norm_types[norm].name, &m->steps[norm]));
    }
    return SN_OK;
}

/* What is no JSON at all. */
static sn_status refuse(const char *path, const json_error_t *error)
{
    char where[32] = "";
    struct stat facts;
    const bool known = stat(path, &facts) == 0;
    if (known && S_ISDIR(facts.st_mode)) return bad(path, "", "a directory, not a file");
    if (known && S_ISREG(facts.st_mode) && facts.st_size == 0) return bad(path, "", "an empty file");
    if (error->line > 0) snprintf(where, sizeof where, "line %d: ", error->line);
    return bad(path, where, error->text);
}

sn_status sn_machine_read(const char *path, sn_machine *machine)
{
    json_error_t error;
    *machine = (sn_machine){0};
    json_t *file = json_load_file(path, 0, &error);
    if (!file) return refuse(path, &error);
    const sn_status status = read_machine(path, file, machine);
    json_decref(file);
    return status;
}
