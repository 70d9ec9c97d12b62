#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reference.h"

static const double epsilon = 1e-5;

double *ref_doubles(size_t count)
{
    double *memory = calloc(count ? count : 1, sizeof *memory);
    if (!memory) abort();
    return memory;
}

int ref_conv_output_size(const ref_conv *conv)
{
    return conv->size + 2 * conv->padding - conv->kernel + 1;
}

/* Calls `body` for every multiplication of the convolution, at_y = (s, o, h, w), at_x = (s, i, h + kh - p, w + kw - p),
   at_w = (o, i, kh, kw); terms that meet the padding are left out. The terms of an output come in the order (i, kh, kw). */
#define EACH_TERM(body)                                                                                      \
    do {                                                                                                     \
        const int out_size = ref_conv_output_size(conv), k = conv->kernel, p = conv->padding;                \
        for (int s = 0; s < n; s++)                                                                          \
            for (int o = 0; o < conv->out; o++)                                                              \
                for (int i = 0; i < conv->in; i++)                                                           \
                    for (int kh = 0; kh < k; kh++)                                                           \
                        for (int kw = 0; kw < k; kw++)                                                       \
                            for (int h = 0; h < out_size; h++) {                                             \
                                const int row = h + kh - p;                                                  \
                                if (row < 0 || row >= conv->size) continue;                                  \
                                const size_t at_w = (((size_t)o * conv->in + i) * k + kh) * k + kw;          \
                                const int first = p > kw ? p - kw : 0;                                       \
                                const int end = conv->size + p - kw < out_size ? conv->size + p - kw         \
                                                                               : out_size;                   \
                                for (int w = first; w < end; w++) {                                          \
                                    const size_t at_y = (((size_t)s * conv->out + o) * out_size + h) *       \
                                                            out_size +                                       \
                                                        w;                                                   \
                                    const size_t at_x = (((size_t)s * conv->in + i) * conv->size + row) *    \
                                                            conv->size +                                     \
                                                        w + kw - p;                                          \
                                    body                                                                     \
                                }                                                                            \
                            }                                                                                \
    } while (0)

void ref_conv_forward(const ref_conv *conv, int n, const double *weight, const double *bias, const double *x,
                      double *restrict y)
{
    const size_t pixels = (size_t)ref_conv_output_size(conv) * ref_conv_output_size(conv);
    for (size_t j = 0; j < n * conv->out * pixels; j++)
        y[j] = bias[j / pixels % conv->out];
    EACH_TERM(y[at_y] += weight[at_w] * x[at_x];);
}

void ref_conv_backward(const ref_conv *conv, int n, const double *weight, const double *x, const double *dy,
                       double *restrict dx, double *restrict dweight, double *restrict dbias)
{
    const size_t pixels = (size_t)ref_conv_output_size(conv) * ref_conv_output_size(conv);
    memset(dx, 0, sizeof *dx * n * conv->in * conv->size * conv->size);
    memset(dweight, 0, sizeof *dweight * conv->out * conv->in * conv->kernel * conv->kernel);
    memset(dbias, 0, sizeof *dbias * conv->out);
    for (size_t j = 0; j < n * conv->out * pixels; j++)
        dbias[j / pixels % conv->out] += dy[j];
    EACH_TERM(dx[at_x] += weight[at_w] * dy[at_y];);
    EACH_TERM(dweight[at_w] += x[at_x] * dy[at_y];);
}

void ref_relu_forward(size_t count, const double *x, double *y)
{
    for (size_t j = 0; j < count; j++)
        y[j] = x[j] > 0 ? x[j] : 0;
}

void ref_relu_backward(size_t count, const double *x, const double *dy, double *dx)
{
    for (size_t j = 0; j < count; j++)
        dx[j] = x[j] > 0 ? dy[j] : 0;
}

static bool per_element(const ref_norm *norm)
{
    return norm->kind == SN_NORM_LAYER || norm->kind == SN_NORM_RMS;
}

int ref_norm_sets(const ref_norm *norm)
{
    switch (norm->kind) {
    case SN_NORM_GROUP:
        return norm->n * norm->groups;
    case SN_NORM_LAYER:
    case SN_NORM_RMS:
        return norm->n;
    case SN_NORM_BATCH:
        return norm->n * norm->channels; /* at most as many statistics groups as samples */
    case SN_NORM_INSTANCE:
        return norm->n * norm->channels;
    case SN_NORM_NONE:
        break;
    }
    return 0;
}

int ref_norm_set(const ref_norm *norm, int sample, int channel)
{
    switch (norm->kind) {
    case SN_NORM_GROUP:
        return sample * norm->groups + channel / (norm->channels / norm->groups);
    case SN_NORM_LAYER:
    case SN_NORM_RMS:
        return sample;
    case SN_NORM_BATCH:
        return (norm->statistics_group ? norm->statistics_group[sample] : 0) * norm->channels + channel;
    case SN_NORM_INSTANCE:
        return sample * norm->channels + channel;
    case SN_NORM_NONE:
        break;
    }
    return -1;
}

size_t ref_norm_parameters(const ref_norm *norm)
{
    if (norm->kind == SN_NORM_NONE) return 0;
    return (size_t)norm->channels * (per_element(norm) ? norm->pixels : 1);
}

/* The element j of [n][channels][pixels]: its set and its index into weight and bias. */
static int set_of(const ref_norm *norm, size_t j)
{
    const size_t plane = j / norm->pixels;
    return ref_norm_set(norm, (int)(plane / norm->channels), (int)(plane % norm->channels));
}

static size_t parameter_of(const ref_norm *norm, size_t j)
{
    const size_t per_sample = (size_t)norm->channels * norm->pixels;
    return per_element(norm) ? j % per_sample : j / norm->pixels % norm->channels;
}

static size_t elements(const ref_norm *norm)
{
    return (size_t)norm->n * norm->channels * norm->pixels;
}

void ref_norm_moments(const ref_norm *norm, const double *x, double *mean, double *var)
{
    const int sets = ref_norm_sets(norm);
    double *count = ref_doubles(sets);
    memset(mean, 0, sizeof *mean * sets);
    memset(var, 0, sizeof *var * sets);
    if (sets > 0) {
        for (size_t j = 0; j < elements(norm); j++) {
            mean[set_of(norm, j)] += x[j];
            count[set_of(norm, j)]++;
        }
        for (int s = 0; s < sets; s++)
            if (count[s] > 0) mean[s] = norm->kind == SN_NORM_RMS ? 0 : mean[s] / count[s];
        for (size_t j = 0; j < elements(norm); j++) {
            const double d = x[j] - mean[set_of(norm, j)];
            var[set_of(norm, j)] += d * d;
        }
        for (int s = 0; s < sets; s++)
            if (count[s] > 0) var[s] /= count[s];
    }
    free(count);
}

void ref_norm_forward(const ref_norm *norm, const double *mean, const double *var, const double *weight,
                      const double *bias, const double *x, double *y)
{
    for (size_t j = 0; j < elements(norm); j++) {
        if (norm->kind == SN_NORM_NONE) {
            y[j] = x[j];
            continue;
        }
        const int set = set_of(norm, j);
        const size_t p = parameter_of(norm, j);
        y[j] = (x[j] - mean[set]) / sqrt(var[set] + epsilon) * weight[p] + (bias ? bias[p] : 0);
    }
}

/* With m elements in a set, g = dy * weight and r = 1 / sqrt(var + epsilon): dx = r * (g - mean(g) - xhat * mean(g * xhat)).
   S. Ioffe, C. Szegedy, "Batch normalization", ICML 2015, section 3. */
void ref_norm_backward(const ref_norm *norm, const double *mean, const double *var, const double *weight,
                       const double *x, const double *dy, double *dx, double *dweight, double *dbias)
{
    if (norm->kind == SN_NORM_NONE) {
        memcpy(dx, dy, sizeof *dx * elements(norm));
        return;
    }
    const int sets = ref_norm_sets(norm);
    double *sum_g = ref_doubles(sets), *sum_gx = ref_doubles(sets), *count = ref_doubles(sets);
    memset(dweight, 0, sizeof *dweight * ref_norm_parameters(norm));
    if (dbias) memset(dbias, 0, sizeof *dbias * ref_norm_parameters(norm));
    for (size_t j = 0; j < elements(norm); j++) {
        const int set = set_of(norm, j);
        const size_t p = parameter_of(norm, j);
        const double xhat = (x[j] - mean[set]) / sqrt(var[set] + epsilon);
        dweight[p] += dy[j] * xhat;
        if (dbias) dbias[p] += dy[j];
        if (norm->kind != SN_NORM_RMS) sum_g[set] += dy[j] * weight[p]; /* the gradient through the mean */
        sum_gx[set] += dy[j] * weight[p] * xhat;
        count[set]++;
    }
    for (size_t j = 0; j < elements(norm); j++) {
        const int set = set_of(norm, j);
        const double r = 1 / sqrt(var[set] + epsilon), xhat = (x[j] - mean[set]) * r;
        dx[j] = r * (dy[j] * weight[parameter_of(norm, j)] - sum_g[set] / count[set] -
                     xhat * sum_gx[set] / count[set]);
    }
    free(sum_g);
    free(sum_gx);
    free(count);
}

void ref_pool_forward(int planes, int size, const double *x, double *y, int *choice)
{
    const int half = size / 2;
    for (int p = 0; p < planes; p++)
        for (int h = 0; h < half; h++)
            for (int w = 0; w < half; w++) {
                const double *plane = x + (size_t)p * size * size;
                int best = 2 * h * size + 2 * w;
                for (int d = 1; d < 4; d++) {
                    const int pixel = (2 * h + d / 2) * size + 2 * w + d % 2;
                    if (plane[pixel] > plane[best]) best = pixel;
                }
                const size_t at = ((size_t)p * half + h) * half + w;
                choice[at] = best;
                y[at] = plane[best];
            }
}

void ref_pool_backward(int planes, int size, const int *choice, const double *dy, double *dx)
{
    const int half = size / 2;
    memset(dx, 0, sizeof *dx * planes * size * size);
    for (int p = 0; p < planes; p++)
        for (int at = p * half * half; at < (p + 1) * half * half; at++)
            dx[(size_t)p * size * size + choice[at]] += dy[at];
}

void ref_average_forward(int planes, int pixels, const double *x, double *y)
{
    for (int p = 0; p < planes; p++) {
        y[p] = 0;
        for (int j = 0; j < pixels; j++)
            y[p] += x[(size_t)p * pixels + j] / pixels;
    }
}

void ref_average_backward(int planes, int pixels, const double *dy, double *dx)
{
    for (size_t j = 0; j < (size_t)planes * pixels; j++)
        dx[j] = dy[j / pixels] / pixels;
}

double ref_cross_entropy(int n, int classes, const double *logits, const uint8_t *labels, double *losses,
                         double *dlogits)
{
    double total = 0;
    for (int s = 0; s < n; s++) {
        const double *z = logits + (size_t)s * classes;
        double most = z[0], sum = 0;
        for (int c = 1; c < classes; c++)
            most = z[c] > most ? z[c] : most;
        for (int c = 0; c < classes; c++)
            sum += exp(z[c] - most);
        const double loss = most + log(sum) - z[labels[s]];
        if (losses) losses[s] = loss;
        total += loss;
        for (int c = 0; dlogits && c < classes; c++)
            dlogits[(size_t)s * classes + c] = exp(z[c] - most) / sum - (c == labels[s]);
    }
    return total;
}
