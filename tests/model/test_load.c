/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Real models: the graph that is read, and that saving gives back the bytes. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

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

enum { LARGE_PARTS = 16 };

/* Writes a model with LARGE_PARTS initializers of `bytes` together, added up. */
static void write_large(const char *path, int64_t bytes)
{
    const char *input = "x";
    ff_shape shape = {.dtype = FF_FLOAT, .rank = 1, .dims = {bytes / 4 / LARGE_PARTS}};
    ff_patch *p = ff_patch_create();
    ff_model *m, *r;

    assert_int_equal(ff_model_create("test", 7, 13, "g", 1, &input, &shape, &m), FF_OK);
    for (int k = 0; k < LARGE_PARTS; k++) {
        char names[3][16];
        const char *read[] = {names[0], names[1]}, *outputs[] = {names[2]};
        ff_node_spec add = {
            .name = "", .op = "Add", .domain = "", .n_inputs = 2, .n_outputs = 1, .inputs = read, .outputs = outputs};
        ff_tensor *t;
        snprintf(names[0], sizeof names[0], k ? "y%d" : "x", k - 1);
        snprintf(names[1], sizeof names[1], "w%d", k);
        snprintf(names[2], sizeof names[2], "y%d", k);
        assert_int_equal(ff_tensor_create(FF_FLOAT, 1, shape.dims, &t), FF_OK);
        for (int64_t i = 0; i < t->count; i++)
            ((float *)t->data)[i] = (float)(i + k);
        ff_patch_set_initializer(p, names[1], t);
        ff_patch_insert_node(p, &add, NULL);
        ff_tensor_unref(t);
    }
    ff_patch_add_output(p, "y15", &shape);
    assert_int_equal(ff_model_apply(m, p, &r, NULL), FF_OK);
    assert_int_equal(ff_model_save(r, path, true), FF_OK);
    ff_patch_destroy(p);
    ff_model_unref(m);
    ff_model_unref(r);
}

/* The file and its tensors are not in memory at the same time. */
static void test_peak_memory(void **state)
{
    const int64_t bytes = 64 << 20;
    char path[] = "/tmp/fetafix-load-XXXXXX";
    int fd = mkstemp(path), status;
    ff_model *m;

    assert_true(fd >= 0);
    close(fd);
    for (int part = 0; part < 2; part++) { /* each in a process of its own: peaks stay */
        pid_t child = fork();
        if (child == 0) {
            uint64_t before = ff_memory_peak();
            if (part == 0)
                write_large(path, bytes);
            else if (ff_model_load(path, &m) != FF_OK)
                _exit(1);
            else if (((const float *)ff_model_find_value(m, "w5")->initializer->data)[12345] != 12350)
                _exit(2);
#ifndef __SANITIZE_ADDRESS__
            else if (ff_memory_peak() - before > (uint64_t)bytes / 4 * 5)
                _exit(3);
#endif
            (void)before;
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    round_trip(path);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_models),
        cmocka_unit_test(test_official_models),
        cmocka_unit_test(test_peak_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
