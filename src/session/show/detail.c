/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One pair of nodes in full: attributes side by side, where it comes from, its weights. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "session/case/case.h"
#include "session/show/snapshot.h"

typedef struct detail_box {
    ff_detail d; /* first: the public pointer is the box's */
    atomic_int refs;
} detail_box;

const ff_detail *detail_ref(const ff_detail *d)
{
    atomic_fetch_add(&((detail_box *)d)->refs, 1);
    return d;
}

void ff_detail_unref(const ff_detail *d)
{
    detail_box *b = (detail_box *)d;
    if (!b || atomic_fetch_sub(&b->refs, 1) != 1)
        return;
    ff_table_unref(d->attributes);
    ff_table_unref(d->origins);
    ff_table_unref(d->weights);
    ff_table_unref(d->histogram);
    ff_table_unref(d->worst);
    ff_table_unref(d->channels);
    free(b);
}

/* ---------------------------------------------------------------------------------- attributes */

static const ff_column attribute_columns[] = {
    {"name", FF_COL_TEXT, "attribute"},
    {"source", FF_COL_TEXT, "the Source's value"},
    {"target", FF_COL_TEXT, "the Target's value"},
    {"same", FF_COL_BOOL, "the values are equal"},
};

static void add_attribute(ff_table *t, const char *name, const ff_cattr *s, const ff_cattr *g)
{
    char *a = s ? ff_cattr_format(s) : NULL, *b = g ? ff_cattr_format(g) : NULL;
    int row = ff_table_add_row(t);
    ff_table_set_text(t, row, "name", name);
    for (int i = 0; i < 2; i++) {
        char *shown = (i ? b : a) ? ff_visible(i ? b : a) : NULL;
        ff_table_set_text(t, row, i ? "target" : "source", shown);
        free(shown);
    }
    ff_table_set_bool(t, row, "same", a && b && strcmp(a, b) == 0);
    free(a);
    free(b);
}

static ff_table *make_attributes(const ff_cnode *s, const ff_cnode *g)
{
    ff_table *t = ff_table_create("attributes", attribute_columns, FF_COUNT(attribute_columns));
    int row = ff_table_add_row(t);
    ff_table_set_text(t, row, "name", "operator");
    ff_table_set_text(t, row, "source", s ? s->op : NULL);
    ff_table_set_text(t, row, "target", g ? g->op : NULL);
    ff_table_set_bool(t, row, "same", s && g && strcmp(s->op, g->op) == 0);
    int i = 0, k = 0, n_s = s ? s->n_attrs : 0, n_g = g ? g->n_attrs : 0;
    while (i < n_s || k < n_g) {
        int order = i == n_s ? 1 : k == n_g ? -1 : strcmp(s->attrs[i].name, g->attrs[k].name);
        if (order < 0)
            add_attribute(t, s->attrs[i].name, &s->attrs[i], NULL);
        else if (order > 0)
            add_attribute(t, g->attrs[k].name, NULL, &g->attrs[k]);
        else
            add_attribute(t, s->attrs[i].name, &s->attrs[i], &g->attrs[k]);
        i += order <= 0;
        k += order >= 0;
    }
    return t;
}

/* ------------------------------------------------------------------------------------- origins */

static const ff_column origin_columns[] = {
    {"side", FF_COL_TEXT, "source or target"},
    {"label", FF_COL_TEXT, "node"},
    {"op", FF_COL_TEXT, "operator as it is in the model"},
    {"role", FF_COL_TEXT, "primary, or absorbed in it"},
    {"inputs", FF_COL_TEXT, "values it reads"},
    {"outputs", FF_COL_TEXT, "values it makes"},
    {"shape", FF_COL_TEXT, "shape of its first output"},
};

static char *names_of(const ff_value *const *values, int n)
{
    ff_buf b = {0};
    for (int i = 0; i < n; i++) {
        if (i)
            ff_buf_puts(&b, ", ");
        ff_buf_visible(&b, values[i] ? values[i]->name : "-");
    }
    return ff_buf_steal(&b);
}

static char *shape_of(const ff_plan *plan, const ff_value *v)
{
    const ff_shape *s = plan && v ? ff_plan_shape(plan, v) : NULL;
    if (!s || s->rank < 0)
        return NULL;
    ff_buf b = {0};
    ff_buf_puts(&b, ff_dtype_name(s->dtype));
    ff_buf_dims(&b, s->rank, s->dims);
    return ff_buf_steal(&b);
}

static void add_origins(ff_table *t, const char *side, const ff_canon *c, const ff_cnode *node)
{
    for (int i = 0; node && i < node->n_origins; i++) {
        const ff_node *n = node->origins[i];
        int row = ff_table_add_row(t);
        char *label = ff_visible(n->label), *op = ff_visible(n->op);
        char *in = names_of(n->inputs, n->n_inputs), *out = names_of(n->outputs, n->n_outputs);
        char *shape = shape_of(c->plan, n->n_outputs ? n->outputs[0] : NULL);
        ff_table_set_text(t, row, "side", side);
        ff_table_set_text(t, row, "label", label);
        ff_table_set_text(t, row, "op", op);
        ff_table_set_text(t, row, "role", n == node->primary ? "primary" : "absorbed");
        ff_table_set_text(t, row, "inputs", in);
        ff_table_set_text(t, row, "outputs", out);
        ff_table_set_text(t, row, "shape", shape);
        free(label);
        free(op);
        free(in);
        free(out);
        free(shape);
    }
}

/* ------------------------------------------------------------------------------------- weights */

static const ff_column weight_columns[] = {
    {"role", FF_COL_TEXT, "which constant of the layer"},
    {"count", FF_COL_INT, "elements"},
    {"source_min", FF_COL_REAL, "the Source's least"},
    {"source_max", FF_COL_REAL, "the Source's greatest"},
    {"source_mean", FF_COL_REAL, "the Source's mean"},
    {"source_sd", FF_COL_REAL, "the Source's standard deviation"},
    {"target_min", FF_COL_REAL, "the Target's least"},
    {"target_max", FF_COL_REAL, "the Target's greatest"},
    {"target_mean", FF_COL_REAL, "the Target's mean"},
    {"target_sd", FF_COL_REAL, "the Target's standard deviation"},
    {"relative", FF_COL_REAL, "relative distance |T - S| / |S|"},
    {"max_abs", FF_COL_REAL, "largest difference"},
    {"different", FF_COL_INT, "elements that differ"},
    {"cause", FF_COL_TEXT, "what the difference looks like"},
    {"shape", FF_COL_TEXT, "canonical shape"},
};
static const ff_column histogram_columns[] = {
    {"role", FF_COL_TEXT, "which constant of the layer"},
    {"bin", FF_COL_INT, "from 0"},
    {"low", FF_COL_REAL, "left edge"},
    {"high", FF_COL_REAL, "right edge"},
    {"source", FF_COL_INT, "the Source's elements"},
    {"target", FF_COL_INT, "the Target's elements"},
};
static const ff_column worst_columns[] = {
    {"role", FF_COL_TEXT, "which constant of the layer"},
    {"place", FF_COL_INT, "1: the largest difference of its constant"},
    {"index", FF_COL_INT, "element, in the canonical layout"},
    {"at", FF_COL_TEXT, "the same by axis: output channel, input channel, rows, columns"},
    {"source", FF_COL_REAL, "the Source's value"},
    {"target", FF_COL_REAL, "the Target's value"},
    {"difference", FF_COL_REAL, "Target - Source"},
};

static const ff_column channel_columns[] = {
    {"role", FF_COL_TEXT, "which constant of the layer"},
    {"channel", FF_COL_INT, "output channel, from 0"},
    {"error", FF_COL_REAL, "relative distance |T - S| / |S| over the channel"},
};

/* By output channel: the first axis of every constant, but the second of ConvTranspose's weight. */
static void add_channels(ff_table *out, const ff_cnode *s, const ff_cnode *g, const char *role)
{
    const ff_cparam *a = ff_cnode_param(s, role), *b = ff_cnode_param(g, role);
    if (!a || !b || a->tensor->count != b->tensor->count || a->tensor->rank < 1)
        return;
    const ff_tensor *t = a->tensor;
    int axis = strcmp(s->op, "ConvTranspose") == 0 && strcmp(role, "weight") == 0 && t->rank > 1;
    int64_t channels = t->dims[axis], inner = 1;
    for (int i = axis + 1; i < t->rank; i++)
        inner *= t->dims[i];
    if (channels < 2)
        return;
    double *sums = ff_alloc_array((size_t)channels * 2, sizeof *sums);
    for (int64_t i = 0; i < t->count; i++) {
        double x = ff_tensor_get_real(t, i), y = ff_tensor_get_real(b->tensor, i);
        int64_t c = i / inner % channels;
        sums[2 * c] += (y - x) * (y - x);
        sums[2 * c + 1] += x * x;
    }
    for (int64_t c = 0; c < channels; c++) {
        int row = ff_table_add_row(out);
        ff_table_set_text(out, row, "role", role);
        ff_table_set_int(out, row, "channel", c);
        ff_table_set_real(out, row, "error", sums[2 * c] > 0 ? sqrt(sums[2 * c] / sums[2 * c + 1]) : 0);
    }
    free(sums);
}

static const ff_tensor *constant_of(const ff_cnode *s, const ff_cnode *g, const char *role)
{
    const ff_cparam *p = s ? ff_cnode_param(s, role) : NULL;
    if (!p)
        p = g ? ff_cnode_param(g, role) : NULL;
    return p ? p->tensor : NULL;
}

/* "[3,0,1,2]" */
static char *coordinates(const ff_tensor *t, int64_t index)
{
    ff_buf b = {0};
    int64_t inner = t->count;
    ff_buf_putc(&b, '[');
    for (int i = 0; i < t->rank && inner; i++) {
        inner /= t->dims[i];
        ff_buf_printf(&b, "%s%lld", i ? "," : "", (long long)(inner ? index / inner % t->dims[i] : 0));
    }
    ff_buf_putc(&b, ']');
    return ff_buf_steal(&b);
}

static void add_weights(ff_table *weights, ff_table *histogram, ff_table *worst, const ff_weight_stats *w,
                        const ff_tensor *t)
{
    int row = ff_table_add_row(weights);
    const struct {
        const char *name;
        double v;
    } reals[] = {
        {"source_min", w->source_min},   {"source_max", w->source_max}, {"source_mean", w->source_mean},
        {"source_sd", w->source_sd},     {"target_min", w->target_min}, {"target_max", w->target_max},
        {"target_mean", w->target_mean}, {"target_sd", w->target_sd},   {"relative", w->relative},
        {"max_abs", w->max_abs},
    };
    ff_table_set_text(weights, row, "role", w->role);
    ff_table_set_int(weights, row, "count", w->count);
    for (size_t i = 0; i < FF_COUNT(reals); i++)
        ff_table_set_real(weights, row, reals[i].name, reals[i].v);
    ff_table_set_int(weights, row, "different", w->n_different);
    ff_table_set_text(weights, row, "cause", w->cause);
    char *shape = t ? ff_tensor_describe(t) : NULL;
    ff_table_set_text(weights, row, "shape", shape);
    free(shape);
    int bins = (int)FF_COUNT(w->source_histogram);
    for (int i = 0; i < bins; i++) {
        row = ff_table_add_row(histogram);
        ff_table_set_text(histogram, row, "role", w->role);
        ff_table_set_int(histogram, row, "bin", i);
        ff_table_set_real(histogram, row, "low", w->low + (w->high - w->low) * i / bins);
        ff_table_set_real(histogram, row, "high", w->low + (w->high - w->low) * (i + 1) / bins);
        ff_table_set_int(histogram, row, "source", w->source_histogram[i]);
        ff_table_set_int(histogram, row, "target", w->target_histogram[i]);
    }
    for (int i = 0; i < w->n_worst; i++) {
        row = ff_table_add_row(worst);
        ff_table_set_text(worst, row, "role", w->role);
        ff_table_set_int(worst, row, "place", i + 1);
        ff_table_set_int(worst, row, "index", w->worst[i]);
        char *at = t ? coordinates(t, w->worst[i]) : NULL;
        ff_table_set_text(worst, row, "at", at);
        free(at);
        ff_table_set_real(worst, row, "source", w->worst_source[i]);
        ff_table_set_real(worst, row, "target", w->worst_target[i]);
        ff_table_set_real(worst, row, "difference", w->worst_target[i] - w->worst_source[i]);
    }
}

/* -------------------------------------------------------------------------------------- detail */

enum { MAX_PARAMS = 16 };

int case_detail(ff_case *c, int pair, const ff_detail **out)
{
    const ff_subject *s = c->subject ? c->subject : c->first;
    const ff_alignment *a = s ? s->alignment : NULL;
    if (!a)
        return ff_fail(FF_ERR_USAGE, "the models are not aligned");
    if (pair < 0 || pair >= a->n_pairs)
        return ff_fail(FF_ERR_USAGE, "there is no pair %d", pair);
    const ff_pair *p = &a->pairs[pair];
    const ff_cnode *source = p->source >= 0 ? &a->source->nodes[p->source] : NULL;
    const ff_cnode *target = p->target >= 0 ? &a->target->nodes[p->target] : NULL;
    ff_weight_stats *stats = ff_alloc_array(MAX_PARAMS, sizeof *stats);
    int n_stats = 0;
    int code = source && target ? ff_weight_stats_of(s, pair, stats, MAX_PARAMS, &n_stats) : FF_OK;
    if (code) {
        free(stats);
        return code;
    }
    detail_box *b = ff_alloc(sizeof *b);
    atomic_init(&b->refs, 1);
    b->d.pair = pair;
    ff_table *weights = ff_table_create("weights", weight_columns, FF_COUNT(weight_columns));
    ff_table *histogram = ff_table_create("histogram", histogram_columns, FF_COUNT(histogram_columns));
    ff_table *worst = ff_table_create("worst", worst_columns, FF_COUNT(worst_columns));
    ff_table *origins = ff_table_create("origins", origin_columns, FF_COUNT(origin_columns));
    ff_table *channels = ff_table_create("channels", channel_columns, FF_COUNT(channel_columns));
    for (int i = 0; i < n_stats; i++) {
        add_channels(channels, source, target, stats[i].role);
        add_weights(weights, histogram, worst, &stats[i], constant_of(source, target, stats[i].role));
    }
    add_origins(origins, "source", a->source, source);
    add_origins(origins, "target", a->target, target);
    b->d.attributes = make_attributes(source, target);
    b->d.origins = origins;
    b->d.weights = weights;
    b->d.histogram = histogram;
    b->d.worst = worst;
    b->d.channels = channels;
    free(stats);
    *out = &b->d;
    return FF_OK;
}
