/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_mutations: the nodes of the ONNX conformance data with their inputs and attributes damaged
 * in every way that comes to mind. Whatever comes, a kernel must end in OK or in an error that has
 * a message, with its outputs all made or all absent; the sanitizers watch the rest. Seeded, so
 * that a finding comes again; FETAFIX_FUZZ_CASES sets the number of variants of each node.
 */
#include "fetafix/compute.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_INPUTS = 16, MAX_OUTPUTS = 8, MAX_ATTRS = 32, MAX_INTS = 16 };

typedef struct variant {
    ff_node node;
    ff_attr attrs[MAX_ATTRS];
    int64_t ints[MAX_ATTRS][MAX_INTS];
    float floats[MAX_ATTRS][MAX_INTS];
    ff_tensor *in[MAX_INPUTS];
    int n_in;
} variant;

static int64_t any_int(ff_rng *r)
{
    static const int64_t extreme[] = {INT64_MIN,        INT64_MAX,        INT32_MIN, INT32_MAX,
                                      INT64_C(1) << 31, INT64_C(1) << 40, 1000,      -1000};
    return ff_rng_below(r, 3) ? (int64_t)ff_rng_below(r, 8) - 3 : extreme[ff_rng_below(r, FF_COUNT(extreme))];
}

static double any_real(ff_rng *r)
{
    static const double extreme[] = {INFINITY, -INFINITY, NAN, 1e30, -1e30, 0, 1e-30, 1e9, -1};
    return ff_rng_below(r, 2) ? 4 * ff_rng_normal(r) : extreme[ff_rng_below(r, FF_COUNT(extreme))];
}

/* A copy with other dims; elements are repeated or left out. */
static ff_tensor *reshaped(const ff_tensor *t, int rank, const int64_t *dims)
{
    ff_tensor *n;
    if (ff_tensor_create(t->dtype, rank, dims, &n))
        return NULL;
    size_t size = ff_dtype_size(t->dtype);
    for (int64_t i = 0; t->count && i < n->count; i++) {
        if (t->dtype == FF_STRING) {
            char **to = n->data;
            free(to[i]);
            to[i] = ff_strdup(((char **)t->data)[i % t->count]);
        } else {
            memcpy((char *)n->data + (size_t)i * size, (const char *)t->data + (size_t)(i % t->count) * size, size);
        }
    }
    return n;
}

static bool numeric(ff_dtype t)
{
    return t != FF_STRING && t != FF_COMPLEX64 && t != FF_COMPLEX128 && t != FF_UNDEFINED;
}

static void damage_input(ff_rng *r, variant *v)
{
    static const ff_dtype types[] = {FF_FLOAT, FF_DOUBLE, FF_FLOAT16, FF_INT64, FF_INT32,
                                     FF_INT8,  FF_UINT8,  FF_BOOL,    FF_UINT64};
    if (!v->n_in)
        return;
    int i = (int)ff_rng_below(r, (uint64_t)v->n_in);
    ff_tensor *t = v->in[i], *made = NULL;
    int64_t dims[FF_MAX_RANK];
    if (!t)
        return;
    int rank = t->rank, k = rank ? (int)ff_rng_below(r, (uint64_t)rank) : 0;
    memcpy(dims, t->dims, sizeof dims);
    switch (ff_rng_below(r, 9)) {
    case 0: /* left out */
        ff_tensor_unref(t);
        v->in[i] = NULL;
        return;
    case 1: { /* two change places */
        int other = (int)ff_rng_below(r, (uint64_t)v->n_in);
        v->in[i] = v->in[other];
        v->in[other] = t;
        return;
    }
    case 2: /* another length */
        if (rank)
            dims[k] = (int64_t)ff_rng_below(r, 6);
        made = reshaped(t, rank, dims);
        break;
    case 3: /* an axis less */
        for (; rank && k + 1 < rank; k++)
            dims[k] = dims[k + 1];
        made = reshaped(t, rank ? rank - 1 : 0, dims);
        break;
    case 4: /* an axis more */
        if (rank == FF_MAX_RANK)
            return;
        dims[rank] = (int64_t)ff_rng_below(r, 4);
        made = reshaped(t, rank + 1, dims);
        break;
    case 5: /* another type */
        if (numeric(t->dtype) && ff_tensor_convert(t, types[ff_rng_below(r, FF_COUNT(types))], &made))
            made = NULL;
        break;
    default: /* other values */
        made = reshaped(t, rank, dims);
        if (made && made->count && numeric(t->dtype))
            for (int n = 0; n < 3; n++) {
                int64_t at = (int64_t)ff_rng_below(r, (uint64_t)made->count);
                if (ff_dtype_is_float(t->dtype))
                    ff_tensor_set_real(made, at, any_real(r));
                else
                    ff_tensor_set_int(made, at, any_int(r));
            }
    }
    if (made) {
        ff_tensor_unref(t);
        v->in[i] = made;
    }
}

static void damage_attribute(ff_rng *r, variant *v)
{
    static const char *const words[] = {"SAME_UPPER", "linear", "cubic", "reflect", "wrap", "reverse", "", "ij,jk"};
    if (!v->node.n_attrs)
        return;
    int k = (int)ff_rng_below(r, (uint64_t)v->node.n_attrs);
    ff_attr *a = &v->attrs[k];
    if (ff_rng_below(r, 8) == 0) { /* gone */
        *a = v->attrs[--v->node.n_attrs];
        return;
    }
    switch (a->type) {
    case FF_ATTR_INT:
        a->i = any_int(r);
        break;
    case FF_ATTR_FLOAT:
        a->f = (float)any_real(r);
        break;
    case FF_ATTR_STRING:
        a->s = words[ff_rng_below(r, FF_COUNT(words))];
        a->s_len = strlen(a->s);
        break;
    case FF_ATTR_INTS:
    case FF_ATTR_FLOATS:
        if (ff_rng_below(r, 4) == 0)
            a->n = ff_rng_below(r, 6);
        for (size_t i = 0; i < MAX_INTS; i++) {
            if (ff_rng_below(r, 4) == 0) {
                v->ints[k][i] = any_int(r);
                v->floats[k][i] = (float)any_real(r);
            }
        }
        if (a->n <= MAX_INTS && a->type == FF_ATTR_INTS)
            a->ints = v->ints[k];
        if (a->n <= MAX_INTS && a->type == FF_ATTR_FLOATS)
            a->floats = v->floats[k];
        break;
    default:
        break;
    }
}

static int run_inner(ff_kernel_env *env, const ff_graph *g, const ff_tensor *const *in, int n_in, ff_tensor **out,
                     int n_out)
{
    if (n_in != g->n_inputs || n_out != g->n_outputs)
        return ff_fail(FF_ERR_GRAPH, "inner graph");
    return ff_interpret(g, in, NULL, env, out);
}

static int fail(const char *folder, const ff_node *node, uint64_t n, const char *what)
{
    printf("FAILED %s, %s, variant %llu: %s\n", folder, node->op, (unsigned long long)n, what);
    return 1;
}

static int run_variant(const char *folder, const ff_node *node, ff_tensor *const *in, int n_in, uint64_t n)
{
    ff_rng r = {.state = n * 7919 + strlen(folder)};
    variant v = {.node = *node, .n_in = n_in};
    ff_tensor *out[MAX_OUTPUTS] = {NULL};
    ff_kernel_env env = {.run_graph = run_inner, .memory_limit = 1 << 20, .iteration_limit = 100};
    const ff_kernel *k;
    int failed = 0;
    for (int i = 0; i < node->n_attrs; i++) {
        v.attrs[i] = node->attrs[i];
        for (size_t e = 0; e < MAX_INTS && e < node->attrs[i].n; e++) {
            if (node->attrs[i].type == FF_ATTR_INTS)
                v.ints[i][e] = node->attrs[i].ints[e];
            if (node->attrs[i].type == FF_ATTR_FLOATS)
                v.floats[i][e] = node->attrs[i].floats[e];
        }
    }
    v.node.attrs = v.attrs;
    for (int i = 0; i < n_in; i++)
        v.in[i] = in[i] ? ff_tensor_ref(in[i]) : NULL;
    for (uint64_t steps = 1 + ff_rng_below(&r, 3); steps; steps--) {
        if (ff_rng_below(&r, 3))
            damage_input(&r, &v);
        else
            damage_attribute(&r, &v);
    }
    if (ff_rng_below(&r, 6) == 0)
        v.node.opset = (int)ff_rng_below(&r, 22);
    if (!ff_kernel_find(&v.node, &k)) {
        int rc = ff_kernel_run(k, &v.node, (const ff_tensor *const *)v.in, v.n_in, out, v.node.n_outputs, &env);
        if (rc && rc != FF_ERR_GRAPH && rc != FF_ERR_NOMEM && rc != FF_ERR_UNSUPPORTED)
            failed = fail(folder, node, n, "an error of another kind");
        if (rc && !*ff_error())
            failed = fail(folder, node, n, "an error without a message");
        for (int i = 0; i < v.node.n_outputs; i++)
            if (v.node.outputs[i] && !rc != (out[i] != NULL))
                failed = fail(folder, node, n, rc ? "an output is left" : "an output is missing");
    }
    for (int i = 0; i < MAX_INPUTS; i++)
        ff_tensor_unref(v.in[i]);
    for (int i = 0; i < MAX_OUTPUTS; i++)
        ff_tensor_unref(out[i]);
    return failed;
}

/* All variants of a model of one node. */
static int run_folder(const char *folder, uint64_t variants, long *runs)
{
    ff_model *m;
    ff_tensor *in[MAX_INPUTS] = {NULL};
    char *path = ff_path_join(folder, "model.onnx");
    int failed = 0, rc = ff_model_load(path, &m);
    free(path);
    if (rc)
        return 0; /* test_onnx_node tells */
    const ff_graph *g = ff_model_graph(m);
    const ff_node *node = g->n_nodes == 1 ? g->nodes[0] : NULL;
    if (node && node->n_inputs <= MAX_INPUTS && node->n_outputs <= MAX_OUTPUTS && node->n_attrs <= MAX_ATTRS) {
        for (int i = 0; i < node->n_inputs; i++)
            for (int k = 0; k < g->n_inputs; k++)
                if (node->inputs[i] == g->inputs[k]) {
                    path = ff_asprintf("%s/test_data_set_0/input_%d.pb", folder, k);
                    if (access(path, R_OK) || ff_tensor_load_pb(path, &in[i]))
                        in[i] = NULL;
                    free(path);
                } else if (node->inputs[i] && node->inputs[i]->initializer && !in[i]) {
                    in[i] = ff_tensor_ref(node->inputs[i]->initializer);
                }
        for (uint64_t n = 0; n < variants; n++, ++*runs)
            failed += run_variant(folder, node, in, node->n_inputs, n);
    }
    for (int i = 0; i < MAX_INPUTS; i++)
        ff_tensor_unref(in[i]);
    ff_model_unref(m);
    return failed;
}

static int is_test(const struct dirent *e)
{
    return !strncmp(e->d_name, "test_", 5);
}

int main(void)
{
    static const char *const sets[] = {"node", "pytorch-operator", "pytorch-converted"};
    const char *root = getenv("FETAFIX_ONNX_TESTDATA"), *asked = getenv("FETAFIX_FUZZ_CASES");
    uint64_t variants = asked ? strtoull(asked, NULL, 10) : 40;
    int failed = 0;
    long runs = 0;
    for (size_t s = 0; s < FF_COUNT(sets); s++) {
        struct dirent **entries;
        char *folder = ff_path_join(root ? root : "/usr/share/libonnx-testdata/data", sets[s]);
        int n = scandir(folder, &entries, is_test, alphasort);
        if (n < 0) {
            printf("%s is not there (package libonnx-testdata)\n", folder);
            free(folder);
            return 77;
        }
        for (int i = 0; i < n; i++) {
            char *path = ff_path_join(folder, entries[i]->d_name);
            failed += run_folder(path, variants, &runs);
            free(path);
            free(entries[i]);
        }
        free(entries);
        free(folder);
    }
    printf("%ld variants run, %d failed\n", runs, failed);
    return failed ? 1 : 0;
}
