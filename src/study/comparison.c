/* The comparison table at the end of a study. */

#include <string.h>

#include "syncnorm/base/thousands.h"
#include "syncnorm/study/study.h"
#include "syncnorm/train/epoch_line.h"

enum { NAME_COLUMN = 8 }; /* at least */

static void print_row(const sn_plan *plan, size_t run, const sn_outcome *outcome, int width, FILE *out)
{
    char name[SN_RUN_NAME_SIZE], parameters[SN_THOUSANDS_SIZE], speed[SN_THOUSANDS_SIZE];
    sn_experiment experiment;
    sn_plan_experiment(plan, run, &experiment);
    sn_experiment_name(&experiment, name);
    fprintf(out, "%-*s  %-4s  ", width, name, sn_norm_name(experiment.norm));
    if (outcome->status != SN_OK) {
        fprintf(out, "%s%s\n", outcome->status == SN_STOPPED ? "" : "FAILED: ", outcome->message);
        return;
    }
    const char *set;
    const sn_result *r = &outcome->result;
    const sn_evaluation *score = sn_epoch_score(&r->last, &set);
    sn_thousands(r->parameters, parameters);
    sn_thousands((int64_t)(r->images_per_second + 0.5), speed);
    fprintf(out, "%10s  %13.2f%%  %9.4f  %12.2f%%  %8s  %s\n", parameters, r->last.train_accuracy,
            score->loss, score->accuracy, speed, r->digest);
}

/* By --validation, which has one value in a plan or is an axis of it: then the headings are those of its first run. */
static bool judged_by_validation(const sn_plan *plan)
{
    sn_experiment experiment;
    sn_plan_experiment(plan, 0, &experiment);
    return !sn_experiment_tests(&experiment);
}

void sn_study_print(const sn_study *study, const sn_outcome *outcomes, FILE *out)
{
    const sn_plan *plan = study->plan;
    const bool validation = judged_by_validation(plan);
    int width = NAME_COLUMN;
    for (size_t i = 0; i < plan->count; i++) {
        char name[SN_RUN_NAME_SIZE];
        sn_plan_name(plan, i, name);
        if ((int)strlen(name) > width) width = (int)strlen(name);
    }
    fprintf(out, "\n%s\n\n", sn_dataset_name(study->dataset));
    fprintf(out, "%-*s  %-4s  %10s  %14s  %9s  %13s  %8s  %s\n", width, "run", "norm", "parameters",
            "train accuracy", validation ? "val. loss" : "test loss",
            validation ? "val. accuracy" : "test accuracy", "images/s", "digest");
    for (size_t i = 0; i < plan->count; i++)
        print_row(plan, i, &outcomes[i], width, out);
    fprintf(out, "\nRun files: %s/\n", study->directory);
}
