/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Crafted files: each ends in a one-line error, before memory is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "fetafix/model.h"
#include "model/file/wire.h"
#include "support.h"

static void put_text(ff_buf *b, uint32_t field, const char *s)
{
    wire_put_bytes(b, field, s, strlen(s));
}

static void put_number(ff_buf *b, uint32_t field, uint64_t v)
{
    wire_put_tag(b, field, WIRE_VARINT);
    wire_put_varint(b, v);
}

static void put_in(ff_buf *b, uint32_t field, ff_buf *inner)
{
    wire_put_bytes(b, field, inner->data ? inner->data : "", inner->len);
    ff_buf_finish(inner);
}

static void put_node(ff_buf *graph, const char *op, const char *in, const char *out, ff_buf *attr)
{
    ff_buf n = {0};

    if (in != NULL)
        put_text(&n, 1, in);
    put_text(&n, 2, out);
    put_text(&n, 4, op);
    if (attr != NULL)
        put_in(&n, 5, attr);
    put_in(graph, 1, &n);
}

static void put_value(ff_buf *graph, uint32_t field, const char *name)
{
    ff_buf v = {0};

    put_text(&v, 1, name);
    put_in(graph, field, &v);
}

/* Finishes graph as a model and parses it; returns the code. */
static int parse(ff_buf *graph, const char *folder, ff_model **m)
{
    ff_buf b = {0}, opset = {0};

    put_number(&b, 1, 8);
    put_in(&b, 7, graph);
    put_number(&opset, 2, 13);
    put_in(&b, 8, &opset);
    *m = NULL;
    int code = ff_model_parse(b.data, b.len, folder, m);
    ff_buf_finish(&b);
    return code;
}

static void refuse(ff_buf *graph, const char *folder, const char *words)
{
    ff_model *m;
    uint64_t before = ff_memory_peak();

    assert_int_equal(parse(graph, folder, &m), FF_ERR_INPUT);
    if (strstr(ff_error(), words) == NULL)
        fail_msg("'%s' does not say '%s'", ff_error(), words);
    assert_null(strchr(ff_error(), '\n'));
    assert_true(ff_memory_peak() - before < (uint64_t)256 << 20);
}

static void test_graphs(void **state)
{
    ff_buf g = {0};
    ff_model *m;

    put_value(&g, 11, "x");
    put_node(&g, "Relu", "x", "y", NULL);
    put_value(&g, 12, "y");
    assert_int_equal(parse(&g, NULL, &m), FF_OK);
    ff_model_unref(m);

    put_node(&g, "Relu", "b", "a", NULL);
    put_node(&g, "Relu", "a", "b", NULL);
    refuse(&g, NULL, "cycle");
    put_node(&g, "Relu", "a", "a", NULL);
    refuse(&g, NULL, "cycle");
    put_node(&g, "Relu", "nowhere", "a", NULL);
    refuse(&g, NULL, "'nowhere'");
    put_value(&g, 11, "x");
    put_node(&g, "Relu", "x", "a", NULL);
    put_node(&g, "Abs", "x", "a", NULL);
    refuse(&g, NULL, "'a' is defined twice");
    put_value(&g, 11, "x");
    put_value(&g, 11, "x");
    refuse(&g, NULL, "'x' is defined twice");
    put_value(&g, 11, "x");
    put_node(&g, "Relu", "x", "x", NULL);
    refuse(&g, NULL, "'x' is defined twice");
    put_value(&g, 12, "y");
    refuse(&g, NULL, "'y'");
    put_node(&g, "", NULL, "y", NULL);
    refuse(&g, NULL, "no operator");
    put_value(&g, 11, "x");
    put_node(&g, "Relu", "ev\x1b[31mil\n", "y", NULL);
    refuse(&g, NULL, "ev\\x1b[31mil\\n");
    wire_put_bytes(&g, 2, "a\0b", 3);
    refuse(&g, NULL, "NUL");
    put_number(&g, 1, 7); /* a node that is a number */
    refuse(&g, NULL, "wire type");
}

/* Nodes out of order are sorted in the graph and stay where they are in the file. */
static void test_unsorted(void **state)
{
    ff_buf g = {0};
    ff_model *m;
    char *data;
    size_t size;

    put_node(&g, "Relu", "a", "b", NULL);
    put_node(&g, "Abs", "x", "a", NULL);
    put_value(&g, 11, "x");
    put_value(&g, 12, "b");
    ff_buf copy = {0};
    ff_buf_add(&copy, g.data, g.len);
    assert_int_equal(parse(&g, NULL, &m), FF_OK);
    assert_string_equal(ff_model_graph(m)->nodes[0]->op, "Abs");
    assert_int_equal(ff_model_serialize(m, &data, &size), FF_OK);
    assert_non_null(memmem(data, size, copy.data, copy.len));
    ff_buf_finish(&copy);
    free(data);
    ff_model_unref(m);
}

static void put_tensor(ff_buf *g, int n_dims, const uint64_t *dims, int type, const char *raw)
{
    ff_buf t = {0};

    for (int i = 0; i < n_dims; i++)
        put_number(&t, 1, dims[i]);
    put_number(&t, 2, (uint64_t)type);
    put_text(&t, 8, "w");
    if (raw != NULL)
        put_text(&t, 9, raw);
    put_in(g, 5, &t);
}

static void test_tensors(void **state)
{
    ff_buf g = {0};
    uint64_t dims[20];

    for (int i = 0; i < 20; i++)
        dims[i] = 1u << 30;
    put_tensor(&g, 1, dims, FF_FLOAT, "abcd");
    refuse(&g, NULL, "4 bytes of data");
    put_tensor(&g, 1, dims, FF_UINT8, NULL);
    refuse(&g, NULL, "0 elements of data");
    put_tensor(&g, 4, dims, FF_FLOAT, "abcd");
    refuse(&g, NULL, "overflows");
    put_tensor(&g, 20, dims, FF_FLOAT, "abcd");
    refuse(&g, NULL, "20 dimensions");
    dims[0] = UINT64_MAX;
    put_tensor(&g, 1, dims, FF_FLOAT, "abcd");
    refuse(&g, NULL, "dimension 0");
    dims[0] = 1;
    put_tensor(&g, 1, dims, 77, "abcd");
    refuse(&g, NULL, "77");
    put_tensor(&g, 1, dims, FF_FLOAT, "abcd");
    put_tensor(&g, 1, dims, FF_FLOAT, "abcd");
    refuse(&g, NULL, "twice");
}

static void test_nesting(void **state)
{
    ff_buf g = {0};

    put_value(&g, 12, "y");
    for (int i = 0; i < 12; i++) { /* graphs in graphs: three messages each */
        ff_buf attr = {0}, outer = {0};
        put_text(&attr, 1, "body");
        put_in(&attr, 6, &g);
        put_number(&attr, 20, FF_ATTR_GRAPH);
        put_node(&outer, "Loop", NULL, "y", &attr);
        g = outer;
    }
    refuse(&g, NULL, "deeper");
    for (int i = 0; i < 2000000; i++) /* as many messages as fit, none of them with a word in it */
        wire_put_bytes(&g, 1, "", 0);
    refuse(&g, NULL, "memory");
}

static void put_external(ff_buf *g, const char *location, const char *offset, const char *length)
{
    const char *const pairs[][2] = {{"location", location}, {"offset", offset}, {"length", length}};
    ff_buf t = {0};

    put_number(&t, 1, 4);
    put_number(&t, 2, FF_FLOAT);
    put_text(&t, 8, "w");
    for (int i = 0; i < 3; i++)
        if (pairs[i][1] != NULL) {
            ff_buf e = {0};
            put_text(&e, 1, pairs[i][0]);
            put_text(&e, 2, pairs[i][1]);
            put_in(&t, 13, &e);
        }
    put_number(&t, 14, 1);
    put_in(g, 5, &t);
}

static void test_external(void **state)
{
    char root[] = "/tmp/fetafix-external-XXXXXX";
    float values[6] = {0, 1, 2, 3, 4, 5};
    ff_buf g = {0};
    ff_model *m, *again;
    char *data;
    size_t size;

    assert_non_null(mkdtemp(root));
    char *folder = ff_path_join(root, "model"), *inside = ff_path_join(folder, "w.bin");
    char *secret = ff_path_join(root, "secret.bin"), *link_path = ff_path_join(folder, "link.bin");
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(ff_write_file(inside, values, sizeof values, true), FF_OK);
    assert_int_equal(ff_write_file(secret, values, sizeof values, true), FF_OK);
    assert_int_equal(symlink(secret, link_path), 0);

    put_external(&g, "w.bin", "8", "16");
    put_value(&g, 12, "w");
    assert_int_equal(parse(&g, folder, &m), FF_OK);
    const ff_tensor *t = ff_model_find_value(m, "w")->initializer;
    assert_int_equal(t->count, 4);
    assert_memory_equal(t->data, values + 2, 16);
    assert_int_equal(ff_model_serialize(m, &data, &size), FF_OK); /* the data is taken in */
    assert_int_equal(ff_model_parse(data, size, NULL, &again), FF_OK);
    assert_true(ff_tensor_equal(t, ff_model_find_value(again, "w")->initializer));
    free(data);
    ff_model_unref(again);
    ff_model_unref(m);

    put_external(&g, "w.bin", "8", "16");
    refuse(&g, NULL, "folder");
    put_external(&g, "w.bin", "12", NULL);
    refuse(&g, folder, "ends at 24");
    put_external(&g, "w.bin", "18446744073709551600", NULL);
    refuse(&g, folder, "offset");
    put_external(&g, "w.bin", "-8", NULL);
    refuse(&g, folder, "offset");
    put_external(&g, "w.bin", "0", "24");
    refuse(&g, folder, "24 bytes");
    put_external(&g, secret, NULL, NULL);
    refuse(&g, folder, "outside");
    put_external(&g, "../secret.bin", NULL, NULL);
    refuse(&g, folder, "outside");
    put_external(&g, "a/../../secret.bin", NULL, NULL);
    refuse(&g, folder, "outside");
    put_external(&g, "link.bin", NULL, NULL);
    refuse(&g, folder, "outside");
    put_external(&g, "missing.bin", NULL, NULL);
    refuse(&g, folder, "missing.bin");
    put_external(&g, ".", NULL, NULL);
    refuse(&g, folder, "outside");
    put_external(&g, NULL, NULL, NULL);
    refuse(&g, folder, "location");

    unlink(link_path);
    unlink(secret);
    unlink(inside);
    rmdir(folder);
    rmdir(root);
    free(link_path);
    free(secret);
    free(inside);
    free(folder);
}

static void test_truncated(void **state)
{
    ff_buf g = {0}, b = {0};
    uint64_t dims[] = {1};
    ff_model *m;
    int refused = 0;

    put_value(&g, 11, "x");
    put_tensor(&g, 1, dims, FF_FLOAT, "abcd");
    put_node(&g, "Relu", "w", "y", NULL);
    put_value(&g, 12, "y");
    put_number(&b, 1, 8);
    put_in(&b, 7, &g);
    size_t whole = b.len;
    for (size_t n = 0; n < whole; n++) {
        char *copy = ff_alloc(n ? n : 1);
        memcpy(copy, b.data, n);
        refused += ff_model_parse(copy, n, NULL, &m) == FF_ERR_INPUT;
        free(copy);
    }
    assert_int_equal(refused, whole);
    assert_int_equal(ff_model_parse(b.data, whole, NULL, &m), FF_OK);
    ff_model_unref(m);
    ff_buf_finish(&b);
    assert_int_equal(ff_model_load("/nonexistent/model.onnx", &m), FF_ERR_INPUT);
    assert_int_equal(ff_model_load("/tmp", &m), FF_ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_graphs),  cmocka_unit_test(test_unsorted), cmocka_unit_test(test_tensors),
        cmocka_unit_test(test_nesting), cmocka_unit_test(test_external), cmocka_unit_test(test_truncated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
