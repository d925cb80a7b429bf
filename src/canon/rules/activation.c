/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Activations: Clip for everything that only cuts off, one name for what may be written out. */
#include <math.h>
#include <string.h>

#include "canon/rewrite.h"

static void become_clip(cg_graph *g, cg_node *n, cg_value *x, double min, double max)
{
    cg_become(g, n, "Clip", 1, &x);
    cg_set_real(g, n, "min", min, n->primary);
    cg_set_real(g, n, "max", max, n->primary);
}

static bool relu(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!cg_is(n, "Relu") || n->n_in != 1)
        return false;
    become_clip(g, n, n->in[0], 0, INFINITY);
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

static bool min_max(cg_graph *g, cg_node *n, const cg_rule *self)
{
    bool max = cg_is(n, "Max"), min = cg_is(n, "Min");
    double c = 0;
    if ((!max && !min) || n->n_in != 2 || !n->in[1])
        return false;
    int k = n->in[1]->constant ? 1 : 0;
    cg_value *x = n->in[1 - k];
    if (!cg_uniform(n->in[k], &c) || x->constant || !cg_shape_same(&x->shape, &n->out[0]->shape) ||
        !ff_dtype_is_float(x->shape.dtype))
        return false;
    become_clip(g, n, x, max ? c : -INFINITY, max ? INFINITY : c);
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

static bool is_clip(const cg_node *n)
{
    return cg_is(n, "Clip") && n->n_in == 1 && cg_attr(n, "min") && cg_attr(n, "max");
}

/* Clip(Clip(x, a, b), c, d) = Clip(x, clip of a, clip of b), ONNX Clip being min(max(x, lo), hi).
 */
static bool merge(cg_graph *g, cg_node *n, const cg_rule *self)
{
    cg_node *p = is_clip(n) ? cg_feeder(n, 0, "Clip") : NULL;
    if (!p || !is_clip(p))
        return false;
    const ff_cattr *lo1 = cg_attr(p, "min"), *hi1 = cg_attr(p, "max"), *lo2 = cg_attr(n, "min"),
                   *hi2 = cg_attr(n, "max");
    double a = lo1->reals[0], b = hi1->reals[0], c = lo2->reals[0], d = hi2->reals[0];
    if (!(a <= b) || !(c <= d))
        return false;
    double lo = fmin(fmax(a, c), d), hi = fmin(fmax(b, c), d);
    const ff_node *lo_by = lo == c && c > a ? lo2->node : lo1->node;
    const ff_node *hi_by = hi == d && d < b ? hi2->node : hi1->node;
    cg_record_rule(g, self, n, p, 0);
    cg_value *x = p->in[0];
    cg_set_real(g, n, "min", lo, lo_by);
    cg_set_real(g, n, "max", hi, hi_by);
    cg_set_in(n, 0, x);
    cg_remove(g, p, n);
    return true;
}

static bool unbounded(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!is_clip(n) || cg_real(n, "min", 0) != -INFINITY || cg_real(n, "max", 0) != INFINITY)
        return false;
    cg_record_rule(g, self, n, NULL, 0);
    cg_replace_value(g, n->out[0], n->in[0]);
    cg_remove(g, n, NULL);
    return true;
}

/* PRelu whose slopes are all one, and not more than LeakyRelu has. */
static bool prelu(cg_graph *g, cg_node *n, const cg_rule *self)
{
    double slope;
    if (!cg_is(n, "PRelu") || n->n_in != 2 || !cg_uniform(n->in[1], &slope))
        return false;
    cg_set_inputs(g, n, 1);
    n->op = "LeakyRelu";
    cg_set_real(g, n, "alpha", slope, n->primary);
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

/* Slopes [C,1,1], [1,C,1,1] are [C]; from there on the shape is always [C,1,1...]. */
static bool prelu_shape(cg_graph *g, cg_node *n, const cg_rule *self)
{
    if (!cg_is(n, "PRelu") || n->formed || n->n_in != 2 || !n->in[1] || !n->in[1]->constant || n->in[0]->shape.rank < 2)
        return false;
    ff_tensor *t = cg_per_channel(g, n->in[1], &n->in[0]->shape);
    if (!t)
        return false;
    int rank = n->in[0]->shape.rank - 1;
    int64_t dims[FF_MAX_RANK] = {t->count};
    for (int i = 1; i < rank; i++)
        dims[i] = 1;
    bool whole = n->in[1]->constant->count == t->count;
    ff_tensor_unref(t);
    n->formed = true;
    cg_value *slope = whole ? cg_constant_reshaped(g, n->in[1], rank, dims) : NULL;
    if (!slope)
        return false;
    cg_set_in(n, 1, slope);
    cg_record_rule(g, self, n, NULL, 0);
    return true;
}

const cg_rule cg_activation_rules[] = {
    {"relu-clip", "Relu is Clip from zero", relu},
    {"minmax-clip", "Min and Max with a constant are Clip", min_max},
    {"clip-merge", "two Clips in a row are one", merge},
    {"prelu-leaky", "PRelu with one slope for all is LeakyRelu", prelu},
    {"prelu-shape", "slopes per channel, whatever the number of axes", prelu_shape},
    {"clip-unbounded", "a Clip without bounds", unbounded},
    {NULL, NULL, NULL},
};
