/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A format is one file (chain_format.c) and one row: loaded by content, edited, saved as itself and as ONNX. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/file/format.h"

static const char text[] = "CHAIN 4\nRelu\nNeg\n";

static ff_model *load(const char *path)
{
    ff_model *m;

    if (ff_model_load(path, &m))
        fail_msg("%s", ff_error());
    return m;
}

static void assert_file(const char *path, const char *want)
{
    char *data;
    size_t size;

    assert_int_equal(ff_read_file(path, 1000, &data, &size), FF_OK);
    assert_int_equal(size, strlen(want));
    assert_memory_equal(data, want, size);
    free(data);
}

static void reads_and_writes(void **state)
{
    assert_int_equal(ff_write_file("a.chain", text, strlen(text), true), FF_OK);
    ff_model *m = load("a.chain"), *changed, *onnx;
    ff_key key = ff_key_of(text, strlen(text));

    assert_string_equal(ff_model_format(m), "Chain");
    assert_string_equal(ff_model_extension(m), ".chain");
    assert_true(ff_key_equal(ff_model_sha256(m), &key));
    assert_int_equal(ff_model_graph(m)->n_nodes, 2);
    assert_int_equal(m->doc->file_size, strlen(text));
    assert_int_equal(ff_model_save(m, "b.chain", true), FF_OK);
    assert_file("b.chain", text);

    const char *from = "v0", *to = "abs";
    ff_patch *p = ff_patch_create();
    ff_patch_insert_node(
        p,
        &(ff_node_spec){
            .name = "abs", .op = "Abs", .domain = "", .n_inputs = 1, .inputs = &from, .n_outputs = 1, .outputs = &to},
        "v0");
    ff_patch_set_node_input(p, "v1", 0, "abs");
    assert_int_equal(ff_model_apply(m, p, &changed, NULL), FF_OK);
    ff_patch_destroy(p);
    assert_int_equal(ff_model_save(changed, "c.chain", true), FF_OK);
    assert_file("c.chain", "CHAIN 4\nRelu\nAbs\nNeg\n");
    key = ff_key_of("CHAIN 4\nRelu\nAbs\nNeg\n", strlen("CHAIN 4\nRelu\nAbs\nNeg\n"));
    assert_true(ff_key_equal(ff_model_sha256(changed), &key));

    assert_int_equal(ff_model_save(changed, "c.onnx", true), FF_OK);
    onnx = load("c.onnx");
    assert_string_equal(ff_model_format(onnx), "ONNX");
    assert_int_equal(ff_model_graph(onnx)->n_nodes, 3);
    assert_int_equal(ff_model_save(onnx, "d.chain", true), FF_ERR_USAGE);
    assert_non_null(strstr(ff_error(), "is not written as Chain"));
    ff_model_unref(onnx);
    ff_model_unref(changed);
    ff_model_unref(m);
}

static void refuses_what_it_cannot_hold(void **state)
{
    ff_model *m, *changed;
    const char *from[] = {"v0", "v0"}, *to = "v1";
    ff_patch *p = ff_patch_create();

    assert_int_equal(ff_model_parse(text, strlen(text), NULL, &m), FF_OK);
    ff_patch_replace_node(
        p, "v1",
        &(ff_node_spec){
            .name = "sum", .op = "Add", .domain = "", .n_inputs = 2, .inputs = from, .n_outputs = 1, .outputs = &to});
    assert_int_equal(ff_model_apply(m, p, &changed, NULL), FF_OK);
    assert_int_equal(format_can_hold(m), FF_OK);
    assert_int_equal(format_can_hold(changed), FF_ERR_GRAPH);
    assert_int_equal(ff_model_save(changed, "e.chain", true), FF_ERR_GRAPH);
    assert_string_equal(ff_error(), "'e.chain': node 'sum': a chain has no Add");
    assert_int_equal(ff_model_save(changed, "e.onnx", true), FF_OK);
    ff_patch_destroy(p);
    ff_model_unref(changed);
    ff_model_unref(m);
}

static void knows_names(void **state)
{
    assert_true(ff_path_is_model("a/b.ONNX"));
    assert_true(ff_path_is_model("b.chain"));
    assert_false(ff_path_is_model(".onnx"));
    assert_false(ff_path_is_model("b.onnx.txt"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes),
        cmocka_unit_test(refuses_what_it_cannot_hold),
        cmocka_unit_test(knows_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
