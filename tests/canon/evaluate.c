/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evaluate.h"
#include "text_model.h"

/* --------------------------------------------------------------------- the view as a model */

typedef struct writer {
    const ff_canon *c;
    text_builder b;
    int code;
    int fresh;
} writer;

static void say(writer *w, const char *format, ...) FF_PRINTF(2, 3);
static void say(writer *w, const char *format, ...)
{
    ff_buf text = {0};
    va_list args;
    va_start(args, format);
    ff_buf_vprintf(&text, format, args);
    va_end(args);
    if (!w->code)
        w->code = text_statement(&w->b, text.data);
    ff_buf_finish(&text);
}

/* An initializer of this name. */
static void give(writer *w, const char *name, const ff_tensor *t)
{
    ff_patch_set_initializer(w->b.patch, name, t);
}

static void give_shaped(writer *w, const char *name, const ff_tensor *t, int rank, const int64_t *dims)
{
    ff_tensor *r = NULL;
    if (!w->code)
        w->code = ff_tensor_reshape(t, rank, dims, &r);
    if (!w->code)
        give(w, name, r);
    ff_tensor_unref(r);
}

static void give_ints(writer *w, const char *name, const int64_t *v, int n)
{
    ff_tensor *t = NULL;
    int64_t dims = n;
    if (!w->code)
        w->code = ff_tensor_create(FF_INT64, 1, &dims, &t);
    for (int i = 0; t && i < n; i++)
        ff_tensor_set_int(t, i, v[i]);
    if (t)
        give(w, name, t);
    ff_tensor_unref(t);
}

static void put_attr(ff_buf *b, const ff_cattr *a)
{
    if (a->type == FF_CATTR_TEXT) {
        ff_buf_printf(b, " %s=%s", a->name, a->text);
        return;
    }
    static const char *const lists[] = {"axes",  "pads",   "strides", "dilations",      "kernel_shape",
                                        "perm",  "scales", "sizes",   "output_padding", "output_shape",
                                        "split", "starts", "ends",    "steps",          NULL};
    bool scalar = a->n == 1;
    for (int i = 0; lists[i]; i++)
        scalar = scalar && strcmp(lists[i], a->name) != 0;
    ff_buf_printf(b, " %s=%s", a->name, scalar ? "" : "[");
    for (int i = 0; i < a->n; i++) {
        if (a->type == FF_CATTR_INTS)
            ff_buf_printf(b, "%s%lld", i ? "," : "", (long long)a->ints[i]);
        else
            ff_buf_printf(b, "%s%.10f", i ? "," : "", a->reals[i]);
    }
    if (!scalar)
        ff_buf_putc(b, ']');
}

static char *attributes(const ff_cnode *n, const char *except)
{
    ff_buf b = {0};
    ff_buf_puts(&b, "");
    for (int i = 0; i < n->n_attrs; i++)
        if (strcmp(n->attrs[i].name, "omitted") != 0 && (!except || !strstr(except, n->attrs[i].name)))
            put_attr(&b, &n->attrs[i]);
    return ff_buf_steal(&b);
}

/* An operand's place among the inputs of its operator. */
static int place(const ff_cnode *n, const ff_cparam *p)
{
    static const struct {
        const char *role;
        int at;
    } known[] = {{"weight", 1},  {"bias", 2}, {"scale", 1},    {"shift", 2}, {"slope", 1},
                 {"operand", 1}, {"mean", 3}, {"variance", 4}, {"data", 0},  {"indices", 1}};
    (void)n;
    for (size_t i = 0; i < FF_COUNT(known); i++)
        if (strcmp(p->role, known[i].role) == 0)
            return known[i].at;
    return atoi(p->role + strlen("operand "));
}

static void write_generic(writer *w, const ff_cnode *n, const char *op, const char *except)
{
    char names[16][32] = {{0}};
    const ff_cattr *omitted = ff_cnode_attr(n, "omitted");
    int count = n->n_inputs + n->n_params + (omitted ? omitted->n : 0);
    bool taken[17] = {false};
    for (int i = 0; omitted && i < omitted->n; i++)
        taken[omitted->ints[i]] = true;
    for (int i = 0; i < n->n_params && count < 16; i++) {
        int at = place(n, &n->params[i]);
        snprintf(names[at], sizeof names[at], "p%d_%d", n->id, i);
        taken[at] = true;
        give(w, names[at], n->params[i].tensor);
    }
    for (int i = 0, at = 0; i < n->n_inputs; i++, at++) {
        while (taken[at])
            at++;
        snprintf(names[at], sizeof names[at], "v%d", n->inputs[i]);
    }
    ff_buf in = {0}, out = {0};
    for (int i = 0; i < count; i++)
        ff_buf_printf(&in, "%s%s", i ? "," : "", names[i]);
    for (int i = 0; i < n->n_outputs; i++)
        ff_buf_printf(&out, "%sv%d", i ? "," : "", n->outputs[i]);
    char *attrs = attributes(n, except);
    say(w, "%s = %s(%s)%s", out.data, op, in.data, attrs);
    free(attrs);
    ff_buf_finish(&in);
    ff_buf_finish(&out);
}

static void write_affine(writer *w, const ff_cnode *n)
{
    const ff_shape *s = &w->c->values[n->inputs[0]].shape;
    int64_t dims[FF_MAX_RANK] = {1, s->dims[1]};
    for (int i = 2; i < s->rank; i++)
        dims[i] = 1;
    char scale[32], shift[32];
    snprintf(scale, sizeof scale, "s%d", n->id);
    snprintf(shift, sizeof shift, "t%d", n->id);
    give_shaped(w, scale, ff_cnode_param(n, "scale")->tensor, s->rank, dims);
    give_shaped(w, shift, ff_cnode_param(n, "shift")->tensor, s->rank, dims);
    say(w, "m%d = Mul(v%d,%s)", n->id, n->inputs[0], scale);
    say(w, "v%d = Add(m%d,%s)", n->outputs[0], n->id, shift);
}

static void write_gemm(writer *w, const ff_cnode *n)
{
    static const int swap[2] = {1, 0};
    ff_tensor *t = NULL;
    char weight[32], bias[32];
    if (!w->code)
        w->code = ff_tensor_transpose(ff_cnode_param(n, "weight")->tensor, swap, &t);
    if (w->code)
        return;
    snprintf(weight, sizeof weight, "w%d", n->id);
    snprintf(bias, sizeof bias, "b%d", n->id);
    give(w, weight, t);
    give(w, bias, ff_cnode_param(n, "bias")->tensor);
    ff_tensor_unref(t);
    say(w, "m%d = MatMul(v%d,%s)", n->id, n->inputs[0], weight);
    say(w, "v%d = Add(m%d,%s)", n->outputs[0], n->id, bias);
}

static void write_clip(writer *w, const ff_cnode *n)
{
    double lo = ff_cnode_attr(n, "min")->reals[0], hi = ff_cnode_attr(n, "max")->reals[0];
    if (isfinite(lo))
        say(w, "float lo%d - %.10g", n->id, lo);
    if (isfinite(hi))
        say(w, "float hi%d - %.10g", n->id, hi);
    char min[32] = "", max[32] = "";
    if (isfinite(lo))
        snprintf(min, sizeof min, "lo%d", n->id);
    if (isfinite(hi))
        snprintf(max, sizeof max, ",hi%d", n->id);
    say(w, "v%d = Clip(v%d,%s%s)", n->outputs[0], n->inputs[0], min, max);
}

static void write_reshape(writer *w, const ff_cnode *n)
{
    const ff_cattr *a = ff_cnode_attr(n, "shape");
    char name[32];
    snprintf(name, sizeof name, "r%d", n->id);
    give_ints(w, name, a->ints, a->n);
    say(w, "v%d = Reshape(v%d,%s)", n->outputs[0], n->inputs[0], name);
}

static void write_softmax(writer *w, const ff_cnode *n)
{
    const ff_shape *s = &w->c->values[n->inputs[0]].shape;
    int64_t axis = ff_cnode_attr(n, "axis")->ints[0], flat[2] = {1, 1};
    if (!ff_cnode_attr(n, "over")) {
        say(w, "v%d = %s(v%d) axis=%lld", n->outputs[0], n->op, n->inputs[0],
            (long long)(axis < s->rank ? axis : s->rank - 1));
        return;
    }
    for (int i = 0; i < s->rank; i++)
        flat[i >= axis] *= s->dims[i];
    char a[32], b[32];
    snprintf(a, sizeof a, "f%d", n->id);
    snprintf(b, sizeof b, "g%d", n->id);
    give_ints(w, a, flat, 2);
    give_ints(w, b, s->dims, s->rank);
    say(w, "q%d = Reshape(v%d,%s)", n->id, n->inputs[0], a);
    say(w, "u%d = %s(q%d) axis=1", n->id, n->op, n->id);
    say(w, "v%d = Reshape(u%d,%s)", n->outputs[0], n->id, b);
}

static void write_slice(writer *w, const ff_cnode *n)
{
    static const char *const names[] = {"starts", "ends", "axes", "steps"};
    char inputs[4][32];
    for (int k = 0; k < 4; k++) {
        const ff_cattr *a = ff_cnode_attr(n, names[k]);
        int64_t v[FF_MAX_RANK];
        for (int i = 0; i < a->n; i++)
            v[i] = k == 1 && a->ints[i] < 0 ? -1000000 : a->ints[i]; /* before the first */
        snprintf(inputs[k], sizeof inputs[k], "%s%d", names[k], n->id);
        give_ints(w, inputs[k], v, a->n);
    }
    say(w, "v%d = Slice(v%d,%s,%s,%s,%s)", n->outputs[0], n->inputs[0], inputs[0], inputs[1], inputs[2], inputs[3]);
}

static void write_pad(writer *w, const ff_cnode *n)
{
    const ff_cattr *a = ff_cnode_attr(n, "pads");
    char name[32];
    snprintf(name, sizeof name, "pads%d", n->id);
    give_ints(w, name, a->ints, a->n);
    say(w, "float value%d - %.10g", n->id, ff_cnode_attr(n, "value")->reals[0]);
    say(w, "v%d = Pad(v%d,%s,value%d) mode=%s", n->outputs[0], n->inputs[0], name, n->id,
        ff_cnode_attr(n, "mode")->text);
}

static void write_reduce(writer *w, const ff_cnode *n)
{
    const ff_cattr *a = ff_cnode_attr(n, "axes");
    char name[32];
    snprintf(name, sizeof name, "axes%d", n->id);
    give_ints(w, name, a->ints, a->n);
    say(w, "v%d = %s(v%d,%s) keepdims=%lld", n->outputs[0], n->op, n->inputs[0], name,
        (long long)ff_cnode_attr(n, "keepdims")->ints[0]);
}

static void write_resize(writer *w, const ff_cnode *n)
{
    const ff_cattr *a = ff_cnode_attr(n, "scales");
    ff_buf b = {0};
    for (int i = 0; i < a->n; i++)
        ff_buf_printf(&b, "%s%.10g", i ? "," : "", a->reals[i]);
    char *attrs = attributes(n, "scales sizes");
    say(w, "float scales%d %d %s", n->id, a->n, b.data);
    say(w, "v%d = Resize(v%d,,scales%d)%s", n->outputs[0], n->inputs[0], n->id, attrs);
    free(attrs);
    ff_buf_finish(&b);
}

/* A layer that pads with other numbers than its operator does: a Pad before it. */
static void write_padded(writer *w, const ff_cnode *n)
{
    const ff_cattr *a = ff_cnode_attr(n, "pads"), *mode = ff_cnode_attr(n, "pad_mode"),
                   *value = ff_cnode_attr(n, "pad_value");
    int64_t amounts[2 * FF_MAX_RANK] = {0};
    int spatial = a->n / 2, rank = spatial + 2;
    for (int i = 0; i < spatial; i++) {
        amounts[2 + i] = a->ints[i];
        amounts[rank + 2 + i] = a->ints[spatial + i];
    }
    char name[32];
    snprintf(name, sizeof name, "pads%d", n->id);
    give_ints(w, name, amounts, 2 * rank);
    say(w, "float value%d - %.10g", n->id, value ? value->reals[0] : 0);
    say(w, "q%d = Pad(v%d,%s,value%d) mode=%s", n->id, n->inputs[0], name, n->id, mode ? mode->text : "constant");
    char *attrs = attributes(n, "pads pad_mode pad_value");
    if (strcmp(n->op, "Conv") == 0) {
        char weight[32], bias[32];
        snprintf(weight, sizeof weight, "w%d", n->id);
        snprintf(bias, sizeof bias, "b%d", n->id);
        give(w, weight, ff_cnode_param(n, "weight")->tensor);
        give(w, bias, ff_cnode_param(n, "bias")->tensor);
        say(w, "v%d = Conv(q%d,%s,%s)%s", n->outputs[0], n->id, weight, bias, attrs);
    } else {
        say(w, "v%d = %s(q%d)%s", n->outputs[0], n->op, n->id, attrs);
    }
    free(attrs);
}

static void write_node(writer *w, const ff_cnode *n)
{
    if (ff_cnode_attr(n, "pad_mode") || ff_cnode_attr(n, "pad_value"))
        write_padded(w, n);
    else if (strcmp(n->op, "Affine") == 0)
        write_affine(w, n);
    else if (strcmp(n->op, "Gemm") == 0 && ff_cnode_param(n, "weight"))
        write_gemm(w, n);
    else if (strcmp(n->op, "Clip") == 0 && n->n_inputs == 1)
        write_clip(w, n);
    else if (strcmp(n->op, "Reshape") == 0)
        write_reshape(w, n);
    else if (strcmp(n->op, "Softmax") == 0 || strcmp(n->op, "LogSoftmax") == 0)
        write_softmax(w, n);
    else if (strcmp(n->op, "Slice") == 0)
        write_slice(w, n);
    else if (strcmp(n->op, "Pad") == 0)
        write_pad(w, n);
    else if (strncmp(n->op, "Reduce", 6) == 0)
        write_reduce(w, n);
    else if (strcmp(n->op, "Resize") == 0)
        write_resize(w, n);
    else if (strcmp(n->op, "Swish") == 0) {
        say(w, "m%d = Sigmoid(v%d)", n->id, n->inputs[0]);
        say(w, "v%d = Mul(v%d,m%d)", n->outputs[0], n->inputs[0], n->id);
    } else if (strcmp(n->op, "Scale") == 0) {
        say(w, "float f%d - %.9g", n->id, ff_cnode_attr(n, "factor")->reals[0]);
        say(w, "v%d = Mul(v%d,f%d)", n->outputs[0], n->inputs[0], n->id);
    } else if (strcmp(n->op, "HardSwish") == 0) {
        say(w, "m%d = HardSigmoid(v%d) alpha=%.9g beta=%.9g", n->id, n->inputs[0], ff_cnode_attr(n, "alpha")->reals[0],
            ff_cnode_attr(n, "beta")->reals[0]);
        say(w, "v%d = Mul(v%d,m%d)", n->outputs[0], n->inputs[0], n->id);
    } else
        write_generic(w, n, n->op, NULL);
}

static int view_as_model(const ff_canon *c, ff_model **out)
{
    writer w = {.c = c, .b = {.opset = 24}};
    w.b.patch = ff_patch_create();
    for (int i = 0; i < c->n_inputs; i++) {
        char name[32];
        snprintf(name, sizeof name, "v%d", c->inputs[i]);
        w.b.shapes[w.b.n_inputs] = c->values[c->inputs[i]].shape;
        w.b.inputs[w.b.n_inputs++] = ff_strdup(name);
    }
    for (int i = 0; i < c->n_nodes; i++)
        write_node(&w, &c->nodes[i]);
    for (int i = 0; i < c->n_outputs; i++)
        say(&w, "output v%d", c->outputs[i]);
    int built = text_build(&w.b, out);
    return w.code ? w.code : built;
}

/* ------------------------------------------------------------------------------------ runs */

typedef struct recorder {
    const ff_model *model;
    const ff_tensor **at; /* by value id */
} recorder;

static bool ask(void *context, const ff_value *v)
{
    (void)context;
    (void)v;
    return true;
}

static int keep(void *context, const ff_value *v, const ff_tensor *t)
{
    recorder *r = context;
    ff_tensor_unref(r->at[v->id]);
    r->at[v->id] = ff_tensor_ref(t);
    return FF_OK;
}

static int run_all(const ff_model *m, const ff_tensor *const *feeds, recorder *r)
{
    ff_plan_options o = {.reference = true, .observe = true};
    ff_plan *plan = NULL;
    ff_runner *runner = NULL;
    ff_hooks hooks = {.context = r, .ask = ask, .give = keep};
    r->model = m;
    r->at = ff_alloc_array((size_t)ff_model_values(m) + 1, sizeof *r->at);
    int code = ff_plan_create(m, &o, &plan);
    ff_tensor *outputs[64] = {NULL};
    if (!code)
        code = ff_runner_create(plan, &runner);
    if (!code)
        code = ff_run(runner, feeds, &hooks, NULL, 0, outputs);
    for (int i = 0; i < 64; i++)
        ff_tensor_unref(outputs[i]);
    ff_runner_destroy(runner);
    ff_plan_unref(plan);
    return code;
}

static void forget(recorder *r)
{
    for (int i = 0; r->at && i < ff_model_values(r->model); i++)
        ff_tensor_unref(r->at[i]);
    free(r->at);
}

static double difference(const ff_tensor *a, const ff_tensor *b)
{
    if (a->rank != b->rank || memcmp(a->dims, b->dims, (size_t)a->rank * sizeof a->dims[0]) != 0)
        return INFINITY;
    double most = 0, largest = 1e-6;
    for (int64_t i = 0; i < a->count; i++) {
        double x = ff_tensor_get_real(a, i), y = ff_tensor_get_real(b, i);
        if (!isfinite(x) || !isfinite(y)) {
            if (x == y || (isnan(x) && isnan(y)))
                continue;
            return INFINITY;
        }
        most = fmax(most, fabs(x - y));
        largest = fmax(largest, fabs(x));
    }
    return most / largest;
}

double canon_error(const ff_model *m, const ff_canon *c, uint64_t seed, int *compared)
{
    ff_model *view = NULL;
    recorder original = {0}, canonical = {0};
    ff_tensor *feeds[8] = {NULL}, *canonical_feeds[8] = {NULL};
    ff_rng rng = {seed};
    double worst = 0;
    int count = 0, code = view_as_model(c, &view);
    for (int i = 0; i < c->n_inputs && !code; i++) {
        const ff_value *v = ff_model_graph(m)->inputs[i];
        const ff_shape *s = ff_plan_shape(c->plan, v);
        code = ff_tensor_create(FF_FLOAT, s->rank, s->dims, &feeds[i]);
        for (int64_t k = 0; !code && k < feeds[i]->count; k++)
            ff_tensor_set_real(feeds[i], k, ff_rng_normal(&rng));
        if (!code)
            code = ff_cvalue_from_original(&c->values[c->inputs[i]], feeds[i], &canonical_feeds[i]);
    }
    if (!code)
        code = run_all(m, (const ff_tensor *const *)feeds, &original);
    if (!code)
        code = run_all(view, (const ff_tensor *const *)canonical_feeds, &canonical);
    for (int i = 0; i < c->n_values && !code; i++) {
        char name[32];
        snprintf(name, sizeof name, "v%d", i);
        const ff_value *v = ff_model_find_value(view, name);
        const ff_value *o = c->values[i].original;
        if (!v || !o || !canonical.at[v->id] || !original.at[o->id])
            continue;
        ff_tensor *expected = NULL, *back = NULL;
        code = ff_cvalue_from_original(&c->values[i], original.at[o->id], &expected);
        if (!code)
            worst = fmax(worst, difference(expected, canonical.at[v->id]));
        if (!code)
            code = ff_cvalue_to_original(&c->values[i], ff_plan_shape(c->plan, o), expected, &back);
        if (!code && !ff_tensor_equal(back, original.at[o->id]))
            worst = INFINITY;
        ff_tensor_unref(expected);
        ff_tensor_unref(back);
        count++;
    }
    /* The outputs are those of the model, as they are. */
    for (int i = 0; i < c->n_outputs && !code; i++) {
        char name[32];
        snprintf(name, sizeof name, "v%d", c->outputs[i]);
        const ff_value *v = ff_model_find_value(view, name), *o = ff_model_graph(m)->outputs[i];
        if (canonical.at[v->id] && original.at[o->id])
            worst = fmax(worst, difference(original.at[o->id], canonical.at[v->id]));
    }
    forget(&original);
    forget(&canonical);
    for (int i = 0; i < 8; i++) {
        ff_tensor_unref(feeds[i]);
        ff_tensor_unref(canonical_feeds[i]);
    }
    ff_model_unref(view);
    if (compared)
        *compared = count;
    return code ? NAN : worst;
}

ff_canon *canon_of_model(const ff_model *m)
{
    ff_plan_options o = {.reference = true, .observe = true};
    ff_plan *plan = NULL;
    ff_canon *c = NULL;
    if (ff_plan_create(m, &o, &plan) || ff_canon_create(plan, &c))
        c = NULL;
    ff_plan_unref(plan);
    return c;
}

char *canon_text(const ff_canon *c)
{
    ff_buf b = {0};
    for (int i = 0; i < c->n_nodes; i++) {
        const ff_cnode *n = &c->nodes[i];
        ff_buf_puts(&b, n->op);
        for (int k = 0; k < n->n_attrs; k++) {
            char *s = ff_cattr_format(&n->attrs[k]);
            ff_buf_printf(&b, " %s=%s", n->attrs[k].name, s);
            free(s);
        }
        ff_buf_puts(&b, " (");
        for (int k = 0; k < n->n_inputs; k++)
            ff_buf_printf(&b, "%s%d", k ? "," : "", n->inputs[k]);
        ff_buf_puts(&b, ")");
        for (int k = 0; k < n->n_params; k++)
            ff_buf_printf(&b, " %s", n->params[k].role);
        ff_buf_putc(&b, '\n');
    }
    return ff_buf_steal(&b);
}

double canon_distance(const ff_canon *a, const ff_canon *b)
{
    double worst = 0;
    if (a->n_nodes != b->n_nodes)
        return INFINITY;
    for (int i = 0; i < a->n_nodes; i++) {
        if (a->nodes[i].n_params != b->nodes[i].n_params)
            return INFINITY;
        for (int k = 0; k < a->nodes[i].n_params; k++)
            worst = fmax(worst, difference(a->nodes[i].params[k].tensor, b->nodes[i].params[k].tensor));
    }
    return worst;
}
