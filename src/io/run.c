/* A run in memory: a bundle of attributes, tensors and tables. */

#include <stdlib.h>

#include "syncnorm/io/run_file.h"

sn_status sn_run_add_provenance(sn_run *run, sn_attributes **entry)
{
    sn_attributes *list = reallocarray(run->provenance, run->provenance_count + 1, sizeof *list);
    if (!list) return sn_fail(SN_ERROR_MEMORY, "out of memory: provenance");
    run->provenance = list;
    *entry = &list[run->provenance_count++];
    **entry = (sn_attributes){0};
    return SN_OK;
}

void sn_run_clear(sn_run *run)
{
    for (size_t i = 0; i < run->provenance_count; i++)
        sn_attributes_clear(&run->provenance[i]);
    free(run->provenance);
    sn_attributes_clear(&run->root);
    sn_attributes_clear(&run->experiment);
    sn_attributes_clear(&run->model_attributes);
    sn_attributes_clear(&run->progress);
    sn_attributes_clear(&run->evaluation_attributes);
    sn_tensors_clear(&run->model);
    sn_tensors_clear(&run->optimizer);
    sn_tensors_clear(&run->partial);
    sn_tensors_clear(&run->evaluation);
    sn_table_clear(&run->epochs);
    sn_table_clear(&run->steps);
    *run = (sn_run){0};
}
