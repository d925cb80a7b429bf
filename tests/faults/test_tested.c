/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Execution decides: what is written otherwise and computes the same is no fault, whether a rule knows it or not; what
 * differs is one, whether a detector knows it or not; what only inputs off the data show is latent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "conversion.h"
#include "text_model.h"

static ff_dataset *set;

#define HEAD        "opset 13; input x 1,3,16,16; float w 8,3,3,3 random; float v 10,8 random; float u 8,8,1,1 random; "
#define TAIL        " g = GlobalAveragePool(e); f = Flatten(g); y = Gemm(f,v) transB=1; output y"
#define NET(middle) HEAD "c = Conv(x,w) pads=[1,1,1,1]; " middle TAIL

static const struct {
    const char *name, *source, *target;
    const char *rule; /* that an equivalence must have; NULL: any */
    int most, fewest; /* findings */
} rows[] = {
    {"the same", NET("e = Relu(c);"), NET("e = Relu(c);"), NULL, 0, 0},
    {"sigmoid written out", NET("e = Sigmoid(c);"),
     HEAD "float one - 1; c = Conv(x,w) pads=[1,1,1,1]; n = Neg(c); p = Exp(n); q = Add(p,one); e = Div(one,q);" TAIL,
     "tested", 0, 0},
    {"smallest as the largest of the negative", NET("s = Conv(c,u); e = Min(s,c);"),
     NET("s = Conv(c,u); a = Neg(s); b = Neg(c); m = Max(a,b); e = Neg(m);"), "tested", 0, 0},
    {"a node computed twice", NET("r = Relu(c); s = Conv(r,u); e = Add(s,r);"),
     NET("r = Relu(c); q = Relu(c); s = Conv(q,u); e = Add(s,r);"), NULL, 0, 0},
    {"an activation before the pooling", NET("r = Relu(c); e = MaxPool(r) kernel_shape=[2,2];"),
     NET("r = MaxPool(c) kernel_shape=[2,2]; e = Relu(r);"), NULL, 0, 0},
    {"a bound that nothing reaches", HEAD "float top - 1e4; c = Conv(x,w) pads=[1,1,1,1]; e = Min(c,top);" TAIL,
     NET("e = Identity(c);"), NULL, 0, 0},
    {"a slope on the negative side lost", NET("e = LeakyRelu(c) alpha=0.3;"), NET("e = LeakyRelu(c) alpha=0.2;"), NULL,
     1, 1},
    {"another function", NET("s = Conv(c,u); e = Tanh(s);"), NET("s = Conv(c,u); e = Sin(s);"), NULL, 2, 1},
};

static int set_up(void **state)
{
    return (set = conversion_pictures(12)) ? 0 : -1;
}

static int tear_down(void **state)
{
    ff_dataset_destroy(set);
    conversion_remove_pictures();
    return 0;
}

static ff_subject *subject_of(const char *source, const char *target)
{
    ff_model *a, *b;
    ff_pre pre;
    ff_subject *s = NULL;
    if (text_model(source, 3, &a) != FF_OK || text_model(target, 3, &b) != FF_OK ||
        ff_pre_parse("tf size=16x16", &pre) != FF_OK ||
        ff_subject_create(a, &pre, b, &pre, set, NULL, NULL, &s) != FF_OK)
        fail_msg("%s", ff_error());
    ff_model_unref(a);
    ff_model_unref(b);
    return s;
}

static bool has_rule(const ff_sames *sames, const char *rule)
{
    for (int i = 0; i < sames->count; i++)
        if (strcmp(sames->at[i].rule, rule) == 0)
            return true;
    return false;
}

static void each_pair(void **state)
{
    int bad = 0;
    for (size_t i = 0; i < FF_COUNT(rows); i++) {
        ff_subject *s = subject_of(rows[i].source, rows[i].target);
        ff_findings *f;
        ff_sames *sames;
        if (ff_localize(s, NULL, &f, &sames) != FF_OK)
            fail_msg("%s", ff_error());
        bool good =
            f->count <= rows[i].most && f->count >= rows[i].fewest && (!rows[i].rule || has_rule(sames, rows[i].rule));
        for (int k = 0; k < f->count && !good; k++)
            print_message("-> %s: %s: %s\n", rows[i].name, f->at[k].cause->name, f->at[k].summary);
        for (int k = 0; k < sames->count && !good; k++)
            print_message("-> %s: = %s: %s\n", rows[i].name, sames->at[k].rule, sames->at[k].meaning);
        if (!good)
            print_message("-> %s\n", rows[i].name);
        bad += !good;
        ff_findings_destroy(f);
        ff_sames_destroy(sames);
        ff_subject_destroy(s);
    }
    assert_int_equal(bad, 0);
}

/* The unit of the evidence: nothing of a model against itself is more than rounding, and a moved weight is. */
static void rounding_is_measured(void **state)
{
    ff_subject *s = subject_of(NET("e = Relu(c);"), NET("e = Relu(c);"));
    ff_lockstep *l;
    assert_int_equal(ff_lockstep_run(s, FF_LOCKSTEP_ALL, NULL, &l), FF_OK);
    int compared = 0;
    for (int i = 0; i < l->n; i++) {
        compared += l->at[i].values > 0;
        assert_true(l->at[i].ratio <= 1);
        assert_true(l->at[i].probed <= 1);
    }
    assert_true(compared >= 3);
    assert_true(l->complete);
    assert_int_equal(l->differ, 0);
    ff_lockstep_destroy(l);
    ff_subject_destroy(s);
    s = subject_of(NET("e = Relu(c);"),
                   HEAD "float m - 1.00001; d = Mul(x,m); c = Conv(d,w) pads=[1,1,1,1]; e = Relu(c);" TAIL);
    assert_int_equal(ff_lockstep_run(s, FF_LOCKSTEP_ALL, NULL, &l), FF_OK);
    assert_true(l->differ >= 1);
    assert_true(l->complete);
    ff_lockstep_destroy(l);
    ff_subject_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_pair), cmocka_unit_test(rounding_is_measured)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
