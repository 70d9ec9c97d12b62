#include "norm_layer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "syncnorm/base/fixed_point.h"
#include "syncnorm/nn/shapes.h"

enum { MAX_BLOCKS = 12 };

static int out_size(const norm_layer *layer)
{
    return layer->pool ? layer->size / 2 : layer->size;
}

static int pixels_of(const norm_layer *layer)
{
    return layer->size * layer->size;
}

size_t norm_layer_elements(const norm_layer *layer)
{
    return (size_t)layer->n * layer->channels * pixels_of(layer);
}

size_t norm_layer_outputs(const norm_layer *layer)
{
    return (size_t)layer->n * layer->channels * out_size(layer) * out_size(layer);
}

size_t norm_layer_parameters(const norm_layer *layer)
{
    if (layer->kind == SN_NORM_NONE) return 0;
    const bool elements = layer->kind == SN_NORM_LAYER || layer->kind == SN_NORM_RMS;
    return (size_t)layer->channels * (elements ? pixels_of(layer) : 1);
}

norm_layer norm_layer_random(sn_norm_kind kind, int n, int channels, int size, bool pool, uint64_t seed)
{
    norm_layer layer = {.kind = kind, .groups = 2, .channels = channels, .size = size, .pool = pool, .n = n};
    const size_t elements = norm_layer_elements(&layer), outputs = norm_layer_outputs(&layer);
    const size_t parameters = norm_layer_parameters(&layer);
    layer.z = ref_doubles(elements);
    layer.keep = ref_doubles((size_t)n * channels);
    layer.weight = ref_doubles(parameters);
    layer.bias = ref_doubles(parameters);
    layer.gradient = ref_doubles(outputs);
    for (size_t j = 0; j < elements; j++)
        layer.z[j] = (double)(float)fmax(0, 3 * ref_random(&seed) + 1);
    for (int j = 0; j < n * channels; j++)
        layer.keep[j] = ref_random(&seed) < -0.6 ? 0 : (double)(float)(1 / 0.8);
    for (size_t j = 0; j < parameters; j++) {
        layer.weight[j] = (double)(float)(1.5 * ref_random(&seed));
        layer.bias[j] = (double)(float)ref_random(&seed);
    }
    for (size_t j = 0; j < outputs; j++)
        layer.gradient[j] = (double)(float)ref_random(&seed);
    if (kind == SN_NORM_RMS) {
        free(layer.bias);
        layer.bias = NULL;
    }
    return layer;
}

void norm_layer_free(norm_layer *layer)
{
    free(layer->z);
    free(layer->keep);
    free(layer->weight);
    free(layer->bias);
    free(layer->gradient);
}

static norm_layer_result result_new(const norm_layer *layer)
{
    return (norm_layer_result){.y = ref_doubles(norm_layer_outputs(layer)),
                               .dz = ref_doubles(norm_layer_elements(layer)),
                               .dweight = ref_doubles(norm_layer_parameters(layer)),
                               .dbias = ref_doubles(norm_layer_parameters(layer)),
                               .mean = ref_doubles((size_t)layer->channels),
                               .var = ref_doubles((size_t)layer->channels)};
}

void norm_layer_result_free(norm_layer_result *result)
{
    free(result->y);
    free(result->dz);
    free(result->dweight);
    free(result->dbias);
    free(result->mean);
    free(result->var);
}

/* ---- the reference ---- */

norm_layer_result norm_layer_reference(const norm_layer *layer)
{
    norm_layer_result r = result_new(layer);
    const size_t elements = norm_layer_elements(layer);
    const int planes = layer->n * layer->channels, pixels = pixels_of(layer);
    const ref_norm norm = {.kind = layer->kind,
                           .groups = layer->groups,
                           .n = layer->n,
                           .channels = layer->channels,
                           .pixels = pixels};
    double *mean = ref_doubles((size_t)ref_norm_sets(&norm)),
           *var = ref_doubles((size_t)ref_norm_sets(&norm));
    double *normalized = ref_doubles(elements), *dy = ref_doubles(elements);
    int *choice = calloc(norm_layer_outputs(layer), sizeof *choice);
    if (!choice) abort();
    ref_norm_moments(&norm, layer->z, mean, var);
    ref_norm_forward(&norm, mean, var, layer->weight, layer->bias, layer->z, normalized);
    for (size_t j = 0; j < elements; j++)
        normalized[j] *= layer->keep[j / pixels];
    if (layer->pool) {
        ref_pool_forward(planes, layer->size, normalized, r.y, choice);
        ref_pool_backward(planes, layer->size, choice, layer->gradient, dy);
    } else {
        memcpy(r.y, normalized, elements * sizeof *normalized);
        memcpy(dy, layer->gradient, elements * sizeof *dy);
    }
    for (size_t j = 0; j < elements; j++)
        dy[j] *= layer->keep[j / pixels];
    ref_norm_backward(&norm, mean, var, layer->weight, layer->z, dy, normalized, r.dweight,
                      layer->bias ? r.dbias : NULL);
    ref_relu_backward(elements, layer->z, normalized, r.dz);
    if (layer->kind == SN_NORM_BATCH) {
        memcpy(r.mean, mean, sizeof *mean * (size_t)layer->channels);
        memcpy(r.var, var, sizeof *var * (size_t)layer->channels);
    }
    free(mean);
    free(var);
    free(normalized);
    free(dy);
    free(choice);
    return r;
}

/* ---- the subject ---- */

typedef struct block {
    int samples;      /* of its shape */
    int first, count; /* samples */
    uint16_t mask;
    sn_norm norm;
    float *weight, *bias; /* as the kernels read them */
    sn_norm_state state;
    float *z, *da;
    void *memory;
} block;

static float *floats(size_t count)
{
    void *memory;
    if (sn_allocate(&memory, count ? count : 1, sizeof(float), "a test") != SN_OK) abort();
    return memory;
}

/* Floats of [slots][count][lanes]. */
static size_t lanes_of(const norm_layer *layer, int samples, size_t count)
{
    return (size_t)(sn_slots(samples, layer->channels) * SN_LANES) * count;
}

/* [slots][count][lanes] from [n][channels][count]; NaN where there is no sample or channel. */
static float *to_lanes(const norm_layer *layer, const block *b, size_t count, const double *values)
{
    const size_t all = lanes_of(layer, b->samples, count);
    float *lanes = floats(all);
    for (size_t j = 0; j < all; j++)
        lanes[j] = NAN;
    for (int sample = 0; sample < b->count; sample++)
        for (int c = 0; c < layer->channels; c++) {
            const size_t lane = (size_t)sn_lane(b->samples, c, sample);
            for (size_t k = 0; k < count; k++)
                lanes[(lane / SN_LANES * count + k) * SN_LANES + lane % SN_LANES] = (float)
                    values[((size_t)(b->first + sample) * (size_t)layer->channels + (size_t)c) * count + k];
        }
    return lanes;
}

static void from_lanes(const norm_layer *layer, const block *b, size_t count, const float *lanes,
                       double *values)
{
    for (int sample = 0; sample < b->count; sample++)
        for (int c = 0; c < layer->channels; c++) {
            const size_t lane = (size_t)sn_lane(b->samples, c, sample);
            for (size_t k = 0; k < count; k++)
                values[((size_t)(b->first + sample) * (size_t)layer->channels + (size_t)c) * count + k] =
                    (double)lanes[(lane / SN_LANES * count + k) * SN_LANES + lane % SN_LANES];
        }
}

/* Parameters per element, packed for the block; others as they are. */
static float *pack(const norm_layer *layer, int samples, bool elements, const float *values)
{
    if (!values) return NULL;
    const size_t count = elements ? (size_t)pixels_of(layer) : 1;
    float *packed = floats(sn_packed(samples, layer->channels, count));
    if (norm_layer_parameters(layer)) sn_pack(samples, layer->channels, count, values, packed);
    return packed;
}

static block block_new(const norm_layer *layer, const sn_norm *norm, const float *weight, const float *bias,
                       const sn_kernels *kernels, int first, sn_piece piece)
{
    block b = {.samples = sn_shape_samples[piece.shape],
               .first = first,
               .count = piece.count,
               .mask = (uint16_t)((1u << piece.count) - 1),
               .norm = *norm};
    sn_arena arena = {0};
    const size_t pixels = (size_t)pixels_of(layer), out = (size_t)out_size(layer);
    b.norm.samples = b.samples;
    const bool elements = sn_norm_is_per_element(norm);
    b.weight = pack(layer, b.samples, elements, weight);
    b.bias = pack(layer, b.samples, elements, bias);
    sn_norm_state_carve(&b.state, b.samples, layer->channels, &arena);
    if (sn_allocate(&b.memory, arena.used, 1, "a test") != SN_OK) abort();
    arena = (sn_arena){.memory = b.memory};
    sn_norm_state_carve(&b.state, b.samples, layer->channels, &arena);
    b.z = to_lanes(layer, &b, pixels, layer->z);
    b.da = to_lanes(layer, &b, out * out, layer->gradient);
    float *keep = to_lanes(layer, &b, 1, layer->keep), *plane_sum = floats(lanes_of(layer, b.samples, 1));
    memcpy(b.state.keep, keep, lanes_of(layer, b.samples, 1) * sizeof *keep);
    for (size_t v = 0; v < lanes_of(layer, b.samples, 1); v++) /* as the convolution leaves it */
        for (size_t p = 0; p < pixels; p++)
            plane_sum[v] += b.z[(v / SN_LANES * pixels + p) * SN_LANES + v % SN_LANES];
    sn_norm_measure(&b.norm, kernels, b.z, plane_sum, &b.state);
    sn_free(keep);
    sn_free(plane_sum);
    return b;
}

static void block_free(block *b)
{
    sn_free(b->weight);
    sn_free(b->bias);
    sn_free(b->z);
    sn_free(b->da);
    sn_free(b->memory);
}

static float *to_floats(size_t count, const double *values)
{
    float *f = floats(count);
    for (size_t j = 0; j < count; j++)
        f[j] = (float)values[j];
    return f;
}

typedef struct run {
    const norm_layer *layer;
    sn_norm norm;
    const sn_kernels *kernels;
    sn_team *team;
    int total; /* samples of the team */
    float *weight, *bias;
    block blocks[MAX_BLOCKS];
    int count;
} run;

static sn_planes planes_of(float *data, int size)
{
    return (sn_planes){.data = data, .plane = (size_t)size * (size_t)size, .row = (size_t)size};
}

static sn_affine affine_of(const run *r, const block *b)
{
    return sn_norm_affine(&b->norm, &b->state, b->weight, b->bias, r->layer->size);
}

static sn_extent extent_of(const run *r, const block *b)
{
    const int out = out_size(r->layer);
    return (sn_extent){b->samples, r->layer->channels, out, out, r->layer->pool};
}

static void forward(run *r, norm_layer_result *result)
{
    const bool batch = sn_norm_pools_batch(r->norm.kind);
    const size_t channels = (size_t)r->layer->channels, out = (size_t)out_size(r->layer);
    int64_t *message = calloc(channels * SN_MOMENT_WORDS, sizeof *message);
    if (!message) abort();
    for (int i = 0; batch && i < r->count; i++)
        if (sn_norm_message_add(&r->blocks[i].norm, &r->blocks[i].state, r->blocks[i].mask, message) != 0)
            abort();
    if (batch && r->team) sn_team_sum(r->team, message, channels * SN_MOMENT_WORDS);
    if (batch) sn_norm_message_read(&r->norm, message, r->total, result->mean, result->var);
    for (int i = 0; i < r->count; i++) {
        block *b = &r->blocks[i];
        if (batch)
            sn_norm_pool_given(&b->norm, result->mean, result->var, UINT16_MAX, &b->state);
        else
            sn_norm_pool_samples(&b->norm, &b->state);
        sn_norm_fold(&b->norm, r->weight, r->bias, &b->state);
        const sn_affine affine = affine_of(r, b);
        float *y = floats(lanes_of(r->layer, b->samples, out * out));
        r->kernels->normalize(extent_of(r, b), &affine, planes_of(b->z, r->layer->size),
                              planes_of(y, (int)out));
        from_lanes(r->layer, b, out * out, y, result->y);
        sn_free(y);
    }
    free(message);
}

static void backward(run *r, norm_layer_result *result)
{
    const size_t parameters = norm_layer_parameters(r->layer);
    const size_t pixels = (size_t)pixels_of(r->layer);
    const float limit = (float)sn_fixed_limit(SN_GRADIENT_SCALE, (uint64_t)r->total);
    int64_t *sums = calloc(2 * parameters + 1, sizeof *sums), *dweight = sums, *dbias = sums + parameters;
    if (!sums) abort();
    size_t wrong = 0;
    for (int i = 0; i < r->count && r->norm.kind != SN_NORM_NONE; i++) {
        block *b = &r->blocks[i];
        const sn_affine affine = affine_of(r, b);
        const sn_planes z = planes_of(b->z, r->layer->size), da = planes_of(b->da, out_size(r->layer));
        memset(b->state.sum_g, 0, lanes_of(r->layer, b->samples, 1) * sizeof(float));
        memset(b->state.sum_gz, 0, lanes_of(r->layer, b->samples, 1) * sizeof(float));
        r->kernels->norm_sums(extent_of(r, b), &affine, z, da, b->state.sum_g, b->state.sum_gz);
        sn_norm_finish_sums(&b->norm, &b->state);
        if (sn_norm_is_per_element(&r->norm)) {
            wrong += r->kernels->element_gradient(extent_of(r, b), &affine, z, da, b->mask, limit, dweight,
                                                  r->bias ? dbias : NULL);
        } else {
            const sn_sums_shape shape = {b->samples, r->layer->channels, 1, 1};
            wrong += r->kernels->accumulate(shape, b->state.sum_gz, b->mask, limit, dweight);
            wrong += r->kernels->accumulate(shape, b->state.sum_g, b->mask, limit, dbias);
        }
    }
    if (wrong) abort();
    if (r->team) sn_team_sum(r->team, sums, 2 * parameters);
    for (int i = 0; i < r->count; i++) {
        block *b = &r->blocks[i];
        if (sn_norm_pools_batch(r->norm.kind))
            sn_norm_gradient_batch(&b->norm, r->weight, dbias, dweight, r->total, UINT16_MAX, &b->state);
        else
            sn_norm_gradient_samples(&b->norm, r->weight, &b->state);
        const sn_affine affine = affine_of(r, b);
        const sn_norm_gradient gradient = {b->state.center, b->state.gain, b->state.slope, b->state.shift};
        float *dz = floats(lanes_of(r->layer, b->samples, pixels)),
              *bias_sum = floats(lanes_of(r->layer, b->samples, 1));
        r->kernels->norm_backward(extent_of(r, b), &affine, &gradient, planes_of(b->z, r->layer->size),
                                  planes_of(b->da, out_size(r->layer)), planes_of(dz, r->layer->size),
                                  bias_sum);
        from_lanes(r->layer, b, pixels, dz, result->dz);
        sn_free(dz);
        sn_free(bias_sum);
    }
    for (size_t j = 0; j < parameters; j++) {
        result->dweight[j] = (double)dweight[j] / SN_GRADIENT_SCALE;
        result->dbias[j] = (double)dbias[j] / SN_GRADIENT_SCALE;
    }
    free(sums);
}

norm_layer_result norm_layer_run(const norm_layer *layer, const sn_kernels *kernels, sn_team *team, int first,
                                 int count)
{
    norm_layer_result result = result_new(layer);
    float *no_bias = floats(sn_packed(1, layer->channels, (size_t)pixels_of(layer)));
    run r = {.layer = layer,
             .norm = {.kind = layer->kind,
                      .groups = layer->groups,
                      .channels = layer->channels,
                      .pixels = pixels_of(layer),
                      .epsilon = 1e-5,
                      .no_bias = no_bias},
             .kernels = kernels,
             .team = team,
             .total = team ? layer->n : count,
             .weight = to_floats(norm_layer_parameters(layer), layer->weight),
             .bias = layer->bias ? to_floats(norm_layer_parameters(layer), layer->bias) : NULL};
    sn_piece piece;
    for (int start = 0; start < count; start += piece.count) {
        if (r.count == MAX_BLOCKS) abort();
        piece = sn_next_piece((uint32_t)(count - start));
        r.blocks[r.count++] = block_new(layer, &r.norm, r.weight, r.bias, kernels, first + start, piece);
    }
    forward(&r, &result);
    backward(&r, &result);
    for (int i = 0; i < r.count; i++)
        block_free(&r.blocks[i]);
    sn_free(r.weight);
    sn_free(r.bias);
    sn_free(no_bias);
    return result;
}
