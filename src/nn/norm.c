/* The table of norms; moments, pooling within samples, the fold into what kernels apply. Batch pooling is in norm_batch.c. */

#include "syncnorm/nn/norm.h"

#include <math.h>

#include "syncnorm/base/fixed_point.h"

#define ROW(kind_, name_, pytorch_, help_, over_, centred_, affine_)                                         \
    [SN_NORM_##kind_] = {.name = (name_),                                                                    \
                         .pytorch = (pytorch_),                                                              \
                         .help = (help_),                                                                    \
                         .over = (over_),                                                                    \
                         .centred = (centred_),                                                              \
                         .affine = (affine_)},
const sn_norm_type sn_norm_types[SN_NORM_KINDS] = {SN_NORM_ROWS(ROW)};
#undef ROW

/* Values of an array [C][S], padded. */
static int padded(int samples, int channels)
{
    return sn_slots(samples, channels) * SN_LANES;
}

void sn_norm_state_carve(sn_norm_state *state, int samples, int channels, sn_arena *arena)
{
    const size_t n = (size_t)padded(samples, channels);
    double **const doubles[] = {&state->mean, &state->squares, &state->pooled_mean, &state->inverse};
    float **const floats[] = {&state->center, &state->scale, &state->offset, &state->keep, &state->sum_g,
                              &state->sum_gz, &state->gain,  &state->slope,  &state->shift};
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++)
        *doubles[i] = sn_arena_take(arena, n, sizeof(double));
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++)
        *floats[i] = sn_arena_take(arena, n, sizeof(float));
}

void sn_norm_measure(const sn_norm *norm, const sn_kernels *kernels, const float *z, const float *plane_sum,
                     sn_norm_state *state)
{
    const int n = norm->channels * norm->samples;
    const double pixels = norm->pixels;
    /* scale and offset are not filled yet: room for the kernel's two sums */
    float *shifted = state->scale, *squares = state->offset;
    kernels->moments(sn_slots(norm->samples, norm->channels), norm->pixels, z, plane_sum, state->center,
                     shifted, squares);
    for (int i = 0; i < n; i++) {
        const double s = (double)shifted[i];
        const double centred = (double)squares[i] - s * s / pixels;
        state->mean[i] = (double)state->center[i] + s / pixels;
        state->squares[i] = centred < 0 ? 0 : centred; /* NaN stays */
    }
}

static sn_norm_over over(const sn_norm *norm)
{
    return sn_norm_types[norm->kind].over;
}

static bool per_channel(const sn_norm *norm)
{
    return sn_norm_types[norm->kind].affine == SN_AFFINE_CHANNEL;
}

/* Pools `count` consecutive channels, sample by sample, in ascending order. Not centred: the deviation is from 0. */
static void pool_channels(const sn_norm *norm, int first, int count, sn_norm_state *state)
{
    const double pixels = norm->pixels;
    const bool centred = sn_norm_types[norm->kind].centred;
    const int samples = norm->samples;
    const double *mean = state->mean + first * samples, *squares = state->squares + first * samples;
    for (int sample = 0; sample < samples; sample++) {
        double m = 0, q = 0;
        for (int c = 0; c < count && centred; c++)
            m += mean[c * samples + sample];
        m /= count;
        for (int c = 0; c < count; c++) {
            const double d = mean[c * samples + sample] - m;
            q += squares[c * samples + sample] + pixels * (d * d);
        }
        const double inverse = 1 / sqrt(q / (count * pixels) + norm->epsilon);
        for (int c = first; c < first + count; c++) {
            state->pooled_mean[c * samples + sample] = m;
            state->inverse[c * samples + sample] = inverse;
        }
    }
}

/* Channels that the norm pools within a sample. */
static int pooled_channels(const sn_norm *norm)
{
    switch (over(norm)) {
    case SN_OVER_GROUP:
        return norm->channels / norm->groups;
    case SN_OVER_LAYER:
        return norm->channels;
    case SN_OVER_BATCH:
    case SN_OVER_PLANE:
    case SN_OVER_NOTHING:
        break;
    }
    return 1;
}

void sn_norm_pool_samples(const sn_norm *norm, sn_norm_state *state)
{
    if (!sn_norm_has_statistics(norm)) {
        for (int i = 0; i < norm->channels * norm->samples; i++) {
            state->pooled_mean[i] = 0;
            state->inverse[i] = 1;
        }
        return;
    }
    const int count = pooled_channels(norm);
    for (int c = 0; c < norm->channels; c += count)
        pool_channels(norm, c, count, state);
}

void sn_norm_pool_given(const sn_norm *norm, const double *mean, const double *var, uint16_t mask,
                        sn_norm_state *state)
{
    const int samples = norm->samples;
    for (int c = 0; c < norm->channels; c++) {
        const double inverse = 1 / sqrt(var[c] + norm->epsilon);
        for (int sample = 0; sample < samples; sample++) {
            if (!(mask >> sample & 1)) continue;
            state->pooled_mean[c * samples + sample] = mean[c];
            state->inverse[c * samples + sample] = inverse;
        }
    }
}

/* center holds the mean to float precision; what it lacks of the mean is folded, in double, into the offset. */
void sn_norm_fold(const sn_norm *norm, const float *weight, const float *bias, sn_norm_state *state)
{
    const bool folded = per_channel(norm), elements = sn_norm_is_per_element(norm);
    for (int c = 0; c < norm->channels; c++) {
        const double w = folded ? (double)weight[c] : 1, b = folded ? (double)bias[c] : 0;
        for (int i = c * norm->samples; i < (c + 1) * norm->samples; i++) {
            const double mean = state->pooled_mean[i], inverse = state->inverse[i];
            const float center = (float)mean;
            const double rest = ((double)center - mean) * inverse;
            const double keep = elements ? 1 : (double)state->keep[i];
            state->center[i] = center;
            state->scale[i] = (float)(inverse * w * keep);
            state->offset[i] = (float)((rest * w + b) * keep);
        }
    }
}

sn_affine sn_norm_affine(const sn_norm *norm, const sn_norm_state *state, const float *weight,
                         const float *bias, int width)
{
    const bool elements = sn_norm_is_per_element(norm);
    return (sn_affine){.center = state->center,
                       .scale = state->scale,
                       .offset = state->offset,
                       .keep = state->keep,
                       .weight = elements ? weight : NULL,
                       .bias = !elements ? NULL
                               : bias    ? bias
                                         : norm->no_bias,
                       .element_plane = (size_t)norm->pixels,
                       .element_row = (size_t)width};
}

void sn_norm_finish_sums(const sn_norm *norm, sn_norm_state *state)
{
    for (int i = 0; i < norm->channels * norm->samples; i++) {
        const double keep = (double)state->keep[i], inverse = state->inverse[i];
        const double rest = ((double)state->center[i] - state->pooled_mean[i]) * inverse;
        const double g = (double)state->sum_g[i], gz = (double)state->sum_gz[i];
        state->sum_g[i] = (float)(keep * g);
        state->sum_gz[i] = (float)(keep * (inverse * gz + rest * g));
    }
}

/* dz = gain * da - slope * (z - center) - shift, from
   dz = inverse * (w keep da - mean_g - xhat * mean_gx), xhat = (z - center) * inverse + rest */
static void set_gradient(sn_norm_state *state, int i, double w, double mean_g, double mean_gx)
{
    const double inverse = state->inverse[i];
    const double rest = ((double)state->center[i] - state->pooled_mean[i]) * inverse;
    state->gain[i] = (float)(w * (double)state->keep[i] * inverse);
    state->slope[i] = (float)(inverse * mean_gx * inverse);
    state->shift[i] = (float)(inverse * (mean_g + mean_gx * rest));
}

/* Sums of per-element norms have their weights already. Without statistics the sums are 0, and dz is keep * da. */
void sn_norm_gradient_samples(const sn_norm *norm, const float *weight, sn_norm_state *state)
{
    const bool weighted = per_channel(norm), centred = sn_norm_types[norm->kind].centred;
    const int count = pooled_channels(norm), samples = norm->samples;
    const double values = (double)count * norm->pixels;
    for (int first = 0; first < norm->channels; first += count) {
        for (int sample = 0; sample < samples; sample++) {
            double g = 0, gx = 0;
            for (int c = first; c < first + count; c++) {
                const double w = weighted ? (double)weight[c] : 1;
                g += w * (double)state->sum_g[c * samples + sample];
                gx += w * (double)state->sum_gz[c * samples + sample];
            }
            for (int c = first; c < first + count; c++)
                set_gradient(state, c * samples + sample, weighted ? (double)weight[c] : 1,
                             centred ? g / values : 0, gx / values);
        }
    }
}

void sn_norm_gradient_batch(const sn_norm *norm, const float *weight, const int64_t *sum_dy,
                            const int64_t *sum_dy_xhat, int64_t samples, uint16_t mask, sn_norm_state *state)
{
    const double values = (double)samples * norm->pixels;
    const double unit = 1 / SN_GRADIENT_SCALE;
    const int places = norm->samples;
    for (int c = 0; c < norm->channels; c++) {
        const double w = (double)weight[c];
        const double g = w * ((double)sum_dy[c] * unit) / values;
        const double gx = w * ((double)sum_dy_xhat[c] * unit) / values;
        for (int sample = 0; sample < places; sample++)
            if (mask >> sample & 1) set_gradient(state, c * places + sample, w, g, gx);
    }
}
