/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LH (and the Pad nodes of CG): the Source's value of an attribute, where and how the Target writes it: attribute
 * or input of the operator at its opset, Pad node, bounds of Min and Max. */
#include "fetafix/examine.h"
#include "faults/strategy.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct job {
    const ff_plan *plan;
    const ff_canon *canon;
    const ff_hint *hint;
    const ff_cnode *layer, *source; /* the Target's, and the Source's or NULL */
    const ff_node *node;            /* the original one that decides */
    const char *name;
    const ff_cattr *wanted, *mine; /* either may be NULL */
    ff_patch *patch;
    bool made;
} job;

static bool is(const ff_node *n, const char *op)
{
    return !*n->domain && strcmp(n->op, op) == 0;
}

/* --------------------------------------------------------------------------------- bounds */

static int write_scalar(job *j, int input, double v)
{
    const ff_value *old = input < j->node->n_inputs ? j->node->inputs[input] : NULL;
    const ff_tensor *t = old ? ff_plan_constant(j->plan, old) : NULL;
    ff_tensor *value;
    int rc = ff_tensor_create(FF_FLOAT, t && t->count == 1 ? t->rank : 0, t ? t->dims : NULL, &value);
    if (rc != FF_OK)
        return rc;
    ff_tensor_set_real(value, 0, v);
    char *stem = ff_asprintf("%s_%s_repaired", ff_node_address(j->node), j->name);
    rc = ff_write_constant(j->plan, j->patch, j->node, input, value, stem);
    free(stem);
    ff_tensor_unref(value);
    j->made = rc == FF_OK;
    return rc;
}

static double clamp_bound(double v)
{
    return fmin(fmax(v, -FLT_MAX), FLT_MAX);
}

/* Relu has no bounds to set: it becomes a Clip. */
static int replace_relu(job *j, double low, double high)
{
    const ff_node *n = j->node;
    const char *in = n->inputs[0]->name, *out = n->outputs[0]->name;
    ff_node_spec spec = {.name = n->name, .op = "Clip", .domain = "", .n_outputs = 1, .outputs = &out};
    low = clamp_bound(low);
    high = clamp_bound(high);
    if (n->opset < 11) {
        ff_attr attrs[] = {{.name = "min", .type = FF_ATTR_FLOAT, .f = (float)low},
                           {.name = "max", .type = FF_ATTR_FLOAT, .f = (float)high}};
        spec.n_inputs = 1;
        spec.inputs = &in;
        spec.n_attrs = 2;
        spec.attrs = attrs;
        ff_patch_replace_node(j->patch, ff_node_address(n), &spec);
        j->made = true;
        return FF_OK;
    }
    char *names[2];
    const char *ends[] = {"min", "max"};
    for (int i = 0; i < 2; i++) {
        ff_tensor *t;
        int rc = ff_tensor_create(FF_FLOAT, 0, NULL, &t);
        if (rc != FF_OK) {
            if (i)
                free(names[0]);
            return rc;
        }
        ff_tensor_set_real(t, 0, i ? high : low);
        char *stem = ff_asprintf("%s_%s_repaired", out, ends[i]);
        names[i] = ff_model_fresh_name(ff_plan_model(j->plan), stem);
        ff_patch_set_initializer(j->patch, names[i], t);
        free(stem);
        ff_tensor_unref(t);
    }
    const char *inputs[] = {in, names[0], names[1]};
    spec.n_inputs = 3;
    spec.inputs = inputs;
    ff_patch_replace_node(j->patch, ff_node_address(n), &spec);
    free(names[0]);
    free(names[1]);
    j->made = true;
    return FF_OK;
}

/* What a bound is to be: wanted, or else as the Target has it. */
static double bound(const job *j, const char *name, double otherwise)
{
    const ff_cattr *a = ff_cnode_attr(j->layer, name);
    for (const ff_hint *h = j->hint; h; h = h->next)
        if (h->source_attr && strcmp(h->source_attr->name, name) == 0)
            a = h->source_attr;
    return a && a->n == 1 ? a->reals[0] : otherwise;
}

static int fix_bound(job *j)
{
    bool upper = strcmp(j->name, "max") == 0;
    double v = j->wanted && j->wanted->n == 1 ? j->wanted->reals[0] : upper ? INFINITY : -INFINITY;
    const ff_node *n = j->node;
    if (is(n, "Clip")) {
        if (n->opset >= 11)
            return write_scalar(j, upper ? 2 : 1, clamp_bound(v));
        if (isinf(v)) {
            ff_patch_remove_attr(j->patch, ff_node_address(n), j->name);
        } else {
            ff_attr a = {.name = j->name, .type = FF_ATTR_FLOAT, .f = (float)v};
            ff_patch_set_attr(j->patch, ff_node_address(n), &a);
        }
        j->made = true;
        return FF_OK;
    }
    if (is(n, "Relu"))
        return replace_relu(j, bound(j, "min", 0), bound(j, "max", INFINITY));
    if (is(n, upper ? "Min" : "Max"))
        for (int i = 0; i < n->n_inputs; i++) {
            const ff_tensor *t = n->inputs[i] ? ff_plan_constant(j->plan, n->inputs[i]) : NULL;
            if (t && t->count == 1)
                return write_scalar(j, i, clamp_bound(v));
        }
    return FF_OK;
}

/* ----------------------------------------------------------------------------------- pads */

static void set_ints(job *j, const ff_node *n, const char *name, const int64_t *v, int count)
{
    ff_attr a = {.name = name, .type = FF_ATTR_INTS, .n = (size_t)count, .ints = v};
    ff_patch_set_attr(j->patch, ff_node_address(n), &a);
    j->made = true;
}

/* Which axis of the Pad's data is spatial axis k? By the layout of the value it reads, else by the channel count. */
static int spatial_axis(const job *j, const ff_node *pad, int k)
{
    const ff_cvalue *in = &j->canon->values[j->layer->inputs[0]];
    const ff_shape *shape = ff_plan_shape(j->plan, pad->inputs[0]);
    int axis[FF_MAX_RANK];
    if (in->original == pad->inputs[0] && ff_cvalue_axes(in, shape, axis))
        return axis[k + 2];
    int64_t channels = in->shape.rank > 1 ? in->shape.dims[1] : -1;
    bool last = shape->rank == in->shape.rank && shape->dims[shape->rank - 1] == channels && shape->dims[1] != channels;
    return last ? k + 1 : k + 2;
}

static int write_pads(job *j, const ff_node *pad, const int64_t *amounts, int rank)
{
    if (pad->opset < 11) {
        set_ints(j, pad, "pads", amounts, 2 * rank);
        return FF_OK;
    }
    ff_tensor *t;
    int rc = ff_tensor_create(FF_INT64, 1, (const int64_t[]){2 * rank}, &t);
    if (rc != FF_OK)
        return rc;
    memcpy(t->data, amounts, t->bytes);
    char *stem = ff_asprintf("%s_pads_repaired", ff_node_address(pad));
    rc = ff_write_constant(j->plan, j->patch, pad, 1, t, stem);
    free(stem);
    ff_tensor_unref(t);
    j->made = rc == FF_OK;
    return rc;
}

static bool has_axes_input(const ff_node *pad)
{
    return pad->n_inputs > 3 && pad->inputs[3];
}

static const ff_node *pad_of(const ff_cnode *layer)
{
    const ff_node *pad = NULL;
    for (int i = 0; i < layer->n_origins; i++)
        if (is(layer->origins[i], "Pad"))
            pad = layer->origins[i];
    return pad;
}

static int fix_pads(job *j)
{
    if (!j->wanted || j->wanted->type != FF_CATTR_INTS)
        return FF_OK;
    int spatial = j->wanted->n / 2;
    const ff_node *layer = j->layer->primary, *pad = pad_of(j->layer);
    int64_t own[2 * FF_MAX_RANK] = {0};
    const int64_t *given;
    bool automatic =
        ff_node_attr(layer, "auto_pad") && strcmp(ff_node_string(layer, "auto_pad", "NOTSET"), "NOTSET") != 0;
    if (!automatic && (int)ff_node_ints(layer, "pads", &given) == 2 * spatial)
        memcpy(own, given, (size_t)(2 * spatial) * sizeof *own);
    if (pad && !has_axes_input(pad) && !automatic) {
        int rank = ff_plan_shape(j->plan, pad->inputs[0])->rank;
        if (rank < spatial + 2 || rank > FF_MAX_RANK)
            return FF_OK;
        int64_t amounts[2 * FF_MAX_RANK] = {0};
        bool keep = true; /* what the layer pads by itself stays */
        for (int i = 0; i < 2 * spatial; i++)
            keep = keep && j->wanted->ints[i] >= own[i];
        for (int k = 0; k < spatial; k++) {
            int axis = spatial_axis(j, pad, k);
            amounts[axis] = j->wanted->ints[k] - (keep ? own[k] : 0);
            amounts[axis + rank] = j->wanted->ints[k + spatial] - (keep ? own[k + spatial] : 0);
        }
        if (!keep) {
            int64_t none[2 * FF_MAX_RANK] = {0};
            set_ints(j, layer, "pads", none, 2 * spatial);
        }
        return write_pads(j, pad, amounts, rank);
    }
    if (pad || !ff_node_attr_fact(layer, "pads"))
        return FF_OK;
    if (ff_node_attr(layer, "auto_pad"))
        ff_patch_remove_attr(j->patch, ff_node_address(layer), "auto_pad");
    set_ints(j, layer, "pads", j->wanted->ints, j->wanted->n);
    return FF_OK;
}

/* The average pads by itself, without counting: the Pad puts nothing around any more. */
static int fix_counted(job *j)
{
    const ff_node *pad = pad_of(j->layer), *layer = j->layer->primary;
    const ff_cattr *pads = ff_cnode_attr(j->layer, "pads");
    int rank = pad ? ff_plan_shape(j->plan, pad->inputs[0])->rank : 0;
    int64_t none[2 * FF_MAX_RANK] = {0};
    if (!layer || !pads || rank < 3 || rank > FF_MAX_RANK || has_axes_input(pad) || ff_node_attr(layer, "auto_pad"))
        return FF_OK;
    set_ints(j, layer, "pads", pads->ints, pads->n);
    ff_attr a = {.name = j->name, .type = FF_ATTR_INT, .i = 0};
    ff_patch_set_attr(j->patch, ff_node_address(layer), &a);
    return write_pads(j, pad, none, rank);
}

/* A Pad before the layer, which then pads nothing itself. */
static int insert_pad(job *j, const char *mode, double value)
{
    const ff_node *layer = j->layer->primary;
    const ff_cattr *pads = ff_cnode_attr(j->layer, "pads");
    int rank = layer ? ff_plan_shape(j->plan, layer->inputs[0])->rank : 0;
    if (!pads || rank < 3 || pads->n != 2 * (rank - 2))
        return FF_OK;
    int64_t amounts[2 * FF_MAX_RANK] = {0}, none[2 * FF_MAX_RANK] = {0};
    for (int i = 0; i < rank - 2; i++) {
        amounts[i + 2] = pads->ints[i];
        amounts[i + 2 + rank] = pads->ints[i + rank - 2];
    }
    char *stem = ff_asprintf("%s_padded", ff_node_address(layer));
    char *name = ff_model_fresh_name(ff_plan_model(j->plan), stem), *lists[2] = {NULL, NULL};
    free(stem);
    bool old = layer->opset < 11;
    ff_attr attrs[3] = {{.name = "mode", .type = FF_ATTR_STRING, .s = mode, .s_len = strlen(mode)},
                        {.name = "value", .type = FF_ATTR_FLOAT, .f = (float)value},
                        {.name = "pads", .type = FF_ATTR_INTS, .n = (size_t)(2 * rank), .ints = amounts}};
    const char *inputs[3] = {layer->inputs[0]->name}, *output = name;
    int rc = FF_OK;
    for (int i = 0; i < 2 && !old && rc == FF_OK; i++) {
        ff_tensor *t;
        rc = ff_tensor_create(i ? FF_FLOAT : FF_INT64, i ? 0 : 1, (const int64_t[]){2 * rank}, &t);
        if (rc != FF_OK)
            break;
        if (i)
            ff_tensor_set_real(t, 0, value);
        else
            memcpy(t->data, amounts, t->bytes);
        stem = ff_asprintf("%s_%s", name, i ? "value" : "pads");
        lists[i] = ff_model_fresh_name(ff_plan_model(j->plan), stem);
        ff_patch_set_initializer(j->patch, lists[i], t);
        inputs[i + 1] = lists[i];
        ff_tensor_unref(t);
        free(stem);
    }
    if (rc == FF_OK) {
        ff_node_spec spec = {.name = name,
                             .op = "Pad",
                             .domain = "",
                             .n_inputs = old ? 1 : 3,
                             .inputs = inputs,
                             .n_outputs = 1,
                             .outputs = &output,
                             .n_attrs = old ? 3 : 1,
                             .attrs = attrs};
        ff_patch_insert_node(j->patch, &spec, NULL);
        if (ff_node_attr(layer, "auto_pad"))
            ff_patch_remove_attr(j->patch, ff_node_address(layer), "auto_pad");
        set_ints(j, layer, "pads", none, pads->n);
        ff_patch_set_node_input(j->patch, ff_node_address(layer), 0, name);
    }
    free(name);
    free(lists[0]);
    free(lists[1]);
    return rc;
}

/* What is put around: in the Source's mode, with the Source's number. */
static int fix_padding(job *j, const ff_cnode *wanted)
{
    const ff_cattr *m = ff_cnode_attr(wanted, "pad_mode"), *v = ff_cnode_attr(wanted, "pad_value");
    const char *mode = m ? m->text : "constant";
    double value = clamp_bound(v ? v->reals[0] : strcmp(j->layer->op, "MaxPool") == 0 ? -INFINITY : 0);
    const ff_node *pad = pad_of(j->layer);
    if (!pad)
        return j->layer->primary ? insert_pad(j, mode, value) : FF_OK;
    ff_attr a = {.name = "mode", .type = FF_ATTR_STRING, .s = mode, .s_len = strlen(mode)};
    ff_patch_set_attr(j->patch, ff_node_address(pad), &a);
    j->made = true;
    if (m)
        return FF_OK;
    j->node = pad;
    if (pad->opset >= 11)
        return write_scalar(j, 2, value);
    ff_attr number = {.name = "value", .type = FF_ATTR_FLOAT, .f = (float)value};
    ff_patch_set_attr(j->patch, ff_node_address(pad), &number);
    return FF_OK;
}

/* --------------------------------------------------------------------------- everything else */

/* The axis of the original data for a canonical one. */
static int64_t original_axis(const job *j, int64_t axis)
{
    if (j->layer->n_outputs < 1)
        return axis;
    const ff_cvalue *v = &j->canon->values[j->layer->outputs[0]];
    int from[FF_MAX_RANK];
    if (v->original && axis < v->shape.rank && ff_cvalue_axes(v, ff_plan_shape(j->plan, v->original), from))
        return from[axis];
    return axis;
}

static int fix_attribute(job *j)
{
    const struct ff_attr_fact *fact = ff_node_attr_fact(j->node, j->name);
    const char *address = ff_node_address(j->node);
    bool input = !fact && j->wanted && strcmp(j->name, "axes") == 0 && strncmp(j->node->op, "Reduce", 6) == 0;
    if (!fact && !input)
        return FF_OK;
    if (!j->wanted) {
        if (ff_node_attr(j->node, j->name)) {
            ff_patch_remove_attr(j->patch, address, j->name);
            j->made = true;
        }
        return FF_OK;
    }
    ff_attr a = {.name = j->name, .type = fact ? fact->type : FF_ATTR_INTS};
    const ff_cattr *w = j->wanted;
    int64_t axes[FF_MAX_RANK];
    bool of_axes = strcmp(j->name, "axis") == 0 || strcmp(j->name, "axes") == 0;
    if (of_axes && w->type == FF_CATTR_INTS && w->n <= FF_MAX_RANK)
        for (int i = 0; i < w->n; i++)
            axes[i] = w->ints[i] < 0 ? w->ints[i] : original_axis(j, w->ints[i]); /* from the end */
    const int64_t *ints = of_axes ? axes : w->ints;
    if (input) {
        j->made = true;
        return ff_write_axes(j->plan, j->patch, j->node, ints, w->n);
    }
    float f[16];
    switch (a.type) {
    case FF_ATTR_INT:
        if (w->type != FF_CATTR_INTS || w->n != 1)
            return FF_OK;
        a.i = ints[0];
        break;
    case FF_ATTR_INTS:
        if (w->type != FF_CATTR_INTS)
            return FF_OK;
        a.n = (size_t)w->n;
        a.ints = ints;
        break;
    case FF_ATTR_FLOAT:
        if (w->type != FF_CATTR_REALS || w->n != 1 || !isfinite(w->reals[0]))
            return FF_OK;
        a.f = (float)w->reals[0];
        break;
    case FF_ATTR_FLOATS:
        if (w->type != FF_CATTR_REALS || w->n > (int)FF_COUNT(f))
            return FF_OK;
        for (int i = 0; i < w->n; i++)
            f[i] = (float)w->reals[i];
        a.n = (size_t)w->n;
        a.floats = f;
        break;
    case FF_ATTR_STRING:
        if (w->type != FF_CATTR_TEXT || !w->text)
            return FF_OK;
        a.s = ff_op_text(j->node->op, j->name, w->text, INT_MAX, j->node->opset);
        a.s_len = strlen(a.s);
        break;
    default:
        return FF_OK;
    }
    ff_patch_set_attr(j->patch, address, &a);
    j->made = true;
    return FF_OK;
}

/* --------------------------------------------------------------------------- written out */

/* A number that is the operand of an Add (the epsilon of a layer normalisation written out), Mul or Div (the scale of
 * attention). Other nodes may have a part in the factor: it is this one's that is set right. */
static int fix_operand(job *j)
{
    const ff_node *n = j->node;
    if (!j->wanted || !j->mine || j->wanted->type != FF_CATTR_REALS || j->mine->type != FF_CATTR_REALS ||
        j->wanted->n != 1 || j->mine->n != 1 || j->mine->reals[0] == 0)
        return FF_OK;
    double ratio = j->wanted->reals[0] / j->mine->reals[0];
    for (int i = n->n_inputs - 1; i >= 0; i--) {
        const ff_tensor *t = n->inputs[i] ? ff_plan_constant(j->plan, n->inputs[i]) : NULL;
        if (t && t->count == 1 && t->dtype == FF_FLOAT) {
            double own = ff_tensor_get_real(t, 0);
            return write_scalar(j, i, is(n, "Add") ? j->wanted->reals[0] : is(n, "Mul") ? own * ratio : own / ratio);
        }
    }
    return FF_OK;
}

static int fix(job *j)
{
    j->made = false;
    if ((strcmp(j->name, "min") == 0 || strcmp(j->name, "max") == 0) && strcmp(j->layer->op, "Clip") == 0)
        return fix_bound(j);
    if (strcmp(j->name, "pads") == 0 && j->layer->n_inputs > 0 && j->layer->primary)
        return fix_pads(j);
    if (strcmp(j->name, "pad_mode") == 0 || strcmp(j->name, "pad_value") == 0)
        return fix_padding(j, j->source);
    if (strcmp(j->name, "count_include_pad") == 0 && is(j->node, "Pad"))
        return fix_counted(j);
    if (is(j->node, "Add") || is(j->node, "Mul") || is(j->node, "Div"))
        return fix_operand(j);
    return fix_attribute(j);
}

int ff_fix_hyper(ff_proposing *p, const ff_finding *f)
{
    const ff_subject *s = p->subject;
    const ff_hint *h = f->hint;
    if (h->target_cnode < 0 || (!h->source_attr && !h->target_attr))
        return FF_OK;
    job j = {.plan = s->target.canon->plan, .canon = s->target.canon, .hint = h};
    j.layer = &s->target.canon->nodes[h->target_cnode];
    j.source = h->source_cnode >= 0 ? &s->source.canon->nodes[h->source_cnode] : NULL;
    j.node = h->node ? h->node : j.layer->primary;
    if (!j.node)
        return FF_OK;
    if (strcmp(j.layer->op, "Slice") == 0) /* where it begins, ends and steps is one thing */
        return ff_fix_by_copy(p, f);
    j.patch = ff_patch_create();
    ff_buf words = {0};
    const ff_node *node = j.node;
    int rc = FF_OK;
    bool made = true;
    for (; h && rc == FF_OK && made; h = h->next) {
        j.node = node;
        j.wanted = h->source_attr;
        j.mine = h->target_attr;
        j.name = (j.wanted ? j.wanted : j.mine)->name;
        rc = fix(&j);
        made = rc == FF_OK && j.made;
        char *value = j.wanted ? ff_cattr_format(j.wanted) : ff_strdup("the default");
        ff_buf_printf(&words, "%s%s of '%s' to %s", words.len ? ", " : "", j.name, j.node->label, value);
        free(value);
    }
    if (made) {
        char *text = ff_visible(words.data), *label = ff_visible(j.node->label);
        ff_proposing_add(p, f, NULL, j.patch,
                         strncmp(j.name, "pad_", 4) == 0 ? ff_asprintf("make '%s' pad as the Source does", label)
                                                         : ff_asprintf("set %s", text));
        j.patch = NULL;
        free(text);
        free(label);
    }
    ff_buf_finish(&words);
    ff_patch_destroy(j.patch);
    if (rc == FF_OK && !made) /* it is written in a way that has no such attribute */
        rc = ff_fix_by_copy(p, f);
    return rc == FF_ERR_GRAPH ? FF_OK : rc;
}
