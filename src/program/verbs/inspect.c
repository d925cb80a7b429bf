/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inspect: what is in a model. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fetafix/command_say.h"
#include "fetafix/compute.h"
#include "program/batch.h"
#include "program/verbs.h"

/* ------------------------------------------------------------------------------------- facts */

typedef struct tally {
    char *op;
    int count;
    int64_t parameters;
} tally;

typedef struct facts {
    tally *ops;
    size_t n_ops, capacity;
    int64_t parameters, bytes;
    double flops; /* NAN: shapes are not known */
} facts;

static tally *tally_of(facts *f, const ff_node *n)
{
    char *op = *n->domain ? ff_asprintf("%s.%s", n->domain, n->op) : ff_strdup(n->op);
    char *shown = ff_visible(op);
    free(op);
    for (size_t i = 0; i < f->n_ops; i++) {
        if (strcmp(f->ops[i].op, shown) == 0) {
            free(shown);
            return &f->ops[i];
        }
    }
    ff_grow(&f->ops, &f->capacity, f->n_ops + 1, sizeof *f->ops);
    f->ops[f->n_ops] = (tally){.op = shown};
    return &f->ops[f->n_ops++];
}

static int by_count(const void *a, const void *b)
{
    const tally *x = a, *y = b;
    return x->count != y->count ? y->count - x->count : strcmp(x->op, y->op);
}

static int64_t parameters_of(const ff_node *n)
{
    int64_t sum = 0;
    for (int i = 0; i < n->n_inputs; i++) {
        const ff_value *v = n->inputs[i];
        if (v && v->initializer && ff_dtype_size(v->initializer->dtype))
            sum += v->initializer->count;
    }
    return sum;
}

static void collect(const ff_model *m, const ff_shape *shapes, facts *f)
{
    const ff_graph *g = ff_model_graph(m);
    *f = (facts){.flops = shapes ? 0 : NAN};
    for (int i = 0; i < g->n_initializers; i++) {
        f->parameters += g->initializers[i]->initializer->count;
        f->bytes += (int64_t)g->initializers[i]->initializer->bytes;
    }
    for (int i = 0; i < g->n_nodes; i++) {
        const ff_node *n = g->nodes[i];
        tally *t = tally_of(f, n);
        t->count++;
        t->parameters += parameters_of(n);
        if (!shapes)
            continue;
        ff_shape *in = ff_alloc_array((size_t)n->n_inputs + 1, sizeof *in);
        ff_shape *out = ff_alloc_array((size_t)n->n_outputs + 1, sizeof *out);
        bool known = true;
        for (int k = 0; k < n->n_inputs; k++) {
            in[k] = n->inputs[k] ? shapes[n->inputs[k]->id] : (ff_shape){.rank = -1};
            known &= !n->inputs[k] || in[k].rank >= 0;
        }
        for (int k = 0; k < n->n_outputs; k++) {
            out[k] = n->outputs[k] ? shapes[n->outputs[k]->id] : (ff_shape){.rank = -1};
            known &= !n->outputs[k] || out[k].rank >= 0;
        }
        if (known)
            f->flops += ff_node_flops(n, in, out);
        free(in);
        free(out);
    }
    if (f->n_ops)
        qsort(f->ops, f->n_ops, sizeof *f->ops, by_count);
}

static void facts_finish(facts *f)
{
    for (size_t i = 0; i < f->n_ops; i++)
        free(f->ops[i].op);
    free(f->ops);
}

/* Shapes of all values with a batch of one where it is open; NULL when they contradict. */
static ff_shape *infer(const ff_model *m)
{
    const ff_graph *g = ff_model_graph(m);
    ff_shape *feeds = ff_alloc_array((size_t)g->n_inputs + 1, sizeof *feeds);
    ff_shape *shapes = ff_alloc_array((size_t)ff_model_values(m) + 1, sizeof *shapes);
    for (int i = 0; i < g->n_inputs; i++) {
        feeds[i] = g->inputs[i]->declared;
        for (int k = 0; k < feeds[i].rank; k++) {
            if (feeds[i].dims[k] < 0)
                feeds[i].dims[k] = 1;
        }
    }
    int code = ff_model_infer(m, feeds, shapes);
    free(feeds);
    if (code) {
        free(shapes);
        return NULL;
    }
    return shapes;
}

static char *value_text(const ff_value *v)
{
    const ff_shape *s = &v->declared;
    ff_buf b = {0};
    ff_buf_visible(&b, v->name);
    ff_buf_printf(&b, "  %s", ff_dtype_name(s->dtype));
    for (int i = 0; i < s->rank; i++) {
        ff_buf_puts(&b, i ? "," : "[");
        if (s->dims[i] >= 0)
            ff_buf_printf(&b, "%lld", (long long)s->dims[i]);
        else if (v->dim_params && v->dim_params[i])
            ff_buf_visible(&b, v->dim_params[i]);
        else
            ff_buf_puts(&b, "?");
    }
    ff_buf_puts(&b, s->rank > 0 ? "]" : s->rank == 0 ? "[]" : " of unknown shape");
    return ff_buf_steal(&b);
}

/* ----------------------------------------------------------------------------------- inspect */

static json_t *shape_json(const ff_shape *s)
{
    if (s->rank < 0)
        return json_null();
    json_t *dims = json_array();
    for (int i = 0; i < s->rank; i++)
        json_array_append_new(dims, s->dims[i] < 0 ? json_null() : json_integer(s->dims[i]));
    return dims;
}

static json_t *visible_json(const char *s)
{
    char *v = ff_visible(s);
    json_t *j = json_string(v);
    free(v);
    return j;
}

static json_t *values_json(const ff_value *const *values, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++) {
        json_t *o = json_object();
        json_object_set_new(o, "name", visible_json(values[i]->name));
        json_object_set_new(o, "type", json_string(ff_dtype_name(values[i]->declared.dtype)));
        json_object_set_new(o, "shape", shape_json(&values[i]->declared));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *nodes_json(const ff_graph *g, const ff_shape *shapes)
{
    json_t *list = json_array();
    for (int i = 0; i < g->n_nodes; i++) {
        const ff_node *n = g->nodes[i];
        json_t *o = json_object(), *attrs = json_object();
        json_object_set_new(o, "label", visible_json(n->label));
        json_object_set_new(o, "op", visible_json(n->op));
        for (int k = 0; k < n->n_attrs; k++) {
            char *text = ff_attr_format(&n->attrs[k]), *name = ff_visible(n->attrs[k].name);
            json_object_set_new(attrs, name, visible_json(text));
            free(text);
            free(name);
        }
        json_object_set_new(o, "attributes", attrs);
        json_object_set_new(o, "parameters", json_integer(parameters_of(n)));
        if (shapes && n->n_outputs && n->outputs[0])
            json_object_set_new(o, "shape", shape_json(&shapes[n->outputs[0]->id]));
        json_array_append_new(list, o);
    }
    return list;
}

static int inspect_json(ff_context *c, const ff_model *m, const char *path, const facts *f, const ff_shape *shapes)
{
    const ff_graph *g = ff_model_graph(m);
    char hex[65];
    ff_key_hex(ff_model_sha256(m), hex);
    json_t *r = json_object(), *ops = json_object();
    json_object_set_new(r, "schema", json_string("fetafix-model/1"));
    json_object_set_new(r, "path", visible_json(path));
    json_object_set_new(r, "sha256", json_string(hex));
    json_object_set_new(r, "opset", json_integer(ff_model_opset(m, "")));
    json_object_set_new(r, "ir_version", json_integer(ff_model_ir_version(m)));
    json_object_set_new(r, "producer", visible_json(ff_model_producer(m)));
    json_object_set_new(r, "inputs", values_json(g->inputs, g->n_inputs));
    json_object_set_new(r, "outputs", values_json(g->outputs, g->n_outputs));
    json_object_set_new(r, "nodes", json_integer(g->n_nodes));
    for (size_t i = 0; i < f->n_ops; i++)
        json_object_set_new(ops, f->ops[i].op, json_integer(f->ops[i].count));
    json_object_set_new(r, "operators", ops);
    json_object_set_new(r, "parameters", json_integer(f->parameters));
    json_object_set_new(r, "parameter_bytes", json_integer(f->bytes));
    json_object_set_new(r, "operations", isfinite(f->flops) ? json_real(f->flops) : json_null());
    if (c->verbose)
        json_object_set_new(r, "layers", nodes_json(g, shapes));
    char *dump = json_dumps(r, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    json_decref(r);
    ff_buf b = {0};
    ff_buf_printf(&b, "%s\n", dump ? dump : "{}");
    free(dump);
    const char *to = c->options->json ? c->options->json : "-";
    int code = write_text(c, to, &b, c->options->force);
    ff_buf_finish(&b);
    return code;
}

static void say_count(ff_context *c, const char *name, double v)
{
    static const char *const units[] = {"", " thousand", " million", " billion", " trillion"};
    size_t u = 0;
    double short_v = v;
    while (short_v >= 1000 && u + 1 < FF_COUNT(units)) {
        short_v /= 1000;
        u++;
    }
    ff_say(c, u ? "%-12s%.2f%s\n" : "%-12s%.0f%s\n", name, short_v, units[u]);
}

static void say_node(ff_context *c, const ff_node *n, const ff_shape *shapes)
{
    char *label = ff_visible(n->label), *op = ff_visible(n->op);
    ff_buf b = {0};
    if (shapes && n->n_outputs && n->outputs[0] && shapes[n->outputs[0]->id].rank >= 0) {
        const ff_shape *s = &shapes[n->outputs[0]->id];
        for (int i = 0; i < s->rank; i++)
            ff_buf_printf(&b, "%s%lld", i ? "x" : "", (long long)s->dims[i]);
    }
    ff_say(c, "  %-20s %-16s %s", op, b.data ? b.data : "", label);
    for (int k = 0; k < n->n_attrs; k++) {
        char *text = ff_attr_format(&n->attrs[k]), *shown = ff_visible(text);
        char *name = ff_visible(n->attrs[k].name);
        ff_say(c, "%s%s=%.60s", k ? " " : "  ", name, shown);
        free(text);
        free(shown);
        free(name);
    }
    ff_say(c, "\n");
    ff_buf_finish(&b);
    free(label);
    free(op);
}

static void inspect_text(ff_context *c, const ff_model *m, const char *path, const facts *f, const ff_shape *shapes)
{
    const ff_graph *g = ff_model_graph(m);
    char *shown = ff_visible(path), *producer = ff_visible(ff_model_producer(m));
    ff_say(c, "%-12s%s\n", "model", shown);
    ff_say(c, "%-12s%s\n", "producer", *producer ? producer : "unknown");
    ff_say(c, "%-12s%d (IR version %lld)\n", "opset", ff_model_opset(m, ""), (long long)ff_model_ir_version(m));
    for (int i = 0; i < g->n_inputs + g->n_outputs; i++) {
        bool in = i < g->n_inputs;
        char *text = value_text(in ? g->inputs[i] : g->outputs[i - g->n_inputs]);
        ff_say(c, "%-12s%s\n", in ? "input" : "output", text);
        free(text);
    }
    say_count(c, "parameters", (double)f->parameters);
    if (isfinite(f->flops) && f->flops > 0)
        say_count(c, "operations", f->flops);
    ff_say(c, "%-12s%d\n", "nodes", g->n_nodes);
    for (size_t i = 0; i < f->n_ops; i++) {
        ff_say(c, "  %6d  %s", f->ops[i].count, f->ops[i].op);
        if (f->ops[i].parameters)
            ff_say(c, "  (%lld parameters)", (long long)f->ops[i].parameters);
        ff_say(c, "\n");
    }
    if (c->verbose) {
        ff_say(c, "layers\n");
        for (int i = 0; i < g->n_nodes; i++)
            say_node(c, g->nodes[i], shapes);
    }
    free(shown);
    free(producer);
}

int verb_inspect(ff_context *c, int argc, char **argv)
{
    if (argc != 1)
        return ff_fail(FF_ERR_USAGE, "one model is needed: fetafix inspect MODEL");
    ff_model *m;
    int code = batch_check_outputs(c->options);
    if (code || (code = batch_load_model(c, argv[0], &m)))
        return code;
    ff_shape *shapes = infer(m);
    if (!shapes)
        ff_note(c, "shapes are not known: %s", ff_error());
    facts f;
    collect(m, shapes, &f);
    if (c->options->json || c->format == FF_FORMAT_JSON)
        code = inspect_json(c, m, argv[0], &f, shapes);
    else
        inspect_text(c, m, argv[0], &f, shapes);
    facts_finish(&f);
    free(shapes);
    ff_model_unref(m);
    return code;
}
