/* The published study's epochs: data/published-epochs.tsv, compiled in. */

#include <stdio.h>
#include <string.h>

#include "sections.h"

#include "published_epochs.h"

size_t sn_published_epochs(const char *experiment, sn_published rows[SN_PUBLISHED_EPOCHS])
{
    size_t count = 0;
    for (const char *line = published_epochs; line && *line && count < SN_PUBLISHED_EPOCHS;) {
        char name[16];
        sn_published row;
        if (sscanf(line, "%15s %d %*f %lf %lf %lf", name, &row.epoch, &row.train_accuracy, &row.test_loss,
                   &row.test_accuracy) == 5 &&
            strcmp(name, experiment) == 0)
            rows[count++] = row;
        line = strchr(line, '\n');
        if (line) line++;
    }
    return count;
}
