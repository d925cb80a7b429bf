/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random networks in random styles: every view computes what its model computes, and all styles of
 * one network have one view. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evaluate.h"
#include "random_net.h"

static ff_canon *view(uint64_t structure, uint64_t style, ff_model **m)
{
    if (random_net(structure, style, NULL, m)) {
        print_error("structure %llu style %llu: %s\n", (unsigned long long)structure, (unsigned long long)style,
                    ff_error());
        return NULL;
    }
    ff_canon *c = canon_of_model(*m);
    if (!c)
        print_error("structure %llu style %llu: %s\n", (unsigned long long)structure, (unsigned long long)style,
                    ff_error());
    return c;
}

static int check(uint64_t structure, uint64_t style)
{
    ff_model *m = NULL;
    ff_canon *c = view(structure, style, &m);
    int compared = 0, bad = 1;
    if (c) {
        double error = canon_error(m, c, structure + style, &compared);
        bad = !(error < 5e-5) || compared < c->n_values / 2;
        if (bad) {
            char *text = canon_text(c);
            print_error("structure %llu style %llu: error %g, %d of %d values %s\n%s\n", (unsigned long long)structure,
                        (unsigned long long)style, error, compared, c->n_values, error == error ? "" : ff_error(),
                        text);
            free(text);
        }
    }
    ff_canon_destroy(c);
    ff_model_unref(m);
    return bad;
}

static void views_compute_the_same(void **state)
{
    int bad = 0;
    (void)state;
    for (uint64_t structure = 1; structure <= 20; structure++)
        for (uint64_t style = 0; style < 4; style++)
            bad += check(structure, style ? structure * 10 + style : 0);
    assert_int_equal(bad, 0);
}

/* One way to write every node, as often as it occurs: the same set for two views that are equal up
 * to the order of branches. */
static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *sorted_nodes(const ff_canon *c)
{
    char **lines = ff_alloc_array((size_t)c->n_nodes + 1, sizeof *lines);
    ff_buf b = {0};
    for (int i = 0; i < c->n_nodes; i++)
        lines[i] = ff_cnode_describe(c, &c->nodes[i]);
    qsort(lines, (size_t)c->n_nodes, sizeof *lines, by_text);
    for (int i = 0; i < c->n_nodes; i++) {
        ff_buf_printf(&b, "%s\n", lines[i]);
        free(lines[i]);
    }
    free(lines);
    return ff_buf_steal(&b);
}

static void styles_have_one_view(void **state)
{
    int bad = 0;
    (void)state;
    for (uint64_t structure = 1; structure <= 40; structure++) {
        ff_model *m = NULL, *other = NULL;
        ff_canon *plain = view(structure, 0, &m);
        assert_non_null(plain);
        char *expected = sorted_nodes(plain);
        for (uint64_t style = 1; style <= 4; style++) {
            ff_canon *c = view(structure, structure * 100 + style, &other);
            char *got = c ? sorted_nodes(c) : ff_strdup("");
            if (strcmp(expected, got) != 0) {
                print_error("structure %llu, style 0:\n%sstyle %llu:\n%s\n", (unsigned long long)structure, expected,
                            (unsigned long long)(structure * 100 + style), got);
                bad++;
            }
            free(got);
            ff_canon_destroy(c);
            ff_model_unref(other);
            other = NULL;
        }
        free(expected);
        ff_canon_destroy(plain);
        ff_model_unref(m);
    }
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(styles_have_one_view),
        cmocka_unit_test(views_compute_the_same),
    };
    return cmocka_run_group_tests_name("canonical views of random networks", tests, NULL, NULL);
}
