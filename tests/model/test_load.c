/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Real models: the graph that is read, and that saving gives back the bytes. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fetafix/model.h"
#include "support.h"

static int seen;

static void check_graph(const ff_model *m, const ff_graph *g)
{
    for (int i = 0; i < g->n_nodes; i++) {
        const ff_node *n = g->nodes[i];
        assert_ptr_equal(n->graph, g);
        assert_int_equal(n->index, i);
        assert_ptr_equal(ff_model_node_by_id(m, n->id), n);
        assert_ptr_equal(ff_model_find_node(m, n->label), n);
        for (int j = 0; j < n->n_inputs; j++) {
            const ff_value *v = n->inputs[j];
            bool found = v == NULL;
            for (int k = 0; v && k < v->n_users; k++)
                found |= v->users[k].node == n && v->users[k].input == j;
            assert_true(found);
            if (v && v->producer && v->graph == g)
                assert_true(v->producer->index < i);
        }
        for (int j = 0; j < n->n_outputs; j++)
            if (n->outputs[j])
                assert_true(n->outputs[j]->producer == n && n->outputs[j]->producer_output == j);
        for (int j = 0; j < n->n_attrs; j++) {
            const ff_attr *a = &n->attrs[j];
            if (a->type == FF_ATTR_GRAPH) {
                assert_ptr_equal(a->g->owner, n);
                check_graph(m, a->g);
            }
            free(ff_attr_format(a));
        }
    }
}

/* Loads a file, checks the index, and compares what would be saved with what was read. */
static void round_trip(const char *path)
{
    char *file, *saved;
    size_t file_size, saved_size;
    ff_model *m;

    if (ff_model_load(path, &m))
        fail_msg("%s", ff_error());
    check_graph(m, ff_model_graph(m));
    for (int i = 0; i < ff_model_values(m); i++)
        assert_int_equal(ff_model_value(m, i)->id, i);
    assert_int_equal(ff_read_file(path, UINT64_MAX, &file, &file_size), FF_OK);
    assert_int_equal(ff_model_serialize(m, &saved, &saved_size), FF_OK);
    assert_int_equal(saved_size, file_size);
    assert_memory_equal(saved, file, file_size);
    ff_key k = ff_key_of(file, file_size);
    assert_true(ff_key_equal(&k, ff_model_sha256(m)));
    free(file);
    free(saved);
    ff_model_unref(m);
    seen++;
}

static void walk(const char *folder, int depth)
{
    DIR *d = opendir(folder);
    struct dirent *e;

    while (d != NULL && (e = readdir(d)) != NULL) {
        if (e->d_name[0] == '.')
            continue;
        char *path = ff_path_join(folder, e->d_name);
        size_t n = strlen(e->d_name);
        if (n > 5 && strcmp(e->d_name + n - 5, ".onnx") == 0)
            round_trip(path);
        else if (depth > 0)
            walk(path, depth - 1);
        free(path);
    }
    if (d != NULL)
        closedir(d);
}

static void test_real_models(void **state)
{
    char *folder = test_data("cases");

    if (folder == NULL)
        skip();
    seen = 0;
    walk(folder, 1);
    free(folder);
    assert_true(seen >= 12);
}

static void test_official_models(void **state)
{
    char *folder = test_onnx_data("");

    if (folder == NULL)
        skip();
    seen = 0;
    walk(folder, 3);
    free(folder);
    assert_true(seen > 900);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_models),
        cmocka_unit_test(test_official_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
