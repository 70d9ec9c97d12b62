/* The learning rate over time. */

#include "syncnorm/base/elementary.h"
#include "syncnorm/train/experiment.h"

static double scheduled(const sn_experiment *e, double epoch)
{
    switch (e->schedule.kind) {
    case SN_SCHEDULE_CONSTANT:
        break;
    case SN_SCHEDULE_STEP: {
        double factor = 1;
        for (uint64_t falls = (uint64_t)epoch / e->schedule.epochs; falls > 0; falls--)
            factor *= e->schedule.factor;
        return factor;
    }
    case SN_SCHEDULE_COSINE: {
        const double length = e->epochs - e->warmup, done = epoch - e->warmup;
        if (done <= 0) return 1;
        return done >= length ? 0 : 0.5 * (1 + sn_cospi(done / length));
    }
    }
    return 1;
}

double sn_experiment_learning_rate(const sn_experiment *e, uint32_t steps_per_epoch, uint64_t step)
{
    const double base = e->lr_scaling == SN_LR_SCALING_LINEAR ? e->lr * e->batch / SN_LR_BATCH : e->lr;
    const double warm = e->warmup * steps_per_epoch; /* steps */
    const double rise = (double)step < warm ? ((double)step + 1) / (warm > 1 ? warm : 1) : 1;
    return base * (rise < 1 ? rise : 1) * scheduled(e, (double)step / steps_per_epoch);
}
