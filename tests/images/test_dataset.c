/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Folders, lists, class names, feeds from several threads, and labels. */
#include "fetafix/labels.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[64];

static char *in_folder(const char *name)
{
    return ff_path_join(folder, name);
}

static void put_text(const char *name, const char *text)
{
    char *path = in_folder(name);
    assert_int_equal(ff_write_file(path, text, strlen(text), true), FF_OK);
    free(path);
}

static void put_picture(const char *name, uint8_t value)
{
    uint8_t rgb[6 * 5 * 3];
    char *path = in_folder(name);
    memset(rgb, value, sizeof rgb);
    assert_int_equal(ff_image_save_png(&(ff_image){6, 5, rgb}, path, true), FF_OK);
    free(path);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/fetafix-dataset-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    put_picture("b.png", 2);
    put_picture("a.PNG", 1);
    put_picture("Z.jpeg", 26); /* by content, not by name */
    put_picture("c,\"d\".png", 3);
    put_text("notes.txt", "no picture");
    char *path = in_folder("folder.png");
    mkdir(path, 0777);
    free(path);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char *command = ff_asprintf("rm -r '%s'", folder);
    int code = system(command);
    free(command);
    return code;
}

static int open_set(const char *name, int limit, ff_dataset **out)
{
    char *path = in_folder(name);
    int code = ff_dataset_open(path, limit, out);
    free(path);
    return code;
}

static void folders(void **state)
{
    ff_dataset *d = NULL;
    (void)state;
    assert_int_equal(open_set("", 0, &d), FF_OK);
    assert_int_equal(ff_dataset_count(d), 4);
    assert_string_equal(ff_dataset_name(d, 0), "Z.jpeg");
    assert_string_equal(ff_dataset_name(d, 1), "a.PNG");
    assert_string_equal(ff_dataset_name(d, 3), "c,\"d\".png");
    ff_key all = *ff_dataset_key(d);
    ff_dataset_destroy(d);
    assert_int_equal(open_set("", 2, &d), FF_OK);
    assert_int_equal(ff_dataset_count(d), 2);
    assert_false(ff_key_equal(&all, ff_dataset_key(d)));
    ff_dataset_destroy(d);
    d = NULL;
    assert_int_equal(open_set("folder.png", 0, &d), FF_ERR_INPUT);
    assert_non_null(strstr(ff_error(), "no JPEG or PNG"));
    assert_int_equal(open_set("missing", 0, &d), FF_ERR_INPUT);
    assert_null(d);
    assert_int_equal(open_set("b.png", 0, &d), FF_OK);
    assert_int_equal(ff_dataset_count(d), 1);
    ff_dataset_destroy(d);
}

static void lists(void **state)
{
    ff_dataset *d = NULL;
    (void)state;
    put_text("list.txt", "# a comment\n\n  b.png \r\na.PNG\r\n./Z.jpeg");
    assert_int_equal(open_set("list.txt", 0, &d), FF_OK);
    assert_int_equal(ff_dataset_count(d), 3);
    assert_string_equal(ff_dataset_name(d, 0), "b.png");
    assert_string_equal(ff_dataset_name(d, 2), "Z.jpeg");
    ff_dataset_destroy(d);
    assert_int_equal(open_set("list.txt", 1, &d), FF_OK);
    assert_int_equal(ff_dataset_count(d), 1);
    ff_dataset_destroy(d);
    d = NULL;
    put_text("list.txt", "b.png\ngone.png\n");
    assert_int_equal(open_set("list.txt", 0, &d), FF_ERR_INPUT);
    assert_non_null(strstr(ff_error(), "gone.png"));
    put_text("list.txt", "# nothing\n");
    assert_int_equal(open_set("list.txt", 0, &d), FF_ERR_INPUT);
    put_text("list.txt", "\x1b[2J.png\n");
    assert_int_equal(open_set("list.txt", 0, &d), FF_ERR_INPUT);
    assert_null(strchr(ff_error(), '\x1b'));
    put_text("list.txt", "folder.png\n");
    assert_int_equal(open_set("list.txt", 0, &d), FF_ERR_INPUT);
    assert_null(d);
}

static void class_names(void **state)
{
    ff_names *n = NULL;
    char *path = in_folder("names.txt");
    (void)state;
    put_text("names.txt", "background\r\n\ntench, \x1b[1mTinca\nlast");
    assert_int_equal(ff_names_load(path, &n), FF_OK);
    assert_string_equal(ff_names_at(n, 0), "background");
    assert_string_equal(ff_names_at(n, 1), "");
    assert_string_equal(ff_names_at(n, 2), "tench, \\x1b[1mTinca");
    assert_string_equal(ff_names_at(n, 3), "last");
    assert_null(ff_names_at(n, 4));
    assert_null(ff_names_at(n, -1));
    assert_null(ff_names_at(NULL, 0));
    ff_names_destroy(n);
    put_text("names.txt", "");
    assert_int_equal(ff_names_load(path, &n), FF_ERR_INPUT);
    free(path);
}

static int fetch(void *context, int64_t i, int worker)
{
    ff_tensor *t;
    int n = ff_dataset_count(ff_feed_dataset(context));
    int code = ff_feed_get(context, (int)(i % n), &t);
    (void)worker;
    if (code != FF_OK)
        return code;
    static const float expected[] = {26, 1, 2, 3};
    code = ((float *)t->data)[7] == expected[i % n] ? FF_OK : FF_ERR_INTERNAL;
    ff_tensor_unref(t);
    return code;
}

static void feeds_from_threads(void **state)
{
    ff_dataset *d;
    ff_feed *f, *g;
    ff_pre p;
    ff_shape s = {FF_FLOAT, 4, {1, 4, 4, 3}};
    ff_pool *pool = ff_pool_create(4, NULL);
    (void)state;
    assert_int_equal(open_set("", 0, &d), FF_OK);
    assert_int_equal(ff_pre_parse("raw", &p), FF_OK);
    /* Budgets for none, two and all of the tensors. */
    for (uint64_t budget = 0; budget <= 4 * 192; budget += 2 * 192) {
        assert_int_equal(ff_feed_create(d, &p, &s, budget, &f), FF_OK);
        assert_int_equal(ff_pool_for(pool, 200, fetch, f, NULL), FF_OK);
        ff_feed_destroy(f);
    }
    assert_int_equal(ff_feed_create(d, &p, &s, 0, &f), FF_OK);
    assert_int_equal(ff_pre_parse("tf", &p), FF_OK);
    assert_int_equal(ff_feed_create(d, &p, &s, 0, &g), FF_OK);
    assert_false(ff_key_equal(ff_feed_key(f), ff_feed_key(g)));
    ff_feed_destroy(f);
    ff_feed_destroy(g);
    s.dims[3] = 4;
    assert_int_equal(ff_feed_create(d, &p, &s, 0, &g), FF_ERR_GRAPH);
    ff_dataset_destroy(d);

    put_text("bad.png", "\x89PNG\r\n\x1a\n but no more");
    put_text("list.txt", "b.png\nbad.png");
    s.dims[3] = 3;
    assert_int_equal(open_set("list.txt", 0, &d), FF_OK);
    assert_int_equal(ff_feed_create(d, &p, &s, 0, &f), FF_OK);
    ff_tensor *t = NULL;
    assert_int_equal(ff_feed_get(f, 1, &t), FF_ERR_INPUT);
    assert_non_null(strstr(ff_error(), "bad.png"));
    assert_null(t);
    ff_feed_destroy(f);
    ff_dataset_destroy(d);
    ff_pool_destroy(pool);
}

/* ----------------------------------------------------------------------------------- labels */

static ff_label label_of(const float *v, int64_t n)
{
    ff_tensor *t;
    ff_label l = {{0}, 0, NULL};
    assert_int_equal(ff_tensor_create(FF_FLOAT, 1, &n, &t), FF_OK);
    if (v && n > 0)
        memcpy(t->data, v, (size_t)n * sizeof *v);
    ff_label_of(t, &l);
    ff_tensor_unref(t);
    return l;
}

static void top_and_margin(void **state)
{
    (void)state;
    ff_label l = label_of((float[]){1, 7, 3, 7, -2, 6.5f, 0}, 7);
    assert_memory_equal(l.top, ((int[]){1, 3, 5, 2, 0}), sizeof l.top);
    assert_true(l.margin == 0);
    l = label_of((float[]){NAN, 2, NAN, -INFINITY}, 4);
    assert_memory_equal(l.top, ((int[]){1, 3, 0, 2, -1}), sizeof l.top);
    assert_true(l.margin == FLT_MAX);
    l = label_of((float[]){NAN, NAN}, 2);
    assert_memory_equal(l.top, ((int[]){0, 1, -1, -1, -1}), sizeof l.top);
    assert_true(l.margin == 0);
    l = label_of((float[]){0, NAN}, 2);
    assert_true(l.top[0] == 0 && l.margin == FLT_MAX);
    l = label_of((float[]){INFINITY, INFINITY}, 2);
    assert_true(l.top[0] == 0 && l.margin == 0);
    l = label_of((float[]){5}, 1);
    assert_true(l.top[0] == 0 && l.top[1] == -1 && l.margin == 0);
    l = label_of(NULL, 0);
    assert_true(l.top[0] == -1);
    l = label_of((float[]){6, 5, 4, 3, 2, 1, 0.5f, 9}, 8);
    assert_memory_equal(l.top, ((int[]){7, 0, 1, 2, 3}), sizeof l.top);
    assert_true(l.margin == 3);
}

static void ranks_agree_with_sorting(void **state)
{
    ff_rng r = {3};
    (void)state;
    for (int trial = 0; trial < 500; trial++) {
        float v[40];
        int n = 1 + (int)ff_rng_below(&r, 40);
        for (int i = 0; i < n; i++)
            v[i] = (float)ff_rng_below(&r, 12);
        ff_label l = label_of(v, n);
        for (int k = 0; k < FF_TOP && k < n; k++) {
            int ahead = 0; /* how many come before the one at place k */
            for (int i = 0; i < n; i++)
                ahead += v[i] > v[l.top[k]] || (v[i] == v[l.top[k]] && i < l.top[k]);
            assert_int_equal(ahead, k);
        }
    }
}

static ff_labels *labels(int n, const int *top, int64_t width)
{
    ff_labels *l = ff_labels_create(n);
    for (int i = 0; i < n; i++)
        l->at[i].top[0] = top[i];
    l->width = width;
    return l;
}

static void wrong_and_offset(void **state)
{
    ff_labels *s = labels(5, (int[]){1, 2, 3, 4, FF_LABEL_UNKNOWN}, 1001);
    ff_labels *t = labels(5, (int[]){0, 1, 3, -1, 9}, 1000);
    (void)state;
    assert_int_equal(ff_labels_wrong(s, t, 0), 3);
    assert_int_equal(ff_labels_wrong(s, t, 1), 2);
    assert_int_equal(ff_labels_offset(s, t), 1);
    assert_int_equal(ff_labels_offset(t, s), -1);
    t->width = 1001;
    assert_int_equal(ff_labels_offset(s, t), 0);
    for (int i = 0; i < 5; i++)
        t->at[i].top[0] = s->at[i].top[0] = -1;
    assert_int_equal(ff_labels_wrong(s, t, 0), 5); /* two failures are no agreement */
    assert_int_equal(ff_labels_wrong(s, t, -1), 5);
    ff_labels_destroy(s);
    ff_labels_destroy(t);
}

static void samples(void **state)
{
    int ids[50], a[50], b[50], seen[50] = {0};
    (void)state;
    for (int i = 0; i < 50; i++)
        ids[i] = 3 * i;
    for (uint64_t seed = 0; seed < 200; seed++) {
        assert_int_equal(ff_sample(seed, ids, 50, 10, a), 10);
        assert_int_equal(ff_sample(seed, ids, 50, 10, b), 10);
        assert_memory_equal(a, b, 10 * sizeof *a);
        for (int i = 0; i < 10; i++) {
            assert_true(a[i] % 3 == 0 && (i == 0 || a[i] > a[i - 1]));
            seen[a[i] / 3]++;
        }
    }
    for (int i = 0; i < 50; i++)
        assert_true(seen[i] > 15 && seen[i] < 70); /* 40 on average */
    assert_int_equal(ff_sample(1, ids, 50, 80, a), 50);
    assert_memory_equal(a, ids, sizeof ids);
    assert_int_equal(ff_sample(1, ids, 0, 80, a), 0);
}

static void csv(void **state)
{
    ff_dataset *d;
    ff_labels *s, *t;
    char *text, *path = in_folder("labels.csv");
    size_t size;
    (void)state;
    put_text("list.txt", "b.png\nc,\"d\".png\n");
    assert_int_equal(open_set("list.txt", 0, &d), FF_OK);
    s = ff_labels_create(2);
    t = ff_labels_create(2);
    s->at[0] = (ff_label){{5, 4, 3, 2, 1}, 0.25f, NULL};
    s->at[1] = (ff_label){{1, 0, -1, -1, -1}, 1e-7f, NULL};
    t->at[1] = (ff_label){{-1, -1, -1, -1, -1}, 0, NULL};
    assert_int_equal(ff_labels_write_csv(d, s, t, path, false), FF_OK);
    assert_int_equal(ff_labels_write_csv(d, s, t, path, false), FF_ERR_USAGE);
    assert_int_equal(ff_read_file(path, 1 << 20, &text, &size), FF_OK);
    assert_string_equal(text, "image,source1,source2,source3,source4,source5,source_margin,"
                              "target1,target2,target3,target4,target5,target_margin\n"
                              "b.png,5,4,3,2,1,0.25,,,,,,\n"
                              "\"c,\"\"d\"\".png\",1,0,,,,1.00000001e-07,,,,,,\n");
    free(text);
    free(path);
    ff_labels_destroy(s);
    ff_labels_destroy(t);
    ff_dataset_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders),
        cmocka_unit_test(lists),
        cmocka_unit_test(class_names),
        cmocka_unit_test(feeds_from_threads),
        cmocka_unit_test(top_and_margin),
        cmocka_unit_test(ranks_agree_with_sorting),
        cmocka_unit_test(wrong_and_offset),
        cmocka_unit_test(samples),
        cmocka_unit_test(csv),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
