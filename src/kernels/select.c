/**
 * Which kernels run. This file is compiled without flags of any instruction set, so that it runs everywhere. The tables
 * are ordered best first; the portable one is always there.
 */

#include "tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TABLES = 3 };

static size_t tables(const sn_kernels *found[MOST_TABLES])
{
    size_t n = 0;
#ifdef SN_KERNELS_X86
    __builtin_cpu_init();
    /* Every processor with AVX2, FMA and BMI has the rest of its level (F16C, LZCNT, MOVBE). */
    const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512vl");
    if (v4) found[n++] = &sn_kernels_v4;
    if (v3) found[n++] = &sn_kernels_v3;
#endif
    found[n++] = &sn_kernels_portable;
    return n;
}

const sn_kernels *sn_kernels_select(const char *isa)
{
    const sn_kernels *found[MOST_TABLES];
    const size_t n = tables(found);
    if (!isa) {
        isa = getenv("SYNCNORM_ISA");
        if (!isa || !*isa) return found[0];
    }
    for (size_t i = 0; i < n; i++) {
        if (strcmp(isa, found[i]->isa) == 0) return found[i];
    }
    return NULL;
}

const char *const *sn_kernels_available(void)
{
    static const char *names[MOST_TABLES + 1];
    const sn_kernels *found[MOST_TABLES];
    const size_t n = tables(found);
    for (size_t i = 0; i < n; i++)
        names[i] = found[i]->isa;
    return names;
}

sn_status sn_kernels_choose(const sn_kernels **kernels)
{
    *kernels = sn_kernels_select(NULL);
    if (*kernels) return SN_OK;
    char names[96] = "";
    size_t used = 0;
    for (const char *const *name = sn_kernels_available(); *name && used < sizeof names; name++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", *name);
    return sn_fail(SN_ERROR_USAGE, "SYNCNORM_ISA '%.40s': this processor and build have %s",
                   getenv("SYNCNORM_ISA"), names);
}
