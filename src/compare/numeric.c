/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Comparators of numbers, for models that do not classify. All outputs count, unless one was chosen. */
#include "compare/comparator.h"

#include <math.h>

/* The worst of all outputs decides. */
typedef double measure_fn(const float *s, const float *t, int64_t n);

enum { ABSOLUTE, RELATIVE };

/* Score: the greatest |t - s| / (abs + rel |s|); 1 is the limit. */
static int compare_tolerance(const ff_comparator *c, const sample *s, outcome *out)
{
    double worst = 0;
    out->distance = sample_distance(s);
    if (!sample_same_form(s->source, s->target)) {
        out->wrong = true;
        out->score = INFINITY;
        return FF_OK;
    }
    for (int i = 0; i < s->source->form->n; i++) {
        const float *x = sample_values(s->source, i), *y = sample_values(s->target, i);
        double a = comparator_number(c, ABSOLUTE, i), r = comparator_number(c, RELATIVE, i);
        if (sample_hides_difference(s, i))
            worst = INFINITY;
        for (int64_t k = 0; k < s->source->form->at[i].count; k++) {
            if (x[k] == y[k] || (isnan(x[k]) && isnan(y[k])))
                continue;
            double d = fabs((double)y[k] - x[k]) / (a + r * fabs((double)x[k]));
            if (!(d <= worst)) /* a NaN on one side is as wrong as can be */
                worst = isnan(d) ? INFINITY : d;
        }
    }
    out->score = worst;
    out->wrong = worst > 1;
    out->margin = fabs(1 - worst);
    return FF_OK;
}

/* Largest deviation of one output in units of its greatest magnitude; whole numbers in units of one. */
static double deviation(const ff_output_form *f, const float *s, const float *t)
{
    double scale = f->whole ? 1 : 0, most = 0;
    for (int64_t k = 0; k < f->count && !f->whole; k++)
        if (isfinite(s[k]) && fabs((double)s[k]) > scale)
            scale = fabs((double)s[k]);
    for (int64_t k = 0; k < f->count; k++) {
        if (s[k] == t[k] || (isnan(s[k]) && isnan(t[k])))
            continue;
        double d = fabs((double)t[k] - s[k]) / scale;
        if (!(d <= most))
            most = isnan(d) ? INFINITY : d;
    }
    return most;
}

/* Score: the largest deviation of all outputs in units of what is allowed; 1 is the limit. */
static int compare_values(const ff_comparator *c, const sample *s, outcome *out)
{
    double worst = 0;
    out->distance = sample_distance(s);
    if (!sample_same_form(s->source, s->target))
        worst = INFINITY;
    for (int i = 0; i < s->source->form->n && worst < INFINITY; i++) {
        double d = sample_hides_difference(s, i)
                       ? INFINITY
                       : deviation(&s->source->form->at[i], sample_values(s->source, i), sample_values(s->target, i)) /
                             comparator_number(c, 0, i);
        worst = !(d <= worst) ? d : worst;
    }
    out->score = worst;
    out->wrong = !(worst <= 1);
    out->margin = fabs(1 - worst);
    return FF_OK;
}

static int compare_measured(const ff_comparator *c, const sample *s, measure_fn *measure, double worst, outcome *out)
{
    out->distance = sample_distance(s);
    out->wrong = true;
    if (!sample_same_form(s->source, s->target))
        return FF_OK;
    bool right = true;
    double margin = INFINITY;
    for (int i = 0; i < s->source->form->n; i++) {
        outcome one;
        double v = measure(sample_values(s->source, i), sample_values(s->target, i), s->source->form->at[i].count);
        outcome_at_least(&one, v, comparator_number(c, 0, i));
        margin = right && one.wrong ? one.margin : right == !one.wrong ? fmin(margin, one.margin) : margin;
        right &= !one.wrong;
        worst = v < worst ? v : worst;
    }
    out->score = worst;
    out->wrong = !right;
    out->margin = margin;
    return FF_OK;
}

/* Of two vectors that are zero 1, of one that is 0. */
static double cosine(const float *s, const float *t, int64_t n)
{
    double ss = 0, tt = 0, st = 0;
    bool equal = true;
    for (int64_t i = 0; i < n; i++) {
        ss += (double)s[i] * s[i];
        tt += (double)t[i] * t[i];
        st += (double)s[i] * t[i];
        equal &= s[i] == t[i];
    }
    double v = equal ? 1 : st / (sqrt(ss) * sqrt(tt));
    return isnan(v) ? -1 : fmin(v, 1);
}

static int compare_cosine(const ff_comparator *c, const sample *s, outcome *out)
{
    return compare_measured(c, s, cosine, 1, out);
}

enum { MOST_DB = 300 }; /* equal to the last bit: nothing in float32 comes near otherwise */

/* Signal to quantisation noise: 10 log10 (sum s^2 / sum (t - s)^2). */
static double sqnr(const float *s, const float *t, int64_t n)
{
    double signal = 0, noise = 0;
    for (int64_t i = 0; i < n; i++) {
        double d = s[i] == t[i] ? 0 : (double)t[i] - s[i];
        signal += (double)s[i] * s[i];
        noise += d * d;
    }
    double v = noise == 0 ? MOST_DB : 10 * log10(signal / noise);
    return isnan(v) ? -MOST_DB : fmax(-MOST_DB, fmin(v, MOST_DB));
}

static int compare_sqnr(const ff_comparator *c, const sample *s, outcome *out)
{
    return compare_measured(c, s, sqnr, MOST_DB, out);
}

static const comparator_kind kinds[] = {
    {"tolerance", "tolerance:abs=A,rel=R[,N/abs=A][,N/rel=R]",
     "every number of every output: |t - s| <= A + R |s| (1e-5, 1e-3); N/: of output N alone, from 0",
     "outputs are out of tolerance", .every_output = true, .compare = compare_tolerance,
     .parameters = {{"abs", PARAMETER_REAL, 1e-5, 0, 1e30, false}, {"rel", PARAMETER_REAL, 1e-3, 0, 1e30, false}}},
    {"values", "values:R[,N/rel=R]",
     "every number of every output: |t - s| <= R times the output's greatest (1e-3); whole numbers, booleans and texts are "
     "equal; what decides where the first output is not one of classes",
     "outputs differ", .every_output = true, .compare = compare_values,
     .parameters = {{"rel", PARAMETER_REAL, 1e-3, 1e-9, 1, false}}},
    {"cosine", "cosine:MIN", "cosine of the angle between both outputs is at least MIN (0.999)",
     "outputs point elsewhere", .every_output = true, .compare = compare_cosine,
     .parameters = {{"min", PARAMETER_REAL, 0.999, -1, 1, false}}},
    {"sqnr", "sqnr:DB", "signal to noise ratio of the outputs is at least DB decibels (40)", "outputs are too noisy",
     .every_output = true, .compare = compare_sqnr,
     .parameters = {{"min", PARAMETER_REAL, 40, -MOST_DB, MOST_DB, false}}},
};
const comparator_family numeric_comparators = {kinds, FF_COUNT(kinds)};
