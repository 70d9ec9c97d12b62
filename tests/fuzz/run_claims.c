#include "run_claims.h"

#include <stdlib.h>
#include <string.h>

#include "target.h"

/* Reads every byte, so that a sanitizer sees where there are fewer than promised. */
static void touch(const void *data, size_t size)
{
    volatile unsigned char sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = (unsigned char)(sum + ((const unsigned char *)data)[i]);
}

void claim_whole_tensors(const sn_tensors *tensors)
{
    for (size_t i = 0; i < tensors->count; i++) {
        const sn_tensor *tensor = &tensors->items[i];
        CLAIM(tensor->name[0] && memchr(tensor->name, '\0', SN_TENSOR_NAME));
        CLAIM(sn_tensors_find(tensors, tensor->name) == tensor);
        CLAIM(tensor->rank >= 0 && tensor->rank <= SN_TENSOR_RANK);
        touch(tensor->data, sn_tensor_count(tensor) * sn_type_size(tensor->type));
    }
}

static void claim_whole_table(const sn_table *table)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const sn_column *column = &table->columns[i];
        CLAIM(sn_table_find(table, column->name) == column);
        CLAIM(column->type == SN_TYPE_F64 || column->type == SN_TYPE_I64);
        if (table->rows > 0) touch(column->data, table->rows * sn_type_size(column->type));
    }
}

static void claim_whole_attributes(const sn_attributes *attributes)
{
    for (size_t i = 0; i < attributes->count; i++) {
        const sn_attribute *attribute = &attributes->items[i];
        CLAIM(sn_attributes_find(attributes, attribute->name) == attribute);
        if (attribute->type == SN_VALUE_TEXT) touch(attribute->text, strlen(attribute->text));
    }
}

void claim_whole_run(const sn_run *run, sn_status status)
{
    const sn_run empty = {0};
    if (status != SN_OK) {
        CLAIM(memcmp(run, &empty, sizeof empty) == 0);
        return;
    }
    claim_whole_attributes(&run->root);
    claim_whole_attributes(&run->experiment);
    claim_whole_attributes(&run->model_attributes);
    claim_whole_attributes(&run->progress);
    claim_whole_attributes(&run->evaluation_attributes);
    for (size_t i = 0; i < run->provenance_count; i++)
        claim_whole_attributes(&run->provenance[i]);
    claim_whole_tensors(&run->model);
    claim_whole_tensors(&run->optimizer);
    claim_whole_tensors(&run->evaluation);
    claim_whole_table(&run->epochs);
    claim_whole_table(&run->steps);
}
