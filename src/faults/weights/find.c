/* SPDX-License-Identifier: GPL-3.0-or-later */
/* WB: constants of aligned layers that differ, each with its sub-cause. */
#include "faults/detect.h"
#include "faults/quantized/quantized.h"
#include "fetafix/examine.h"
#include "fetafix/faults.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void describe(ff_finding *f, const char *label, const char *role, const ff_weight_change *c,
                     const json_t *storage)
{
    int wrong = (int)json_integer_value(json_object_get(storage, "wrong_channels"));
    int channels = (int)json_array_size(json_object_get(storage, "scales"));
    char *where = wrong && channels > 1 ? ff_asprintf(" in %d of %d channels", wrong, channels) : ff_strdup("");
    f->summary =
        ff_asprintf("%s of '%s' %s%s (%.3g%% off)", role, label, f->cause->words, where, 100 * fmin(c->relative, 1e6));
    free(where);
    f->explanation = ff_asprintf("%s The relative distance from the Source's is %.3g, %lld of %lld values "
                                 "differ. The repair puts the Source's values in, in the form in which the "
                                 "Target keeps them.",
                                 f->cause->why, c->relative, (long long)c->n_different, (long long)c->n);
}

static json_t *details(const char *role, const ff_cparam *s, const ff_cparam *t, const ff_weight_change *c)
{
    json_t *j = json_object();
    json_object_set_new(j, "role", json_string(role));
    json_object_set_new(j, "shape", ff_json_shape((t ? t : s)->tensor));
    if (s && t && s->tensor->count != t->tensor->count)
        json_object_set_new(j, "source_shape", ff_json_shape(s->tensor));
    json_object_set_new(j, "relative", ff_json_real(c->relative));
    json_object_set_new(j, "max_abs", ff_json_real(c->max_abs));
    json_object_set_new(j, "different", json_integer(c->n_different));
    json_object_set_new(j, "count", json_integer(c->n));
    if (c->levels)
        json_object_set_new(j, "levels", json_integer(c->levels));
    if (c->step > 0)
        json_object_set_new(j, "scale", json_real(c->step));
    if (c->axis >= 0)
        json_object_set_new(j, "axis", json_integer(c->axis));
    return j;
}

/* Compares what the two sides have under a role; NULL stands for zeros. */
static int compare(const ff_subject *s, const ff_cparam *a, const ff_cparam *b, ff_weight_change *c)
{
    if (a && b) {
        const ff_tensor *raw = NULL;
        if (b->folded && b->original)
            raw = ff_plan_constant(s->target.canon->plan, b->original);
        return ff_weight_compare(a->tensor, b->tensor, raw, a->folded || b->folded, c);
    }
    const ff_tensor *there = (a ? a : b)->tensor;
    ff_tensor *zeros;
    int rc = ff_tensor_create(there->dtype, there->rank, there->dims, &zeros);
    if (rc != FF_OK)
        return rc;
    rc = a ? ff_weight_compare(there, zeros, NULL, false, c) : ff_weight_compare(zeros, there, NULL, false, c);
    ff_tensor_unref(zeros);
    return rc;
}

/* The axes without the first of what the Source's dense layer reads flattened; their number, 0 where it is not. */
static int flattened_axes(const ff_subject *s, const ff_cnode *dense, int64_t *dims)
{
    const ff_canon *c = s->source.canon;
    const ff_cvalue *v = dense->n_inputs == 1 ? &c->values[dense->inputs[0]] : NULL;
    const ff_cnode *n = v && v->producer >= 0 ? &c->nodes[v->producer] : NULL;
    if (!n || strcmp(n->op, "Reshape") != 0 || n->n_inputs != 1)
        return 0;
    const ff_shape *shape = &c->values[n->inputs[0]].shape;
    if (shape->rank != 4)
        return 0;
    memcpy(dims, shape->dims + 1, 3 * sizeof *dims);
    return 3;
}

/* Are the columns of y those of x with the flattened axes in another order? */
static bool columns_reordered(const ff_tensor *x, const ff_tensor *y, const int64_t *dims)
{
    static const int orders[][3] = {{1, 2, 0}, {2, 0, 1}, {0, 2, 1}, {2, 1, 0}, {1, 0, 2}};
    if (x->rank != 2 || y->rank != 2 || x->count != y->count || x->dtype != FF_FLOAT || y->dtype != FF_FLOAT ||
        x->dims[0] != y->dims[0] || dims[0] * dims[1] * dims[2] != x->dims[1])
        return false;
    const float *a = x->data, *b = y->data;
    int64_t strides[] = {dims[1] * dims[2], dims[2], 1};
    for (size_t o = 0; o < FF_COUNT(orders); o++) {
        const int *p = orders[o];
        bool equal = true;
        for (int64_t row = 0; row < x->dims[0] && equal; row++)
            for (int64_t k = 0; k < x->dims[1] && equal; k++) {
                int64_t i = k / (dims[p[1]] * dims[p[2]]), j = k / dims[p[2]] % dims[p[1]], l = k % dims[p[2]];
                float u = a[row * x->dims[1] + k];
                float v = b[row * x->dims[1] + i * strides[p[0]] + j * strides[p[1]] + l * strides[p[2]]];
                equal = fabsf(u - v) <= 1e-5f * fabsf(u);
            }
        if (equal)
            return true;
    }
    return false;
}

/* A square matrix read as rows where it holds columns: that is the layer's own doing. */
static bool transposed(const ff_tensor *x, const ff_tensor *y)
{
    ff_tensor *t;
    if (x->rank != 2 || y->rank != 2 || x->dims[0] != y->dims[1] ||
        ff_tensor_transpose(x, (const int[]){1, 0}, &t) != FF_OK)
        return false;
    bool equal = t->bytes == y->bytes && memcmp(t->data, y->data, y->bytes) == 0;
    ff_tensor_unref(t);
    return equal;
}

/* The order of what the layer reads was lost on the way (a Flatten of other axes), not that of its weights: the columns
 * follow an order of the flattened axes, or both sides store the same numbers in the same places and still the effective
 * ones are permuted. */
static bool order_lost(const ff_subject *s, const ff_cnode *dense, const ff_cparam *a, const ff_cparam *b)
{
    int64_t dims[3];
    if (a && b && flattened_axes(s, dense, dims) == 3 && columns_reordered(a->tensor, b->tensor, dims))
        return true;
    const ff_tensor *x = a && a->original && !a->folded ? ff_plan_constant(s->source.canon->plan, a->original) : NULL;
    const ff_tensor *y = b && b->original && !b->folded ? ff_plan_constant(s->target.canon->plan, b->original) : NULL;
    if (!x || !y || x->rank != 2 || y->rank != 2 || x->count != y->count || x->dtype != y->dtype)
        return false;
    if (x->dims[0] == y->dims[0] && memcmp(x->data, y->data, x->bytes) == 0)
        return !transposed(a->tensor, b->tensor);
    return transposed(x, y);
}

/* One side has one class more (a background in front, or an unused one behind), and the rows of the classes that both have
 * are the same: what is compared is compared class by class. */
static bool same_classes(const ff_subject *s, const ff_cparam *a, const ff_cparam *b)
{
    const ff_tensor *x = a ? a->tensor : NULL, *y = b ? b->tensor : NULL;
    if (!x || !y || x->rank < 1 || x->rank != y->rank || x->dtype != FF_FLOAT || y->dtype != FF_FLOAT ||
        x->dims[0] != s->source.labels->width || y->dims[0] != s->target.labels->width ||
        llabs(x->dims[0] - y->dims[0]) != 1 || x->count / x->dims[0] != y->count / y->dims[0])
        return false;
    int64_t size = x->count / x->dims[0], rows = x->dims[0] < y->dims[0] ? x->dims[0] : y->dims[0];
    const float *u = x->data, *v = y->data;
    if (s->offset) {
        u += s->offset > 0 ? size : 0;
        v += s->offset < 0 ? size : 0;
    }
    double distance = 0, norm = 0;
    for (int64_t i = 0; i < rows * size; i++) {
        distance += ((double)u[i] - v[i]) * ((double)u[i] - v[i]);
        norm += (double)u[i] * u[i];
    }
    return distance <= 1e-10 * norm;
}

/* The integers of a bias are right in the units that its layer should have (as near as the integers of the weights tell
 * their scale): another finding speaks of those. */
#define UNIT_SLACK 0.01
static bool unit_is_wrong(const ff_subject *s, const ff_pair *p, const ff_quantized *q, const ff_tensor *wanted)
{
    int64_t channels = ff_quantized_channels(q);
    double *unit = ff_alloc_array((size_t)channels, sizeof *unit),
           *zero = ff_alloc_array((size_t)channels, sizeof *zero);
    bool wrong = false;
    for (int as_made = 0; as_made < 2 && !wrong; as_made++)
        wrong = ff_quantized_unit(s, p->source, p->target, q, as_made, unit) &&
                ff_quantized_fits(q, wanted, unit, zero, UNIT_SLACK);
    free(unit);
    free(zero);
    return wrong;
}

/* How many channels have another scale (by more than the integers leave open) or zero point than they should have. */
static int64_t wrong_channels(const ff_quantized *q, const double *scale, const double *zero)
{
    int64_t n = 0, channels = ff_quantized_channels(q);
    for (int64_t c = 0; c < channels; c++)
        n += fabs(scale[c] - ff_quantized_scale(q, c)) > UNIT_SLACK * fabs(scale[c]) ||
             zero[c] != ff_quantized_zero(q, c);
    return n > 0 ? n : channels;
}

/* Integers with a scale and a zero point tell more than the numbers they stand for. *accepted: no fault; *elsewhere: one
 * that another finding is about. */
static int look_at_storage(const ff_subject *s, const ff_pair *p, const ff_cparam *a, const ff_cparam *b,
                           ff_weight_change *c, json_t *more, bool *accepted, bool *elsewhere)
{
    ff_quantized q;
    ff_tensor *wanted;
    *accepted = *elsewhere = false;
    if (!a || !b || !ff_quantized_find(s->target.canon->plan, b, &q) || a->tensor->count != q.q->count)
        return FF_OK;
    int rc = ff_quantized_places(s->target.canon->plan, &q, b, a->tensor, &wanted);
    if (rc != FF_OK)
        return rc;
    int64_t channels = ff_quantized_channels(&q);
    double *scale = ff_alloc_array((size_t)channels, sizeof *scale),
           *zero = ff_alloc_array((size_t)channels, sizeof *zero),
           *unit = ff_alloc_array((size_t)channels, sizeof *unit);
    bool biased = ff_quantized_unit(s, p->source, p->target, &q, false, unit);
    ff_cause_id cause = ff_quantized_cause(&q, wanted, biased ? unit : NULL, scale, zero);
    *elsewhere = cause == FF_NO_CAUSE && q.at_scale < 0 && unit_is_wrong(s, p, &q, wanted);
    bool grid = cause == FF_CAUSE_QUANTIZED, known = cause != FF_NO_CAUSE;
    *accepted = grid && ff_subject_options_of(s)->keep_quantized;
    if (known && (!grid || strcmp(c->cause, "different") == 0))
        c->cause = ff_cause_at((int)cause)->name;
    else if (strncmp(c->cause, "int8", 4) ==
             0) /* integers they are; without a cause, not those of the Source's numbers */
        c->cause = !known ? "different" : channels > 1 ? "int8-per-channel" : "int8-per-tensor";
    json_object_set_new(more, "stored", json_string(ff_dtype_name(q.q->dtype)));
    json_object_set_new(more, "granularity", json_string(channels > 1 ? "channel" : "tensor"));
    json_object_set_new(more, "wrong",
                        json_string(!known                                 ? "integers"
                                    : grid                                 ? "rounding"
                                    : cause == FF_CAUSE_QUANTIZATION_SCALE ? "scale"
                                                                           : "zero_point"));
    int64_t wrong = known && !grid ? wrong_channels(&q, scale, zero) : 0;
    if (wrong)
        json_object_set_new(more, "wrong_channels", json_integer(wrong));
    json_t *scales = json_array(), *zeros = json_array();
    for (int64_t i = 0; wrong && i < channels; i++) {
        json_array_append_new(scales, json_pack("[f,f]", ff_quantized_scale(&q, i), scale[i]));
        json_array_append_new(zeros, json_pack("[f,f]", ff_quantized_zero(&q, i), zero[i]));
    }
    if (json_array_size(scales)) { /* [the Target's, what it should be], by channel */
        json_object_set(more, "scales", scales);
        json_object_set(more, "zero_points", zeros);
    }
    json_decref(scales);
    json_decref(zeros);
    free(scale);
    free(zero);
    free(unit);
    ff_tensor_unref(wanted);
    return FF_OK;
}

static void add_same(ff_detection *d, const ff_pair *p, const char *rule, const char *meaning, double deviation)
{
    const ff_subject *s = d->subject;
    ff_same *same = ff_detection_add_same(d, rule, meaning, deviation);
    const ff_cnode *sn = &s->source.canon->nodes[p->source], *tn = &s->target.canon->nodes[p->target];
    same->source_nodes = ff_nodes_copy(sn->origins, same->n_source_nodes = sn->n_origins);
    same->target_nodes = ff_nodes_copy(tn->origins, same->n_target_nodes = tn->n_origins);
}

/* Another part of the same stored constant was found to differ: one constant is one fault. */
static bool part_of_known(const ff_detection *d, const ff_cparam *b)
{
    const ff_canon *c = d->subject->target.canon;
    for (int i = 0; ff_cparam_is_part(c, b) && i < d->findings->count; i++) {
        const ff_cparam *known = d->findings->at[i].type == FF_WB ? d->findings->at[i].hint->target_param : NULL;
        if (known && known->original == b->original && ff_cparam_is_part(c, known))
            return true;
    }
    return false;
}

static int examine(ff_detection *d, int pair, const char *role, const ff_cparam *a, const ff_cparam *b)
{
    const ff_subject *s = d->subject;
    const ff_pair *p = &s->alignment->pairs[pair];
    ff_weight_change c;
    static const char *const of_weight[] = {"transB", "alpha", NULL}, *const of_bias[] = {"beta", NULL};
    if (ff_dense_found(d, pair, strcmp(role, "bias") == 0 ? of_bias : of_weight))
        return FF_OK;
    int rc = compare(s, a, b, &c);
    if (rc != FF_OK || strcmp(c.cause, "equal") == 0)
        return rc;
    /* Where the Target breaks it may be for a shape. What else could not be folded there, or behind it, is not known. */
    const ff_cnode *layer = &s->target.canon->nodes[p->target];
    if (!ff_region_computed(s, layer->outputs[0]) &&
        !(strcmp(c.cause, "shape-differs") == 0 && layer->n_inputs && ff_region_computed(s, layer->inputs[0])))
        return FF_OK;
    bool classes = strcmp(c.cause, "shape-differs") == 0 && same_classes(s, a, b);
    if (classes) {
        add_same(d, p, "class-offset", "one side has one class more, the others are the same", 0);
        return FF_OK;
    }
    if (strcmp(c.cause, "rounding") == 0) {
        add_same(d, p, "rounding", "constants that differ by less than the rounding of a refolding", c.relative);
        return FF_OK;
    }
    if (part_of_known(d, b))
        return FF_OK;
    json_t *more = json_object();
    bool accepted, elsewhere;
    rc = look_at_storage(s, p, a, b, &c, more, &accepted, &elsewhere);
    if (rc != FF_OK || accepted || elsewhere) {
        if (accepted)
            add_same(d, p, "quantized", "constants rounded to the integers in which they are stored", c.relative);
        json_decref(more);
        return rc;
    }
    char *label = ff_pair_label(s, pair);
    char *what = ff_asprintf("%s/%s", label, role);
    bool lost = strcmp(c.cause, "permuted") == 0 && order_lost(s, &s->source.canon->nodes[p->source], a, b);
    ff_finding *f = ff_detection_add(d, lost ? FF_CAUSE_ORDER_LOST : ff_cause_of_change(&c), what);
    ff_finding_set_nodes(s, f, p->source, p->target);
    f->pair = pair;
    f->magnitude = isfinite(c.relative) ? c.relative : 1e6;
    f->hint->source_param = a;
    f->hint->target_param = b;
    char *shown = ff_cnode_label(s->target.canon, p->target);
    if (lost) {
        f->summary = ff_asprintf("'%s' reads the elements in another order than the Source", shown);
        f->explanation = ff_strdup(
            "The weights are the Source's, but what is flattened before has its axes in another order (height, width, "
            "channels against channels, height, width), so that each weight meets another element. The repair puts the "
            "columns of the layer in the order in which its input comes.");
    } else {
        describe(f, shown, role, &c, more);
    }
    json_t *j = details(role, a, b, &c);
    json_object_update(j, more);
    json_decref(more);
    ff_finding_set_details(f, j);
    free(shown);
    free(what);
    free(label);
    return FF_OK;
}

int ff_detect_weights(ff_detection *d)
{
    const ff_subject *s = d->subject;
    if (!s->alignment)
        return FF_OK;
    for (int i = 0; i < s->alignment->n_pairs; i++) {
        const ff_pair *p = &s->alignment->pairs[i];
        if (p->source < 0 || p->target < 0)
            continue;
        const ff_cnode *a = &s->source.canon->nodes[p->source], *b = &s->target.canon->nodes[p->target];
        if (strcmp(a->op, b->op) != 0)
            continue; /* another operator: the graph differs */
        if (ff_is_prepared(d, true, p->source) && ff_is_prepared(d, false, p->target))
            continue;
        int rc = ff_check_cancel(d->task);
        int before = d->findings->count;
        for (int k = 0; k < a->n_params && rc == FF_OK; k++)
            rc = examine(d, i, a->params[k].role, &a->params[k], ff_cnode_param(b, a->params[k].role));
        for (int k = 0; k < b->n_params && rc == FF_OK; k++)
            if (!ff_cnode_param(a, b->params[k].role))
                rc = examine(d, i, b->params[k].role, NULL, &b->params[k]);
        if (rc != FF_OK)
            return rc;
        if (d->findings->count > before)
            rc = ff_detect_norm(d, i, before);
        if (rc != FF_OK)
            return rc;
    }
    return FF_OK;
}
