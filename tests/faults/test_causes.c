/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One pair of models a cause that needs a network of its own (those of one network: test_seeded.c): the cause is found,
 * nothing else is, and the search repairs it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "conversion.h"
#include "loop.h"
#include "text_model.h"

static ff_dataset *set;

#define REDUCED(opset, mean)                                                                                           \
    "opset " opset "; input x 1,3,16,16; float w 8,3,3,3 random; float v 10,8 random; int a 2 2,3; int b 2 1,2; "      \
    "c = Conv(x,w) pads=[1,1,1,1]; r = Relu(c); " mean "; f = Flatten(m); y = Gemm(f,v) transB=1; output y"
#define SQUEEZED                                                                                                       \
    "opset 13; input x 1,3,16,16; float w 16,3,3,3 random; float v 10,16 random; int b 2 1,2; "                        \
    "c = Conv(x,w) pads=[1,1,1,1]; r = Relu(c); m = ReduceMean(r) axes=[1,2] keepdims=1; f = Squeeze(m,b); "           \
    "y = Gemm(f,v) transB=1; output y"
#define GLOBAL                                                                                                         \
    "opset 13; input x 1,3,16,16; float w 16,3,3,3 random; float v 10,16 random; "                                     \
    "c = Conv(x,w) pads=[1,1,1,1]; r = Relu(c); m = GlobalAveragePool(r); f = Flatten(m); "                            \
    "y = Gemm(f,v) transB=1; output y"
/* Places that are mended by execution where no rule knows them. */
#define TRAINED(attribute)                                                                                             \
    "opset 15; input x 1,3,16,16; float w 8,3,3,3 random; float q 10,8 random; float g 8 1,2,1,2,1,2,1,2; "            \
    "float h 8 random; float m 8 0,0.1,0,0.2,0,0.3,0,1; float s 8 1,2,1,3,1,2,1,4; c = Conv(x,w) pads=[1,1,1,1]; "     \
    "b = BatchNormalization(c,g,h,m,s)" attribute "; r = Relu(b); p = GlobalAveragePool(r); f = Flatten(p); "          \
    "y = Gemm(f,q) transB=1; output y"
#define EXCHANGED(operands)                                                                                            \
    "opset 13; input x 1,3,16,16; float w 8,3,3,3 random; float k 8,3,3,3 random; float q 10,8 random; "               \
    "c = Conv(x,w); e = Conv(x,k); d = Sub(" operands "); t = Tanh(d); p = GlobalAveragePool(t); f = Flatten(p); "     \
    "y = Gemm(f,q) transB=1; output y"

static const struct {
    const char *name, *source, *target, *cause;
} rows[] = {
    {"reduced axes, attribute", REDUCED("13", "m = ReduceMean(r) axes=[2,3]"),
     REDUCED("13", "m = ReduceMean(r) axes=[1,2]"), "axis-differs"},
    {"reduced axes, input", REDUCED("18", "m = ReduceMax(r,a)"), REDUCED("18", "m = ReduceMax(r,b)"), "axis-differs"},
    {"reduced axes, squeezed", GLOBAL, SQUEEZED, "axis-differs"},
    {"training mode", TRAINED(""), TRAINED(" training_mode=1"), "attribute-differs"},
    {"operands exchanged", EXCHANGED("c,e"), EXCHANGED("e,c"), "wired-otherwise"},
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

static bool check(size_t row)
{
    ff_subject *s = subject_of(rows[row].source, rows[row].target);
    ff_findings *f = NULL;
    ff_task task = {0};
    if (ff_localize(s, &task, &f, NULL) != FF_OK)
        fail_msg("%s", ff_error());
    bool good = f->count == 1 && strcmp(f->at[0].cause->name, rows[row].cause) == 0;
    for (int i = 0; i < f->count; i++)
        print_message("%s %s: %s: %s\n", good ? "  " : "->", rows[row].name, f->at[i].cause->name, f->at[i].summary);
    ff_findings_destroy(f);
    loop_result r;
    loop_run(s, NULL, &task, &r);
    if (r.left > 0 || r.end->wrong > 0 || !(r.end->distance < 1e-4)) {
        print_message("-> %s: %d left, %d wrong, distance %g\n", rows[row].name, r.left, r.end->wrong, r.end->distance);
        good = false;
    }
    loop_finish(&r);
    ff_subject_destroy(s);
    return good;
}

static void each_cause(void **state)
{
    int bad = 0;
    for (size_t i = 0; i < FF_COUNT(rows); i++)
        bad += !check(i);
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_cause)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
