/* Plans by name. */

#include <stddef.h>

#include "syncnorm/study/plan.h"

/* Every batch 64, or every worker 64, with the rate that goes with it. */
#define SCALING                                                                                              \
    "--norm gn,ln,bn --groups 2,1 --workers 1,2,4,8,16,32 --bn-scope sync,worker "                           \
    "--running-stats all --schedule cosine --epochs 5 --seed 1-3"

#define TUNING "--lr 0.003,0.01,0.03,0.1,0.3 --validation 5000 --schedule cosine --epochs 5 --seed 1-3"

const sn_named_plan sn_named_plans[] = {
    {.name = "default", .about = "gn, ln, bn and bn-l1", .sets = {"--experiment gn,ln,bn,bn-l1"}},
    {.name = "tuning",
     .about = "five learning rates for each norm, and group norm with standardized weights, by 5,000 images "
              "held out, for report --select lr",
     .select = "lr",
     .sets = {TUNING " --norm gn,ln,bn", TUNING " --norm gn --weight-standardization"}},
    {.name = "scaling",
     .about = "1 to 32 workers, statistics synchronized or not, at a fixed batch and at 64 samples a worker",
     .sets = {SCALING, SCALING " --batch-per-worker 64 --lr-scaling linear --warmup 1"}},
    {0}};
