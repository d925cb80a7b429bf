/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_blas.h>
#include <gsl/gsl_linalg.h>

#include "draw.h"
#include "fetafix/exec.h"
#include "style.h"

#define BATCH 96

/* Pictures [first, first + count) of a series as one batch, with their labels. */
static int load_batch(const network *n, const char *spec, const char *series, int first, int count, ff_tensor **out,
                      int *labels)
{
    const layer *image = &n->layers[0];
    int64_t dims[] = {count, image->channels, image->height, image->width};
    ff_shape one = {FF_FLOAT, 4, {1, dims[1], dims[2], dims[3]}};
    ff_pre pre;
    ff_tensor *batch = NULL;
    int status = ff_pre_parse(spec, &pre);
    if (status == FF_OK)
        status = ff_tensor_create(FF_FLOAT, 4, dims, &batch);
    for (int i = 0; i < count && status == FF_OK; i++) {
        ff_image picture;
        ff_tensor *t = NULL;
        draw_series(series, first + i, &picture, &labels[i]);
        status = ff_pre_apply(&pre, &picture, &one, &t);
        if (status == FF_OK)
            memcpy((char *)batch->data + (size_t)i * t->bytes, t->data, t->bytes);
        ff_tensor_unref(t);
        ff_image_finish(&picture);
    }
    if (status == FF_OK)
        *out = batch;
    else
        ff_tensor_unref(batch);
    return status;
}

/* Runs a network written in a style over a batch; out[] gets the first n_out graph outputs. */
static int run_batch(const network *n, const style *s, const ff_tensor *batch, int n_out, ff_tensor **out)
{
    ff_model *m = NULL;
    ff_plan *plan = NULL;
    ff_runner *runner = NULL;
    const char **names = ff_alloc_array((size_t)n_out, sizeof *names);
    ff_shape feed = {FF_FLOAT, batch->rank, {0}};
    memcpy(feed.dims, batch->dims, sizeof feed.dims);
    int status = style_write(n, s, &m);
    for (int i = 0; i < n_out && status == FF_OK; i++)
        names[i] = ff_model_graph(m)->outputs[i]->name;
    ff_plan_options options = {.feeds = &feed, .n_outputs = n_out, .outputs = names};
    if (status == FF_OK)
        status = ff_plan_create(m, &options, &plan);
    if (status == FF_OK)
        status = ff_runner_create(plan, &runner);
    if (status == FF_OK)
        status = ff_run(runner, &batch, NULL, NULL, 0, out);
    free(names);
    ff_runner_destroy(runner);
    ff_plan_unref(plan);
    ff_model_unref(m);
    return status;
}

static int calibrate(network *n, const ff_tensor *batch)
{
    style s = *style_find("torch");
    s.opset = 15;
    s.ir_version = 8;
    s.calibrate_batch = (int)batch->dims[0];
    int n_out = 1;
    for (int i = 0; i < n->n_layers; i++)
        n_out += n->layers[i].batchnorm ? 2 : 0;
    ff_tensor **out = ff_alloc_array((size_t)n_out, sizeof(ff_tensor *));
    int status = run_batch(n, &s, batch, n_out, out);
    for (int i = 0, k = 0; i < n->n_layers && status == FF_OK; i++) {
        layer *l = &n->layers[i];
        if (!l->batchnorm)
            continue;
        memcpy(l->mean, out[k++]->data, (size_t)l->channels * sizeof(float));
        memcpy(l->variance, out[k++]->data, (size_t)l->channels * sizeof(float));
    }
    for (int i = 0; i < n_out; i++)
        ff_tensor_unref(out[i]);
    free(out);
    return status;
}

/* W minimising |X W - Y|^2 + lambda |W|^2; the last feature is the constant 1 (the bias). */
static void ridge(const ff_tensor *features, const int *labels, layer *dense)
{
    size_t rows = (size_t)features->dims[0], width = (size_t)(features->count / features->dims[0]);
    size_t classes = (size_t)dense->channels;
    gsl_matrix *x = gsl_matrix_alloc(rows, width + 1), *y = gsl_matrix_alloc(rows, classes);
    gsl_matrix *a = gsl_matrix_alloc(width + 1, width + 1), *b = gsl_matrix_alloc(width + 1, classes);
    const float *f = features->data;
    for (size_t i = 0; i < rows; i++) {
        for (size_t j = 0; j < width; j++)
            gsl_matrix_set(x, i, j, f[i * width + j]);
        gsl_matrix_set(x, i, width, 1);
        for (size_t c = 0; c < classes; c++)
            gsl_matrix_set(y, i, c, labels[i] == (int)c ? 1 : 0);
    }
    gsl_blas_dgemm(CblasTrans, CblasNoTrans, 1, x, x, 0, a);
    gsl_blas_dgemm(CblasTrans, CblasNoTrans, 1, x, y, 0, b);
    double trace = 0;
    for (size_t j = 0; j <= width; j++)
        trace += gsl_matrix_get(a, j, j);
    for (size_t j = 0; j <= width; j++)
        *gsl_matrix_ptr(a, j, j) += 1e-2 * trace / (double)(width + 1);
    gsl_linalg_cholesky_decomp1(a);
    /* One-hot regression gives scores between 0 and 1: spread out, so that a softmax is sure of itself. */
    const double spread = 12;
    for (size_t c = 0; c < classes; c++) {
        gsl_vector_view column = gsl_matrix_column(b, c);
        gsl_linalg_cholesky_svx(a, &column.vector);
        for (size_t j = 0; j < width; j++)
            dense->weight[c * width + j] = (float)(spread * gsl_matrix_get(b, j, c));
        dense->bias[c] = (float)(spread * gsl_matrix_get(b, width, c));
    }
    gsl_matrix_free(x);
    gsl_matrix_free(y);
    gsl_matrix_free(a);
    gsl_matrix_free(b);
}

static style batch_style(void)
{
    style s = *style_find("torch");
    s.symbolic_batch = true;
    return s;
}

/* What the network gives for the first pictures of a series, [pictures][width], in batches that keep memory
 * small; labels[] is filled. */
static int run_series(const network *n, const char *spec, const char *series, int pictures, int *labels,
                      ff_tensor **out)
{
    style s = batch_style();
    ff_tensor *all = NULL;
    int status = FF_OK;
    for (int first = 0; first < pictures && status == FF_OK; first += BATCH) {
        int count = pictures - first < BATCH ? pictures - first : BATCH;
        ff_tensor *batch = NULL, *part = NULL;
        status = load_batch(n, spec, series, first, count, &batch, labels + first);
        if (status == FF_OK)
            status = run_batch(n, &s, batch, 1, &part);
        if (status == FF_OK && !all)
            status = ff_tensor_create(FF_FLOAT, 2, (int64_t[]){pictures, part->count / count}, &all);
        if (status == FF_OK)
            memcpy((float *)all->data + first * all->dims[1], part->data, part->bytes);
        ff_tensor_unref(batch);
        ff_tensor_unref(part);
    }
    if (status == FF_OK)
        *out = all;
    else
        ff_tensor_unref(all);
    return status;
}

/* Statistics of batch normalisation from the first pictures, then the pooled features of all. */
static int calibrated_features(network *n, const char *spec, int pictures, int *labels, ff_tensor **features)
{
    ff_tensor *batch = NULL;
    int status = load_batch(n, spec, "train", 0, pictures < BATCH ? pictures : BATCH, &batch, labels);
    if (status == FF_OK)
        status = calibrate(n, batch);
    ff_tensor_unref(batch);
    if (status != FF_OK)
        return status;
    network headless = *n; /* shares the layers, which are only read */
    headless.n_layers--;
    return run_series(&headless, spec, "train", pictures, labels, features);
}

int network_fit(network *n, int pictures)
{
    int *labels = ff_alloc_array((size_t)pictures, sizeof *labels);
    ff_tensor *features = NULL;
    int status = calibrated_features(n, SAMPLES_PREPROCESSING, pictures, labels, &features);
    if (status == FF_OK)
        ridge(features, labels, &n->layers[n->n_layers - 1]);
    ff_tensor_unref(features);
    free(labels);
    return status;
}

/* Class weights that look along directions in which pictures differ, the more the more they differ there: random
 * mixtures of what each picture has more than the average. So rounding, which goes in all directions, changes few
 * labels. */
static void mix_features(ff_rng *rng, const float *features, int pictures, int64_t width, layer *dense)
{
    double *mean = ff_alloc_array((size_t)width, sizeof *mean);
    for (int i = 0; i < pictures; i++)
        for (int64_t j = 0; j < width; j++)
            mean[j] += features[i * width + j] / pictures;
    for (int c = 0; c < dense->channels; c++) {
        float *w = dense->weight + c * width;
        memset(w, 0, (size_t)width * sizeof *w);
        for (int i = 0; i < pictures; i++) {
            double share = ff_rng_normal(rng);
            for (int64_t j = 0; j < width; j++)
                w[j] += (float)(share * (features[i * width + j] - mean[j]));
        }
    }
    free(mean);
}

int network_diversify(network *n, const char *spec, int pictures)
{
    layer *dense = &n->layers[n->n_layers - 1];
    int *labels = ff_alloc_array((size_t)pictures, sizeof *labels);
    ff_tensor *features = NULL;
    int status = calibrated_features(n, spec, pictures, labels, &features);
    if (status == FF_OK) {
        const float *f = features->data;
        int64_t width = features->count / pictures;
        mix_features(&n->rng, f, pictures, width, dense);
        for (int c = 0; c < dense->channels; c++) {
            float *w = dense->weight + c * width;
            double sum = 0, squares = 0;
            for (int i = 0; i < pictures; i++) {
                double score = 0;
                for (int64_t j = 0; j < width; j++)
                    score += (double)w[j] * f[i * width + j];
                sum += score;
                squares += score * score;
            }
            double mean = sum / pictures, deviation = sqrt(fmax(squares / pictures - mean * mean, 1e-12));
            for (int64_t j = 0; j < width; j++)
                w[j] = (float)(w[j] * 3 / deviation);
            dense->bias[c] = (float)(-3 * mean / deviation);
        }
    }
    ff_tensor_unref(features);
    free(labels);
    return status;
}

int network_accuracy(const network *n, int pictures, double *out)
{
    int *labels = ff_alloc_array((size_t)pictures, sizeof *labels);
    ff_tensor *scores = NULL;
    int status = run_series(n, SAMPLES_PREPROCESSING, "test", pictures, labels, &scores);
    if (status == FF_OK) {
        const float *f = scores->data;
        int right = 0;
        for (int i = 0; i < pictures; i++, f += n->classes) {
            int best = 0;
            for (int c = 1; c < n->classes; c++)
                best = f[c] > f[best] ? c : best;
            right += best == labels[i];
        }
        *out = (double)right / pictures;
    }
    ff_tensor_unref(scores);
    free(labels);
    return status;
}
