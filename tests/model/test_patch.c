/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edits: each kind, their inverses, their binary form, and random ones over real models. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fetafix/model.h"
#include "model/file/wire.h"
#include "support.h"

static ff_model *load_official(const char *name)
{
    char *path = test_onnx_data(name);
    ff_model *m = NULL;

    if (path == NULL)
        return NULL;
    if (ff_model_load(path, &m))
        fail_msg("%s", ff_error());
    free(path);
    return m;
}

static ff_model *load_case(const char *name)
{
    char *folder = test_data("cases");
    ff_model *m = NULL;

    if (folder == NULL)
        return NULL;
    char *path = ff_path_join(folder, name);
    if (ff_model_load(path, &m))
        fail_msg("%s", ff_error());
    free(path);
    free(folder);
    return m;
}

static void assert_same_bytes(const ff_model *a, const ff_model *b)
{
    char *x, *y;
    size_t nx, ny;

    assert_int_equal(ff_model_serialize(a, &x, &nx), FF_OK);
    assert_int_equal(ff_model_serialize(b, &y, &ny), FF_OK);
    assert_int_equal(nx, ny);
    assert_memory_equal(x, y, nx);
    free(x);
    free(y);
}

/* The result loads again, is sorted, and says the same. */
static void check_result(const ff_model *m)
{
    char *data;
    size_t size;
    ff_model *again;
    const ff_graph *g = ff_model_graph(m);

    assert_int_equal(ff_model_serialize(m, &data, &size), FF_OK);
    if (ff_model_parse(data, size, NULL, &again))
        fail_msg("%s", ff_error());
    const ff_graph *h = ff_model_graph(again);
    assert_int_equal(g->n_nodes, h->n_nodes);
    for (int i = 0; i < g->n_nodes; i++) {
        assert_string_equal(g->nodes[i]->label, h->nodes[i]->label);
        assert_string_equal(g->nodes[i]->op, h->nodes[i]->op);
        for (int j = 0; j < g->nodes[i]->n_inputs; j++) {
            const ff_value *v = g->nodes[i]->inputs[j];
            assert_true(!v || !v->producer || v->producer->index < i);
        }
    }
    assert_true(ff_key_equal(ff_model_sha256(m), ff_model_sha256(again)));
    ff_model_unref(again);
    free(data);
}

/* Applies, checks, goes back by the inverse and by the inverse read from its binary form; the patch
 * read from its binary form gives the same model. Returns the edited model, or NULL. */
static ff_model *round_trip(const ff_model *m, const ff_patch *p)
{
    ff_model *edited, *back, *replayed;
    ff_patch *inverse, *parsed, *parsed_inverse;
    char *data;
    size_t size;

    if (ff_model_apply(m, p, &edited, &inverse))
        return NULL;
    check_result(edited);
    if (ff_model_apply(edited, inverse, &back, NULL))
        fail_msg("inverse: %s", ff_error());
    assert_same_bytes(m, back);
    ff_model_unref(back);

    assert_int_equal(ff_patch_serialize(p, &data, &size), FF_OK);
    if (ff_patch_parse(data, size, &parsed))
        fail_msg("%s", ff_error());
    free(data);
    if (ff_model_apply(m, parsed, &replayed, NULL))
        fail_msg("replayed: %s", ff_error());
    assert_same_bytes(edited, replayed);
    ff_patch_destroy(parsed);

    assert_int_equal(ff_patch_serialize(inverse, &data, &size), FF_OK);
    if (ff_patch_parse(data, size, &parsed_inverse))
        fail_msg("%s", ff_error());
    free(data);
    if (ff_model_apply(replayed, parsed_inverse, &back, NULL))
        fail_msg("inverse from its binary form: %s", ff_error());
    assert_same_bytes(m, back);
    char *words = ff_patch_describe(p);
    assert_non_null(words);
    free(words);
    free(ff_patch_describe(inverse));
    ff_patch_destroy(parsed_inverse);
    ff_patch_destroy(inverse);
    ff_model_unref(back);
    ff_model_unref(replayed);
    return edited;
}

static void test_each_kind(void **state)
{
    ff_model *m = load_case("dev1_pp_torch_to_tf/target.onnx"), *r;

    if (m == NULL)
        skip();
    const ff_graph *g = ff_model_graph(m);
    const ff_node *conv = NULL;
    for (int i = 0; i < g->n_nodes && !conv; i++)
        if (strcmp(g->nodes[i]->op, "Conv") == 0)
            conv = g->nodes[i];
    const char *out = conv->outputs[0]->name, *in = conv->inputs[0]->name;

    ff_patch *p = ff_patch_create();
    int64_t twos[] = {1, 1};
    ff_attr dilations = {.name = "dilations", .type = FF_ATTR_INTS, .n = 2, .ints = twos};
    ff_patch_set_attr(p, out, &dilations);
    r = round_trip(m, p);
    assert_non_null(r);
    const ff_node *again = ff_model_node_by_id(r, conv->id);
    assert_string_equal(again->outputs[0]->name, out);
    char *s = ff_attr_format(ff_node_attr(again, "dilations"));
    assert_string_equal(s, "[1,1]");
    free(s);
    ff_model_unref(r);
    ff_patch_destroy(p);

    /* An Identity in front of the convolution, then everybody reads it. */
    p = ff_patch_create();
    char *fresh = ff_model_fresh_name(m, "inserted");
    const char *ins[] = {in}, *outs[] = {fresh};
    ff_node_spec spec = {
        .name = fresh, .op = "Identity", .n_inputs = 1, .n_outputs = 1, .inputs = ins, .outputs = outs};
    ff_patch_insert_node(p, &spec, NULL);
    ff_patch_redirect(p, in, fresh);
    r = round_trip(m, p);
    assert_non_null(r);
    assert_int_equal(ff_model_graph(r)->n_nodes, g->n_nodes + 1);
    const ff_value *v = ff_model_find_value(r, fresh);
    assert_string_equal(v->producer->inputs[0]->name, in);
    assert_int_equal(ff_model_find_value(r, in)->n_users, 1);
    assert_string_equal(ff_model_node_by_id(r, conv->id)->inputs[0]->name, fresh);

    /* And out again, by name. */
    ff_patch *undo = ff_patch_create();
    ff_patch_redirect(undo, fresh, in);
    ff_patch_remove_node(undo, fresh);
    ff_model *plain = round_trip(r, undo);
    assert_non_null(plain);
    assert_same_bytes(m, plain);
    ff_model_unref(plain);
    ff_patch_destroy(undo);
    ff_model_unref(r);
    ff_patch_destroy(p);
    free(fresh);

    /* Weights: the same shape, then another one. */
    const ff_value *w = conv->inputs[1];
    ff_tensor *t;
    assert_int_equal(ff_tensor_create(FF_FLOAT, w->initializer->rank, w->initializer->dims, &t), FF_OK);
    p = ff_patch_create();
    ff_patch_set_initializer(p, w->name, t);
    r = round_trip(m, p);
    assert_non_null(r);
    assert_true(ff_tensor_equal(ff_model_find_value(r, w->name)->initializer, t));
    ff_model_unref(r);
    ff_patch_destroy(p);
    ff_tensor_unref(t);

    /* Refused: used weights removed, unknown names, an attribute that is not there, unknown
     * operator. */
    p = ff_patch_create();
    ff_patch_remove_initializer(p, w->name);
    assert_int_equal(ff_model_apply(m, p, &r, NULL), FF_ERR_GRAPH);
    ff_patch_destroy(p);
    p = ff_patch_create();
    ff_patch_remove_node(p, out);
    assert_int_equal(ff_model_apply(m, p, &r, NULL), FF_ERR_GRAPH);
    ff_patch_destroy(p);
    p = ff_patch_create();
    ff_patch_remove_attr(p, out, "nonsense");
    assert_int_equal(ff_model_apply(m, p, &r, NULL), FF_ERR_GRAPH);
    ff_patch_destroy(p);
    p = ff_patch_create();
    ff_patch_set_node_input(p, out, 0, "no such value");
    assert_int_equal(ff_model_apply(m, p, &r, NULL), FF_ERR_GRAPH);
    ff_patch_destroy(p);
    p = ff_patch_create();
    ff_patch_set_node_input(p, out, 0, out);
    assert_int_equal(ff_model_apply(m, p, &r, NULL), FF_ERR_GRAPH); /* a cycle */
    ff_patch_destroy(p);
    p = ff_patch_create();
    ff_node_spec odd = spec;
    const char *odd_out[] = {"odd"};
    odd.name = "odd";
    odd.op = "NoSuchOperator";
    odd.outputs = odd_out;
    ff_patch_insert_node(p, &odd, NULL);
    assert_int_equal(ff_model_apply(m, p, &r, NULL), FF_ERR_GRAPH);
    ff_patch_destroy(p);
    ff_model_unref(m);
}

static void test_outputs_and_dead(void **state)
{
    ff_model *m = load_case("dev5_cg_lh_tflite_to_keras/target.onnx"), *r;

    if (m == NULL)
        skip();
    const ff_graph *g = ff_model_graph(m);
    const ff_value *middle = g->nodes[g->n_nodes / 2]->outputs[0];
    ff_patch *p = ff_patch_create();
    ff_shape s = {FF_FLOAT, -1, {0}};
    ff_patch_add_output(p, middle->name, &s);
    const char *only[] = {middle->name};
    ff_patch_set_outputs(p, 1, only);
    ff_patch_remove_dead(p);
    r = round_trip(m, p);
    if (r == NULL)
        fail_msg("%s", ff_error());
    assert_int_equal(ff_model_graph(r)->n_outputs, 1);
    assert_true(ff_model_graph(r)->n_nodes <= g->n_nodes / 2 + 1);
    ff_model_unref(r);
    ff_patch_destroy(p);

    p = ff_patch_create();
    const ff_value *in = g->inputs[0];
    int64_t dims[FF_MAX_RANK];
    for (int i = 0; i < in->declared.rank; i++)
        dims[i] = i == 0 ? -1 : in->declared.dims[i];
    ff_patch_set_input_shape(p, in->name, in->declared.dtype, in->declared.rank, dims);
    r = round_trip(m, p);
    assert_non_null(r);
    assert_int_equal(ff_model_graph(r)->inputs[0]->declared.dims[0], -1);
    ff_model_unref(r);
    ff_patch_destroy(p);
    ff_model_unref(m);
}

static const char *some_value(const ff_model *m, ff_rng *rng)
{
    const ff_value *v = ff_model_value(m, (int)ff_rng_below(rng, (uint64_t)ff_model_values(m)));
    return v->name;
}

/* One edit that may or may not fit. */
static void random_edit(const ff_model *m, ff_rng *rng, ff_patch *p)
{
    const ff_graph *g = ff_model_graph(m);
    const ff_node *n = g->nodes[ff_rng_below(rng, (uint64_t)g->n_nodes)];
    const char *out = n->outputs[0] ? n->outputs[0]->name : "";
    char *fresh = ff_model_fresh_name(m, "fresh");
    const char *ins[] = {some_value(m, rng), some_value(m, rng)}, *outs[] = {fresh};
    ff_node_spec spec = {
        .name = fresh, .op = "Identity", .n_inputs = 1, .n_outputs = 1, .inputs = ins, .outputs = outs};
    int64_t pads[] = {1, 0, 0, (int64_t)ff_rng_below(rng, 3)};
    ff_attr a = {.name = "pads", .type = FF_ATTR_INTS, .n = 4, .ints = pads};

    switch (ff_rng_below(rng, 11)) {
    case 0:
        ff_patch_set_attr(p, out, &a);
        break;
    case 1:
        if (n->n_attrs)
            ff_patch_remove_attr(p, out, n->attrs[0].name);
        break;
    case 2:
        if (n->n_inputs)
            ff_patch_set_node_input(p, out, (int)ff_rng_below(rng, (uint64_t)n->n_inputs), some_value(m, rng));
        break;
    case 3:
        ff_patch_insert_node(p, &spec, ff_rng_below(rng, 2) ? out : NULL);
        break;
    case 4:
        ff_patch_insert_node(p, &spec, NULL);
        ff_patch_redirect(p, ins[0], fresh);
        break;
    case 5:
        if (n->n_inputs && n->inputs[0]) { /* take the node out */
            ff_patch_redirect(p, out, n->inputs[0]->name);
            ff_patch_remove_node(p, out);
        }
        break;
    case 6:
        if (g->n_initializers) {
            const ff_value *v = g->initializers[ff_rng_below(rng, (uint64_t)g->n_initializers)];
            ff_tensor *t;
            int64_t dims[] = {3, (int64_t)ff_rng_below(rng, 4)};
            bool same = ff_rng_below(rng, 2);
            if (ff_tensor_create(v->initializer->dtype, same ? v->initializer->rank : 2,
                                 same ? v->initializer->dims : dims, &t) == FF_OK) {
                ff_patch_set_initializer(p, ff_rng_below(rng, 4) ? v->name : fresh, t);
                ff_tensor_unref(t);
            }
        }
        break;
    case 7:
        ff_patch_remove_dead(p);
        break;
    case 8: {
        ff_shape s = {FF_FLOAT, -1, {0}};
        ff_patch_add_output(p, ins[0], &s);
        break;
    }
    case 9: {
        spec.outputs = &out; /* another node in its place */
        spec.name = n->name;
        ff_patch_replace_node(p, out, &spec);
        break;
    }
    case 10:
        if (g->n_inputs) {
            int64_t dims[] = {-1, 5, (int64_t)ff_rng_below(rng, 7), -1};
            ff_patch_set_input_shape(p, g->inputs[0]->name, FF_FLOAT, 4, dims);
        }
        break;
    }
    free(fresh);
}

static int random_walk(ff_model *m, uint64_t seed, int steps)
{
    ff_rng rng = {seed};
    int fitted = 0;

    for (int i = 0; i < steps; i++) {
        ff_patch *p = ff_patch_create();
        for (uint64_t k = 1 + ff_rng_below(&rng, 3); k > 0; k--)
            random_edit(m, &rng, p);
        ff_model *r = round_trip(m, p);
        ff_patch_destroy(p);
        if (r == NULL)
            continue;
        fitted++;
        ff_model_unref(m);
        m = r;
        if (ff_model_graph(m)->n_nodes == 0)
            break;
    }
    ff_model_unref(m);
    return fitted;
}

static void test_random(void **state)
{
    static const char *const small[] = {
        "pytorch-converted/test_Conv2d/model.onnx",
        "pytorch-operator/test_operator_mm/model.onnx",
        "node/test_gelu_tanh_1_expanded/model.onnx",
        "node/test_loop11/model.onnx",
        "node/test_layer_normalization_4d_axis1_expanded/model.onnx",
        "node/test_if/model.onnx",
        "node/test_celu_expanded/model.onnx",
        "node/test_softmax_axis_1_expanded/model.onnx",
    };
    int fitted = 0, models = 0;

    for (size_t i = 0; i < FF_COUNT(small); i++) {
        ff_model *m = load_official(small[i]);
        if (m == NULL)
            continue;
        models++;
        for (uint64_t seed = 0; seed < 20; seed++)
            fitted += random_walk(ff_model_ref(m), seed * 1000 + i, 12);
        ff_model_unref(m);
    }
    ff_model *m = load_case("dev6_opset_separate_weights/target.onnx");
    if (m != NULL)
        fitted += random_walk(m, 7, 10);
    else if (models == 0)
        skip();
    print_message("%d random patches fitted\n", fitted);
    assert_true(fitted > 10);
}

/* Candidate repairs are applied by the hundred: about a millisecond each. */
static void test_speed(void **state)
{
    ff_model *m = load_case("dev2_wb_tf_to_tflite/target.onnx"), *r;

    if (m == NULL)
        skip();
    const ff_graph *g = ff_model_graph(m);
    const ff_value *w = g->initializers[0];
    ff_patch *p = ff_patch_create();
    ff_patch_set_initializer(p, w->name, w->initializer);
    int64_t start = ff_now_ns();
    for (int i = 0; i < 50; i++) {
        assert_int_equal(ff_model_apply(m, p, &r, NULL), FF_OK);
        ff_model_unref(r);
    }
    double ms = (double)(ff_now_ns() - start) / 50e6;
    print_message("%.3f ms to edit a model of %d nodes\n", ms, g->n_nodes);
    assert_true(ms < 50); /* loose: the machine may be busy or the build instrumented */
    ff_patch_destroy(p);
    ff_model_unref(m);
}

static void put_part(ff_buf *b, uint32_t field, ff_buf *part)
{
    wire_put_bytes(b, field, part->data, part->len);
    ff_buf_finish(part);
}

static void put_text(ff_buf *b, uint32_t field, const char *s)
{
    wire_put_bytes(b, field, s, strlen(s));
}

static bool says(const ff_model *m, const char *text)
{
    char *data;
    size_t size;

    assert_int_equal(ff_model_serialize(m, &data, &size), FF_OK);
    bool found = memmem(data, size, text, strlen(text)) != NULL;
    free(data);
    return found;
}

/* What a file says of the quantization of a tensor goes and comes with it. */
static void test_annotations(void **state)
{
    ff_buf model = {0}, graph = {0};
    ff_model *m, *r, *back;
    ff_patch *p = ff_patch_create(), *inverse;

    for (int i = 0; i < 2; i++) { /* x -> y -> z */
        ff_buf node = {0};
        put_text(&node, 1, i ? "y" : "x");
        put_text(&node, 2, i ? "z" : "y");
        put_text(&node, 4, "Relu");
        put_part(&graph, 1, &node);
    }
    for (int i = 0; i < 3; i++) { /* of y; of x with y as its scale; of z */
        ff_buf annotation = {0}, entry = {0};
        put_text(&entry, 1, i == 0 ? "FIRST" : i == 1 ? "SECOND" : "THIRD");
        put_text(&entry, 2, i == 0 ? "x" : i == 1 ? "y" : "x");
        put_text(&annotation, 1, i == 0 ? "y" : i == 1 ? "x" : "z");
        put_part(&annotation, 2, &entry);
        put_part(&graph, 14, &annotation);
    }
    for (int i = 0; i < 2; i++) {
        ff_buf value = {0};
        put_text(&value, 1, i ? "z" : "x");
        put_part(&graph, i ? 12 : 11, &value);
    }
    put_part(&model, 7, &graph);
    assert_int_equal(ff_model_parse(model.data, model.len, NULL, &m), FF_OK);
    ff_buf_finish(&model);
    ff_patch_set_node_input(p, "z", 0, "x");
    assert_int_equal(ff_model_apply(m, p, &r, NULL), FF_OK); /* y is still there */
    assert_true(says(r, "FIRST") && says(r, "SECOND") && says(r, "THIRD"));
    ff_model_unref(r);
    ff_patch_remove_node(p, "y");
    assert_int_equal(ff_model_apply(m, p, &r, &inverse), FF_OK);
    assert_true(!says(r, "FIRST") && !says(r, "SECOND") && says(r, "THIRD"));
    assert_int_equal(ff_model_apply(r, inverse, &back, NULL), FF_OK);
    assert_same_bytes(m, back);
    ff_patch_destroy(p);
    ff_patch_destroy(inverse);
    ff_model_unref(m);
    ff_model_unref(r);
    ff_model_unref(back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind), cmocka_unit_test(test_outputs_and_dead), cmocka_unit_test(test_random),
        cmocka_unit_test(test_speed),     cmocka_unit_test(test_annotations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
