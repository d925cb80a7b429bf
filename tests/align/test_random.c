/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random networks, written twice in different styles, without and with a fault: every layer finds
 * its counterpart, and what differs is the fault. Pins and forbidden pairs are kept. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evaluate.h"
#include "fetafix/align.h"
#include "random_net.h"
#include "text_model.h"

typedef struct pair_of_nets {
    ff_model *source, *target;
    ff_canon *s, *t;
    ff_alignment *a;
} pair_of_nets;

static bool make(uint64_t structure, uint64_t style, net_fault *fault, const ff_pin *pins, int n, pair_of_nets *p)
{
    *p = (pair_of_nets){0};
    if (random_net(structure, 0, NULL, &p->source) || random_net(structure, style, fault, &p->target))
        return false;
    p->s = canon_of_model(p->source);
    p->t = canon_of_model(p->target);
    return p->s && p->t && ff_align(p->s, p->t, pins, n, &p->a) == FF_OK;
}

static void drop(pair_of_nets *p)
{
    ff_alignment_destroy(p->a);
    ff_canon_destroy(p->s);
    ff_canon_destroy(p->t);
    ff_model_unref(p->source);
    ff_model_unref(p->target);
}

static double distance(const ff_cnode *a, const ff_cnode *b)
{
    double difference = 0, norm = 0;
    for (int i = 0; i < a->n_params && i < b->n_params; i++) {
        const ff_tensor *x = a->params[i].tensor, *y = b->params[i].tensor;
        for (int64_t k = 0; x->count == y->count && k < x->count; k++) {
            double d = ff_tensor_get_real(x, k) - ff_tensor_get_real(y, k);
            difference += d * d;
            norm += ff_tensor_get_real(x, k) * ff_tensor_get_real(x, k);
        }
        if (x->count != y->count)
            return INFINITY;
    }
    return a->n_params != b->n_params ? INFINITY : norm > 0 ? sqrt(difference / norm) : 0;
}

/* What differs between the two, in words, a line each. The caller frees. */
static char *differences(const pair_of_nets *p)
{
    ff_buf b = {0};
    ff_buf_puts(&b, "");
    for (int i = 0; i < p->a->n_pairs; i++) {
        const ff_pair *pair = &p->a->pairs[i];
        const ff_cnode *x = pair->source >= 0 ? &p->s->nodes[pair->source] : NULL;
        const ff_cnode *y = pair->target >= 0 ? &p->t->nodes[pair->target] : NULL;
        char *dx = x ? ff_cnode_describe(p->s, x) : ff_strdup("-"),
             *dy = y ? ff_cnode_describe(p->t, y) : ff_strdup("-");
        if (strcmp(dx, dy) != 0)
            ff_buf_printf(&b, "%s | %s\n", dx, dy);
        else if (distance(x, y) > 1e-5)
            ff_buf_printf(&b, "%s weights %g\n", dx, distance(x, y));
        free(dx);
        free(dy);
    }
    return ff_buf_steal(&b);
}

static void faultless(void **state)
{
    int bad = 0;
    (void)state;
    for (uint64_t structure = 1; structure <= 60; structure++) {
        for (uint64_t style = 1; style <= 2; style++) {
            pair_of_nets p;
            uint64_t seed = structure * 1000 + style;
            if (!make(structure, seed, NULL, NULL, 0, &p)) {
                print_error("structure %d style %d: %s\n", (int)structure, (int)seed, ff_error());
                bad++;
                drop(&p);
                continue;
            }
            char *found = differences(&p);
            if (*found || p.s->n_nodes != p.t->n_nodes) {
                print_error("structure %d style %d:\n%s\n", (int)structure, (int)seed, found);
                bad++;
            }
            for (int i = 0; i < p.s->n_values && !*found; i++)
                if (p.a->value_of_source[i] < 0)
                    bad++;
            free(found);
            drop(&p);
        }
    }
    assert_int_equal(bad, 0);
}

static int lines(const char *s)
{
    int n = 0;
    for (; *s; s++)
        n += *s == '\n';
    return n;
}

static void one_fault(void **state)
{
    static const char *const kinds[] = {"weights", "pads", "clip", "missing-clip"};
    int bad = 0, made = 0;
    (void)state;
    for (uint64_t structure = 1; structure <= 60; structure++) {
        for (size_t k = 0; k < FF_COUNT(kinds); k++) {
            pair_of_nets p;
            net_fault fault = {.kind = kinds[k], .at = (int)(structure % 5)};
            uint64_t seed = structure * 1000 + 7;
            bool ok = make(structure, seed, &fault, NULL, 0, &p);
            if (ok && fault.kind) {
                made++;
                char *found = differences(&p);
                const char *expected = k == 0 ? "weights" : k == 1 ? "Conv" : k == 2 ? "Clip" : "| -\n";
                if (lines(found) != 1 || !strstr(found, expected)) {
                    print_error("structure %d %s at %d (%s):\n%s\n", (int)structure, kinds[k], fault.at, fault.node,
                                found);
                    bad++;
                }
                free(found);
            } else if (!ok) {
                print_error("structure %d %s: %s\n", (int)structure, kinds[k], ff_error());
                bad++;
            }
            drop(&p);
        }
    }
    assert_true(made > 100);
    assert_int_equal(bad, 0);
}

static void pins_are_kept(void **state)
{
    pair_of_nets p;
    (void)state;
    assert_true(make(3, 0, NULL, NULL, 0, &p));
    int convs[2], n = 0;
    for (int i = 0; i < p.s->n_nodes && n < 2; i++)
        if (strcmp(p.s->nodes[i].op, "Conv") == 0)
            convs[n++] = i;
    assert_int_equal(n, 2);
    char *first = ff_strdup(p.s->nodes[convs[0]].primary->label),
         *second = ff_strdup(p.s->nodes[convs[1]].primary->label);
    ff_alignment *a = NULL;
    ff_pin crossed[] = {{first, second, false}, {second, first, false}};
    assert_int_equal(ff_align(p.s, p.t, crossed, 2, &a), FF_OK);
    assert_int_equal(a->pairs[a->of_source[convs[0]]].target, convs[1]);
    assert_int_equal(a->pairs[a->of_source[convs[1]]].target, convs[0]);
    assert_true(a->pairs[a->of_source[convs[0]]].pinned);
    assert_string_equal(a->pairs[a->of_source[convs[0]]].reason, "pinned");
    ff_alignment_destroy(a);

    ff_pin forbidden = {first, first, true};
    assert_int_equal(ff_align(p.s, p.t, &forbidden, 1, &a), FF_OK);
    assert_int_not_equal(a->pairs[a->of_source[convs[0]]].target, convs[0]);
    ff_alignment_destroy(a);

    ff_pin unknown = {"no such node", first, false};
    a = NULL;
    assert_int_equal(ff_align(p.s, p.t, &unknown, 1, &a), FF_ERR_USAGE);
    assert_null(a);
    assert_non_null(strstr(ff_error(), "no such node"));
    ff_pin twice[] = {{first, first, false}, {second, first, false}};
    assert_int_equal(ff_align(p.s, p.t, twice, 2, &a), FF_ERR_USAGE);
    free(first);
    free(second);
    drop(&p);
}

/* Small networks in which several things differ at once: rows are "Source | Target". */
#define HEAD                                                                                                           \
    "input x 1,3,10,10; float w1 8,3,3,3 random; float w2 8,8,3,3 random; "                                            \
    "float w3 8,8,3,3 random; float f 10,8 random; c1 = Conv(x,w1) pads=[1,1,1,1]; r1 = "                              \
    "Relu(c1); "
#define TAIL   "g = GlobalAveragePool(r3); fl = Flatten(g); o = Gemm(fl,f) transB=1; output o"
#define SECOND "c2 = Conv(r1,w2) pads=[1,1,1,1]; "

static void changed_structure(void **state)
{
    static const struct {
        const char *source, *target, *expected;
    } cases[] = {
        {HEAD SECOND "r2 = Relu(c2); p = MaxPool(r2) kernel_shape=[2,2] strides=[2,2]; "
                     "c3 = Conv(p,w3) pads=[1,1,1,1]; r3 = Relu(c3); " TAIL,
         HEAD SECOND "p = AveragePool(c2) kernel_shape=[2,2] strides=[2,2]; "
                     "c3 = Conv(p,w3) pads=[1,1,1,1]; r3 = Sigmoid(c3); " TAIL,
         "Relu | -\nMaxPool 2x2 s2 | AveragePool 2x2 s2\nRelu | Sigmoid\n"},
        {HEAD SECOND "r2 = Relu(c2); c3 = Conv(r2,w3) pads=[1,1,1,1]; a = Add(c3,r1); "
                     "r3 = Relu(a); " TAIL,
         HEAD SECOND "r2 = Relu(c2); t = Transpose(r2) perm=[0,1,3,2]; "
                     "c3 = Conv(t,w3) pads=[1,1,1,1]; r3 = Relu(c3); " TAIL,
         "- | Transpose [0,1,3,2]\nAdd | -\n"},
        {HEAD SECOND "r2 = Relu(c2); c3 = Conv(r2,w3) pads=[1,1,1,1]; r3 = Relu(c3); " TAIL,
         HEAD "c3 = Conv(r1,w3) pads=[1,1,1,1]; r3 = Relu(c3); " TAIL, "Conv 8 3x3 p1 | -\nRelu | -\n"},
    };
    (void)state;
    for (size_t i = 0; i < FF_COUNT(cases); i++) {
        pair_of_nets p = {0};
        assert_int_equal(text_model(cases[i].source, 1, &p.source), FF_OK);
        assert_int_equal(text_model(cases[i].target, 1, &p.target), FF_OK);
        p.s = canon_of_model(p.source);
        p.t = canon_of_model(p.target);
        assert_int_equal(ff_align(p.s, p.t, NULL, 0, &p.a), FF_OK);
        char *found = differences(&p);
        assert_string_equal(found, cases[i].expected);
        free(found);
        drop(&p);
    }
}

/* Weights that have nothing in common any more: order and neighbours decide alone. */
static void unrelated_weights(void **state)
{
    (void)state;
    for (uint64_t structure = 1; structure <= 20; structure++) {
        pair_of_nets p = {0};
        ff_rng rng = {structure};
        ff_patch *patch = ff_patch_create();
        assert_int_equal(random_net(structure, 0, NULL, &p.source), FF_OK);
        const ff_graph *g = ff_model_graph(p.source);
        for (int i = 0; i < g->n_initializers; i++) {
            const ff_tensor *old = g->initializers[i]->initializer;
            ff_tensor *t = NULL;
            if (old->dtype != FF_FLOAT || old->count < 2)
                continue;
            assert_int_equal(ff_tensor_create(FF_FLOAT, old->rank, old->dims, &t), FF_OK);
            for (int64_t k = 0; k < t->count; k++)
                ff_tensor_set_real(t, k, ff_rng_normal(&rng));
            ff_patch_set_initializer(patch, g->initializers[i]->name, t);
            ff_tensor_unref(t);
        }
        assert_int_equal(ff_model_apply(p.source, patch, &p.target, NULL), FF_OK);
        ff_patch_destroy(patch);
        p.s = canon_of_model(p.source);
        p.t = canon_of_model(p.target);
        assert_int_equal(ff_align(p.s, p.t, NULL, 0, &p.a), FF_OK);
        for (int i = 0; i < p.s->n_nodes; i++)
            assert_int_equal(p.a->pairs[p.a->of_source[i]].target, i);
        drop(&p);
    }
}

/* A chain of `layers` small dense layers and as many activations; without the one at `gone`. */
static ff_model *long_chain(int layers, int gone)
{
    ff_buf b = {0};
    ff_model *m = NULL;
    ff_buf_puts(&b, "input x 1,4; a0 = Abs(x); ");
    for (int i = 0; i < layers; i++)
        ff_buf_printf(&b, "float w%d 4,4 random; ", i);
    for (int i = 0; i < layers; i++) {
        if (i == gone)
            ff_buf_printf(&b, "a%d = Abs(a%d); ", i + 1, i);
        else
            ff_buf_printf(&b, "g%d = Gemm(a%d,w%d); a%d = Tanh(g%d); ", i, i, i, i + 1, i);
    }
    ff_buf_printf(&b, "y = Abs(a%d); output y", layers);
    if (text_model(b.data, 5, &m))
        fail_msg("%s", ff_error());
    ff_buf_finish(&b);
    return m;
}

static void thousands_of_layers(void **state)
{
    enum { LAYERS = 3000, GONE = 1234 };
    pair_of_nets p = {.source = long_chain(LAYERS, -1), .target = long_chain(LAYERS, GONE)};
    int paired = 0, wrong = 0;
    (void)state;
    p.s = canon_of_model(p.source);
    p.t = canon_of_model(p.target);
    assert_non_null(p.s);
    assert_non_null(p.t);
    assert_true(p.s->n_nodes > 2 * LAYERS);
    assert_int_equal(ff_align(p.s, p.t, NULL, 0, &p.a), FF_OK);
    for (int i = 0; i < p.a->n_pairs; i++) {
        const ff_pair *q = &p.a->pairs[i];
        if (q->source < 0 || q->target < 0)
            continue;
        paired++;
        wrong += strcmp(p.s->nodes[q->source].primary->outputs[0]->name,
                        p.t->nodes[q->target].primary->outputs[0]->name) != 0;
    }
    assert_int_equal(wrong, 0);
    assert_true(paired >= 2 * LAYERS);
    drop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faultless),         cmocka_unit_test(one_fault),     cmocka_unit_test(changed_structure),
        cmocka_unit_test(unrelated_weights), cmocka_unit_test(pins_are_kept), cmocka_unit_test(thousands_of_layers),
    };
    return cmocka_run_group_tests_name("alignment of random networks", tests, NULL, NULL);
}
